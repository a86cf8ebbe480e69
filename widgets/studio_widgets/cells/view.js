// A table of results with labelled rows and columns, or cells one after the other. Labels and cells come as messages,
// pictures as their buffers. Every cell has an element, but in a large table only those near the view have something in
// it; the page asks for their pictures, and says which cell was chosen or selected.

const BEAT_MS = 10_000;
const BATCH = 30;
const SMALL = 100; // cells
const MISSED_MS = 5000;
const DARK_INK = 0.4; // of the scale: from there on black is easier to read on its colours than white
const MARKS = { failed: "✕", cancelled: "⊘", invalid: "!", "left out": "–", "no such point": "" };
const KINDS = { video: "▶", audio: "♪" };

function render({ model, el }) {
  const root = make("div", "sc-root");
  root.dataset.ownKeys = "";
  el.append(root);
  const view = new Cells(model, root);
  const hear = (content, buffers) => view.hear(content, buffers);
  model.on("msg:custom", hear);
  const seen = new IntersectionObserver((entries) => entries.at(-1).isIntersecting && view.tell());
  seen.observe(root);
  const timer = setInterval(() => view.tell(), BEAT_MS);
  view.tell();
  return () => {
    model.off("msg:custom", hear);
    seen.disconnect();
    clearInterval(timer);
    view.end();
  };
}

class Cells {
  constructor(model, root) {
    this.model = model;
    this.root = root;
    this.number = 0;
    this.table = null;
    this.chosen = "";
    this.selected = new Set();
    this.selecting = false;
    this.pictures = new Map(); // run -> { key, url }
    this.asked = new Set();
    this.wanted = new Set();
    // The margin of the view does not reach into what scrolls by itself; there the other one does, in browsers that have it.
    this.inView = new IntersectionObserver((entries) => this.look(entries), { rootMargin: "200px", scrollMargin: "200px" });
    root.addEventListener("click", (event) => this.click(event));
    root.addEventListener("keydown", (event) => this.key(event));
    root.addEventListener("dragstart", (event) => this.drag(event));
  }

  tell() {
    if (this.root.isConnected ? this.root.checkVisibility() : true) send(this.model, { kind: "here", number: this.number });
  }

  end() {
    this.inView.disconnect();
    for (const { url } of this.pictures.values()) URL.revokeObjectURL(url);
  }

  hear(content, buffers) {
    if (content.kind === "table") this.draw(content);
    else if (content.kind === "cells") this.change(content);
    else if (content.kind === "thumbnails") content.runs.forEach((run, place) => this.keep(run, buffers[place]));
    else if (content.kind === "chosen") this.mark(content);
    else if (content.kind === "file") save(content, buffers[0]);
  }

  // Drawing

  draw({ table, number }) {
    this.number = number;
    this.table = table;
    this.inView.disconnect();
    this.wanted.clear();
    this.cells = [];
    if (!table) {
      this.root.replaceChildren();
      return;
    }
    if (table.too_many) {
      this.root.replaceChildren(make("div", "st-alert warn", { role: "status", textContent: table.too_many }));
      return;
    }
    this.scale = make("div", "sc-scale");
    const grid = table.flows ? this.flow() : this.grid();
    this.root.replaceChildren(this.scale, grid);
    this.rule(table.scale);
    this.marked();
    this.cells.forEach((cell) => this.inView.observe(cell));
    this.cells[0]?.setAttribute("tabindex", "0");
    this.forget();
  }

  grid() {
    const { table } = this;
    const grid = make("div", "sc-grid", { role: "grid" });
    grid.setAttribute("aria-label", [table.down, table.across].filter(Boolean).join(" by ") || "Results");
    grid.style.setProperty("--sc-columns", String(table.columns.length));
    grid.classList.toggle("has-rows", table.rows.some(Boolean));
    grid.append(this.head());
    table.rows.forEach((label, row) => grid.append(this.row(label, row)));
    return grid;
  }

  flow() {
    const list = make("div", "sc-flow", { role: "listbox" });
    list.setAttribute("aria-label", "Results, sorted");
    list.setAttribute("aria-multiselectable", "true");
    this.table.tiles.forEach((tile, place) => {
      const cell = this.cell(place, "option");
      cell.setAttribute("aria-posinset", String(place + 1));
      list.append(cell);
    });
    return list;
  }

  // What the colours stand for.
  rule(scale) {
    this.table.scale = scale;
    this.scale.replaceChildren();
    if (!scale) return;
    const bar = make("i", "sc-bar");
    bar.style.background = `linear-gradient(to right, ${scale.colours.join(", ")})`;
    this.scale.append(
      make("span", "sc-what", scale.label),
      make("span", "", scale.low),
      bar,
      make("span", "", scale.high),
    );
  }

  head() {
    const { across, down, columns } = this.table;
    const made = make("div", "sc-line sc-head", { role: "row" });
    const corner = make("div", "sc-corner", { role: "columnheader" });
    corner.append(make("span", "", { textContent: across && `${across} →` }), make("span", "", { textContent: down && `${down} ↓` }));
    made.append(corner, ...columns.map((label) => make("div", "sc-label", { role: "columnheader", textContent: label, title: label })));
    return made;
  }

  row(label, row) {
    const { columns } = this.table;
    const made = make("div", "sc-line", { role: "row" });
    made.append(make("div", "sc-label sc-side", { role: "rowheader", textContent: label, title: label }));
    columns.forEach((_label, column) => {
      made.append(this.cell(row * columns.length + column, "gridcell"));
    });
    return made;
  }

  cell(place, role) {
    const cell = make("div", "sc-cell", { role, tabIndex: -1 });
    cell.dataset.place = String(place);
    this.cells.push(cell);
    this.fill(cell, this.table.tiles[place]);
    return cell;
  }

  change({ cells, scale, number }) {
    // A message that was lost shows as a gap; then everything is asked for again with the next sign of life.
    if (number === this.number + 1) this.number = number;
    if (!this.table || this.table.too_many) return;
    this.rule(scale); // first: cells take their colours from it
    for (const [place, tile] of cells) {
      this.table.tiles[place] = tile;
      if (this.cells[place]) this.fill(this.cells[place], tile);
    }
    this.marked();
  }

  fill(cell, tile) {
    cell.dataset.status = tile.status;
    cell.dataset.run = tile.run;
    cell.setAttribute("aria-label", describe(tile));
    cell.title = [tile.title, tile.note].filter(Boolean).join("\n");
    cell.classList.toggle("is-shaded", tile.shade !== null);
    if (tile.shade === null) cell.style.removeProperty("--sc-colour");
    else cell.style.setProperty("--sc-colour", colourAt(this.table.scale?.colours, tile.shade));
    cell.style.setProperty("--sc-ink", tile.shade > DARK_INK ? "#000" : "#fff");
    if (cell.dataset.seen || this.isSmall) this.furnish(cell, tile);
  }

  // A small table costs little as a whole.
  get isSmall() {
    return this.table.tiles.length <= SMALL;
  }

  // What is in a cell, of a large table for as long as it is near the view.
  furnish(cell, tile) {
    const picture = this.pictures.get(tile.run);
    const parts = [];
    if (tile.key && picture?.key === tile.key) {
      parts.push(make("img", "", { src: picture.url, alt: tile.title, draggable: false }));
    } else if (tile.key) {
      parts.push(make("span", "sc-word"));
      if (cell.dataset.seen) this.want(tile.run);
    } else parts.push(make("span", "sc-word", wordOf(tile)));
    const marks = [KINDS[tile.kind], tile.files > 1 && `×${tile.files}`].filter(Boolean).join(" ");
    if (marks) parts.push(make("span", "sc-marks", marks));
    if (tile.number) parts.push(make("span", "sc-number", tile.number));
    if (this.table.flows) parts.push(make("span", "sc-caption", tile.title));
    cell.replaceChildren(...parts);
  }

  mark({ run, selected, selecting, fill }) {
    this.chosen = run;
    this.selected = new Set(selected);
    this.selecting = selecting;
    this.root.classList.toggle("is-coloured", fill === "colours");
    this.root.classList.toggle("is-selecting", selecting);
    this.marked();
  }

  marked() {
    for (const cell of this.cells ?? []) {
      const { run } = cell.dataset;
      const isChosen = Boolean(run) && run === this.chosen;
      const isSelected = Boolean(run) && this.selected.has(run);
      cell.setAttribute("aria-selected", String(this.selecting ? isSelected : isChosen));
      cell.classList.toggle("is-chosen", isChosen);
      cell.classList.toggle("is-selected", isSelected);
      cell.draggable = Boolean(run);
    }
  }

  // Pictures

  look(entries) {
    for (const { target, isIntersecting } of entries) {
      const tile = this.table?.tiles[Number(target.dataset.place)];
      if (!isIntersecting) {
        delete target.dataset.seen;
        if (!this.isSmall) target.replaceChildren();
      } else if (tile && !target.dataset.seen) {
        target.dataset.seen = "yes";
        this.furnish(target, tile);
      }
    }
  }

  want(run) {
    if (this.asked.has(run)) return;
    this.wanted.add(run);
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      const runs = [...this.wanted].slice(0, BATCH);
      runs.forEach((each) => this.wanted.delete(each) && this.asked.add(each));
      if (runs.length) send(this.model, { kind: "thumbnails", runs });
      setTimeout(() => this.miss(runs), MISSED_MS);
      if (this.wanted.size) this.want([...this.wanted][0]);
    }, 30);
  }

  // Answers may be lost: what was asked for and is still in view without its picture is asked for again.
  miss(runs) {
    runs.forEach((each) => this.asked.delete(each));
    if (!this.root.isConnected) return;
    for (const { dataset } of this.cells ?? []) {
      const tile = this.table?.tiles[Number(dataset.place)];
      if (dataset.seen && tile?.key && runs.includes(tile.run) && this.pictures.get(tile.run)?.key !== tile.key) this.want(tile.run);
    }
  }

  keep(run, data) {
    const places = this.table?.tiles.flatMap((tile, place) => (tile.run === run ? [place] : [])) ?? [];
    if (!places.length || !data?.byteLength) return;
    const old = this.pictures.get(run);
    const url = URL.createObjectURL(new Blob([data], { type: "image/webp" }));
    this.pictures.set(run, { key: this.table.tiles[places[0]].key, url });
    this.asked.delete(run);
    places.forEach((place) => this.cells[place] && this.fill(this.cells[place], this.table.tiles[place]));
    if (old) URL.revokeObjectURL(old.url);
  }

  forget() {
    const shown = new Set(this.table.tiles.map((tile) => tile.run));
    for (const [run, { url }] of this.pictures) {
      if (shown.has(run)) continue;
      URL.revokeObjectURL(url);
      this.pictures.delete(run);
    }
  }

  // Wishes

  click(event) {
    const cell = event.target.closest(".sc-cell");
    if (this.selecting || event.ctrlKey || event.metaKey || event.shiftKey) this.select(cell);
    else this.choose(cell);
  }

  choose(cell) {
    if (!cell) return;
    this.focus(cell);
    if (cell.dataset.run) send(this.model, { kind: "choose", run: cell.dataset.run });
  }

  select(cell) {
    if (!cell) return;
    this.focus(cell);
    const { run } = cell.dataset;
    if (run) send(this.model, { kind: "select", run, on: !this.selected.has(run) });
  }

  drag(event) {
    const run = event.target.closest?.(".sc-cell")?.dataset.run;
    if (!run) return;
    event.dataTransfer.setData("application/x-studio-run", run);
    event.dataTransfer.setData("text/plain", run);
  }

  key(event) {
    const cell = event.target.closest(".sc-cell");
    if (!cell || event.ctrlKey || event.metaKey || event.altKey) return;
    const columns = this.table.flows ? this.across() : this.table.columns.length;
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key];
    if (step) this.focus(this.cells[Number(cell.dataset.place) + step]);
    else if (event.key === " " && this.selecting) this.select(cell);
    else if (event.key === "Enter" || event.key === " ") this.choose(cell);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  // How many cells stand beside each other where they flow.
  across() {
    const behind = this.cells.findIndex((cell) => cell.offsetTop > this.cells[0].offsetTop);
    return behind < 0 ? this.cells.length : behind;
  }

  focus(cell) {
    if (!cell) return;
    this.root.querySelector(".sc-cell[tabindex='0']")?.setAttribute("tabindex", "-1");
    cell.setAttribute("tabindex", "0");
    cell.focus();
  }
}

// A colour between two stops of a scale, mixed by the browser.
function colourAt(colours, share) {
  if (!colours?.length) return "transparent";
  const at = Math.max(0, Math.min(1, share)) * (colours.length - 1);
  const first = Math.min(Math.floor(at), colours.length - 2);
  return `color-mix(in srgb, ${colours[first + 1]} ${Math.round(100 * (at - first))}%, ${colours[first]})`;
}

function describe(tile) {
  const said = [tile.title || "result", tile.status === "succeeded" ? "" : tile.status, tile.note, tile.number];
  if (tile.files > 1) said.push(`${tile.files} files`);
  return said.filter(Boolean).join(", ");
}

function wordOf(tile) {
  const mark = MARKS[tile.status];
  const reason = tile.note && tile.status !== "running" ? `: ${tile.note}` : "";
  return `${mark ? `${mark} ` : ""}${tile.status}${reason}`.slice(0, 120);
}

function save({ name, type }, data) {
  const url = URL.createObjectURL(new Blob([data], { type }));
  make("a", "", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

export default { render };
