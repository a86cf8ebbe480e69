// A row of tabs. A click only sends which was wished; the kernel sets the trait.

function render({ model, el }) {
  el.classList.add("st-tabs");
  el.setAttribute("role", "tablist");
  el.setAttribute("aria-label", model.get("label"));
  const buttons = new Map(model.get("names").map(([key, name]) => [key, button(key, name)]));
  el.append(...buttons.values());

  const choose = (key) => model.send({ kind: "choose", key });
  const onClick = (event) => {
    const tab = event.target.closest("[role=tab]");
    if (tab) choose(tab.dataset.key);
  };
  const onKey = (event) => {
    const keys = [...buttons.keys()];
    const at = keys.indexOf(event.target.dataset.key);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: keys.length - 1 }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    const key = keys[(to + keys.length) % keys.length];
    choose(key);
    buttons.get(key).focus();
  };
  const draw = () => {
    const counts = model.get("counts");
    for (const [key, tab] of buttons) {
      const isChosen = key === model.get("chosen");
      tab.setAttribute("aria-selected", String(isChosen));
      tab.tabIndex = isChosen ? 0 : -1;
      const count = tab.querySelector(".st-tab-count");
      count.textContent = counts[key] ? String(counts[key]) : "";
      count.hidden = !counts[key];
    }
  };

  el.addEventListener("click", onClick);
  el.addEventListener("keydown", onKey);
  model.on("change:chosen change:counts", draw);
  draw();
  return () => {
    el.removeEventListener("click", onClick);
    el.removeEventListener("keydown", onKey);
    model.off("change:chosen change:counts", draw);
  };
}

function button(key, name) {
  const tab = document.createElement("button");
  tab.type = "button";
  tab.dataset.key = key;
  tab.setAttribute("role", "tab");
  const count = document.createElement("span");
  count.className = "st-tab-count";
  tab.append(name, count);
  return tab;
}

export default { render };
