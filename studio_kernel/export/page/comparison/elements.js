// What the parts of the comparison make their elements of, and how they listen so that they can stop.

function make(tag, className = "", attributes = {}) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

function text(tag, words) {
  const element = make(tag);
  element.textContent = words;
  return element;
}

function button(label, act, title = "") {
  const made = make("button", "sc-button", { type: "button" });
  made.textContent = label;
  if (title) name(made, title);
  made.addEventListener("click", act);
  return made;
}

function name(element, words) {
  element.title = words;
  element.setAttribute("aria-label", words);
}

function press(element, isPressed) {
  element.setAttribute("aria-pressed", String(isPressed));
}

function select(label, options, choose) {
  const field = make("label", "sc-field");
  const made = make("select");
  field.append(text("span", label), made);
  fillSelect(made, options, "");
  made.addEventListener("change", () => choose(made.value));
  return made;
}

function fillSelect(element, options, value) {
  const now = JSON.stringify(options);
  if (element.dataset.options !== now) {
    element.dataset.options = now;
    element.replaceChildren(...options.map(([key, label]) => {
      const option = text("option", label);
      option.value = key;
      return option;
    }));
  }
  element.value = value;
}

function on(target, names, listener, options) {
  target.addEventListener(names, listener, options);
  return () => target.removeEventListener(names, listener, options);
}

function onModel(model, names, listener) {
  model.on(names, listener);
  return () => model.off(names, listener);
}
