// A button that keeps a file which the kernel makes. Only the page that was clicked in gets a file to keep.

function render({ model, el }) {
  el.classList.add("sz-download");
  const button = document.createElement("button");
  button.type = "button";
  button.className = `sz-button jupyter-button ${model.get("primary") ? "st-primary" : ""}`.trim();
  el.append(button);
  let waits = false;

  button.addEventListener("click", () => {
    if (model.get("disabled") || model.get("busy")) return;
    waits = true;
    model.send({ kind: "download" });
  });

  const draw = () => {
    const busy = model.get("busy");
    button.textContent = busy ? "Preparing…" : model.get("label");
    button.title = model.get("hint");
    button.setAttribute("aria-busy", String(busy));
    // Stays reachable by keyboard while it works, so that the focus is not lost.
    button.setAttribute("aria-disabled", String(busy || model.get("disabled")));
  };
  const hear = (content, buffers) => {
    if (content.kind === "failed") waits = false;
    if (content.kind !== "file" || !waits || !buffers.length) return;
    waits = false;
    keep(String(content.name), String(content.type || "application/zip"), buffers[0]);
  };
  model.on("change:label change:busy change:disabled change:hint", draw);
  model.on("msg:custom", hear);
  draw();
  return () => {
    model.off("change:label change:busy change:disabled change:hint", draw);
    model.off("msg:custom", hear);
  };
}

function keep(name, type, data) {
  const address = URL.createObjectURL(new Blob([data], { type }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.hidden = true;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

export default { render };
