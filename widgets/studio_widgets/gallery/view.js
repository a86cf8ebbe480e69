// A grid of any length of which only the visible rows exist. Items (what a cell says) are asked for by place,
// thumbnails by run; both come as messages. The view never changes a run itself, it sends what was wished.

const TARGET_PX = 172;
const GAP_PX = 10;
const OVERSCAN_ROWS = 1;
const DEBOUNCE_MS = 40;
const BATCH = 60;
const IN_FLIGHT = 2;
const LOST_MS = 15_000; // a request the kernel has not answered by then is asked again
const KEPT_THUMBNAILS = 3000;
const KINDS = { video: { mark: "▶\ufe0e", name: "video" }, audio: { mark: "♪", name: "sound" } };

function render({ model, el }) {
  const grid = new Grid(model, el);
  return () => grid.dispose();
}

class Grid {
  constructor(model, el) {
    this.model = model;
    this.items = new Map(); // place -> item
    this.cells = new Map(); // place -> element
    this.fresh = new Set(); // places read since the last change of version
    this.asked = 0; // when items were last asked for; 0 = nothing is on its way
    this.thumbnails = new Thumbnails(model, () => this.draw());
    this.cursor = 0;
    this.pending = 0;
    this.frame = 0;

    this.box = document.createElement("div");
    this.box.className = "sg-grid";
    this.box.tabIndex = 0;
    this.box.setAttribute("role", "listbox");
    this.box.setAttribute("aria-label", "Runs, newest first");
    this.space = document.createElement("div");
    this.space.className = "sg-space";
    this.note = document.createElement("div");
    this.note.className = "sg-empty";
    this.note.setAttribute("role", "status");
    this.box.append(this.space, this.note);
    el.classList.add("sg-root");
    el.append(this.box);

    this.undo = [
      on(this.box, "scroll", () => this.redraw(), { passive: true }),
      on(this.box, "keydown", (event) => this.onKey(event)),
      on(this.box, "click", (event) => this.onClick(event)),
      onModel(model, "msg:custom", (message, buffers) => this.onMessage(message, buffers)),
      onModel(model, "change:version change:total", () => this.onVersion()),
      onModel(model, "change:selected change:empty", () => this.draw()),
    ];
    const observer = new ResizeObserver(() => this.redraw());
    observer.observe(this.box);
    this.undo.push(() => observer.disconnect());
    this.draw();
  }

  dispose() {
    cancelAnimationFrame(this.frame);
    clearTimeout(this.pending);
    this.undo.forEach((step) => step());
    this.thumbnails.dispose();
  }

  // Layout

  get total() {
    return this.model.get("total");
  }

  measure() {
    const width = this.space.clientWidth || TARGET_PX;
    this.columns = Math.max(2, Math.round((width + GAP_PX) / (TARGET_PX + GAP_PX)));
    this.size = (width - GAP_PX * (this.columns - 1)) / this.columns;
    this.pitch = this.size + GAP_PX;
  }

  visible() {
    const top = Math.max(0, Math.floor(this.box.scrollTop / this.pitch) - OVERSCAN_ROWS);
    const bottom = Math.ceil((this.box.scrollTop + this.box.clientHeight) / this.pitch) + OVERSCAN_ROWS;
    return [top * this.columns, Math.min(this.total, bottom * this.columns)];
  }

  redraw() {
    if (!this.frame) this.frame = requestAnimationFrame(() => this.draw());
  }

  draw() {
    this.frame = 0;
    this.measure();
    this.space.style.height = `${Math.max(0, Math.ceil(this.total / this.columns) * this.pitch - GAP_PX)}px`;
    const [first, last] = this.visible();
    for (const [place, cell] of this.cells) {
      if (place < first || place >= last) {
        cell.remove();
        this.cells.delete(place);
      }
    }
    const added = document.createDocumentFragment();
    for (let place = first; place < last; place += 1) {
      let cell = this.cells.get(place);
      if (!cell) {
        cell = newCell(place, this.total);
        this.cells.set(place, cell);
        added.append(cell);
      }
      this.position(cell, place);
      this.fill(cell, this.items.get(place), place);
    }
    this.space.append(added);
    this.note.textContent = this.total ? "" : this.model.get("empty");
    this.note.hidden = this.total > 0;
    const active = this.cells.get(this.cursor);
    if (active) this.box.setAttribute("aria-activedescendant", active.id);
    else this.box.removeAttribute("aria-activedescendant");
    this.ask(first, last);
  }

  position(cell, place) {
    const x = (place % this.columns) * this.pitch;
    const y = Math.floor(place / this.columns) * this.pitch;
    cell.style.transform = `translate(${x}px, ${y}px)`;
    cell.style.width = cell.style.height = `${this.size}px`;
  }

  fill(cell, item, place) {
    cell.classList.toggle("is-active", place === this.cursor);
    if (!item) return;
    cell.setAttribute("aria-selected", String(item.run === this.model.get("selected")));
    cell.setAttribute("aria-label", describe(item));
    cell.dataset.run = item.run;
    cell.dataset.status = item.status;
    cell.dataset.caption = item.title;
    cell.dataset.marks = marksOf(item);
    this.fillKind(cell, item.kind);
    const url = item.key && this.thumbnails.url(item.key);
    let picture = cell.querySelector("img");
    if (!url) {
      if (picture && picture.dataset.key !== item.key) picture.remove();
      return;
    }
    if (picture?.dataset.key === item.key) return;
    picture?.remove();
    picture = document.createElement("img");
    picture.decoding = "async";
    picture.draggable = false;
    picture.dataset.key = item.key;
    picture.src = url;
    picture.alt = item.title;
    cell.append(picture);
  }

  fillKind(cell, kind) {
    if (cell.dataset.kind === kind) return;
    cell.dataset.kind = kind;
    cell.querySelector(".sg-kind")?.remove();
    if (!(kind in KINDS)) return;
    const mark = document.createElement("i");
    mark.className = "sg-kind";
    mark.setAttribute("aria-hidden", "true");
    mark.textContent = KINDS[kind].mark;
    cell.append(mark);
  }

  // Asking the kernel

  ask(first, last) {
    clearTimeout(this.pending);
    this.pending = setTimeout(() => {
      this.askItems(first, last);
      this.askThumbnails(first, last);
    }, DEBOUNCE_MS);
  }

  askItems(first, last) {
    if (this.asked && Date.now() - this.asked < LOST_MS) return;
    let from = first;
    while (from < last && this.fresh.has(from)) from += 1;
    let to = last;
    while (to > from && this.fresh.has(to - 1)) to -= 1;
    if (from >= to) return;
    this.asked = Date.now();
    send(this.model, { kind: "items", first: from, last: to, version: this.model.get("version") });
  }

  askThumbnails(first, last) {
    const wanted = [];
    for (let place = first; place < last; place += 1) {
      const item = this.items.get(place);
      if (item?.key) wanted.push(item);
    }
    this.thumbnails.want(wanted);
  }

  onMessage(message, buffers) {
    if (message.kind === "thumbnails") this.thumbnails.take(message, buffers);
    if (message.kind !== "items") return;
    this.asked = 0;
    if (message.version === this.model.get("version")) {
      message.items.forEach((item, index) => {
        this.items.set(message.first + index, item);
        this.fresh.add(message.first + index);
      });
    }
    this.draw();
    this.askThumbnails(...this.visible());
  }

  // What is shown stays until what replaces it has come.
  onVersion() {
    this.fresh.clear();
    this.thumbnails.none.clear();
    this.asked = 0; // an answer that is still on its way belongs to the old version
    for (const place of this.items.keys()) if (place >= this.total) this.items.delete(place);
    this.cursor = Math.max(0, Math.min(this.cursor, this.total - 1));
    this.draw();
  }

  // Pointer and keys

  onClick(event) {
    const cell = event.target.closest(".sg-cell");
    if (!cell) return;
    this.cursor = Number(cell.dataset.place);
    this.open();
    this.draw();
  }

  onKey(event) {
    const page = Math.max(1, Math.floor(this.box.clientHeight / this.pitch)) * this.columns;
    const moves = {
      ArrowRight: 1, ArrowLeft: -1, ArrowDown: this.columns, ArrowUp: -this.columns,
      PageDown: page, PageUp: -page, Home: -this.total, End: this.total,
    };
    const item = this.items.get(this.cursor);
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in moves) this.move(moves[event.key]);
    else if (event.key === "Enter" || event.key === " ") this.open();
    else if (event.key === "Escape") send(this.model, { kind: "open", run: "" });
    else if (event.key === "f" && item) send(this.model, { kind: "star", run: item.run, on: !item.favourite });
    else if (/^[0-5]$/.test(event.key) && item) send(this.model, { kind: "rate", run: item.run, rating: Number(event.key) });
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  move(by) {
    this.cursor = Math.max(0, Math.min(this.total - 1, this.cursor + by));
    const top = Math.floor(this.cursor / this.columns) * this.pitch;
    if (top < this.box.scrollTop) this.box.scrollTop = top;
    const bottom = top + this.size - this.box.clientHeight;
    if (bottom > this.box.scrollTop) this.box.scrollTop = bottom;
    this.draw();
  }

  open() {
    const item = this.items.get(this.cursor);
    if (item) send(this.model, { kind: "open", run: item.run });
  }
}

// Thumbnails by the digest of their file: the same picture is fetched once however often it moves.
class Thumbnails {
  constructor(model, onChange) {
    this.model = model;
    this.onChange = onChange;
    this.urls = new Map(); // key -> blob URL, oldest use first
    this.wanted = new Map(); // key -> run
    this.sent = new Map(); // seq -> { at, keys by run }
    this.none = new Set(); // keys the kernel has no picture for
    this.seq = 0;
  }

  dispose() {
    for (const url of this.urls.values()) URL.revokeObjectURL(url);
    this.urls.clear();
  }

  url(key) {
    const url = this.urls.get(key);
    if (url) {
      this.urls.delete(key);
      this.urls.set(key, url);
    }
    return url;
  }

  // Only what is in view now is wanted; what has left the view and was not asked for yet is forgotten.
  want(items) {
    const underway = new Set([...this.sent.values()].flatMap((request) => [...request.keys.values()]));
    this.wanted = new Map();
    for (const item of items) {
      if (!this.urls.has(item.key) && !this.none.has(item.key) && !underway.has(item.key)) {
        this.wanted.set(item.key, item.run);
      }
    }
    this.flush();
  }

  flush() {
    const now = Date.now();
    for (const [seq, request] of this.sent) if (now - request.at > LOST_MS) this.sent.delete(seq);
    while (this.wanted.size && this.sent.size < IN_FLIGHT) {
      const batch = [...this.wanted].slice(0, BATCH);
      batch.forEach(([key]) => this.wanted.delete(key));
      this.seq += 1;
      this.sent.set(this.seq, { at: now, keys: new Map(batch.map(([key, run]) => [run, key])) });
      send(this.model, { kind: "thumbnails", runs: batch.map(([, run]) => run), seq: this.seq });
    }
  }

  take(message, buffers) {
    const request = this.sent.get(message.seq);
    if (!request) return;
    this.sent.delete(message.seq);
    message.runs.forEach((run, index) => {
      const key = request.keys.get(run);
      request.keys.delete(run);
      if (!this.urls.has(key)) this.urls.set(key, URL.createObjectURL(new Blob([buffers[index]], { type: "image/webp" })));
    });
    for (const key of request.keys.values()) this.none.add(key);
    this.forget();
    this.flush();
    this.onChange();
  }

  forget() {
    for (const [key, url] of this.urls) {
      if (this.urls.size <= KEPT_THUMBNAILS) return;
      URL.revokeObjectURL(url);
      this.urls.delete(key);
    }
  }
}

let cellCount = 0;

function newCell(place, total) {
  const cell = document.createElement("div");
  cell.className = "sg-cell";
  cell.id = `sg-cell-${(cellCount += 1)}`;
  cell.dataset.place = String(place);
  cell.setAttribute("role", "option");
  cell.setAttribute("aria-posinset", String(place + 1));
  cell.setAttribute("aria-setsize", String(total));
  return cell;
}

function describe(item) {
  const parts = [item.title];
  if (item.kind in KINDS) parts.push(KINDS[item.kind].name);
  if (item.status !== "succeeded") parts.push(item.status);
  if (item.files > 1) parts.push(`${item.files} files`);
  if (item.rating) parts.push(`${item.rating} of 5 stars`);
  if (item.favourite) parts.push("favourite");
  return parts.join(", ");
}

function marksOf(item) {
  return [item.favourite ? "♥" : "", item.rating ? "★".repeat(item.rating) : "", item.files > 1 ? `×${item.files}` : ""]
    .filter(Boolean)
    .join(" ");
}

function send(model, message) {
  try {
    model.send(message);
  } catch {
    // the kernel is gone; the frame of the panel says so
  }
}

function on(target, name, listener, options) {
  target.addEventListener(name, listener, options);
  return () => target.removeEventListener(name, listener, options);
}

function onModel(model, names, listener) {
  model.on(names, listener);
  return () => model.off(names, listener);
}

export default { render };
