// Clips in step: one time for all, in seconds. Each shows the frame that it has at that time, so that clips of other
// frame rates agree; those that are over hold their last frame until all begin again.
//
//   const clips = new Clips(root, { changed });   // adds its bar to root
//   clips.set([{ media, letter, facts }, …]);     // media: video or img elements; facts: what the kernel says, or nothing
//   clips.destroy();

const SPEEDS = [0.1, 0.25, 0.5, 1, 1.5, 2];
const CLIP_KEYS = { " ": "toggle", k: "toggle", ",": "back", ".": "on", ArrowLeft: "back", ArrowRight: "on", Home: "toStart", End: "toEnd" };
const ROOT_KEYS = new Set([" ", "k", ",", "."]); // what the slots leave to the clips
const PRESSED = "button, select, summary, input:not([type='range']), textarea, audio";

class Clips {
  constructor(root, { changed = () => {}, canDiffer = true } = {}) {
    this.clips = [];
    this.time = 0;
    this.asked = 0; // the time that was asked for, which may be one of a clip that is not loaded yet
    this.isPlaying = false;
    this.wanted = null; // the time that is gone to next
    this.sounding = ""; // letter of the clip that is heard
    this.chosenUnit = ""; // letter of the clip that steps are of; the fastest where nobody has chosen
    this.changed = changed;
    this.canDiffer = canDiffer;
    this.difference = new FrameDifference(() => this.drawDifference());
    this.element = make("div", "sc-clips", { role: "group", "aria-label": "Clips", "data-own-keys": "" });
    this.element.hidden = true;
    this.rows = make("ul", "sc-clip-rows");
    this.about = make("p", "sc-clip-about", { role: "status" });
    this.element.append(this.makeBar(), this.about, this.rows, this.difference.element);
    root.append(this.element);
    this.undo = [on(root, "keydown", (event) => this.hearKey(event))];
  }

  makeBar() {
    this.play = button("▶", () => this.toggle(), "Play");
    this.range = make("input", "", { type: "range", min: "0", max: "0", step: "any", value: "0", "aria-label": "Time" });
    this.range.addEventListener("input", () => this.goTo(Number(this.range.value)));
    this.clock = make("span", "sc-clock");
    this.speed = select("Speed", SPEEDS.map((speed) => [String(speed), `${speed} ×`]), () => this.again());
    this.speed.value = "1";
    this.unit = select("Steps of", [], (letter) => (this.chosenUnit = letter));
    this.loop = make("input", "", { type: "checkbox", checked: "" });
    const loop = make("label", "sc-check");
    loop.append(this.loop, "Loop");
    this.differs = button("Difference", () => this.toggleDifference());
    this.differs.title = "Show how two clips differ, frame by frame";
    press(this.differs, false);
    this.differs.style.display = this.canDiffer ? "" : "none";
    const bar = make("div", "sc-films");
    bar.append(
      button("◂❘", () => this.back(), "One frame back"),
      this.play,
      button("❘▸", () => this.on(), "One frame on"),
      this.range,
      this.clock,
      this.speed.parentElement,
      this.unit.parentElement,
      loop,
      this.differs,
    );
    return bar;
  }

  set(slots) {
    const said = slots.filter(({ media, facts }) => media.localName === "video" || (media.localName === "img" && facts));
    const isSame = said.length === this.clips.length
      && said.every(({ media, letter }, place) => this.clips[place].media === media && this.clips[place].letter === letter);
    if (isSame) return;
    const kept = new Map(this.clips.map((clip) => [clip.media, clip]));
    this.clips = said.map((each) => {
      const clip = kept.get(each.media) ?? this.make(each);
      kept.delete(each.media);
      clip.letter = each.letter;
      return clip;
    });
    for (const clip of kept.values()) clip.destroy();
    this.element.hidden = !this.clips.length;
    if (!this.clips.length) this.toNothing();
    this.arrange();
    this.again();
  }

  toNothing() {
    this.stop();
    this.time = this.asked = 0;
  }

  make(said) {
    return new (said.media.localName === "video" ? Film : Drawn)(said, () => this.join());
  }

  // A clip is ready, or has turned out not to be.
  join() {
    this.arrange();
    this.again();
    this.changed();
  }

  get ready() {
    return this.clips.filter((clip) => clip.isReady);
  }

  get length() {
    return Math.max(0, ...this.ready.map((clip) => clip.line.seconds));
  }

  get longest() {
    return this.ready.reduce((best, clip) => (best && best.line.seconds >= clip.line.seconds ? best : clip), null);
  }

  // What is there

  arrange() {
    const { ready } = this;
    if (!ready.some((clip) => clip.letter === this.sounding && clip.hasSound)) this.sounding = "";
    this.hear();
    const rates = new Map([...ready].reverse().map((clip) => [clip.line.rate, clip])); // the first of each rate stays
    const fastest = [...rates.keys()].sort((a, b) => b - a);
    const units = fastest.map((rate) => [rates.get(rate).letter, `${rates.get(rate).letter} (${inWords(rate)})`]);
    const isThere = units.some(([letter]) => letter === this.chosenUnit);
    fillSelect(this.unit, units, isThere ? this.chosenUnit : units[0]?.[0]);
    this.unit.parentElement.hidden = units.length < 2;
    this.differs.hidden = ready.length < 2;
    if (ready.length < 2) this.difference.element.hidden = true;
    press(this.differs, !this.difference.element.hidden);
    this.difference.set(ready);
    this.about.textContent = this.unequal();
    this.about.hidden = !this.about.textContent;
    this.rows.replaceChildren(...this.clips.map((clip) => this.row(clip)));
    this.tell();
  }

  unequal() {
    const { ready } = this;
    const lengths = new Set(ready.map((clip) => clip.line.seconds.toFixed(2)));
    const rates = new Set(ready.map((clip) => clip.line.rate.toFixed(2)));
    const words = [];
    if (lengths.size > 1) words.push("Lengths differ: shorter clips hold their last frame.");
    if (rates.size > 1) words.push("Frame rates differ: clips share the time, not the number of the frame.");
    return words.join(" ");
  }

  row(clip) {
    const row = make("li");
    clip.where = make("span", "sc-clip-frame");
    row.append(text("span", clip.letter), clip.where, text("span", factsOf(clip)));
    row.firstChild.className = "sc-letter";
    if (clip.hasSound && clip.isReady) {
      clip.sound = button("Sound", () => this.listen(clip), `Sound of ${clip.letter}`);
      row.append(clip.sound);
    }
    return row;
  }

  // The time

  goTo(time) {
    cancelAnimationFrame(this.frame);
    this.asked = Math.max(0, time);
    this.time = Math.min(this.asked, this.longest?.line.last ?? 0);
    this.wanted = this.time;
    this.tell();
    this.going ??= this.align().finally(() => (this.going = null));
    return this.going;
  }

  again() {
    return this.goTo(this.asked);
  }

  // Bring all to the time that is wanted, also when that changes meanwhile, and go on from there.
  async align() {
    while (this.wanted !== null) {
      const time = this.wanted;
      this.wanted = null;
      await Promise.all(this.ready.map((clip) => clip.show(time, this.isPlaying)));
      this.drawDifference();
    }
    this.tell();
    if (this.isPlaying && !this.isGone) this.run();
  }

  run() {
    cancelAnimationFrame(this.frame);
    for (const clip of this.ready) if (!clip.isOver(this.time)) clip.start(this.rate);
    this.at = performance.now();
    this.frame = requestAnimationFrame((now) => this.tick(now));
  }

  get rate() {
    return Number(this.speed.value);
  }

  // A clip that plays has the time: the one that is heard, which must not be hurried, or the longest. Where none of
  // them plays any longer, the clock has it.
  get lead() {
    const running = this.ready.filter((clip) => clip.runs);
    const heard = running.find((clip) => clip.letter === this.sounding);
    return heard ?? running.reduce((best, clip) => (best && best.line.seconds >= clip.line.seconds ? best : clip), null);
  }

  tick(now) {
    const { lead } = this;
    this.time = lead ? lead.now : this.time + (Math.max(0, now - this.at) / 1000) * this.rate;
    this.asked = this.time;
    this.at = now;
    if (this.isAtEnd && this.loop.checked) this.goTo(0);
    else if (this.isAtEnd) this.toEnd();
    else {
      for (const clip of this.ready) clip.follow(this.time, this.rate, clip === lead);
      this.tell();
      this.frame = requestAnimationFrame((next) => this.tick(next));
    }
  }

  get isAtEnd() {
    return this.time >= this.length - ROUNDING;
  }

  toggle() {
    if (this.isPlaying) this.pause();
    else if (this.ready.length) {
      this.isPlaying = true;
      const isLast = this.longest.line.shownAt(this.time) === this.longest.line.frames - 1;
      this.goTo(isLast ? 0 : this.time);
    }
  }

  pause() {
    this.stop();
    return this.again();
  }

  stop() {
    this.isPlaying = false;
    cancelAnimationFrame(this.frame);
    for (const clip of this.ready) clip.stop();
  }

  back() {
    this.step(-1);
  }

  on() {
    this.step(1);
  }

  // By a frame of the clip that steps are of; all others show what they have at that time.
  step(by) {
    const unit = this.ready.find((clip) => clip.letter === this.unit.value) ?? this.longest;
    if (!unit) return;
    this.stop();
    this.goTo(unit.line.middle(Math.max(0, unit.line.at(this.time) + by)));
  }

  toStart() {
    this.goTo(0);
  }

  toEnd() {
    this.stop();
    this.goTo(this.length);
  }

  // Sound, difference, keys

  listen(clip) {
    this.sounding = this.sounding === clip.letter ? "" : clip.letter;
    this.hear();
  }

  hear() {
    for (const clip of this.clips) {
      if (clip.media.localName === "video") clip.media.muted = !clip.hasSound || clip.letter !== this.sounding;
    }
    this.tell();
  }

  toggleDifference() {
    this.difference.element.hidden = !this.difference.element.hidden;
    press(this.differs, !this.difference.element.hidden);
    this.drawDifference();
    this.changed();
  }

  drawDifference() {
    this.difference.draw(this.time, this.isPlaying);
  }

  hearKey(event) {
    if (this.element.hidden || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const isOurs = this.element.contains(event.target) && !this.difference.view.contains(event.target);
    const act = CLIP_KEYS[event.key];
    if (!act || (!isOurs && !ROOT_KEYS.has(event.key)) || event.target.closest(PRESSED)) return;
    event.preventDefault();
    event.stopPropagation();
    this[act]();
  }

  tell() {
    const { length } = this;
    this.play.textContent = this.isPlaying ? "❚❚" : "▶";
    name(this.play, this.isPlaying ? "Pause" : "Play");
    this.range.max = String(length);
    this.range.value = String(this.time);
    this.range.setAttribute("aria-valuetext", `${this.time.toFixed(2)} of ${length.toFixed(2)} seconds`);
    this.clock.textContent = `${this.time.toFixed(2)} / ${length.toFixed(2)} s`;
    for (const clip of this.clips) {
      if (clip.where) clip.where.textContent = whereabouts(clip, this.time);
      if (clip.sound) press(clip.sound, clip.letter === this.sounding);
    }
  }

  destroy() {
    this.isGone = true;
    this.stop();
    this.undo.forEach((step) => step());
    for (const clip of this.clips) clip.destroy();
    this.clips = [];
    this.element.remove();
  }
}

function whereabouts(clip, time) {
  if (clip.problem) return clip.problem;
  if (!clip.isReady) return "loading …";
  const frame = `frame ${clip.line.shownAt(time) + 1} of ${clip.line.frames}`;
  return clip.isOver(time) ? `${frame}, held` : frame;
}

function factsOf(clip) {
  const { line, facts } = clip;
  const [width, height] = facts ? [facts.width, facts.height] : clip.isReady ? clip.size : [0, 0];
  const rate = line && (facts?.rate || clip.media.localName === "img") ? inWords(line.rate, line.times.length) : "";
  const unknown = line && !rate ? `rate not known, steps of 1/${ASSUMED_RATE} s` : "";
  const length = line ? `${line.seconds.toFixed(2)} s` : facts?.seconds ? `${facts.seconds.toFixed(2)} s` : "";
  const count = line ? "" : facts ? `${facts.frames} frames` : "";
  const sound = clip.hasSound ? "with sound" : "";
  return [rate, unknown, length, count, width ? `${width} × ${height}` : "", sound].filter(Boolean).join(" · ");
}

function inWords(rate, isUneven = false) {
  const frames = `${Number(rate.toFixed(2))} frames/s`;
  return isUneven ? `uneven, ${frames} on the average` : frames;
}
