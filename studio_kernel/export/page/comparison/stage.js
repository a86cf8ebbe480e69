const DIVIDER_REACH_PX = 22;

// Two runs on top of each other, in one of the ways of `WAYS`: each says what becomes of the picture on top.
class Stage {
  constructor(board) {
    this.board = board;
    this.element = make("div", "sc-stage");
    this.element.hidden = true;
    const choose = (side) => (run) => {
      const other = side === "before" ? this.after.value : this.before.value;
      const was = board.model.get(side);
      const rest = run === other ? was : other; // the same one on both sides: they change places
      board.send(side === "before" ? { kind: "pair", before: run, after: rest } : { kind: "pair", before: rest, after: run });
    };
    this.before = select("Left", [], choose("before"));
    this.after = select("Right", [], choose("after"));
    const sides = make("div", "sc-sides");
    sides.append(this.before.parentElement, this.after.parentElement);
    this.view = make("div", "sc-view", { tabindex: "0", role: "group", "data-own-keys": "" });
    this.lower = make("div", "sc-layer");
    this.upper = make("div", "sc-layer sc-upper");
    this.ways = { slider: new Divider(this), blink: new Blink(this), onion: new Onion(this) };
    this.view.append(this.lower, this.upper, this.ways.slider.line);
    this.element.append(sides, this.view, ...Object.values(this.ways).map((way) => way.element));
    this.undo = moves(board, this.view, () => null, { take: (event) => this.way?.take?.(event), keys: () => this.way?.keys });
  }

  draw(mode) {
    const { model, shown, files } = this.board;
    const options = shown.map((slot) => [slot.run, `${slot.letter} · ${slot.model || slot.title}`]);
    fillSelect(this.before, options, model.get("before"));
    fillSelect(this.after, options, model.get("after"));
    const said = (run) => shown.find((slot) => slot.run === run);
    for (const [layer, run] of [[this.lower, model.get("after")], [this.upper, model.get("before")]]) {
      const slot = said(run);
      if (slot) show(layer, slot, files, () => this.board.showZoom());
    }
    this.left = said(model.get("before"))?.letter ?? "";
    this.right = said(model.get("after"))?.letter ?? "";
    this.view.dataset.left = this.left;
    this.view.dataset.right = this.right;
    this.take(this.ways[mode]);
    this.view.setAttribute("aria-label", `Both pictures: plus and minus zoom, arrows move, 0 shows them whole${this.way.help}`);
  }

  // Let a way begin, and the one before it end.
  take(way) {
    if (this.way !== way) this.end();
    for (const each of Object.values(this.ways)) each.element.hidden = each !== way;
    this.view.dataset.way = way.name;
    this.way = way;
    way.show();
  }

  end() {
    this.way?.end();
    this.way = null;
  }

  dispose() {
    this.end();
    this.undo.forEach((step) => step());
  }
}

// The picture on top is cut off at the divider, in fractions of the frame.
class Divider {
  constructor(stage) {
    this.name = "slider";
    this.help = "";
    this.stage = stage;
    this.cut = 50;
    this.line = make("div", "sc-line", { "aria-hidden": "true" });
    this.element = make("input", "sc-range", { type: "range", min: "0", max: "100", step: "0.5", "aria-label": "Divider" });
    this.element.addEventListener("input", () => this.cutAt(Number(this.element.value)));
  }

  show() {
    this.cutAt(this.cut);
  }

  end() {
    this.stage.upper.style.clipPath = "";
  }

  cutAt(percent) {
    this.cut = Math.min(100, Math.max(0, percent));
    this.element.value = String(this.cut);
    this.element.setAttribute("aria-valuetext", `${Math.round(this.cut)} % of the left picture`);
    this.stage.upper.style.clipPath = `inset(0 ${100 - this.cut}% 0 0)`;
    this.line.style.left = `${this.cut}%`;
  }

  // Whole pictures cannot be moved, so dragging anywhere moves the divider then.
  take(event) {
    const box = this.stage.view.getBoundingClientRect();
    const from = Math.abs(event.clientX - box.left - (box.width * this.cut) / 100);
    if (this.stage.board.shared.z > 1 && from > DIVIDER_REACH_PX) return null;
    const move = (at) => this.cutAt(((at.clientX - box.left) / box.width) * 100);
    move(event);
    return move;
  }
}
