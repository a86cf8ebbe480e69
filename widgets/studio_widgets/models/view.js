// A table of models of which only the visible rows exist. Rows are asked for by place; the kernel sorts and filters.

const ROW_PX = 44;
const OVERSCAN = 6;
const ASK_MS = 20;
const NUMBERS = new Set(["size", "runs"]);

let count = 0;

function render({ model, el }) {
  const table = new Table(model, el);
  return () => table.dispose();
}

class Table {
  constructor(model, el) {
    this.model = model;
    this.id = `sm-${(count += 1)}`;
    this.rows = new Map(); // place -> row
    this.cells = new Map(); // place -> element
    this.stretches = new Stretches(
      (first, last) => send(model, { kind: "rows", first, last, version: this.page.version }),
      () => this.redraw(),
    );
    this.cursor = 0;
    this.frame = 0;
    this.build(el);
    this.undo = [
      on(this.box, "scroll", () => this.redraw(), { passive: true }),
      on(this.box, "keydown", (event) => this.onKey(event)),
      on(this.body, "click", (event) => this.onClick(event)),
      on(this.head, "click", (event) => this.onHead(event)),
      onModel(model, "msg:custom", (message) => this.onMessage(message)),
      onModel(model, "change:page", () => this.onPage()),
    ];
    const observer = new ResizeObserver(() => this.redraw());
    observer.observe(this.box);
    this.undo.push(() => observer.disconnect());
    this.onPage();
  }

  dispose() {
    cancelAnimationFrame(this.frame);
    clearTimeout(this.pending);
    this.stretches.answered();
    this.undo.forEach((step) => step());
  }

  get page() {
    return this.model.get("page");
  }

  build(el) {
    el.classList.add("sm-root");
    this.box = make("div", "sm-box", { role: "grid", "aria-label": "Models", tabIndex: 0 });
    this.head = make("div", "sm-row sm-headings", { role: "row" });
    for (const [name, label] of this.page.columns) {
      const cell = make("div", `sm-cell sm-${name}`, { role: "columnheader", "data-column": name });
      const button = make("button", "", { type: "button" });
      button.textContent = label;
      cell.append(button);
      this.head.append(cell);
    }
    this.body = make("div", "sm-body", { role: "rowgroup" });
    this.empty = make("div", "sm-empty", { role: "status" });
    const top = make("div", "sm-sticky", { role: "rowgroup" });
    top.append(this.head);
    this.box.append(top, this.body);
    el.append(this.box, this.empty);
  }

  onPage() {
    const { page } = this;
    if (page.version !== this.version) {
      this.version = page.version;
      this.stretches.change();
      for (const place of this.rows.keys()) if (place >= page.total) this.rows.delete(place);
    }
    for (const cell of this.head.children) {
      const isSorted = cell.dataset.column === page.sort;
      cell.setAttribute("aria-sort", isSorted ? (page.descending ? "descending" : "ascending") : "none");
    }
    this.box.setAttribute("aria-rowcount", String(page.total + 1));
    this.body.style.height = `${page.total * ROW_PX}px`;
    this.empty.textContent = page.total ? "" : "No model fits.";
    this.draw();
  }

  onMessage(message) {
    if (message.kind !== "rows") return;
    this.stretches.answered();
    if (message.version === this.page.version) {
      message.rows.forEach((row, index) => {
        this.rows.set(message.first + index, row);
        this.stretches.fresh.add(message.first + index);
      });
    }
    this.draw();
  }

  redraw() {
    if (!this.frame) {
      this.frame = requestAnimationFrame(() => {
        this.frame = 0;
        this.draw();
      });
    }
  }

  draw() {
    const { total } = this.page;
    this.cursor = Math.max(0, Math.min(this.cursor, total - 1));
    const first = Math.max(0, Math.floor(this.box.scrollTop / ROW_PX) - OVERSCAN);
    const last = Math.min(total, Math.ceil((this.box.scrollTop + this.box.clientHeight) / ROW_PX) + OVERSCAN);
    for (const [place, row] of this.cells) {
      if (place >= first && place < last) continue;
      row.remove();
      this.cells.delete(place);
    }
    for (let place = first; place < last; place += 1) this.drawRow(place);
    const active = this.cells.get(this.cursor);
    if (active) this.box.setAttribute("aria-activedescendant", active.id);
    else this.box.removeAttribute("aria-activedescendant");
    clearTimeout(this.pending);
    this.pending = setTimeout(() => this.stretches.ask(first, last), ASK_MS);
  }

  drawRow(place) {
    let element = this.cells.get(place);
    if (!element) {
      element = make("div", "sm-row", {
        role: "row", id: `${this.id}-${place}`, "data-place": String(place), "aria-rowindex": String(place + 2),
      });
      element.style.transform = `translateY(${place * ROW_PX}px)`;
      this.cells.set(place, element);
      this.body.append(element);
    }
    element.classList.toggle("is-active", place === this.cursor);
    const row = this.rows.get(place);
    if (!row) return;
    element.setAttribute("aria-selected", String(row.id === this.page.looked_at));
    if (element.drawn === row) return;
    element.drawn = row;
    element.dataset.model = row.id;
    element.dataset.standing = row.standing;
    element.replaceChildren(...this.page.columns.map(([name]) => cellOf(name, row)));
  }

  onHead(event) {
    const column = event.target.closest("[data-column]")?.dataset.column;
    if (column) send(this.model, { kind: "sort", column });
  }

  onClick(event) {
    const row = event.target.closest(".sm-row");
    if (!row?.dataset.model) return;
    this.cursor = Number(row.dataset.place);
    send(this.model, { kind: "look", model: row.dataset.model });
    this.draw();
  }

  onKey(event) {
    if (event.target !== this.box || event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(1, Math.floor(this.box.clientHeight / ROW_PX) - 1);
    const { total } = this.page;
    const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -total, End: total };
    const row = this.rows.get(this.cursor);
    if (event.key in moves) this.move(moves[event.key]);
    else if ((event.key === "Enter" || event.key === " ") && row) send(this.model, { kind: "look", model: row.id });
    else if (event.key === "Escape") send(this.model, { kind: "look", model: "" });
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  move(by) {
    this.cursor = Math.max(0, Math.min(this.page.total - 1, this.cursor + by));
    const top = this.cursor * ROW_PX;
    if (top < this.box.scrollTop) this.box.scrollTop = top;
    const bottom = top + ROW_PX + this.head.offsetHeight - this.box.clientHeight;
    if (bottom > this.box.scrollTop) this.box.scrollTop = bottom;
    this.draw();
  }

}

function cellOf(name, row) {
  const cell = make("div", `sm-cell sm-${name}${NUMBERS.has(name) ? " sm-number" : ""}`, { role: "gridcell" });
  const text = row.cells[name];
  if (name !== "name") {
    cell.textContent = text;
    cell.title = name === "standing" && row.reason ? row.reason : text;
    return cell;
  }
  const title = make("b", "");
  title.textContent = text;
  const by = make("span", "sm-by");
  by.textContent = [row.creator, row.own ? "own entry" : ""].filter(Boolean).join(" · ");
  const under = make("span", "sm-under");
  under.append(by);
  if (row.rated) {
    const badge = make("span", "st-badge sm-rated", { title: row.rated.title });
    badge.textContent = row.rated.text;
    under.append(badge);
  }
  cell.title = row.id;
  cell.append(title, under);
  return cell;
}

export default { render };
