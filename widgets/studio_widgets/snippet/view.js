// Code to read and to copy.

const SAID_MS = 2_000;

function render({ model, el }) {
  el.classList.add("st-snippet");
  const code = document.createElement("pre");
  code.tabIndex = 0; // so that keys can scroll it
  code.setAttribute("role", "region");
  const copy = document.createElement("button");
  copy.type = "button";
  copy.textContent = "Copy";
  const said = document.createElement("span");
  said.setAttribute("role", "status");
  el.append(code, copy, said);

  let timer = 0;
  const draw = () => {
    code.textContent = model.get("code");
    code.setAttribute("aria-label", model.get("label"));
  };
  const onCopy = async () => {
    said.textContent = (await copied(model.get("code"), code)) ? "Copied." : "Select the text and copy it.";
    clearTimeout(timer);
    timer = setTimeout(() => (said.textContent = ""), SAID_MS);
  };
  copy.addEventListener("click", onCopy);
  model.on("change:code change:label", draw);
  draw();
  return () => {
    clearTimeout(timer);
    copy.removeEventListener("click", onCopy);
    model.off("change:code change:label", draw);
  };
}

async function copied(text, element) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // no clipboard without HTTPS, or without leave: the older way needs a selection
    const selection = getSelection();
    selection.selectAllChildren(element);
    const done = document.execCommand("copy");
    if (done) selection.removeAllRanges();
    return done;
  }
}

export default { render };
