// Keys that act while the focus is inside the nearest box of class "st-shortcuts". Only a key's name is sent.

const TYPED_IN = "textarea, select, [contenteditable='true'], input:not([type='checkbox'], [type='range'], [type='button'])";

function render({ model, el }) {
  let undo = () => {};
  let frame = 0;
  // Views are rendered before they are put into the page.
  const look = () => {
    const scope = el.closest(".st-shortcuts");
    if (scope) undo = listen(scope, model);
    else frame = requestAnimationFrame(look);
  };
  look();
  return () => {
    cancelAnimationFrame(frame);
    undo();
  };
}

function listen(scope, model) {
  const onKey = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (!model.get("taken").includes(event.key)) return;
    if (event.target.closest(TYPED_IN) && !model.get("everywhere").includes(event.key)) return;
    // what has keys of its own comes first
    if (event.target.closest("[data-own-keys], [role='listbox'], [role='slider'], .noUi-handle") && event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    model.send({ kind: "key", key: event.key });
  };
  // A click where nothing can be pressed gives the focus to the box. JupyterLab takes it for the cell before that.
  const onClick = () => {
    if (!scope.contains(document.activeElement)) scope.focus({ preventScroll: true });
  };
  if (!scope.hasAttribute("tabindex")) scope.tabIndex = -1;
  scope.addEventListener("keydown", onKey, true);
  scope.addEventListener("click", onClick);
  return () => {
    scope.removeEventListener("keydown", onKey, true);
    scope.removeEventListener("click", onClick);
  };
}

export default { render };
