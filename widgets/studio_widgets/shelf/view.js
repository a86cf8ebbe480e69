// Things with small pictures, each a button; what stands below them is set as text. In front of this file stands
// pictured.js.

function render({ model, el }) {
  const shelf = new Shelf(model, el);
  return () => shelf.dispose();
}

class Shelf extends Pictured {
  constructor(model, el) {
    super(model, "change:things change:label change:empty");
    this.el = el;
    el.classList.add("sv-root");
    this.title = make("h2", "sv-label", { id: `sv-${Math.random().toString(36).slice(2)}` });
    this.list.className = "sv-list";
    this.list.setAttribute("aria-labelledby", this.title.id);
    this.note = make("p", "sv-empty");
    el.append(this.title, this.list, this.note);
    this.draw();
  }

  draw() {
    const things = this.model.get("things");
    this.arrange(things, (key) => this.newItem(key), (item, thing) => this.fill(item, thing));
    this.list.dataset.size = this.model.get("size");
    this.list.hidden = !things.length;
    this.title.textContent = this.model.get("label");
    this.note.textContent = things.length ? "" : this.model.get("empty");
    this.note.hidden = !this.note.textContent;
    this.title.hidden = this.list.hidden && this.note.hidden;
    this.el.classList.toggle("is-nothing", this.title.hidden);
  }

  newItem(key) {
    const words = make("span", "sv-words", make("span", "sv-title"), make("span", "sv-note"), make("span", "sv-facts"));
    const button = make("button", "sv-thing", { type: "button" }, make("span", "sv-pictures"), words);
    button.addEventListener("click", () => send(this.model, { kind: "open", key }));
    return make("div", "sv-item", { role: "listitem" }, button);
  }

  fill(item, thing) {
    const part = (name) => item.querySelector(`.sv-${name}`);
    const button = part("thing");
    for (const name of ["title", "note", "facts"]) {
      part(name).textContent = thing[name];
      part(name).hidden = !thing[name];
    }
    button.title = [thing.title, thing.note].filter(Boolean).join("\n");
    if (thing.is_chosen) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
    const box = part("pictures");
    box.hidden = this.model.get("size") === "words";
    const initial = thing.pictures.length ? "" : thing.title.trim().slice(0, 1).toUpperCase();
    if (!box.hidden) this.showPictures(box, thing, initial);
  }
}

export default { render };
