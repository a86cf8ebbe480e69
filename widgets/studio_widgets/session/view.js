// The newest results in a row. A click sends which was chosen; dragging one carries its run to an input.

const RUN = "application/x-studio-run";
const MARKS = { video: ["▶\ufe0e", "video"], audio: ["♪", "sound"] };

let count = 0;

function render({ model, el }) {
  const strip = new Strip(model, el);
  return () => strip.dispose();
}

class Strip {
  constructor(model, el) {
    this.model = model;
    this.urls = new Map(); // digest -> blob URL
    this.asked = new Map(); // digest -> when
    this.cells = new Map(); // run -> element
    this.cursor = "";
    this.newest = model.get("results")[0]?.run;

    el.classList.add("sn-root");
    this.row = make("div", "sn-row", { tabIndex: 0 });
    this.row.setAttribute("role", "listbox");
    this.row.setAttribute("aria-orientation", "horizontal");
    this.empty = make("div", "sn-empty");
    this.news = make("div", "sn-news");
    this.news.setAttribute("role", "status");
    el.append(this.row, this.empty, this.news);

    this.undo = [
      on(this.row, "click", (event) => this.onClick(event)),
      on(this.row, "keydown", (event) => this.onKey(event)),
      on(this.row, "dragstart", (event) => this.onDrag(event)),
      on(this.row, "wheel", (event) => this.onWheel(event), { passive: false }),
      onModel(model, "msg:custom", (message, buffers) => this.onMessage(message, buffers)),
      onModel(model, "change:results change:chosen change:does change:nothing", () => this.draw()),
    ];
    this.draw();
  }

  dispose() {
    this.undo.forEach((step) => step());
    for (const url of this.urls.values()) URL.revokeObjectURL(url);
    this.urls.clear();
  }

  get results() {
    return this.model.get("results");
  }

  draw() {
    const results = this.results;
    const does = this.model.get("does");
    this.row.setAttribute("aria-label", `${this.model.get("label")}${does ? `; Enter: ${does}` : ""}`);
    this.row.hidden = !results.length;
    this.empty.hidden = results.length > 0;
    this.empty.textContent = this.model.get("nothing");
    if (!results.some((each) => each.run === this.cursor)) this.cursor = results[0]?.run ?? "";
    const before = this.cells;
    this.cells = new Map(results.map((each, place) => [each.run, this.cell(before.get(each.run), each, place)]));
    for (const [run, cell] of before) if (!this.cells.has(run)) cell.remove();
    // only what is out of its place is moved: a cell that is dragged or scrolled to stays as it is
    [...this.cells.values()].forEach((cell, place) => {
      if (this.row.children[place] !== cell) this.row.insertBefore(cell, this.row.children[place] ?? null);
    });
    this.mark();
    this.tell(results);
    this.forget(results);
    this.ask(results);
  }

  cell(old, result, place) {
    const cell = old ?? make("div", "sn-cell", { id: `sn-cell-${(count += 1)}`, draggable: true });
    cell.dataset.run = result.run;
    cell.setAttribute("role", "option");
    cell.setAttribute("aria-setsize", String(this.results.length));
    cell.setAttribute("aria-posinset", String(place + 1));
    cell.setAttribute("aria-label", describe(result));
    cell.title = result.error ? `${result.title}\nFailed: ${result.error}` : `${result.title}\n${result.model}`;
    const url = this.urls.get(result.key);
    const looks = `${url ?? ""} ${result.error ? "failed" : ""} ${result.files}`;
    if (cell.dataset.looks === looks) return cell;
    cell.dataset.looks = looks;
    cell.replaceChildren(...this.inside(result, url));
    return cell;
  }

  inside(result, url) {
    if (result.error) return [make("span", "sn-failed", "failed")];
    const parts = url ? [make("img", "", { src: url, alt: "", draggable: false })] : [];
    const marks = [MARKS[result.kind]?.[0], result.files > 1 ? `×${result.files}` : ""].filter(Boolean);
    if (marks.length) parts.push(make("i", "sn-mark", { textContent: marks.join(" "), ariaHidden: "true" }));
    return parts;
  }

  mark() {
    for (const [run, cell] of this.cells) {
      cell.setAttribute("aria-selected", String(run === this.model.get("chosen")));
      cell.classList.toggle("is-active", run === this.cursor);
    }
    const active = this.cells.get(this.cursor);
    if (active) this.row.setAttribute("aria-activedescendant", active.id);
    else this.row.removeAttribute("aria-activedescendant");
  }

  // Says what has come, once; what was there when the strip appeared is no news.
  tell([newest]) {
    if (!newest || newest.run === this.newest) return;
    this.newest = newest.run;
    this.news.textContent = `New: ${describe(newest)}`;
  }

  // Pictures

  ask(results) {
    const now = Date.now();
    const wanted = results.filter(({ key }) => key && !this.urls.has(key) && now - (this.asked.get(key) ?? 0) > LOST_MS);
    wanted.forEach(({ key }) => this.asked.set(key, now));
    if (wanted.length) send(this.model, { kind: "thumbnails", runs: wanted.map(({ run }) => run) });
  }

  onMessage(message, buffers) {
    if (message.kind !== "thumbnails") return;
    const keys = new Map(this.results.map(({ run, key }) => [run, key]));
    message.runs.forEach((run, index) => {
      const key = keys.get(run);
      if (key && !this.urls.has(key)) this.urls.set(key, URL.createObjectURL(new Blob([buffers[index]], { type: "image/webp" })));
    });
    this.draw();
  }

  forget(results) {
    const kept = new Set(results.map(({ key }) => key));
    for (const [key, url] of this.urls) {
      if (kept.has(key)) continue;
      URL.revokeObjectURL(url);
      this.urls.delete(key);
      this.asked.delete(key);
    }
  }

  // Pointer and keys

  onClick(event) {
    const cell = event.target.closest(".sn-cell");
    if (cell) this.choose(cell.dataset.run);
  }

  choose(run) {
    this.cursor = run;
    this.mark();
    send(this.model, { kind: "choose", run });
  }

  onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const results = this.results;
    const place = results.findIndex(({ run }) => run === this.cursor);
    const last = results.length - 1;
    const moves = { ArrowRight: place + 1, ArrowLeft: place - 1, Home: 0, End: last };
    if (event.key in moves) this.moveTo(results[Math.min(last, Math.max(0, moves[event.key]))]);
    else if ((event.key === "Enter" || event.key === " ") && this.cursor) this.choose(this.cursor);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  moveTo(result) {
    if (!result) return;
    this.cursor = result.run;
    this.mark();
    this.cells.get(result.run).scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  onDrag(event) {
    const cell = event.target.closest?.(".sn-cell");
    if (!cell) return;
    event.stopPropagation(); // JupyterLab would drag the cell of the notebook
    event.dataTransfer.setData(RUN, cell.dataset.run);
    event.dataTransfer.setData("text/plain", cell.dataset.run);
    event.dataTransfer.effectAllowed = "copy";
    const picture = cell.querySelector("img");
    if (picture) event.dataTransfer.setDragImage(picture, 38, 38);
  }

  // A wheel that only turns up and down scrolls the row while there is something to scroll, then the page.
  onWheel(event) {
    if (event.deltaX || event.ctrlKey || !event.deltaY) return;
    const before = this.row.scrollLeft;
    this.row.scrollBy({ left: event.deltaY, behavior: "instant" });
    if (this.row.scrollLeft !== before) event.preventDefault();
  }

}

function describe(result) {
  const parts = [result.title];
  if (result.kind in MARKS) parts.push(MARKS[result.kind][1]);
  if (result.files > 1) parts.push(`${result.files} files`);
  if (result.error) parts.push(`failed: ${result.error}`);
  return parts.join(", ");
}

export default { render };
