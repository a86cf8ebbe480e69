// A chart that the kernel draws as SVG for the width there is. It is taken apart and built again from what charts are
// made of, so that nothing else can come in with it; its parts say what they are, and choose their row.

const SPACE = "http://www.w3.org/2000/svg";
const TAGS = new Set(["svg", "g", "path", "rect", "text", "tspan", "defs", "clipPath", "use", "title"]);
const NAMES = new Set([
  "viewBox", "class", "id", "d", "x", "y", "dx", "dy", "width", "height", "transform", "clip-path", "fill", "fill-opacity",
  "fill-rule", "opacity", "stroke", "stroke-dasharray", "stroke-dashoffset", "stroke-linecap", "stroke-linejoin",
  "stroke-miterlimit", "stroke-opacity", "stroke-width", "text-anchor", "font-size", "data-mark", "role", "aria-label", "href", "pointer-events",
]);

function render({ model, el }) {
  el.classList.add("sr-chart");
  let told = 0, frame = 0;

  const draw = () => {
    const chart = chartOf(model.get("svg"));
    el.replaceChildren(...(chart ? [chart] : []));
    el.toggleAttribute("data-empty", !chart);
    mark();
  };
  const mark = () => {
    const marks = model.get("marks"), chosen = model.get("chosen");
    for (const part of el.querySelectorAll(".chart-mark")) {
      const row = marks[part.dataset.mark];
      part.classList.toggle("sr-row", row !== undefined);
      part.classList.toggle("sr-other", chosen !== "" && row !== chosen);
    }
  };
  const soon = () => {
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(draw);
  };
  const press = (event) => {
    const part = event.target.closest(".chart-mark");
    if (part) send(model, { kind: "pick", mark: part.dataset.mark });
  };
  const observer = new ResizeObserver(() => {
    const pixels = Math.floor(el.clientWidth);
    if (!pixels || pixels === told) return; // not shown, or as it was
    told = pixels;
    send(model, { kind: "width", pixels });
  });
  observer.observe(el);
  el.addEventListener("click", press);
  model.on("change:svg change:marks", soon);
  model.on("change:chosen", mark);
  draw();
  return () => {
    cancelAnimationFrame(frame);
    observer.disconnect();
    el.removeEventListener("click", press);
    model.off("change:svg change:marks", soon);
    model.off("change:chosen", mark);
  };
}

function chartOf(text) {
  if (!text) return null;
  const read = new DOMParser().parseFromString(text, "image/svg+xml").documentElement;
  return read.namespaceURI === SPACE && read.localName === "svg" ? copyOf(read) : null;
}

function copyOf(element) {
  const copy = document.createElementNS(SPACE, element.localName);
  for (const { name, value } of element.attributes) {
    if (NAMES.has(name) && (name !== "href" || value.startsWith("#"))) copy.setAttribute(name, value);
  }
  for (const child of element.childNodes) {
    if (child.nodeType === Node.TEXT_NODE) copy.append(child.data);
    else if (child.namespaceURI === SPACE && TAGS.has(child.localName)) copy.append(copyOf(child));
  }
  return copy;
}

export default { render };
