const HEAT_KINDS = [["absolute", "Absolute difference"], ["delta_e", "Colour, ΔE2000"], ["structure", "Structure, 1 − SSIM"]];
const HEAT_LOST_MS = 60_000; // of 4 MP the slowest takes seconds, and there may be 23 before it

// How each run differs from one of them, as pictures that the kernel makes one after the other.
class Heat {
  constructor(board) {
    this.board = board;
    this.maps = new Map(); // key -> what the kernel said, with a url; no url = it said why not
    this.asked = new Map(); // key -> when
    this.element = make("div", "sc-bar sc-heat", { role: "group", "aria-label": "Heat map" });
    this.element.hidden = true;
    const set = (name) => (value) => board.send({ kind: "set", name, value });
    this.kinds = select("Show", HEAT_KINDS, set("heat"));
    this.scale = make("span", "sc-scale", { role: "img" });
    this.element.append(this.kinds.parentElement, this.scale);
  }

  get isOn() {
    return this.board.mode === "heat";
  }

  draw() {
    this.element.hidden = !this.isOn;
    this.kinds.value = this.board.model.get("heat");
    if (this.isOn) this.drawScale();
  }

  // The colours with numbers: the scale is the same for all pictures of a kind, so that they can be compared.
  drawScale() {
    const told = this.board.shown.map((slot) => this.maps.get(slot.heat)).find((map) => map?.url);
    this.scale.hidden = !told;
    if (!told) return;
    const { low, high, unit, colours, name: what } = told;
    const bar = make("span", "sc-colours");
    bar.style.background = `linear-gradient(90deg, ${colours.join(", ")})`;
    const ticks = make("span", "sc-ticks");
    ticks.append(...[0, 0.25, 0.5, 0.75, 1].map((part) => text("span", short(low + (high - low) * part))));
    const lines = make("span", "sc-scale-lines");
    lines.append(bar, ticks);
    this.scale.replaceChildren(lines, text("span", unit));
    this.scale.setAttribute("aria-label", `Colours from ${short(low)}, dark, to ${short(high)}, light: ${what} ${unit}`.trim());
  }

  // What a slot shows in place of its picture; the run that the others are held against shows itself.
  of(said) {
    if (!this.isOn || said.run === this.board.model.get("against")) return null;
    return { ...said, key: said.heat, width: 0, height: 0, note: this.maps.get(said.heat)?.error || said.heat_note, title: `difference from ${this.letter}` };
  }

  get letter() {
    return this.board.shown.find((slot) => slot.run === this.board.model.get("against"))?.letter ?? "";
  }

  facts(said) {
    const map = this.isOn && this.maps.get(said.heat);
    if (!map?.url) return [];
    return [["Mean", `${short(map.mean)} ${map.unit}`.trim()], ["Largest", `${short(map.worst)} ${map.unit}`.trim()]];
  }

  url(said) {
    const known = this.maps.get(said.key);
    if (known || !said.key) return known?.url ?? "";
    if (Date.now() - (this.asked.get(said.key) ?? 0) > HEAT_LOST_MS) {
      this.asked.set(said.key, Date.now());
      this.board.send({ kind: "heat", run: said.run });
    }
    return "";
  }

  still() {
    return "";
  }

  kind() {
    return "image";
  }

  take(message, [data]) {
    if (message.kind !== "heat") return;
    this.asked.delete(message.key);
    if (this.maps.has(message.key)) return;
    const url = data?.byteLength ? URL.createObjectURL(new Blob([data], { type: message.media_type })) : "";
    this.maps.set(message.key, { ...message, url });
    this.forget();
    this.board.soon();
  }

  forget() {
    const shown = new Set(this.board.shown.map((slot) => slot.heat));
    for (const [key, map] of this.maps) {
      if (shown.has(key)) continue;
      if (map.url) URL.revokeObjectURL(map.url);
      this.maps.delete(key);
    }
  }

  dispose() {
    for (const map of this.maps.values()) if (map.url) URL.revokeObjectURL(map.url);
  }
}

function short(number) {
  return Number(number.toPrecision(3)).toString();
}
