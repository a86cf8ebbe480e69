// Projects as cards. The title of a card is a button that chooses it; arrows move between them. What stands on a card is
// set as text. In front of this file stands shelf/pictured.js.

function render({ model, el }) {
  const cards = new Cards(model, el);
  return () => cards.dispose();
}

class Cards extends Pictured {
  constructor(model, el) {
    super(model, "change:cards change:chosen change:empty change:can_change");
    this.list.className = "sj-grid";
    this.list.setAttribute("aria-label", "Projects");
    this.note = make("p", "sj-empty", { role: "status" });
    el.classList.add("sj-root");
    el.append(this.list, this.note);
    this.undo.push(on(this.list, "keydown", (event) => this.onKey(event)));
    this.draw();
  }

  draw() {
    this.arrange(this.model.get("cards"), (project) => this.newCard(project), (element, card) => this.fill(element, card));
    this.note.textContent = this.model.get("empty");
    this.note.hidden = !this.model.get("empty");
  }

  newCard(project) {
    const wish = (kind, more = {}) => send(this.model, { kind, project, ...more });
    const button = (className, act, words = "") => {
      const made = make("button", className, { type: "button" }, words);
      made.addEventListener("click", act);
      return made;
    };
    const choose = button("sj-title", () => wish("choose"));
    const edit = button("sj-button sj-edit", () => wish("edit"), "Edit");
    const archive = button("sj-button sj-archive", () => wish("archive", { on: card.dataset.archived !== "true" }));
    const about = ["about", "facts", "changed"].map((name) => make("p", `sj-${name}`));
    const buttons = make("div", "sj-buttons", edit, archive);
    const card = make("div", "sj-card", { role: "listitem" }, make("div", "sj-covers"), choose, ...about, buttons);
    card.dataset.project = project;
    return card;
  }

  fill(element, card) {
    const part = (name) => element.querySelector(`.sj-${name}`);
    const isChosen = card.key === this.model.get("chosen");
    element.dataset.archived = String(card.archived);
    element.classList.toggle("is-chosen", isChosen);
    part("title").textContent = card.title;
    part("title").setAttribute("aria-pressed", String(isChosen));
    part("about").textContent = card.description;
    part("about").hidden = !card.description;
    part("facts").textContent = [isChosen ? "Chosen" : "", card.archived ? "Archived" : "", card.facts].filter(Boolean).join(" · ");
    part("changed").textContent = card.changed ? `Changed ${card.changed}` : "";
    part("buttons").hidden = !card.key || !this.model.get("can_change");
    part("edit").setAttribute("aria-label", `Edit ${card.title}`);
    part("archive").textContent = card.archived ? "Bring back" : "Archive";
    part("archive").setAttribute("aria-label", `${card.archived ? "Bring back" : "Archive"} ${card.title}`);
    this.showPictures(part("covers"), card, card.key ? card.title.slice(0, 1).toUpperCase() : "∗");
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

export default { render };
