// Things with small pictures, each a button. Pictures are asked for by thing and come as messages; what stands below
// them is set as text.

function render({ model, el }) {
  const shelf = new Shelf(model, el);
  return () => shelf.dispose();
}

class Shelf {
  constructor(model, el) {
    this.model = model;
    this.el = el;
    this.urls = new Map(); // key -> { pictures, urls }
    this.asked = new Map(); // key -> pictures
    this.elements = new Map(); // key -> element
    el.classList.add("sv-root");
    this.title = make("h2", "sv-label");
    this.title.id = `sv-${Math.random().toString(36).slice(2)}`;
    this.list = make("div", "sv-list");
    this.list.setAttribute("role", "list");
    this.list.setAttribute("aria-labelledby", this.title.id);
    this.note = make("p", "sv-empty");
    el.append(this.title, this.list, this.note);
    const soon = () => {
      cancelAnimationFrame(this.frame);
      this.frame = requestAnimationFrame(() => this.draw()); // several traits change in one message
    };
    const onMessage = (message, buffers) => this.take(message, buffers);
    model.on("change:things change:label change:empty", soon);
    model.on("msg:custom", onMessage);
    this.undo = () => {
      model.off("change:things change:label change:empty", soon);
      model.off("msg:custom", onMessage);
    };
    this.draw();
  }

  dispose() {
    cancelAnimationFrame(this.frame);
    this.undo();
    for (const { urls } of this.urls.values()) urls.forEach((url) => URL.revokeObjectURL(url));
  }

  send(message) {
    try {
      this.model.send(message);
    } catch {
      // the kernel is gone; the frame of the panel says so
    }
  }

  draw() {
    const things = this.model.get("things");
    const known = new Set(things.map((thing) => thing.key));
    for (const [key, element] of this.elements) {
      if (known.has(key)) continue;
      element.remove();
      this.elements.delete(key);
      this.forget(key);
    }
    const focused = this.list.contains(document.activeElement) ? document.activeElement : null;
    things.forEach((thing, place) => {
      const element = this.elements.get(thing.key) ?? this.add(thing.key);
      this.fill(element, thing);
      if (this.list.children[place] !== element) this.list.insertBefore(element, this.list.children[place] ?? null);
    });
    if (focused?.isConnected && document.activeElement !== focused) focused.focus({ preventScroll: true });
    this.list.dataset.size = this.model.get("size");
    this.list.hidden = !things.length;
    this.title.textContent = this.model.get("label");
    this.note.textContent = things.length ? "" : this.model.get("empty");
    this.note.hidden = !this.note.textContent;
    this.title.hidden = this.list.hidden && this.note.hidden;
    this.el.classList.toggle("is-nothing", this.title.hidden);
  }

  add(key) {
    const item = make("div", "sv-item");
    item.setAttribute("role", "listitem");
    const button = make("button", "sv-thing");
    button.type = "button";
    button.addEventListener("click", () => this.send({ kind: "open", key }));
    const words = make("span", "sv-words");
    words.append(make("span", "sv-title"), make("span", "sv-note"), make("span", "sv-facts"));
    button.append(make("span", "sv-pictures"), words);
    item.append(button);
    this.elements.set(key, item);
    return item;
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
    this.fillPictures(part("pictures"), thing);
  }

  fillPictures(box, thing) {
    box.hidden = this.model.get("size") === "words";
    if (box.hidden) return;
    const key = thing.pictures.join();
    const there = this.urls.get(thing.key);
    if (key && there?.pictures !== key && this.asked.get(thing.key) !== key) {
      this.asked.set(thing.key, key);
      this.send({ kind: "pictures", key: thing.key });
    }
    const urls = key ? (there?.urls ?? []) : [];
    box.dataset.count = String(urls.length);
    box.dataset.initial = urls.length || key ? "" : thing.title.trim().slice(0, 1).toUpperCase();
    if (box.dataset.urls === urls.join()) return;
    box.dataset.urls = urls.join();
    box.replaceChildren(...urls.map((url) => {
      const picture = make("img");
      picture.src = url;
      picture.alt = "";
      picture.draggable = false;
      return picture;
    }));
  }

  take(message, buffers) {
    if (message.kind !== "pictures" || !this.elements.has(message.key)) return;
    this.forget(message.key);
    const urls = buffers.slice(0, 4).map((data) => URL.createObjectURL(new Blob([data], { type: "image/webp" })));
    this.urls.set(message.key, { pictures: this.asked.get(message.key), urls });
    this.asked.delete(message.key);
    this.draw();
  }

  forget(key) {
    this.urls.get(key)?.urls.forEach((url) => URL.revokeObjectURL(url));
    this.urls.delete(key);
  }
}

function make(tag, className = "", words = "") {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (words) element.textContent = words;
  return element;
}

export default { render };
