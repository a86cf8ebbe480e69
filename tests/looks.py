"""What tests measure of how a page looks."""

CONTRAST = """(selector) => {
    // WCAG contrast of an element's text against the nearest opaque background.
    const channels = (text) => text.match(/[\\d.]+/g).map(Number);
    const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
        .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    const element = document.querySelector(selector);
    let behind = element;
    while (behind && (channels(getComputedStyle(behind).backgroundColor)[3] ?? 1) < 1) behind = behind.parentElement;
    const [a, b] = [getComputedStyle(element).color, getComputedStyle(behind).backgroundColor].map(channels).map(light);
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}"""

DARK = """() => {
    // The variables of JupyterLab's dark theme that panels use, for a page without JupyterLab.
    const colours = {
        'ui-font-color1': '#eee', 'ui-font-color2': '#bbb', 'border-color2': '#444', 'border-color1': '#666',
        'layout-color0': '#111', 'layout-color1': '#1a1a1a', 'layout-color2': '#333',
    };
    document.body.dataset.jpThemeLight = 'false';
    document.body.style.backgroundColor = '#111';
    for (const [name, colour] of Object.entries(colours)) document.body.style.setProperty(`--jp-${name}`, colour);
}"""
