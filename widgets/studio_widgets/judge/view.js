// Two files side by side, and what can be said of them by key or button. Nothing here knows what they are: a turn has a
// number and two sides, and their bytes come when they are asked for by these. A turn can be judged once, and only when
// both sides can be seen or heard.

const SIDES = ["left", "right"];
const TAGS = { image: "img", video: "video", audio: "audio" };
const SEEN = { image: "load", video: "loadeddata", audio: "loadedmetadata" };
const NAMES = { image: "picture", video: "film", audio: "sound" };
const KEYS = {
  ArrowLeft: "left", ArrowRight: "right", ArrowDown: "tie", t: "tie", s: "skip", u: "undo", " ": "play", 1: "left sound",
  2: "right sound", f: "full",
};
const ZOOMS = { "+": ZOOM_STEP, "=": ZOOM_STEP, "-": 1 / ZOOM_STEP };
const MOVES = { ArrowLeft: [0.1, 0], ArrowRight: [-0.1, 0], ArrowUp: [0, 0.1], ArrowDown: [0, -0.1] }; // with Shift
const HELP = "Left and right arrow choose, down or T is a tie, S skips, U takes back, F is full screen, " +
  "plus and minus zoom, 0 shows all, Shift and an arrow move";

function render({ model, el }) {
  const duel = new Duel(model, el);
  return () => duel.dispose();
}

class Duel {
  constructor(model, root) {
    this.model = model;
    this.root = root;
    this.turn = 0;
    this.isSaid = false;
    this.view = WHOLE; // of both, so that the same place is seen of each
    this.wantsFocus = false;
    this.lost = new Map(); // side -> timer that asks again
    root.classList.add("sd-root");
    root.tabIndex = 0;
    root.dataset.ownKeys = "";
    root.setAttribute("role", "group");
    root.setAttribute("aria-label", `Judge. ${HELP}`);
    this.question = make("p", "sd-question");
    this.prompt = make("p", "sd-prompt");
    this.sides = Object.fromEntries(SIDES.map((side) => [side, new Side(side, () => this.tell())]));
    const pair = make("div", "sd-pair");
    pair.append(...SIDES.map((side) => this.sides[side].element));
    this.status = make("p", "sd-status", { role: "status" });
    root.append(this.question, this.prompt, pair, this.makeBar(), this.status);
    this.undo = [
      onModel(model, "change:turn", () => this.draw()),
      onModel(model, "change:question change:prompt change:said change:can_undo change:kinds", () => this.tell()),
      onModel(model, "msg:custom", (message, buffers) => this.take(message, buffers)),
      on(root, "keydown", (event) => this.press(event), true), // a player would take arrows for its own
      on(document, "fullscreenchange", () => this.tell()),
      ...SIDES.flatMap((side) => moves(this, this.sides[side].element, () => side)),
    ];
    this.draw();
  }

  makeBar() {
    const bar = make("div", "sd-bar", { role: "toolbar", "aria-label": "What you say" });
    this.buttons = {
      left: button("← Left is better", () => this.say("left"), "sd-choose"),
      tie: button("↓ Tie", () => this.say("tie")),
      right: button("Right is better →", () => this.say("right"), "sd-choose"),
      skip: button("Skip (S)", () => this.say("skip")),
      undo: button("Take back (U)", () => this.takeBack()),
      full: button("Full screen (F)", () => this.toggleFull()),
    };
    const rest = make("div", "sd-rest");
    this.zooming = make("div", "sd-zooming", { role: "group", "aria-label": "Zoom" });
    this.zooming.title = "Ctrl and the wheel zoom, dragging moves, a double click shows pixels";
    this.zooming.append(
      named("Zoom out", button("−", () => this.zoomBy(1 / ZOOM_STEP))),
      named("Zoom in", button("+", () => this.zoomBy(ZOOM_STEP))),
      button("Fit (0)", () => this.look(null, WHOLE)),
    );
    rest.append(this.buttons.skip, this.buttons.undo, this.buttons.full, this.zooming);
    bar.append(this.buttons.left, this.buttons.tie, this.buttons.right);
    const all = make("div", "sd-bars");
    all.append(bar, rest);
    return all;
  }

  // Drawing

  draw() {
    const turn = this.model.get("turn");
    const begins = !this.turn && turn;
    const isHere = this.root.contains(document.activeElement) || document.activeElement === document.body;
    this.turn = turn;
    this.isSaid = false;
    this.view = WHOLE;
    this.root.hidden = !turn;
    this.forget();
    if (turn) {
      SIDES.forEach((side, place) => {
        this.sides[side].clear(this.model.get("kinds")[place]);
        this.ask(side);
      });
      this.wantsFocus = begins || isHere; // what had it before, such as the button that began, is no longer there
    } else {
      SIDES.forEach((side) => this.sides[side].clear("image"));
      if (this.isFull) document.exitFullscreen();
    }
    this.tell();
  }

  tell() {
    const { model, sides, buttons } = this;
    const isReady = this.isReady;
    show(this.question, model.get("question"));
    show(this.prompt, model.get("prompt"));
    for (const name of ["left", "tie", "right"]) buttons[name].disabled = !isReady;
    buttons.skip.disabled = this.isSaid || !this.turn;
    buttons.undo.disabled = !model.get("can_undo");
    this.zooming.hidden = !this.canZoom;
    this.showZoom();
    buttons.full.textContent = this.isFull ? "Leave full screen (F)" : "Full screen (F)";
    this.root.classList.toggle("is-said", this.isSaid);
    this.root.classList.toggle("is-full", this.isFull);
    this.root.style.setProperty("--sd-aspect", String(aspectOf(Object.values(sides))));
    const isBusy = Boolean(this.turn) && !isReady && !SIDES.some((side) => sides[side].isBroken);
    this.root.setAttribute("aria-busy", String(isBusy));
    this.status.textContent = [this.words, model.get("said")].filter(Boolean).join(" · ");
    if (isReady && !this.isPlaying) this.play();
    this.takeFocus();
  }

  // Tried again with every change: a part of a page cannot be focused before it is shown.
  takeFocus() {
    if (!this.wantsFocus || !this.turn) return;
    this.root.focus({ preventScroll: true });
    this.wantsFocus = document.activeElement !== this.root;
  }

  get words() {
    const broken = SIDES.filter((side) => this.sides[side].isBroken);
    if (broken.length) return `The ${NAMES[this.sides[broken[0]].kind]} on the ${broken[0]} cannot be shown; skip this pair`;
    return this.isReady || this.isSaid ? "" : "Loading …";
  }

  get isReady() {
    return Boolean(this.turn) && !this.isSaid && SIDES.every((side) => this.sides[side].isSeen);
  }

  get isFull() {
    return document.fullscreenElement === this.root;
  }

  toggleFull() {
    if (this.isFull) document.exitFullscreen();
    else this.root.requestFullscreen?.().catch(() => {}); // a page may forbid it; there is nothing to mend then
  }

  // Saying

  press(event) {
    if (!this.turn || event.altKey || event.metaKey) return;
    if (!event.ctrlKey && this.zoomByKey(event)) {
      event.preventDefault();
      event.stopPropagation();
      return;
    }
    if (event.shiftKey) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const isUndo = event.ctrlKey && key === "z";
    if (event.ctrlKey && !isUndo) return;
    const act = isUndo ? "undo" : KEYS[key];
    if (!act || (act === "play" && event.target !== this.root)) return;
    event.preventDefault();
    event.stopPropagation();
    if (event.repeat) return; // a key that is held would judge what nobody has seen
    if (act === "undo") this.takeBack();
    else if (act === "full") this.toggleFull();
    else if (act === "play") this.togglePlay();
    else if (act.endsWith("sound")) this.playAlone(act.split(" ")[0]);
    else this.say(act);
  }

  say(choice) {
    if (choice === "skip" ? this.isSaid || !this.turn : !this.isReady) return;
    this.isSaid = true;
    send(this.model, { kind: "vote", turn: this.turn, choice });
    this.root.focus({ preventScroll: true });
    this.tell();
  }

  takeBack() {
    if (!this.model.get("can_undo")) return;
    send(this.model, { kind: "undo", turn: this.turn });
    this.root.focus({ preventScroll: true });
  }

  // Zooming and moving, what `moves` asks for: of pictures, both as one; players have controls of their own.

  get canZoom() {
    return SIDES.every((side) => this.sides[side].kind === "image");
  }

  viewOf() {
    return this.view;
  }

  look(_side, view) {
    if (!this.canZoom) return;
    this.view = bounded(view);
    this.showZoom();
  }

  zoomBy(factor, _side, at) {
    this.look(null, zoomed(this.view, factor, at));
  }

  moveBy(_side, dx, dy) {
    const { z, x, y } = this.view;
    this.look(null, { z, x: x + dx, y: y + dy });
  }

  // One pixel of the picture that was meant on one of the screen.
  lookAtPixels(side, at) {
    const { media } = this.sides[side];
    const scale = media ? fit(media, null).scale * devicePixelRatio : 0;
    if (scale) this.zoomBy(1 / (scale * this.view.z), side, at);
  }

  zoomByKey({ key, shiftKey }) {
    if (!this.canZoom) return false;
    if (shiftKey && key in MOVES) this.moveBy(null, ...MOVES[key]);
    else if (key in ZOOMS) this.zoomBy(ZOOMS[key]);
    else if (key === "0") this.look(null, WHOLE);
    else return false;
    return true;
  }

  showZoom() {
    for (const side of SIDES) transform(this.sides[side].element, this.view, null);
  }

  // Files

  ask(side) {
    const { turn } = this;
    send(this.model, { kind: "file", turn, side });
    clearTimeout(this.lost.get(side));
    this.lost.set(side, setTimeout(() => this.turn === turn && this.sides[side].isEmpty && this.ask(side), LOST_MS));
  }

  take(message, buffers) {
    if (message.kind !== "file" || message.turn !== this.turn || !this.sides[message.side]?.isEmpty) return;
    clearTimeout(this.lost.get(message.side));
    this.sides[message.side].fill(buffers[0]);
    this.tell();
  }

  forget() {
    this.isPlaying = false;
    for (const timer of this.lost.values()) clearTimeout(timer);
  }

  // Films run in step from their beginning; sounds are heard one at a time, when they are wished for.

  play() {
    this.isPlaying = true;
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    for (const film of this.films) film.play().catch(() => {}); // taken out of the page meanwhile
  }

  togglePlay() {
    const { films } = this;
    const isPaused = films.every((film) => film.paused);
    for (const film of films) {
      film.currentTime = Math.min(films[0].currentTime, film.duration || 0);
      if (isPaused) film.play().catch(() => {});
      else film.pause();
    }
  }

  playAlone(side) {
    const player = this.sides[side].media;
    if (!player?.play) return;
    for (const other of SIDES) {
      const media = this.sides[other].media;
      if (media !== player && media?.play) {
        media.muted = true;
        if (media.localName === "audio") media.pause();
      }
    }
    player.muted = false;
    if (player.localName === "audio" && !player.paused) player.pause();
    else player.play().catch(() => {});
  }

  get films() {
    return SIDES.map((side) => this.sides[side].media).filter((media) => media?.localName === "video");
  }

  dispose() {
    this.undo.forEach((step) => step());
    this.forget();
    SIDES.forEach((side) => this.sides[side].clear("image"));
  }
}

// One of the two; empty until its file has come, then seen, or broken.
class Side {
  constructor(name, onChange) {
    this.name = name;
    this.onChange = onChange;
    this.kind = "image";
    this.media = null;
    this.element = make("div", "sd-side sc-view");
    this.element.dataset.side = name;
    this.isEmpty = true;
    this.isSeen = this.isBroken = false;
  }

  clear(kind) {
    this.media?.pause?.();
    this.media?.remove();
    if (this.url) URL.revokeObjectURL(this.url);
    this.media = this.url = null;
    this.kind = kind in TAGS ? kind : "image";
    this.isEmpty = true;
    this.isSeen = this.isBroken = false;
  }

  fill(data) {
    this.isEmpty = false;
    if (!data?.byteLength) {
      this.isBroken = true;
      return;
    }
    const media = make(TAGS[this.kind], "sd-media sc-media");
    const name = `The ${NAMES[this.kind]} on the ${this.name}`;
    if (this.kind === "image") {
      media.alt = name;
      media.draggable = false;
    } else {
      media.setAttribute("aria-label", name);
      media.controls = true;
      media.muted = media.playsInline = this.kind === "video";
      media.loop = this.kind === "video";
    }
    media.addEventListener(SEEN[this.kind], () => this.become(media, "isSeen"));
    media.addEventListener("error", () => this.become(media, "isBroken"));
    this.url = URL.createObjectURL(new Blob([data]));
    media.src = this.url;
    this.media = media;
    this.element.append(media);
  }

  become(media, what) {
    if (media !== this.media) return;
    this[what] = true;
    this.onChange();
  }

  get aspect() {
    const { media } = this;
    const width = media?.naturalWidth || media?.videoWidth;
    const height = media?.naturalHeight || media?.videoHeight;
    return width && height ? width / height : 0;
  }
}

// Both frames have the same form, whatever is in them.
function aspectOf(sides) {
  if (sides.every((side) => side.kind === "audio")) return 3;
  const known = sides.map((side) => side.aspect).filter(Boolean);
  return known.length ? Math.min(2, Math.max(0.6, known.reduce((sum, one) => sum + one) / known.length)) : 1;
}

function show(element, words) {
  element.textContent = words;
  element.hidden = !words;
}

function button(label, act, ...classes) {
  const made = make("button", ["sd-button", ...classes].join(" "), { type: "button" });
  made.textContent = label;
  made.addEventListener("click", act);
  return made;
}

function named(words, element) {
  element.setAttribute("aria-label", words);
  return element;
}

export default { render };
