// Paints a mask on a picture. The mask is the kernel's: this view shows it, sends what was painted (a PNG of the part
// that a stroke has touched), and asks for everything else. One canvas of the picture's size, no copies of it.

const COLOUR = "#e6168c"; // of what is repainted; the canvas is see-through as a whole
const MOST_ZOOM = 32;
const TOOLS = [
  ["brush", "Brush", "b"],
  ["eraser", "Eraser", "e"],
  ["move", "Move", "h"],
];
const KEYS = "Arrow keys move the brush, space paints, B brush, E eraser, H move, [ and ] size, + and − zoom, 0 fit, I invert, Ctrl+Z undo, Ctrl+Shift+Z redo.";

let count = 0;

function render({ model, el }) {
  const editor = new MaskEditor(model, el);
  return () => editor.dispose();
}

class MaskEditor {
  constructor(model, el) {
    this.model = model;
    this.el = el;
    this.id = `${Date.now().toString(36)}${Math.random().toString(36).slice(2, 8)}${(count += 1)}`;
    this.tool = "brush";
    this.brush = 40; // pixels of the picture
    this.zoom = 1;
    this.at = { x: 0, y: 0 }; // of the picture's corner in the stage
    this.scale = 1;
    this.point = null; // where the brush is, in pixels of the picture
    this.pointers = new Map();
    this.stroke = null;
    this.grip = null; // what moves the picture
    this.url = "";
    this.work = Promise.resolve(); // strokes and patches, one after the other
    this.waiting = 0;
    this.unsettled = false;
    this.gone = false;

    this.build(el);
    this.undo = [
      on(el, "keydown", (event) => this.onKey(event)),
      on(el, "keyup", (event) => this.onKeyUp(event)),
      on(el, "focusout", (event) => this.onLeave(event)),
      on(this.tools, "click", (event) => this.onTool(event)),
      on(this.size, "input", () => this.setBrush(this.fromSlider(Number(this.size.value)))),
      on(this.stage, "pointerdown", (event) => this.onDown(event)),
      on(this.stage, "pointermove", (event) => this.onMove(event)),
      on(this.stage, "pointerup", (event) => this.onUp(event)),
      on(this.stage, "pointercancel", (event) => this.onUp(event)),
      on(this.stage, "pointerleave", () => this.onOut()),
      on(this.stage, "contextmenu", (event) => event.preventDefault()),
      on(this.stage, "wheel", (event) => this.onWheel(event), { passive: false }),
      onModel(model, "msg:custom", (message, buffers) => this.onMessage(message, buffers)),
      onModel(model, "change:size", () => this.begin()),
      onModel(model, "change:picture_version", () => this.look()),
      onModel(model, "change:coverage change:can_undo change:can_redo change:error change:reason", () => this.draw()),
    ];
    const observer = new ResizeObserver(() => this.layout());
    observer.observe(el);
    this.undo.push(() => observer.disconnect());
    this.begin();
    this.look();
  }

  dispose() {
    this.gone = true;
    this.settle();
    clearTimeout(this.waiting);
    this.undo.forEach((step) => step());
    if (this.url) URL.revokeObjectURL(this.url);
    this.canvas.width = this.canvas.height = 0; // gives its memory back at once
  }

  build(el) {
    el.classList.add("sk-editor");
    el.dataset.ownKeys = "";
    this.tools = make("div", "sk-tools");
    this.tools.setAttribute("role", "toolbar");
    this.tools.setAttribute("aria-label", "Mask tools");
    this.size = make("input", "", { type: "range", min: 0, max: 100, step: 1 });
    this.size.setAttribute("aria-label", "Brush size");
    this.sizeText = make("output", "sk-number");
    const size = make("label", "sk-field");
    size.append("Size", this.size, this.sizeText);
    this.px = make("input", "sk-px", { type: "number", min: 1, max: 256, step: 1, value: 8 });
    this.px.setAttribute("aria-label", "Feather in pixels");
    const feather = make("span", "sk-field");
    feather.append(this.px, "px", button("feather", "Feather", "Make the edge of the mask soft over so many pixels"));
    this.zoomText = make("output", "sk-number");
    this.tools.append(
      group("Tool", ...TOOLS.map(([name, title, key]) => button(`tool-${name}`, title, `${title} (${key.toUpperCase()})`))),
      size,
      group("Steps", button("undo", "Undo", "Undo (Ctrl+Z)"), button("redo", "Redo", "Redo (Ctrl+Shift+Z)")),
      group("Mask", button("invert", "Invert", "Repaint the rest instead (I)"), button("clear", "Clear", "Repaint nothing")),
      feather,
      group("Zoom", button("out", "−", "Zoom out (−)"), this.zoomText, button("in", "+", "Zoom in (+)"), button("fit", "Fit", "See all of it (0)")),
    );
    this.stage = make("div", "sk-stage", { tabIndex: 0 });
    this.stage.setAttribute("role", "application");
    this.stage.setAttribute("aria-label", `Mask on the input image. ${KEYS}`);
    this.world = make("div", "sk-world");
    this.picture = make("img", "", { alt: "", draggable: false });
    this.canvas = make("canvas", "");
    this.pen = this.canvas.getContext("2d");
    this.ring = make("div", "sk-ring", { hidden: true });
    this.world.append(this.picture, this.canvas);
    this.stage.append(this.world, this.ring);
    this.status = make("span", "sk-status");
    this.status.setAttribute("role", "status");
    this.error = make("span", "sk-error");
    this.error.setAttribute("role", "alert");
    const foot = make("div", "sk-foot");
    foot.append(this.status, this.error);
    el.append(this.tools, this.stage, foot);
  }

  // What is shown

  begin() {
    const [width, height] = this.model.get("size");
    [this.width, this.height] = [width, height];
    this.canvas.width = width;
    this.canvas.height = height;
    this.point = null;
    this.zoom = 1;
    this.setBrush(Math.max(2, Math.round(Math.min(width, height) * 0.08)));
    this.layout();
  }

  look() {
    send(this.model, { kind: "look", view: this.id });
  }

  layout() {
    const room = this.el.clientWidth;
    if (!room || !this.width) return this.draw();
    this.stage.style.height = `${Math.round(Math.min(480, Math.max(160, (room * this.height) / this.width)))}px`;
    this.place();
    return this.draw();
  }

  // Keeps the picture in the stage: centred where it is smaller, without a gap where it is larger.
  place() {
    const [wide, high] = [this.stage.clientWidth, this.stage.clientHeight];
    this.scale = Math.min(wide / this.width, high / this.height) * this.zoom;
    const bound = (at, room, size) => (size <= room ? (room - size) / 2 : Math.min(0, Math.max(room - size, at)));
    this.at.x = bound(this.at.x, wide, this.width * this.scale);
    this.at.y = bound(this.at.y, high, this.height * this.scale);
    this.world.style.width = `${this.width}px`;
    this.world.style.height = `${this.height}px`;
    this.world.style.transform = `translate(${this.at.x}px, ${this.at.y}px) scale(${this.scale})`;
    this.world.classList.toggle("is-large", this.scale >= 2);
    this.zoomText.textContent = `${Math.round(this.scale * 100)} %`;
    this.drawRing();
  }

  draw() {
    const get = (name) => this.model.get(name);
    const reason = get("reason");
    const share = get("coverage") * 100;
    for (const each of this.tools.querySelectorAll("button")) {
      const act = each.dataset.act;
      if (act.startsWith("tool-")) each.setAttribute("aria-pressed", String(act === `tool-${this.tool}`));
      each.classList.toggle("mod-active", act === `tool-${this.tool}`);
      each.disabled = (act === "undo" && !get("can_undo")) || (act === "redo" && !get("can_redo"))
        || (act === "clear" && !share) || (Boolean(reason) && !["in", "out", "fit", "tool-move"].includes(act));
    }
    const shown = share && share < 0.1 ? "less than 0.1" : share >= 10 ? Math.round(share) : share.toFixed(1);
    const what = share ? `${shown} % will be repainted` : "Nothing is marked yet: paint over what shall be repainted";
    this.status.textContent = reason || what;
    this.error.textContent = get("error");
    this.stage.dataset.tool = this.tool;
    this.stage.classList.toggle("is-waiting", Boolean(this.waiting));
    this.drawRing();
  }

  drawRing() {
    const there = this.point && this.tool !== "move" && !this.grip;
    this.ring.hidden = !there;
    if (!there) return;
    const across = Math.max(3, this.brush * this.scale);
    this.ring.style.width = this.ring.style.height = `${across}px`;
    const x = this.at.x + this.point.x * this.scale - across / 2;
    const y = this.at.y + this.point.y * this.scale - across / 2;
    this.ring.style.transform = `translate(${x}px, ${y}px)`;
  }

  // Tools

  get widest() {
    return Math.max(2, Math.min(this.width, this.height));
  }

  fromSlider(value) {
    return Math.round(this.widest ** (value / 100));
  }

  setBrush(px) {
    this.brush = Math.min(this.widest, Math.max(1, Math.round(px)));
    this.size.value = String(Math.round((100 * Math.log(this.brush)) / Math.log(this.widest)));
    this.sizeText.textContent = `${this.brush} px`;
    this.size.setAttribute("aria-valuetext", `${this.brush} pixels`);
    this.drawRing();
  }

  onTool(event) {
    const act = event.target.closest("button")?.dataset.act;
    if (act) this.act(act);
  }

  act(act) {
    const middle = { x: this.stage.clientWidth / 2, y: this.stage.clientHeight / 2 };
    if (act.startsWith("tool-")) this.tool = act.slice(5);
    else if (act === "in") this.zoomTo(this.zoom * 1.5, middle);
    else if (act === "out") this.zoomTo(this.zoom / 1.5, middle);
    else if (act === "fit") this.zoomTo(1, middle);
    else if (act === "feather") this.ask({ kind: "feather", px: Math.round(Number(this.px.value)) });
    else this.ask({ kind: "change", step: act });
    this.draw();
  }

  onKey(event) {
    const inField = event.target === this.px;
    const command = event.ctrlKey || event.metaKey;
    const key = event.key.toLowerCase();
    if (inField && event.key === "Enter") this.act("feather");
    else if (inField || event.altKey) return;
    else if (command && key === "z") this.act(event.shiftKey ? "redo" : "undo");
    else if (command && key === "y") this.act("redo");
    else if (command || event.target !== this.stage || !this.onStageKey(event, key)) return;
    event.preventDefault();
    event.stopPropagation();
  }

  onStageKey(event, key) {
    const tool = TOOLS.find(([, , letter]) => letter === key);
    const step = Math.max(1, Math.round(this.brush / 4));
    const ways = { arrowleft: [-step, 0], arrowright: [step, 0], arrowup: [0, -step], arrowdown: [0, step] };
    if (tool) this.act(`tool-${tool[0]}`);
    else if (key === "[" || key === "]") this.setBrush(key === "]" ? Math.max(this.brush + 1, this.brush * 1.2) : this.brush / 1.2);
    else if (key === "+" || key === "=") this.act("in");
    else if (key === "-") this.act("out");
    else if (key === "0") this.act("fit");
    else if (key === "i") this.act("invert");
    else if (key in ways) this.moveBrush(...ways[key]);
    else if (key === " ") { if (!event.repeat) this.beginStroke(this.here(), this.tool === "eraser"); }
    else return false;
    return true;
  }

  onKeyUp(event) {
    if (event.key === " " && event.target === this.stage) this.endStroke();
  }

  here() {
    this.point ??= { x: this.width / 2, y: this.height / 2 };
    return this.point;
  }

  moveBrush(x, y) {
    if (this.tool === "move") {
      this.at.x -= x * this.scale;
      this.at.y -= y * this.scale;
      return this.place();
    }
    const { x: left, y: top } = this.here();
    this.point = { x: Math.min(this.width, Math.max(0, left + x)), y: Math.min(this.height, Math.max(0, top + y)) };
    if (this.stroke) this.line(this.point);
    return this.drawRing();
  }

  // Pointer

  inPicture(event) {
    const box = this.stage.getBoundingClientRect();
    return {
      x: (event.clientX - box.left - this.stage.clientLeft - this.at.x) / this.scale,
      y: (event.clientY - box.top - this.stage.clientTop - this.at.y) / this.scale,
    };
  }

  onDown(event) {
    this.stage.focus({ preventScroll: true });
    this.pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    this.stage.setPointerCapture(event.pointerId);
    event.preventDefault();
    this.point = this.inPicture(event);
    const erases = this.tool === "eraser" || event.button === 2 || event.button === 5; // 5 = the other end of a pen
    if (this.pointers.size > 1) {
      this.endStroke();
      this.grip = this.hold();
    } else if (event.button === 1 || this.tool === "move") this.grip = this.hold();
    else this.beginStroke(this.point, erases);
    this.drawRing();
  }

  onMove(event) {
    if (this.pointers.has(event.pointerId)) this.pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    this.point = this.inPicture(event);
    if (this.grip) this.pull();
    else if (this.stroke) {
      const all = event.getCoalescedEvents?.() ?? [];
      for (const each of all.length ? all : [event]) this.line(this.inPicture(each));
    }
    this.drawRing();
  }

  onUp(event) {
    this.pointers.delete(event.pointerId);
    this.grip = this.grip && this.pointers.size ? this.hold() : null;
    this.endStroke();
    if (event.pointerType === "touch") this.point = null;
    this.drawRing();
  }

  onOut() {
    if (this.stroke || this.grip) return;
    this.point = null;
    this.drawRing();
    this.settle();
  }

  onLeave(event) {
    if (this.el.contains(event.relatedTarget)) return;
    this.endStroke();
    this.settle();
  }

  // The middle of all fingers, and how far they are apart.
  hold() {
    const all = [...this.pointers.values()];
    const x = all.reduce((sum, each) => sum + each.x, 0) / all.length;
    const y = all.reduce((sum, each) => sum + each.y, 0) / all.length;
    return { x, y, apart: all.length > 1 ? Math.hypot(all[0].x - all[1].x, all[0].y - all[1].y) : 0 };
  }

  pull() {
    const before = this.grip;
    this.grip = this.hold();
    this.at.x += this.grip.x - before.x;
    this.at.y += this.grip.y - before.y;
    const box = this.stage.getBoundingClientRect();
    const middle = { x: this.grip.x - box.left, y: this.grip.y - box.top };
    if (before.apart && this.grip.apart) this.zoomTo((this.zoom * this.grip.apart) / before.apart, middle);
    else this.place();
  }

  // A page must scroll on when the pointer only passes: the wheel zooms where somebody works, or by a pinch.
  onWheel(event) {
    if (!event.ctrlKey && !this.el.contains(document.activeElement)) return;
    event.preventDefault();
    const box = this.stage.getBoundingClientRect();
    const pixels = event.deltaY * (event.deltaMode === 1 ? 16 : 1);
    const factor = Math.exp(-pixels * (event.ctrlKey ? 0.01 : 0.002));
    this.zoomTo(this.zoom * factor, { x: event.clientX - box.left, y: event.clientY - box.top });
  }

  zoomTo(zoom, middle) {
    const wanted = Math.min(MOST_ZOOM, Math.max(1, zoom));
    const factor = wanted / this.zoom;
    this.zoom = wanted;
    this.at.x = middle.x - (middle.x - this.at.x) * factor;
    this.at.y = middle.y - (middle.y - this.at.y) * factor;
    this.place();
  }

  // Strokes

  beginStroke(point, erases) {
    if (this.stroke || this.waiting || this.tool === "move" || this.model.get("reason") || !this.width) return;
    this.stroke = { erases, last: point, left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity };
    this.line(point);
  }

  line(point) {
    const { stroke, pen } = this;
    if (!stroke) return;
    pen.globalCompositeOperation = stroke.erases ? "destination-out" : "source-over";
    pen.strokeStyle = COLOUR;
    pen.lineCap = pen.lineJoin = "round";
    pen.lineWidth = this.brush;
    pen.beginPath();
    pen.moveTo(stroke.last.x, stroke.last.y);
    pen.lineTo(point.x + (point === stroke.last ? 0.01 : 0), point.y); // a line without length draws nothing
    pen.stroke();
    const reach = this.brush / 2 + 2;
    stroke.left = Math.min(stroke.left, point.x - reach, stroke.last.x - reach);
    stroke.top = Math.min(stroke.top, point.y - reach, stroke.last.y - reach);
    stroke.right = Math.max(stroke.right, point.x + reach, stroke.last.x + reach);
    stroke.bottom = Math.max(stroke.bottom, point.y + reach, stroke.last.y + reach);
    stroke.last = point;
  }

  endStroke() {
    const { stroke } = this;
    this.stroke = null;
    if (!stroke) return;
    const left = Math.max(0, Math.floor(stroke.left));
    const top = Math.max(0, Math.floor(stroke.top));
    const wide = Math.min(this.width, Math.ceil(stroke.right)) - left;
    const high = Math.min(this.height, Math.ceil(stroke.bottom)) - top;
    if (wide <= 0 || high <= 0) return; // all of it lies beside the picture
    const part = make("canvas", "", { width: wide, height: high });
    part.getContext("2d").drawImage(this.canvas, -left, -top);
    const packed = new Promise((resolve) => part.toBlob(resolve, "image/png"));
    this.unsettled = true;
    this.later(async () => {
      const data = await (await packed).arrayBuffer();
      part.width = part.height = 0;
      send(this.model, { kind: "stroke", view: this.id, left, top }, [new DataView(data)]);
    });
  }

  // Hands the mask on at once: whoever leaves may be about to press a button that needs it.
  settle() {
    if (!this.unsettled) return;
    this.unsettled = false;
    this.later(() => send(this.model, { kind: "settle" }));
  }

  // What the kernel does to the whole mask. Nothing is painted until it has answered: the two would cross.
  ask(message) {
    if (this.waiting || this.model.get("reason")) return;
    this.endStroke();
    this.unsettled = true;
    this.waiting = setTimeout(() => this.done(), LOST_MS);
    this.later(() => send(this.model, message));
  }

  done() {
    clearTimeout(this.waiting);
    this.waiting = 0;
    if (!this.gone) this.draw();
  }

  later(step) {
    this.work = this.work.then(step).catch((error) => console.warn(error));
    return this.work;
  }

  onMessage(message, buffers) {
    if (message.kind === "done") this.later(() => this.done());
    if ((message.view && message.view !== this.id) || message.by === this.id) return;
    if (message.kind === "picture") this.showPicture(buffers[0]);
    if (message.kind === "patch") this.later(() => this.patch(message.box, buffers[0]));
  }

  showPicture(data) {
    const old = this.url;
    this.url = URL.createObjectURL(new Blob([data], { type: "image/jpeg" }));
    this.picture.src = this.url;
    if (old) URL.revokeObjectURL(old);
  }

  async patch([left, top, right, bottom], data) {
    const part = await createImageBitmap(new Blob([data], { type: "image/png" }));
    const { pen } = this;
    pen.save();
    pen.beginPath();
    pen.rect(left, top, right - left, bottom - top);
    pen.clip();
    pen.globalCompositeOperation = "source-over";
    pen.clearRect(left, top, right - left, bottom - top);
    pen.drawImage(part, left, top);
    pen.globalCompositeOperation = "source-atop";
    pen.fillStyle = COLOUR;
    pen.fillRect(left, top, right - left, bottom - top);
    pen.restore();
    part.close();
  }

}

function button(act, text, title) {
  const made = make("button", "jupyter-button sk-button", { type: "button", textContent: text, title });
  if (text.length < 2) made.setAttribute("aria-label", title.replace(/ \(.*/, ""));
  made.dataset.act = act;
  return made;
}

function group(name, ...children) {
  const made = make("div", "sk-group");
  made.setAttribute("role", "group");
  made.setAttribute("aria-label", name);
  made.append(...children);
  return made;
}

export default { render };
