// A button that brings a file to the browser's downloads.

function render({ model, el }) {
  const parts = new Parts(model);
  const button = document.createElement("button");
  button.type = "button";
  button.className = "ss-download jupyter-button";
  el.append(button);
  let end = null;

  const draw = () => {
    if (!end) button.textContent = model.get("label");
    button.disabled = !model.get("run");
    button.title = model.get("name");
  };
  const done = (blob, name) => {
    end = null;
    if (blob) save(blob, name);
    draw();
  };
  const press = () => {
    if (end) {
      end();
      end = null;
      return draw();
    }
    button.textContent = "Stop (0 %)";
    end = parts.pull(model.get("run"), model.get("file"), done, (share) => {
      button.textContent = `Stop (${Math.round(100 * share)} %)`;
    });
  };
  const undo = [
    on(button, "click", press),
    onModel(model, "msg:custom", (message, buffers) => message.kind === "part" && parts.take(message, buffers)),
    onModel(model, "change:label change:run change:file change:name", draw),
  ];
  draw();
  return () => {
    undo.forEach((step) => step());
    parts.dispose();
  };
}

export default { render };
