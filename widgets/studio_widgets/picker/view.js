// Models to choose from: search, filters, and cards of which only the visible ones exist. The kernel searches; the view
// is told groups and counts (trait "page"), asks for cards by place, and sends what was wished.

const CARD_PX = 110;
const HEAD_PX = 34;
const GAP_PX = 8;
const COLUMN_PX = 300;
const OVERSCAN_PX = 240;
const ASK_MS = 20;
const TYPE_MS = 60;
const LOOK_MS = 250;
const MOST_ITEMS = 200;
const NAMES = {
  task: ["Task", "Any task"],
  creator: ["Creator", "Any creator"],
  engine: ["Runs on", "Anywhere"],
  price: ["Price", "Any price"],
  licence: ["Licence", "Any licence"],
  here: ["Runs here", "Usable or not"],
};

let count = 0;

function render({ model, el }) {
  const picker = new Picker(model, el);
  return () => picker.dispose();
}

class Picker {
  constructor(model, el) {
    this.model = model;
    this.id = `sp-${(count += 1)}`;
    this.items = new Map(); // place -> card
    this.cells = new Map(); // place -> element
    this.heads = new Map(); // creator -> element
    this.stretches = new Stretches(
      (first, last) => send(model, { kind: "items", first, last, version: this.page.version }),
      () => this.redraw(),
    );
    this.cursor = 0;
    this.typed = null; // what was typed and not sent yet
    this.sent = null; // { text, at } of what was sent and not heard yet
    this.hurries = false; // Enter was pressed before the cards for it were there
    this.timers = {};
    this.frame = 0;
    el.classList.add("sp-root");
    this.build(el);
    this.undo = [
      on(this.search, "input", () => this.onInput()),
      on(this.search, "keydown", (event) => this.onKey(event)),
      on(this.list, "keydown", (event) => this.onKey(event)),
      on(this.list, "click", (event) => this.onClick(event)),
      on(this.bar, "change", (event) => this.onFilter(event)),
      on(el, "click", (event) => this.onButton(event)),
      on(this.box, "scroll", () => this.redraw(), { passive: true }),
      onModel(model, "msg:custom", (message) => this.onMessage(message)),
      onModel(model, "change:page", () => this.onPage()),
      onModel(model, "change:focus", () => this.takeFocus()),
    ];
    const observer = new ResizeObserver(() => this.redraw());
    observer.observe(this.box);
    this.undo.push(() => observer.disconnect());
    this.onPage();
    this.showChosen();
    if (model.get("focus")) requestAnimationFrame(() => this.takeFocus());
  }

  dispose() {
    cancelAnimationFrame(this.frame);
    Object.values(this.timers).forEach(clearTimeout);
    this.stretches.answered();
    this.undo.forEach((step) => step());
  }

  get page() {
    return this.model.get("page");
  }

  // Elements

  build(el) {
    this.search = make("input", "sp-search", {
      type: "search", placeholder: "Search by name, creator, description or id", "aria-label": "Search models",
      role: "combobox", "aria-expanded": "true", "aria-autocomplete": "list", "aria-controls": `${this.id}-list`,
      autocomplete: "off", spellcheck: false,
    });
    this.bar = make("div", "sp-bar", { role: "group", "aria-label": "Filters" });
    this.selects = Object.fromEntries(
      Object.entries(NAMES).map(([name, [label]]) => [name, this.addSelect(name, label)]),
    );
    this.sort = this.addSelect("sort", "Sort by");
    this.grouped = this.addSwitch("grouped", "Group by creator");
    this.retired = this.addSwitch("retired", "Show retired");
    this.counted = make("span", "sp-count", { role: "status" });
    this.tools = make("div", "sp-tools");
    this.clear = button("Clear filters", "clear");
    this.fold = button("Collapse all", "collapse");
    this.tools.append(this.counted, this.clear, this.fold);
    this.note = make("div", "sp-note st-alert warn", { role: "alert" });
    this.box = make("div", "sp-box");
    this.space = make("div", "sp-space");
    this.headings = make("div", "sp-heads");
    this.list = make("div", "sp-list", {
      role: "listbox", tabIndex: 0, "aria-label": "Models", id: `${this.id}-list`,
    });
    this.empty = make("div", "sp-empty");
    this.space.append(this.headings, this.list);
    this.box.append(this.space, this.empty);
    this.facts = make("dl", "sp-facts st-facts");
    el.append(this.search, this.bar, this.tools, this.note, this.box, this.facts);
  }

  addSelect(name, label) {
    const field = make("label", "sp-field");
    const words = make("span", "", label);
    const select = make("select", "", { "data-name": name, "aria-label": label }); // else its options count as name
    field.append(words, select);
    this.bar.append(field);
    return select;
  }

  addSwitch(name, label) {
    const field = make("label", "sp-switch");
    const box = make("input", "", { type: "checkbox", "data-switch": name });
    field.append(box, label);
    this.bar.append(field);
    return box;
  }

  // What the kernel says

  onPage() {
    const page = this.page;
    if (page.version !== this.version) {
      this.version = page.version;
      this.stretches.change();
    }
    if (page.text === this.sent?.text || Date.now() - this.sent?.at > LOST_MS) this.sent = null;
    const isHeard = this.typed === null && !this.sent; // else the kernel has not heard yet what stands there
    if (isHeard && this.search.value !== page.text) this.search.value = page.text;
    for (const [name, select] of Object.entries(this.selects)) {
      const [, any] = NAMES[name];
      const values = page.facets[name].map(([value, label, number]) => [value, `${label} (${number})`]);
      fillSelect(select, [["", any], ...values], page.filters[name] ?? "");
      select.classList.toggle("is-set", name in page.filters);
    }
    fillSelect(this.sort, page.sorts, page.sort);
    this.grouped.checked = page.grouped;
    this.retired.checked = page.retired;
    const text = page.total === 1 ? "1 model" : `${page.total} models`;
    setText(this.counted, page.read_as ? `${text}; nothing has these words, searched for “${page.read_as}”` : text);
    this.clear.hidden = !page.text && !Object.keys(page.filters).length;
    this.fold.hidden = !page.grouped || Boolean(page.text);
    const allFolded = page.groups.length > 0 && page.groups.every(([, , folded]) => folded);
    setText(this.fold, allFolded ? "Expand all" : "Collapse all");
    this.fold.dataset.act = allFolded ? "expand" : "collapse";
    this.showNote(page);
    this.showFacts(page);
    this.layOut();
    for (const place of this.items.keys()) if (place >= this.shown) this.items.delete(place);
    this.draw();
  }

  showNote(page) {
    this.note.hidden = !page.error;
    if (this.note.dataset.said === `${page.error}|${page.instead}`) return;
    this.note.dataset.said = `${page.error}|${page.instead}`;
    this.note.replaceChildren(page.error);
    if (page.instead) this.note.append(button(`Use ${page.instead}`, "instead"));
  }

  showFacts(page) {
    const said = JSON.stringify(page.facts);
    if (this.facts.dataset.said === said) return;
    this.facts.dataset.said = said;
    this.facts.replaceChildren(
      ...page.facts.flatMap(([name, value]) => {
        const term = document.createElement("dt");
        const words = document.createElement("dd");
        term.textContent = name;
        words.textContent = value;
        return [term, words];
      }),
    );
    this.facts.hidden = !page.facts.length;
  }

  onMessage(message) {
    if (message.kind !== "items") return;
    this.stretches.answered();
    if (message.version === this.page.version) {
      message.items.forEach((item, index) => {
        this.items.set(message.first + index, item);
        this.stretches.fresh.add(message.first + index);
      });
    }
    this.draw();
    if (this.hurries && this.stretches.fresh.has(this.cursor) && this.page.text === this.search.value) this.choose();
  }

  // Layout: groups with a heading each, cards in columns

  layOut() {
    const width = this.list.clientWidth || COLUMN_PX;
    this.columns = Math.max(1, Math.floor((width + GAP_PX) / (COLUMN_PX + GAP_PX)));
    this.cardWidth = (width - GAP_PX * (this.columns - 1)) / this.columns;
    this.blocks = [];
    let top = 0;
    let place = 0;
    for (const [creator, number, isFolded] of this.page.groups) {
      const shown = isFolded ? 0 : number;
      const head = this.page.grouped ? HEAD_PX : 0;
      const height = head + Math.ceil(shown / this.columns) * (CARD_PX + GAP_PX);
      this.blocks.push({ creator, number, isFolded, top, cards: top + head, end: top + height, first: place, last: place + shown });
      top += height;
      place += shown;
    }
    this.shown = place;
    this.space.style.height = `${top}px`;
  }

  spot(place) {
    const block = this.blocks.find(({ first, last }) => place >= first && place < last);
    const inside = place - block.first;
    return {
      x: (inside % this.columns) * (this.cardWidth + GAP_PX),
      y: block.cards + Math.floor(inside / this.columns) * (CARD_PX + GAP_PX),
    };
  }

  // The places in view, and the blocks whose headings are.
  visible() {
    const from = this.box.scrollTop - OVERSCAN_PX;
    const to = this.box.scrollTop + this.box.clientHeight + OVERSCAN_PX;
    const pitch = CARD_PX + GAP_PX;
    const places = [];
    const blocks = [];
    for (const block of this.blocks) {
      if (block.end < from || block.top > to) continue;
      blocks.push(block);
      const row = Math.max(0, Math.floor((from - block.cards) / pitch));
      const end = Math.ceil((to - block.cards) / pitch);
      const last = Math.min(block.last, block.first + end * this.columns);
      for (let place = block.first + row * this.columns; place < last; place += 1) places.push(place);
    }
    return [places, blocks];
  }

  redraw() {
    if (!this.frame) {
      this.frame = requestAnimationFrame(() => {
        this.frame = 0;
        this.layOut();
        this.draw();
      });
    }
  }

  draw() {
    this.cursor = Math.max(0, Math.min(this.cursor, this.shown - 1));
    const [places, blocks] = this.visible();
    this.drawHeads(blocks);
    const wanted = new Set(places);
    for (const [place, cell] of this.cells) {
      if (wanted.has(place)) continue;
      cell.remove();
      this.cells.delete(place);
    }
    for (const place of places) this.drawCard(place);
    this.empty.hidden = this.page.total > 0;
    setText(this.empty, this.page.total ? "" : "No model fits. Take a filter away, or show retired ones.");
    this.pointOut();
    if (places.length) this.ask(places[0], places.at(-1) + 1);
  }

  drawHeads(blocks) {
    const wanted = new Map(this.page.grouped ? blocks.map((block) => [block.creator, block]) : []);
    for (const [creator, head] of this.heads) {
      if (wanted.has(creator)) continue;
      head.remove();
      this.heads.delete(creator);
    }
    for (const [creator, block] of wanted) {
      let head = this.heads.get(creator);
      if (!head) {
        head = make("button", "sp-head", { type: "button", "data-creator": creator });
        this.heads.set(creator, head);
        this.headings.append(head);
      }
      head.style.transform = `translateY(${block.top}px)`;
      head.setAttribute("aria-expanded", String(!block.isFolded));
      head.disabled = Boolean(this.page.text); // while something is searched for, all are shown
      setText(head, `${creator || "Creator not said"} (${block.number})`);
    }
  }

  drawCard(place) {
    let cell = this.cells.get(place);
    if (!cell) {
      cell = make("div", "sp-card", { role: "option", id: `${this.id}-${place}`, "data-place": String(place) });
      this.cells.set(place, cell);
      this.list.append(cell);
    }
    const { x, y } = this.spot(place);
    cell.style.transform = `translate(${x}px, ${y}px)`;
    cell.style.width = `${this.cardWidth}px`;
    cell.style.height = `${CARD_PX}px`;
    cell.setAttribute("aria-posinset", String(place + 1));
    cell.setAttribute("aria-setsize", String(this.shown));
    cell.classList.toggle("is-active", place === this.cursor);
    const item = this.items.get(place);
    if (!item) return cell.setAttribute("aria-label", "…");
    const isChosen = item.id === this.page.chosen;
    cell.setAttribute("aria-selected", String(isChosen));
    if (cell.drawn === item && cell.isChosen === isChosen && cell.grouped === this.page.grouped) return;
    Object.assign(cell, { drawn: item, isChosen, grouped: this.page.grouped });
    fillCard(cell, item, isChosen, !this.page.grouped);
  }

  pointOut() {
    const active = this.cells.get(this.cursor);
    for (const target of [this.list, this.search]) {
      if (active) target.setAttribute("aria-activedescendant", active.id);
      else target.removeAttribute("aria-activedescendant");
    }
  }

  ask(first, last) {
    clearTimeout(this.timers.ask);
    this.timers.ask = setTimeout(() => this.stretches.ask(first, last, MOST_ITEMS), ASK_MS);
  }

  // What people do

  // Begin where the chosen model is, when it is listed.
  showChosen() {
    if (this.page.chosen_at < 0) return;
    this.layOut();
    this.scrollTo(this.page.chosen_at);
    this.box.scrollTop = this.spot(this.cursor).y - HEAD_PX; // with its heading on top
  }

  takeFocus() {
    this.showChosen();
    this.search.focus();
    this.search.select();
  }

  onInput() {
    this.typed = this.search.value;
    this.hurries = false;
    clearTimeout(this.timers.type);
    this.timers.type = setTimeout(() => this.sendTyped(), TYPE_MS);
  }

  sendTyped() {
    clearTimeout(this.timers.type);
    if (this.typed === null) return;
    const text = this.typed;
    this.typed = null;
    this.sent = { text, at: Date.now() };
    this.cursor = 0;
    this.box.scrollTop = 0;
    send(this.model, { kind: "search", text });
  }

  onFilter(event) {
    const { name, switch: flag } = event.target.dataset;
    this.cursor = 0;
    this.box.scrollTop = 0;
    if (flag) send(this.model, { kind: "switch", name: flag, on: event.target.checked });
    else if (name === "sort") send(this.model, { kind: "sort", by: event.target.value });
    else if (name) send(this.model, { kind: "filter", name, value: event.target.value });
  }

  onButton(event) {
    const target = event.target.closest("button");
    if (!target) return;
    if (target.dataset.act) send(this.model, { kind: "do", act: target.dataset.act });
    else if ("creator" in target.dataset) {
      const isOpen = target.getAttribute("aria-expanded") === "true";
      send(this.model, { kind: "collapse", creator: target.dataset.creator, on: isOpen });
    }
  }

  onClick(event) {
    const cell = event.target.closest(".sp-card");
    if (!cell?.dataset.model) return;
    this.cursor = Number(cell.dataset.place);
    this.draw();
    this.take(cell.dataset.model); // what was seen, whatever has come since
  }

  onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const isTyping = event.target === this.search;
    const page = Math.max(1, Math.floor(this.box.clientHeight / (CARD_PX + GAP_PX))) * this.columns;
    const far = { PageDown: page, PageUp: -page };
    const along = { ArrowRight: 1, ArrowLeft: -1 };
    const ends = { Home: -this.shown, End: this.shown };
    const moves = isTyping && this.search.value ? far : isTyping ? { ...far, ...ends } : { ...far, ...ends, ...along };
    if (event.key in moves) this.move(moves[event.key]);
    else if (event.key === "ArrowDown") this.moveRow(1);
    else if (event.key === "ArrowUp") this.moveRow(-1);
    else if (event.key === "Enter") this.enter();
    else if (event.key === "Escape") this.escape();
    else if (!isTyping && event.key.length === 1) return this.search.focus(); // the letter goes where the cursor is now
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  // Enter means what is listed for the words that stand in the field, also those the kernel has not seen yet.
  enter() {
    this.sendTyped();
    this.choose();
  }

  escape() {
    if (this.page.can_close) send(this.model, { kind: "do", act: "close" });
    else if (this.search.value || this.page.text) {
      this.search.value = this.typed = "";
      this.sendTyped();
    }
  }

  move(by) {
    this.goTo(this.cursor + by);
  }

  // Down a row: the card below, in the next group if need be.
  moveRow(by) {
    if (!this.shown) return;
    const { x, y } = this.spot(this.cursor);
    let place = this.cursor;
    while (place + by >= 0 && place + by < this.shown) {
      place += by;
      const there = this.spot(place);
      if (there.y === y) continue;
      const row = there.y;
      let best = place;
      for (let next = place; next >= 0 && next < this.shown && this.spot(next).y === row; next += by) {
        if (Math.abs(this.spot(next).x - x) < Math.abs(this.spot(best).x - x)) best = next;
      }
      return this.goTo(best);
    }
  }

  goTo(place) {
    if (!this.shown) return;
    this.scrollTo(place);
    clearTimeout(this.timers.look);
    this.timers.look = setTimeout(() => {
      const item = this.items.get(this.cursor);
      if (item) send(this.model, { kind: "look", model: item.id });
    }, LOOK_MS);
  }

  scrollTo(place) {
    this.cursor = Math.max(0, Math.min(this.shown - 1, place));
    const { y } = this.spot(this.cursor);
    const head = this.page.grouped ? HEAD_PX : 0;
    if (y - head < this.box.scrollTop) this.box.scrollTop = y - head;
    const bottom = y + CARD_PX + GAP_PX - this.box.clientHeight;
    if (bottom > this.box.scrollTop) this.box.scrollTop = bottom;
    this.draw();
  }

  choose() {
    const isKnown = this.stretches.fresh.has(this.cursor) && this.page.text === this.search.value;
    this.hurries = !isKnown && (this.shown > 0 || this.page.text !== this.search.value);
    if (isKnown) this.take(this.items.get(this.cursor).id);
  }

  take(model) {
    clearTimeout(this.timers.look);
    this.hurries = false;
    send(this.model, { kind: "look", model });
    send(this.model, { kind: "choose", model });
  }

}

function fillCard(cell, item, isChosen, withCreator) {
  cell.dataset.model = item.id;
  if (item.is_retired) cell.setAttribute("aria-disabled", "true");
  else cell.removeAttribute("aria-disabled");
  const words = [item.name, item.creator, ...item.badges.map(({ text }) => text), ...(isChosen ? ["chosen"] : [])];
  cell.setAttribute("aria-label", words.filter(Boolean).join(", "));
  cell.title = item.reason;
  const name = make("div", "sp-name");
  const title = make("b", "");
  title.textContent = item.name;
  name.append(title);
  if (withCreator) name.append(make("span", "sp-by", item.creator));
  if (isChosen) name.append(make("span", "sp-mark", "✓ chosen"));
  const badges = make("div", "sp-badges");
  for (const badge of item.badges) {
    const label = make("span", `st-badge ${badge.kind}`, badge.text);
    if (badge.title) label.title = badge.title;
    badges.append(label);
  }
  cell.replaceChildren(name, make("div", "sp-line", item.line), badges);
}

function fillSelect(select, options, value) {
  const said = JSON.stringify(options);
  if (select.dataset.said !== said) {
    select.dataset.said = said;
    select.replaceChildren(...options.map(([each, label]) => new Option(label, each)));
  }
  select.value = value;
}

function button(text, act) {
  const element = make("button", "sp-act", { type: "button", "data-act": act });
  element.textContent = text;
  return element;
}

export default { render };
