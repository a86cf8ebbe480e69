// The frame of a panel, an element without size inside the panel's root (class "studio"). It keeps keys from reaching
// the notebook, keeps what is being typed, gives controls the names and states that screen readers need, and says when
// the kernel is silent.

const BEAT_MS = 10_000;
const SILENCE =
  "The kernel does not answer: it is busy, or it was restarted. If this notice stays, run the cell again.";

function render({ model, el }) {
  const notice = document.createElement("div");
  notice.className = "st-lost st-alert warn";
  notice.setAttribute("role", "status");
  notice.hidden = true;
  el.classList.add("studio-frame");
  el.append(notice);
  const undo = [beat(model, notice)];
  undo.push(
    whenInside(el, (root) => {
      root.setAttribute("role", "region");
      root.setAttribute("aria-label", model.get("label"));
      undo.push(enterSubmits(root), keepKeys(root), keepTyped(root), describeControls(root));
    }),
  );
  return () => undo.forEach((step) => step());
}

// Views are rendered before they are put into the page.
function whenInside(el, then) {
  let frame = 0;
  const look = () => {
    const root = el.closest(".studio");
    if (root) then(root);
    else frame = requestAnimationFrame(look);
  };
  look();
  return () => cancelAnimationFrame(frame);
}

// Enter in a field of class "st-enter" presses the panel's main button; Shift+Enter is a new line.
function enterSubmits(root) {
  const submit = (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || !event.target.closest(".st-enter")) return;
    event.preventDefault();
    event.target.dispatchEvent(new Event("change", { bubbles: true })); // fields tell their value when they are left
    const scope = event.target.closest(".st-shortcuts") ?? root;
    (scope.querySelector(".st-actions .st-primary") ?? scope.querySelector(".st-primary"))?.click();
  };
  // while it comes down: text fields let no key rise
  root.addEventListener("keydown", submit, true);
  return () => root.removeEventListener("keydown", submit, true);
}

// In JupyterLab's command mode a key pressed on a button runs a notebook command: "d d" deletes the cell.
function keepKeys(root) {
  const keep = (event) => {
    if (!(event.key === "Enter" && event.shiftKey)) event.stopPropagation();
  };
  root.addEventListener("keydown", keep);
  return () => root.removeEventListener("keydown", keep);
}

// ipywidgets writes the model's text into a field whenever anything of the model changes, be it its tooltip. A field of
// class "st-typed" tells its text when it is left: until then, that would undo what somebody is typing.
function keepTyped(root) {
  const guard = ({ target }) => {
    if (!target.closest(".st-typed") || Object.hasOwn(target, "value")) return;
    const { get, set } = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(target), "value");
    let known = target.value; // to the model, which has not heard of what is typed from here on
    const write = (text) => {
      if (text === known) return;
      known = text;
      set.call(target, text);
    };
    Object.defineProperty(target, "value", { configurable: true, get: () => get.call(target), set: write });
  };
  const release = ({ target }) => delete target.value;
  // as they come down: text fields let them not rise
  root.addEventListener("beforeinput", guard, true);
  root.addEventListener("change", release, true);
  return () => {
    root.removeEventListener("beforeinput", guard, true);
    root.removeEventListener("change", release, true);
  };
}

function describeControls(root) {
  const describe = () => {
    for (const slider of root.querySelectorAll(".widget-slider")) {
      const name = slider.querySelector(".widget-label")?.textContent;
      for (const handle of slider.querySelectorAll(".noUi-handle")) setOnce(handle, "aria-label", name ?? "");
    }
    for (const button of root.querySelectorAll(".widget-toggle-button")) {
      setOnce(button, "aria-pressed", String(button.classList.contains("mod-active")));
    }
  };
  const observer = new MutationObserver(describe);
  observer.observe(root, { childList: true, subtree: true, attributes: true, attributeFilter: ["class"] });
  describe();
  return () => observer.disconnect();
}

function setOnce(element, name, value) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

// The kernel works for a panel only while one is looked at; a beat says so and is answered.
function beat(model, notice) {
  let answered = true;
  let isNew = true; // a view that has come to the screen; what it shows may be older than it seems
  const onMessage = (message) => {
    if (message.kind !== "alive") return;
    answered = true;
    notice.hidden = true;
  };
  const tick = () => {
    if (document.hidden) return;
    if (!answered) show();
    answered = false;
    try {
      model.send({ kind: "here", new: isNew });
      isNew = false;
    } catch {
      show(); // the connection to the kernel is gone
    }
  };
  const show = () => {
    notice.textContent = SILENCE;
    notice.hidden = false;
  };
  model.on("msg:custom", onMessage);
  document.addEventListener("visibilitychange", tick);
  const timer = setInterval(tick, BEAT_MS);
  tick();
  return () => {
    clearInterval(timer);
    document.removeEventListener("visibilitychange", tick);
    model.off("msg:custom", onMessage);
  };
}

export default { render };
