// Small pictures side by side, one of them chosen. A click only sends which was wished; the kernel sets the trait.

function render({ model, el }) {
  el.classList.add("st-strip");
  el.setAttribute("role", "radiogroup");
  el.setAttribute("aria-label", "Pictures of this run");
  let urls = [];

  const choose = (place) => model.send({ kind: "choose", place });
  const onKey = (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const place = Math.min(el.children.length - 1, Math.max(0, model.get("chosen") + step));
    choose(place);
    el.children[place].focus();
  };
  const onClick = (event) => {
    const place = [...el.children].indexOf(event.target.closest("button"));
    if (place >= 0) choose(place);
  };
  const draw = () => {
    urls.forEach((url) => URL.revokeObjectURL(url));
    urls = [];
    el.replaceChildren(...model.get("pictures").map(button));
    mark();
  };
  const button = (data, place, all) => {
    const element = document.createElement("button");
    element.type = "button";
    element.setAttribute("role", "radio");
    element.setAttribute("aria-label", `Picture ${place + 1} of ${all.length}`);
    if (data.byteLength) {
      const url = URL.createObjectURL(new Blob([data], { type: "image/webp" }));
      urls.push(url);
      const picture = document.createElement("img");
      picture.src = url;
      picture.alt = "";
      picture.draggable = false;
      element.append(picture);
    } else {
      element.textContent = String(place + 1);
    }
    return element;
  };
  const mark = () => {
    [...el.children].forEach((element, place) => {
      element.setAttribute("aria-checked", String(place === model.get("chosen")));
      element.tabIndex = place === model.get("chosen") ? 0 : -1;
    });
  };

  el.addEventListener("click", onClick);
  el.addEventListener("keydown", onKey);
  model.on("change:pictures", draw);
  model.on("change:chosen", mark);
  draw();
  return () => {
    el.removeEventListener("click", onClick);
    el.removeEventListener("keydown", onKey);
    model.off("change:pictures", draw);
    model.off("change:chosen", mark);
    urls.forEach((url) => URL.revokeObjectURL(url));
  };
}

export default { render };
