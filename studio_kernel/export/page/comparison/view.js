// Files of several runs side by side, or two of them on top of each other. Every picture fills its slot as far as it
// fits and is then moved and enlarged by one transform in fractions of the slot, so that that of one is that of all.
// What a slot says is a trait; the bytes of a file are asked for once it is to be seen, and come as a message.

const MODES = [["side", "Side by side"], ["slider", "Slider"], ["blink", "Blink"], ["onion", "Onion skin"], ["heat", "Heat map"]];
const SIZES = [["scale", "Fit each"], ["crop", "Crop to the smallest"], ["pad", "Same scale"]];
const ARRANGEMENTS = [["auto", "Automatic"], ["1x2", "1 × 2"], ["2x2", "2 × 2"], ["2x3", "2 × 3"]];

const DRAWN = [
  "slots", "columns", "places", "arrangement", "mode", "linked", "before", "after", "can_use",
  "sizes", "heat", "against", "measured", "numbers", "order", "orders", "reverse",
];

function render({ model, el }) {
  const board = new Board(model, el);
  return () => board.dispose();
}

class Board {
  constructor(model, el) {
    this.model = model;
    this.root = el;
    this.views = new Map(); // run -> what of it is seen, where zooming is not linked
    this.shared = WHOLE;
    this.slots = new Map(); // run -> Slot
    this.files = new Files(model, () => this.soon());
    el.classList.add("sc-root");
    this.bar = this.makeBar();
    this.grid = make("div", "sc-grid", { role: "list", "aria-label": "Runs that are compared" });
    this.stage = new Stage(this);
    this.heat = new Heat(this);
    this.numbers = new Numbers(this);
    el.append(this.bar, this.numbers.element, this.heat.element, this.stage.element, this.grid);
    this.clips = new Clips(el, { changed: () => this.showZoom(), canDiffer: !this.lacks("difference") });
    this.undo = [
      ...moves(this, this.clips.difference.view, () => null),
      onModel(model, DRAWN.map((name) => `change:${name}`).join(" "), () => this.soon()),
      onModel(model, "msg:custom", (message, buffers) => this.files.take(message, buffers)),
      onModel(model, "msg:custom", (message, buffers) => this.heat.take(message, buffers)),
      on(document, "fullscreenchange", () => this.draw()),
      ...takeDrops(this.grid, (run) => this.send({ kind: "put", run, place: this.shown.length })),
    ];
    const observer = new ResizeObserver(() => this.showZoom());
    observer.observe(el);
    this.undo.push(() => observer.disconnect());
    this.draw();
  }

  dispose() {
    cancelAnimationFrame(this.frame);
    this.undo.forEach((step) => step());
    this.stage.dispose();
    for (const slot of this.slots.values()) slot.dispose();
    this.clips.destroy();
    this.files.dispose();
    this.heat.dispose();
  }

  send(message) {
    try {
      this.model.send(message);
    } catch {
      // the kernel is gone; the frame of the panel says so
    }
  }

  // Whether there is nobody to answer: an exported page has no kernel.
  lacks(what) {
    return (this.model.get("lacks") ?? []).includes(what);
  }

  get shown() {
    return this.model.get("slots");
  }

  // Two runs are needed for anything but side by side.
  get mode() {
    return this.shown.length > 1 ? this.model.get("mode") : "side";
  }

  get isFull() {
    return document.fullscreenElement === this.root;
  }

  // The bar

  makeBar() {
    const bar = make("div", "sc-bar", { role: "toolbar", "aria-label": "Comparison" });
    this.arrangement = select("Arrangement", ARRANGEMENTS, (value) => this.send({ kind: "set", name: "arrangement", value }));
    const modesHere = MODES.filter(([mode]) => !this.lacks(mode));
    this.modes = new Map(modesHere.map(([value, label]) => [value, button(label, () => this.send({ kind: "set", name: "mode", value }))]));
    this.sizes = select("Different sizes", SIZES, (value) => this.send({ kind: "set", name: "sizes", value }));
    this.link = make("input", "", { type: "checkbox" });
    this.link.addEventListener("change", () => this.send({ kind: "set", name: "linked", value: this.link.checked }));
    const linked = make("label", "sc-check");
    linked.append(this.link, "Linked zoom");
    this.zoom = make("output", "sc-zoom", { "aria-label": "Zoom" });
    this.fullButton = button("Full screen", () => this.toggleFull());
    this.clearButton = button("Clear", () => this.send({ kind: "clear" }), "Compare nothing");
    const modes = make("span", "sc-group", { role: "group", "aria-label": "View" });
    modes.append(...this.modes.values());
    const zooming = make("span", "sc-group", { role: "group", "aria-label": "Zoom" });
    zooming.title = "Ctrl and the wheel zoom, dragging moves, a double click shows pixels";
    zooming.append(
      button("−", () => this.zoomBy(1 / ZOOM_STEP), "Zoom out"),
      this.zoom,
      button("+", () => this.zoomBy(ZOOM_STEP), "Zoom in"),
      button("Fit", () => this.look(null, WHOLE), "Show whole pictures"),
      button("1:1", () => this.lookAtPixels(null), "One pixel of the first picture on one pixel of the screen"),
    );
    const fields = [this.arrangement.parentElement, this.sizes.parentElement];
    bar.append(modes, ...fields, zooming, linked, this.fullButton, this.clearButton);
    return bar;
  }

  toggleFull() {
    if (this.isFull) document.exitFullscreen();
    else this.root.requestFullscreen?.().catch(() => {}); // a page may forbid it; there is nothing to mend then
  }

  // Drawing

  soon() {
    // several traits change in one message
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.draw());
  }

  draw() {
    const { model, root, shown } = this;
    const focused = root.contains(document.activeElement) ? document.activeElement : null;
    const isStacked = this.mode in this.stage.ways;
    this.arrangement.value = model.get("arrangement");
    this.arrangement.parentElement.hidden = isStacked;
    this.sizes.value = model.get("sizes");
    this.sizes.parentElement.hidden = !areUnequal(shown);
    for (const [mode, each] of this.modes) {
      press(each, mode === this.mode);
      each.disabled = shown.length < 2 && mode !== "side";
    }
    this.clearButton.disabled = !shown.length;
    this.clearButton.hidden = this.lacks("clear");
    this.link.checked = model.get("linked");
    this.link.parentElement.hidden = isStacked;
    press(this.fullButton, this.isFull);
    this.fullButton.textContent = this.isFull ? "Leave full screen" : "Full screen";
    root.classList.toggle("is-full", this.isFull);
    root.style.setProperty("--sc-columns", String(model.get("columns")));
    root.style.setProperty("--sc-aspect", String(aspectOf(shown)));
    this.grid.hidden = isStacked;
    this.stage.element.hidden = !isStacked;
    this.heat.draw();
    this.numbers.draw();
    if (isStacked) this.stage.draw(this.mode);
    else {
      this.stage.end();
      this.drawSlots(focused);
    }
    this.clips.set(this.shownMedia());
    this.showZoom();
    if (focused?.isConnected && document.activeElement !== focused) focused.focus({ preventScroll: true });
  }

  drawSlots(focused) {
    const runs = new Set(this.shown.map((slot) => slot.run));
    for (const [run, slot] of this.slots) {
      if (runs.has(run)) continue;
      const hadFocus = slot.element.contains(focused);
      slot.dispose();
      this.slots.delete(run);
      this.views.delete(run);
      if (hadFocus) requestAnimationFrame(() => (this.grid.querySelector("[data-act=remove]") ?? this.modes.get("side")).focus());
    }
    const places = Math.max(this.model.get("places"), this.shown.length);
    for (let place = 0; place < places; place += 1) this.place(this.elementAt(place), place);
    while (this.grid.children.length > places) this.grid.lastChild.remove();
  }

  elementAt(place) {
    const said = this.shown[place];
    if (!said) return this.emptyAt(place);
    let slot = this.slots.get(said.run);
    if (!slot) {
      slot = new Slot(this, said.run);
      this.slots.set(said.run, slot);
    }
    slot.fill(said, place);
    return slot.element;
  }

  emptyAt(place) {
    const there = this.grid.children[place];
    if (there?.classList.contains("is-empty")) return there;
    const empty = make("div", "sc-slot is-empty", { role: "listitem" });
    empty.textContent = "Drop a run here";
    return empty;
  }

  place(element, place) {
    const there = this.grid.children[place];
    if (there !== element) this.grid.insertBefore(element, there ?? null);
  }

  shownMedia() {
    const box = this.grid.hidden ? this.stage.element : this.grid;
    const media = [...box.querySelectorAll(".sc-media[data-key]")];
    return media.map((each) => ({ media: each, letter: each.dataset.letter, facts: this.files.clips.get(each.dataset.key) }));
  }

  // Zooming and moving

  viewOf(run) {
    if (this.model.get("linked") || run === null || this.isSliding) return this.shared;
    return this.views.get(run) ?? this.shared;
  }

  get isSliding() {
    return this.grid.hidden;
  }

  look(run, view) {
    const kept = bounded(view);
    if (run !== null && !this.model.get("linked") && !this.isSliding) this.views.set(run, kept);
    else {
      this.shared = kept;
      this.views.clear();
    }
    this.showZoom();
  }

  zoomBy(factor, run = null, at) {
    this.look(run, zoomed(this.viewOf(run), factor, at));
  }

  moveBy(run, dx, dy) {
    const { z, x, y } = this.viewOf(run);
    this.look(run, { z, x: x + dx, y: y + dy });
  }

  lookAtPixels(run, at) {
    const scale = this.scaleOf(run);
    if (scale) this.zoomBy(1 / (scale * this.viewOf(run).z), run, at);
  }

  // Pixels of the screen to one pixel of a picture at zoom 1; 0 = not known yet.
  scaleOf(run) {
    const box = run && this.slots.has(run) ? this.slots.get(run).element : this.isSliding ? this.stage.element : this.grid;
    const media = box.querySelector("img.sc-media, video.sc-media");
    if (!media) return 0;
    return fit(media, this.common).scale * devicePixelRatio;
  }

  get common() {
    return commonSize(this.shown, this.model.get("sizes"));
  }

  showZoom() {
    const { common } = this;
    if (this.isSliding) transform(this.stage.view, this.shared, common);
    else for (const [run, slot] of this.slots) transform(slot.view, this.viewOf(run), common);
    transform(this.clips.difference.view, this.shared, common);
    const [first] = this.shown;
    const scale = this.scaleOf(null);
    this.zoom.textContent = scale ? `${Math.round(scale * this.viewOf(first?.run ?? null).z * 100)} %` : "–";
  }
}

function areUnequal(slots) {
  return new Set(slots.filter((slot) => slot.width && slot.height).map((slot) => `${slot.width}x${slot.height}`)).size > 1;
}

function aspectOf(slots) {
  const measured = slots.find((slot) => slot.width && slot.height);
  return measured ? Math.min(2, Math.max(0.6, measured.width / measured.height)) : 1;
}

export default { render };
