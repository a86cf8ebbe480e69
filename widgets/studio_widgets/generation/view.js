// Tasks as buttons with icons, one of them chosen. A click only sends which was wished; the kernel sets the trait.

const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

function render({ model, el }) {
  el.classList.add("sf-tasks");
  el.setAttribute("role", "radiogroup");

  const choose = (value) => model.send({ kind: "choose", value });
  const onClick = (event) => {
    const button = event.target.closest("button");
    if (button) choose(button.value);
  };
  const onKey = (event) => {
    const buttons = [...el.children];
    const at = buttons.indexOf(event.target.closest("button"));
    let place = { Home: 0, End: buttons.length - 1 }[event.key];
    if (event.key in STEPS) place = (at + STEPS[event.key] + buttons.length) % buttons.length;
    if (at < 0 || place === undefined) return;
    event.preventDefault();
    buttons[place].focus();
    choose(buttons[place].value);
  };
  const draw = () => {
    const focused = el.contains(document.activeElement) ? document.activeElement.value : null;
    el.setAttribute("aria-label", model.get("label"));
    el.replaceChildren(...model.get("tasks").map(button));
    mark();
    if (focused !== null) [...el.children].find((each) => each.value === focused)?.focus();
  };
  const button = ({ label, value }) => {
    const element = document.createElement("button");
    element.type = "button";
    element.value = value;
    element.setAttribute("role", "radio");
    const icon = document.createElement("span");
    icon.className = "sf-icon";
    icon.dataset.task = value;
    icon.setAttribute("aria-hidden", "true");
    const text = document.createElement("span");
    text.textContent = label;
    element.append(icon, text);
    return element;
  };
  const mark = () => {
    const chosen = model.get("chosen");
    const some = [...el.children].some((each) => each.value === chosen);
    [...el.children].forEach((each, place) => {
      each.setAttribute("aria-checked", String(each.value === chosen));
      each.tabIndex = each.value === chosen || (!some && place === 0) ? 0 : -1;
    });
  };

  el.addEventListener("click", onClick);
  el.addEventListener("keydown", onKey);
  model.on("change:tasks", draw);
  model.on("change:chosen", mark);
  draw();
  return () => {
    el.removeEventListener("click", onClick);
    el.removeEventListener("keydown", onKey);
    model.off("change:tasks", draw);
    model.off("change:chosen", mark);
  };
}

export default { render };
