// How long a text is, while it is typed. Characters are counted here, tokens by the kernel, which has the tokenizer.

const ASK_AFTER_MS = 200;
const MAX_TEXT = 20_000;
const NEAR = 0.9;

function render({ model, el }) {
  el.classList.add("st-count");
  const number = document.createElement("span");
  const words = document.createElement("span");
  words.className = "st-count-words";
  words.setAttribute("role", "status");
  el.append(words, number);

  let frame = 0;
  let timer = 0;
  let scope = null;
  const draw = (count) => {
    const [most, unit] = [model.get("most"), model.get("unit")];
    number.textContent = most ? `${count} of ${most} ${unit}` : `${count} ${unit}`;
    const over = most > 0 && count > most;
    const near = most > 0 && !over && count > most * NEAR;
    const text = over ? tooLong(model.get("cuts"), most, unit) : near ? `Near the limit of ${most} ${unit}.` : "";
    if (words.textContent !== text) words.textContent = text;
    el.classList.toggle("is-over", over);
  };
  const tell = () => draw(model.get("count"));
  const onInput = (event) => {
    const text = event.target.value;
    if (model.get("unit") === "characters") {
      draw([...text].length); // as Python counts
      return;
    }
    clearTimeout(timer);
    timer = setTimeout(() => model.send({ kind: "count", text: text.slice(0, MAX_TEXT) }), ASK_AFTER_MS);
  };
  // Views are rendered before they are put into the page.
  const look = () => {
    scope = el.closest(".st-counted");
    if (scope) scope.addEventListener("input", onInput, true); // as it comes down: text fields let it not rise
    else frame = requestAnimationFrame(look);
  };
  look();
  model.on("change:told change:most change:unit", tell);
  tell();
  return () => {
    cancelAnimationFrame(frame);
    clearTimeout(timer);
    scope?.removeEventListener("input", onInput, true);
    model.off("change:told change:most change:unit", tell);
  };
}

function tooLong(cuts, most, unit) {
  return cuts
    ? `Too long: the model reads the first ${most} ${unit}, the end is cut.`
    : `Too long: at most ${most} ${unit} are taken.`;
}

export default { render };
