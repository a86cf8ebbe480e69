// A favourite button and a row of stars. Both only send what was wished; the kernel decides and sets the traits.

function render({ model, el }) {
  el.classList.add("st-marks");
  const favourite = button("st-favourite", () => model.send({ kind: "star", on: !model.get("favourite") }));
  const stars = document.createElement("div");
  stars.className = "st-stars";
  stars.setAttribute("role", "radiogroup");
  stars.setAttribute("aria-label", "Rating");
  const rate = (rating) => model.send({ kind: "rate", rating });
  for (let rating = 1; rating <= 5; rating += 1) {
    const star = button("st-star", () => rate(model.get("rating") === rating ? 0 : rating));
    star.setAttribute("role", "radio");
    star.setAttribute("aria-label", rating === 1 ? "1 star" : `${rating} stars`);
    star.textContent = "★";
    stars.append(star);
  }
  stars.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const rating = Math.min(5, Math.max(0, model.get("rating") + step));
    rate(rating);
    stars.children[Math.max(0, rating - 1)].focus();
  });
  el.append(favourite, stars);

  const draw = () => {
    const on = model.get("favourite");
    favourite.textContent = on ? "♥ Favourite" : "♡ Favourite";
    favourite.setAttribute("aria-pressed", String(on));
    const rating = model.get("rating");
    [...stars.children].forEach((star, index) => {
      star.setAttribute("aria-checked", String(index + 1 === rating));
      star.classList.toggle("is-lit", index < rating);
      star.tabIndex = index === Math.max(0, rating - 1) ? 0 : -1;
    });
  };
  model.on("change:favourite change:rating", draw);
  draw();
  return () => model.off("change:favourite change:rating", draw);
}

function button(className, onClick) {
  const element = document.createElement("button");
  element.type = "button";
  element.className = className;
  element.addEventListener("click", onClick);
  return element;
}

export default { render };
