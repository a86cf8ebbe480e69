// Projects as cards. The title of a card is a button that chooses it; arrows move between them. Pictures are asked for
// by project and come as messages; what stands on a card is set as text.

function render({ model, el }) {
  const cards = new Cards(model, el);
  return () => cards.dispose();
}

class Cards {
  constructor(model, el) {
    this.model = model;
    this.urls = new Map(); // project -> { key, urls }
    this.asked = new Map(); // project -> key
    this.elements = new Map(); // project -> element
    this.list = make("div", "sj-grid");
    this.list.setAttribute("role", "list");
    this.list.setAttribute("aria-label", "Projects");
    this.note = make("p", "sj-empty");
    this.note.setAttribute("role", "status");
    el.classList.add("sj-root");
    el.append(this.list, this.note);
    const soon = () => {
      cancelAnimationFrame(this.frame);
      this.frame = requestAnimationFrame(() => this.draw()); // several traits change in one message
    };
    const names = "change:cards change:chosen change:empty change:can_change";
    const onMessage = (message, buffers) => this.take(message, buffers);
    const onKey = (event) => this.onKey(event);
    model.on(names, soon);
    model.on("msg:custom", onMessage);
    this.list.addEventListener("keydown", onKey);
    this.undo = () => {
      model.off(names, soon);
      model.off("msg:custom", onMessage);
      this.list.removeEventListener("keydown", onKey);
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
    const cards = this.model.get("cards");
    const known = new Set(cards.map((card) => card.id));
    for (const [id, element] of this.elements) {
      if (known.has(id)) continue;
      element.remove();
      this.elements.delete(id);
    }
    const focused = this.list.contains(document.activeElement) ? document.activeElement : null;
    cards.forEach((card, place) => {
      let element = this.elements.get(card.id);
      if (!element) {
        element = this.newCard(card.id);
        this.elements.set(card.id, element);
      }
      this.fill(element, card);
      if (this.list.children[place] !== element) this.list.insertBefore(element, this.list.children[place] ?? null);
    });
    if (focused?.isConnected && document.activeElement !== focused) focused.focus({ preventScroll: true });
    this.note.textContent = this.model.get("empty");
    this.note.hidden = !this.model.get("empty");
  }

  newCard(project) {
    const card = make("div", "sj-card");
    card.setAttribute("role", "listitem");
    card.dataset.project = project;
    const covers = make("div", "sj-covers");
    const choose = make("button", "sj-title");
    choose.type = "button";
    choose.addEventListener("click", () => this.send({ kind: "choose", project }));
    const edit = make("button", "sj-button sj-edit", "Edit");
    edit.addEventListener("click", () => this.send({ kind: "edit", project }));
    const archive = make("button", "sj-button sj-archive");
    archive.addEventListener("click", () => this.send({ kind: "archive", project, on: card.dataset.archived !== "true" }));
    edit.type = archive.type = "button";
    const buttons = make("div", "sj-buttons");
    buttons.append(edit, archive);
    card.append(covers, choose, make("p", "sj-about"), make("p", "sj-facts"), make("p", "sj-changed"), buttons);
    return card;
  }

  fill(element, card) {
    const part = (name) => element.querySelector(`.sj-${name}`);
    const isChosen = card.id === this.model.get("chosen");
    element.dataset.archived = String(card.archived);
    element.classList.toggle("is-chosen", isChosen);
    part("title").textContent = card.title;
    part("title").setAttribute("aria-pressed", String(isChosen));
    part("about").textContent = card.description;
    part("about").hidden = !card.description;
    part("facts").textContent = [isChosen ? "Chosen" : "", card.archived ? "Archived" : "", card.facts].filter(Boolean).join(" · ");
    part("changed").textContent = card.changed ? `Changed ${card.changed}` : "";
    part("buttons").hidden = !card.id || !this.model.get("can_change");
    part("edit").setAttribute("aria-label", `Edit ${card.title}`);
    part("archive").textContent = card.archived ? "Bring back" : "Archive";
    part("archive").setAttribute("aria-label", `${card.archived ? "Bring back" : "Archive"} ${card.title}`);
    this.fillCovers(part("covers"), card);
  }

  fillCovers(box, card) {
    const key = card.covers.join();
    const there = this.urls.get(card.id);
    if (key && there?.key !== key && this.asked.get(card.id) !== key) {
      this.asked.set(card.id, key);
      this.send({ kind: "covers", project: card.id });
    }
    const urls = key ? (there?.urls ?? []) : [];
    box.dataset.count = String(urls.length);
    box.dataset.initial = urls.length ? "" : card.id ? card.title.slice(0, 1).toUpperCase() : "∗";
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
    if (message.kind !== "covers") return;
    this.urls.get(message.project)?.urls.forEach((url) => URL.revokeObjectURL(url));
    const urls = buffers.map((data) => URL.createObjectURL(new Blob([data], { type: "image/webp" })));
    this.urls.set(message.project, { key: this.asked.get(message.project), urls });
    this.asked.delete(message.project);
    this.draw();
  }

  onKey(event) {
    const titles = [...this.list.querySelectorAll(".sj-title")];
    const at = titles.indexOf(event.target);
    if (at < 0) return;
    const perRow = titles.filter((title) => top(title) === top(titles[0])).length;
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -perRow, ArrowDown: perRow, Home: -at, End: titles.length - 1 - at };
    if (!(event.key in steps)) return;
    event.preventDefault();
    event.stopPropagation();
    titles[Math.min(titles.length - 1, Math.max(0, at + steps[event.key]))].focus();
  }
}

function top(title) {
  return title.closest(".sj-card").offsetTop;
}

function make(tag, className = "", words = "") {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (words) element.textContent = words;
  return element;
}

export default { render };
