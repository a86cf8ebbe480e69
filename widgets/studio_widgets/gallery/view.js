// Runs in a grid or a list of any length, of which only the visible rows exist. Items (what a cell says) are asked for
// by place, thumbnails by run; both come as messages. The view never changes a run itself, it sends what was wished.
//
// In front of this file stand saving/parts.js, thumbnails.js, playing.js and cells.js.

const TARGET_PX = 172;
const GAP_PX = 10;
const ROW_PX = 56;
const HEADING_PX = 32;
const EDGE_PX = 4; // around the tiles
const OVERSCAN_ROWS = 1;
const ASK_EVERY_MS = 40;
const LONG_PRESS_MS = 500;
const STILL_PX = 10; // a finger that moves less does not scroll
const TALLEST_PX = 15_000_000; // browsers cut elements off somewhere above
const RUN_TYPE = "application/x-studio-run";

function render({ model, el }) {
  const view = new RunsView(model, el);
  return () => view.dispose();
}

class RunsView {
  constructor(model, el) {
    this.model = model;
    this.items = new Map(); // place -> item
    this.cells = new Map(); // place -> element
    this.stretches = new Stretches(
      (first, last) => send(model, { kind: "items", first, last, version: model.get("version") }),
      () => this.ask(),
    );
    this.thumbnails = new Thumbnails(model, () => this.draw());
    this.parts = new Parts(model);
    this.playing = new Playing(this.parts);
    this.cursor = 0;
    this.anchor = ""; // the run from which Shift selects
    this.hovered = -1;
    this.pressed = 0;
    this.opens = -1; // the place that is to be opened once the kernel has told what is there
    this.pending = 0;
    this.lost = 0;
    this.frame = 0;
    this.resizing = 0;
    this.looks = "";
    this.topmost = 0; // the place that is first in view

    this.box = document.createElement("div");
    this.box.tabIndex = 0;
    this.box.dataset.ownKeys = "";
    this.space = document.createElement("div");
    this.space.className = "sg-space";
    this.note = document.createElement("div");
    this.note.className = "sg-empty";
    this.note.setAttribute("role", "status");
    this.box.append(this.space);
    el.classList.add("sg-root");
    el.append(this.box, this.note);

    this.undo = [
      on(this.box, "scroll", () => this.redraw(), { passive: true }),
      on(this.box, "focus", () => this.point()),
      on(this.box, "blur", () => this.point()),
      on(this.box, "keydown", (event) => this.onKey(event)),
      on(this.box, "click", (event) => this.onClick(event)),
      on(this.box, "pointerover", (event) => this.onHover(event.target.closest(".sg-cell"))),
      on(this.box, "pointerleave", () => this.onHover(null)),
      on(this.box, "pointerdown", (event) => this.onPress(event)),
      on(this.box, "contextmenu", (event) => this.pressed && event.preventDefault()),
      on(this.box, "dragstart", (event) => this.onDrag(event)),
      onModel(model, "msg:custom", (message, buffers) => this.onMessage(message, buffers)),
      onModel(model, "change:version change:total", () => this.onVersion()),
      onModel(model, "change:opened change:selection change:empty change:actions", () => this.draw()),
      onModel(model, "change:layout_name change:columns", () => this.onLook()),
    ];
    const observer = new ResizeObserver(() => {
      cancelAnimationFrame(this.resizing);
      this.resizing = requestAnimationFrame(() => this.draw());
    });
    observer.observe(this.box);
    this.undo.push(() => observer.disconnect());
    this.draw();
  }

  dispose() {
    cancelAnimationFrame(this.frame);
    cancelAnimationFrame(this.resizing);
    clearTimeout(this.pending);
    clearTimeout(this.lost);
    clearTimeout(this.pressed);
    this.stretches.answered();
    this.undo.forEach((step) => step());
    this.playing.leave();
    this.parts.dispose();
    this.thumbnails.dispose();
  }

  // Layout

  get total() {
    return this.model.get("total");
  }

  get isList() {
    return this.model.get("layout_name") === "list";
  }

  measure() {
    this.box.className = this.isList ? "sg-grid is-list" : "sg-grid"; // first: it decides the width
    const width = this.space.clientWidth || TARGET_PX;
    if (this.isList) {
      this.across = 1;
      this.size = ROW_PX;
      this.pitch = ROW_PX;
    } else {
      this.across = Math.max(2, Math.round((width + GAP_PX) / (TARGET_PX + GAP_PX)));
      this.size = (width - GAP_PX * (this.across - 1)) / this.across;
      this.pitch = this.size + GAP_PX;
    }
    this.dress(width);
    this.room = this.box.clientHeight - (this.isList ? HEADING_PX : 2 * EDGE_PX);
    this.full = Math.max(0, Math.ceil(this.total / this.across) * this.pitch - (this.isList ? 0 : GAP_PX));
    this.tall = Math.min(this.full, TALLEST_PX);
  }

  // A list that changes its columns is another list.
  dress(width) {
    const acts = Object.keys(this.model.get("actions") ?? {}).length;
    const fit = this.isList ? fitting(this.model.get("columns"), width, acts) : { shown: [], template: "" };
    const looks = this.isList ? `list ${fit.shown}` : "grid";
    this.space.style.setProperty("--sg-columns", fit.template);
    this.heading?.style.setProperty("--sg-columns", fit.template);
    if (looks === this.looks) return;
    this.looks = looks;
    this.cells.forEach((cell) => cell.remove());
    this.cells.clear();
    this.playing.leave();
    this.heading?.remove();
    this.heading = null;
    this.cut = this.isList ? new Rows(fit.shown) : new Tiles();
    this.box.setAttribute("role", this.isList ? "grid" : "listbox");
    this.box.setAttribute("aria-label", this.model.get("label"));
    if (this.model.get("selectable")) this.box.setAttribute("aria-multiselectable", "true");
    this.space.setAttribute("role", this.isList ? "rowgroup" : "presentation");
    if (this.isList) {
      this.heading = newHeading(fit.shown);
      this.heading.style.setProperty("--sg-columns", fit.template);
      this.box.prepend(this.heading);
    }
  }

  // How far down the whole list the view is; the same as scrollTop unless the list is taller than an element can be.
  get top() {
    const { scrollTop } = this.box;
    if (this.full === this.tall || this.tall <= this.room) return scrollTop;
    return Math.min(scrollTop * ((this.full - this.room) / (this.tall - this.room)), this.full - this.room);
  }

  set top(value) {
    const stretch = this.full > this.room ? (this.tall - this.room) / (this.full - this.room) : 1;
    this.box.scrollTop = value * stretch;
  }

  visible(more = OVERSCAN_ROWS) {
    const first = Math.max(0, Math.floor(this.top / this.pitch) - more);
    const last = Math.ceil((this.top + this.room) / this.pitch) + more;
    return [first * this.across, Math.min(this.total, last * this.across)];
  }

  redraw() {
    if (!this.frame) this.frame = requestAnimationFrame(() => this.draw());
  }

  // What was in view when it was drawn last: whatever draws first after the width has changed brings that back.
  inView() {
    if (!this.pitch) return null;
    const { pitch, topmost } = this;
    const behind = topmost + this.across * (Math.ceil(this.room / pitch) + 1); // rows that are cut count
    return { pitch, topmost, hasCursor: this.cursor >= topmost && this.cursor < behind };
  }

  draw() {
    this.frame = 0;
    const kept = this.inView();
    this.measure();
    this.space.style.height = `${this.tall}px`;
    const isOther = kept && kept.pitch !== this.pitch;
    if (isOther) this.top = Math.floor(kept.topmost / this.across) * this.pitch;
    this.box.hidden = !this.total;
    this.note.hidden = this.total > 0;
    this.note.textContent = this.total ? "" : this.model.get("empty");
    if (this.isList) this.box.setAttribute("aria-rowcount", String(this.total + 1));
    const [first, last] = this.visible();
    this.topmost = Math.floor(this.top / this.pitch) * this.across;
    this.drop(first, last);
    const added = document.createDocumentFragment();
    const shift = this.box.scrollTop - this.top;
    for (let place = first; place < last; place += 1) {
      let cell = this.cells.get(place);
      if (!cell) {
        cell = this.cut.make(place, this.total);
        this.cells.set(place, cell);
        added.append(cell);
      }
      this.position(cell, place, shift);
      this.fill(cell, place);
    }
    this.space.append(added);
    this.point();
    this.askSoon();
    if (isOther && kept.hasCursor) this.moveTo(this.cursor);
  }

  // Which cell the keys act on, for screen readers; without the focus there is none.
  point() {
    const active = this.box === document.activeElement ? this.cells.get(this.cursor) : null;
    if (active?.isConnected) this.box.setAttribute("aria-activedescendant", active.id);
    else this.box.removeAttribute("aria-activedescendant");
  }

  drop(first, last) {
    for (const [place, cell] of this.cells) {
      if (place >= first && place < last) continue;
      if (cell === this.playing.cell) this.playing.leave();
      cell.remove();
      this.cells.delete(place);
    }
  }

  position(cell, place, shift) {
    const x = (place % this.across) * this.pitch;
    const y = Math.floor(place / this.across) * this.pitch + shift;
    cell.style.transform = `translate(${x}px, ${y}px)`;
    cell.style.height = `${this.size}px`;
    cell.style.width = this.isList ? "" : `${this.size}px`;
  }

  fill(cell, place) {
    const item = this.items.get(place);
    const how = {
      selected: Boolean(item) && this.isSelected(item.run),
      opened: Boolean(item) && item.run === this.model.get("opened"),
      active: place === this.cursor,
      hovered: place === this.hovered,
      selectable: this.model.get("selectable"),
    };
    this.cut.fill(cell, item, how, item?.key && this.thumbnails.url(item.key), this.model.get("actions"));
  }

  // Selection: the named ones, or all but the named ones

  get selection() {
    const said = this.model.get("selection") ?? { all: false, runs: [] };
    if (this.saidSelection !== said) {
      this.saidSelection = said;
      this.named = new Set(said.runs);
    }
    return said;
  }

  isSelected(run) {
    const { all } = this.selection;
    return all !== this.named.has(run);
  }

  get isSelecting() {
    return this.selection.all || this.named.size > 0;
  }

  toggle(item) {
    if (!item || !this.model.get("selectable")) return;
    this.anchor = item.run;
    send(this.model, { kind: "select", run: item.run, on: !this.isSelected(item.run) });
  }

  selectTo(item, keep) {
    if (!item || !this.model.get("selectable")) return;
    this.anchor ||= item.run;
    send(this.model, { kind: "range", first: this.anchor, last: item.run, keep });
  }

  // Asking the kernel

  askSoon() {
    if (this.pending) return;
    this.pending = setTimeout(() => {
      this.pending = 0;
      this.ask();
    }, ASK_EVERY_MS);
  }

  // First what is seen, then a screen before and behind it; by the measures of the last drawing, which keeps its place by
  // comparing them with new ones.
  ask() {
    const seen = this.visible();
    const near = this.visible(Math.ceil(this.room / this.pitch));
    this.stretches.ask(...seen) || this.stretches.ask(...near);
    this.askThumbnails(seen, near);
    clearTimeout(this.lost);
    if (this.thumbnails.sent.size) this.lost = setTimeout(() => this.ask(), LOST_MS);
  }

  askThumbnails([first, last], [before, behind]) {
    const wanted = [];
    const want = (from, to) => {
      for (let place = from; place < to; place += 1) {
        const item = this.items.get(place);
        if (item?.key) wanted.push(item);
      }
    };
    want(first, last);
    want(last, behind);
    want(before, first);
    this.thumbnails.want(wanted);
  }

  onMessage(message, buffers) {
    if (message.kind === "thumbnails") this.thumbnails.take(message, buffers);
    if (message.kind === "part") this.parts.take(message, buffers);
    if (message.kind === "reveal") this.moveTo(message.place);
    if (message.kind !== "items") return;
    this.stretches.answered();
    this.thumbnails.keep(message.keys ?? [], buffers ?? []);
    if (message.version === this.model.get("version")) {
      message.items.forEach((item, index) => {
        this.items.set(message.first + index, item);
        this.stretches.fresh.add(message.first + index);
      });
    }
    this.draw();
    this.ask();
    if (this.opens === this.cursor && this.items.has(this.cursor)) this.open();
  }

  // What is shown stays until what replaces it has come.
  onVersion() {
    this.stretches.change();
    this.thumbnails.none.clear();
    for (const place of this.items.keys()) if (place >= this.total) this.items.delete(place);
    this.cursor = Math.max(0, Math.min(this.cursor, this.total - 1));
    this.draw();
  }

  // What was in view stays in view: the run under the cursor, or else the first.
  onLook() {
    this.looks = "";
    this.draw();
  }

  // Pointer

  onClick(event) {
    if (this.pressed === -1) return void (this.pressed = 0); // the end of a long press
    const cell = event.target.closest(".sg-cell");
    if (!cell) return;
    const item = this.items.get(Number(cell.dataset.place));
    const action = event.target.closest("[data-action]");
    if (action) return this.act(action.dataset.action, item);
    this.cursor = Number(cell.dataset.place);
    const adds = event.ctrlKey || event.metaKey;
    if (event.shiftKey) this.selectTo(item, adds);
    else if (adds || event.target.closest(".sg-check") || this.isSelecting) this.toggle(item);
    else {
      this.anchor = item?.run ?? "";
      this.open();
    }
    this.draw();
  }

  onHover(cell) {
    const place = cell ? Number(cell.dataset.place) : -1;
    this.playing.over(cell, this.items.get(place));
    if (place === this.hovered) return;
    const left = this.hovered;
    this.hovered = place;
    for (const each of [left, place]) if (this.cells.has(each)) this.fill(this.cells.get(each), each);
  }

  onPress(event) {
    if (this.pressed === -1) this.pressed = 0; // no click has followed the last one
    const cell = event.target.closest(".sg-cell");
    if (event.pointerType !== "touch" || !cell) return;
    this.pressed = setTimeout(() => {
      done();
      this.pressed = -1;
      this.toggle(this.items.get(Number(cell.dataset.place)));
    }, LONG_PRESS_MS);
    const end = () => {
      done();
      clearTimeout(this.pressed);
      this.pressed = 0;
    };
    const moved = (later) => {
      if (Math.hypot(later.clientX - event.clientX, later.clientY - event.clientY) > STILL_PX) end();
    };
    const undo = [
      on(this.box, "pointerup", end),
      on(this.box, "pointercancel", end),
      on(this.box, "pointermove", moved),
    ];
    const done = () => undo.forEach((step) => step());
  }

  onDrag(event) {
    const cell = event.target.closest?.(".sg-cell");
    if (!cell?.dataset.run) return event.preventDefault();
    event.dataTransfer.setData(RUN_TYPE, cell.dataset.run);
    event.dataTransfer.setData("text/plain", cell.dataset.run);
    event.dataTransfer.effectAllowed = "copy";
    const picture = cell.querySelector("img");
    if (picture) event.dataTransfer.setDragImage(picture, 24, 24);
    event.stopPropagation(); // the notebook would take it for one of its cells
  }

  // Keys

  onKey(event) {
    if (event.target !== this.box && !["ArrowUp", "ArrowDown", "Escape"].includes(event.key)) return; // a button's own
    if (event.altKey || !this.press(event)) return;
    event.preventDefault();
    event.stopPropagation();
  }

  // Does what a key means; returns whether it means anything.
  press(event) {
    const item = this.items.get(this.cursor);
    const selectable = this.model.get("selectable");
    if (event.ctrlKey || event.metaKey) {
      if (event.key.toLowerCase() !== "a" || !selectable) return false;
      send(this.model, { kind: "select_all" });
      return true;
    }
    const page = Math.max(1, Math.floor(this.room / this.pitch)) * this.across;
    const moves = {
      ArrowRight: 1, ArrowLeft: -1, ArrowDown: this.across, ArrowUp: -this.across,
      PageDown: page, PageUp: -page, Home: -this.total, End: this.total,
    };
    if (event.key in moves) this.move(moves[event.key], event.shiftKey);
    else if (event.key === "Enter") this.open();
    else if (event.key === " ") selectable ? this.toggle(item) : this.open();
    else if (event.key === "Escape" && this.isSelecting) send(this.model, { kind: "select_none" });
    else if (event.key === "Escape") send(this.model, { kind: "open", run: "" });
    else if (event.key === "Delete" && selectable && item) send(this.model, { kind: "delete", run: item.run });
    else if (event.key === "f" && item) send(this.model, { kind: "star", run: item.run, on: !item.favourite });
    else if (/^[0-5]$/.test(event.key) && item) send(this.model, { kind: "rate", run: item.run, rating: Number(event.key) });
    else return false;
    return true;
  }

  move(by, selects) {
    const from = this.items.get(this.cursor);
    if (selects && !this.anchor && from) this.anchor = from.run;
    this.moveTo(this.cursor + by);
    if (selects) this.selectTo(this.items.get(this.cursor), false);
    else this.anchor = this.items.get(this.cursor)?.run ?? "";
  }

  moveTo(place) {
    this.cursor = Math.max(0, Math.min(this.total - 1, place));
    const top = Math.floor(this.cursor / this.across) * this.pitch;
    if (top < this.top) this.top = top;
    else if (top + this.size > this.top + this.room) this.top = top + this.size - this.room;
    this.draw();
  }

  open() {
    const item = this.items.get(this.cursor);
    this.opens = item ? -1 : this.cursor;
    if (item) send(this.model, { kind: "open", run: item.run });
  }

  act(name, item) {
    if (!item) return;
    if (name !== "download") return send(this.model, { kind: "act", name, run: item.run });
    this.parts.pull(item.run, item.file, (blob, file) => blob && save(blob, file));
  }
}

export default { render };
