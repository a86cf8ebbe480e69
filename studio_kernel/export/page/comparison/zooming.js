// One transform in fractions of the frame, and the wheel, pointer and keys that change it.

const LEAST_ZOOM = 0.05;
const MOST_ZOOM = 64;
const ZOOM_STEP = 1.25;
const PIXELS_SHOWN_FROM = 2; // screen pixels to one of the picture, from which on these are shown as squares
const WHOLE = { z: 1, x: 0, y: 0 };

// Let a frame be zoomed and moved by wheel, pointer and keys; `take` may have a drag of its own, `keys` keys.
function moves(board, frame, runOf, { take = () => null, keys: more = () => null } = {}) {
  const at = (event) => {
    const box = frame.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  };
  let drag = null;
  const begin = (event) => {
    if (event.button !== 0 || event.target.closest("[controls]")) return;
    const own = take(event);
    let [px, py] = at(event);
    drag = own ?? ((to) => {
      const [x, y] = at(to);
      board.moveBy(runOf(), x - px, y - py);
      [px, py] = [x, y];
    });
    frame.setPointerCapture(event.pointerId);
    frame.classList.add("is-dragged");
  };
  const end = () => {
    drag = null;
    frame.classList.remove("is-dragged");
  };
  const keys = {
    "+": () => board.zoomBy(ZOOM_STEP, runOf()),
    "=": () => board.zoomBy(ZOOM_STEP, runOf()),
    "-": () => board.zoomBy(1 / ZOOM_STEP, runOf()),
    0: () => board.look(runOf(), WHOLE),
    1: () => board.lookAtPixels(runOf()),
    ArrowLeft: () => board.moveBy(runOf(), 0.1, 0),
    ArrowRight: () => board.moveBy(runOf(), -0.1, 0),
    ArrowUp: () => board.moveBy(runOf(), 0, 0.1),
    ArrowDown: () => board.moveBy(runOf(), 0, -0.1),
  };
  return [
    on(frame, "pointerdown", begin),
    on(frame, "pointermove", (event) => drag?.(event)),
    on(frame, "pointerup", end),
    on(frame, "pointercancel", end),
    on(frame, "dragstart", (event) => event.preventDefault()),
    on(frame, "dblclick", (event) => {
      if (board.viewOf(runOf()).z === 1) board.lookAtPixels(runOf(), at(event));
      else board.look(runOf(), WHOLE);
    }),
    on(frame, "wheel", (event) => {
      // a plain wheel scrolls the notebook
      if (!event.ctrlKey && !event.metaKey && !board.isFull) return;
      event.preventDefault();
      board.zoomBy(Math.exp(-event.deltaY * 0.003), runOf(), at(event));
    }, { passive: false }),
    on(frame, "keydown", (event) => {
      const act = more()?.[event.key] ?? keys[event.key];
      if (event.target !== frame || event.ctrlKey || event.metaKey || event.altKey || !act) return;
      event.preventDefault();
      event.stopPropagation();
      act();
    }),
  ];
}

// Show a place of the media in a frame. `fit` is how much larger than whole each is drawn around its middle, so that
// a pixel of one is as large as a pixel of the others, and what of it is cut away.
function transform(frame, { z, x, y }, common) {
  for (const media of frame.querySelectorAll(":is(img, video, canvas).sc-media")) {
    const { scale, factor, inset } = fit(media, common);
    const zoomed = z * factor;
    const [left, top] = [x, y].map((offset) => offset + (z * (1 - factor)) / 2);
    media.style.transform = `translate(${left * 100}%, ${top * 100}%) scale(${zoomed})`;
    media.style.clipPath = inset;
    media.style.imageRendering = scale * z * devicePixelRatio >= PIXELS_SHOWN_FROM ? "pixelated" : "";
  }
  frame.classList.toggle("is-zoomed", z > 1);
}

// Pixels of the page to one of a picture at zoom 1, how much that is over showing it whole, and what is cut away.
function fit(media, common) {
  const frame = media.closest(".sc-view");
  const drawn = media.localName === "canvas" ? media : {};
  const width = Number(media.dataset.width) || media.naturalWidth || media.videoWidth || drawn.width; // a still is smaller
  const height = Number(media.dataset.height) || media.naturalHeight || media.videoHeight || drawn.height;
  if (!width || !height || !frame?.clientWidth) return { scale: 0, factor: 1, inset: "" };
  const whole = Math.min(frame.clientWidth / width, frame.clientHeight / height);
  if (!common) return { scale: whole, factor: 1, inset: "" };
  const scale = Math.min(frame.clientWidth / common.width, frame.clientHeight / common.height);
  const cut = (own, side, length) => Math.max(0, (1 - (Math.min(own, side) * whole) / length) / 2) * 100;
  const [across, down] = [cut(width, common.width, frame.clientWidth), cut(height, common.height, frame.clientHeight)];
  return { scale, factor: scale / whole, inset: common.isCut ? `inset(${down}% ${across}%)` : "" };
}

// What pictures of different sizes are fitted to: the smallest sides, or the largest; null = each to its frame.
function commonSize(slots, sizes) {
  const measured = slots.filter((slot) => slot.width && slot.height);
  const isOne = new Set(measured.map((slot) => `${slot.width}x${slot.height}`)).size < 2;
  if (isOne || !["crop", "pad"].includes(sizes)) return null;
  const side = sizes === "crop" ? Math.min : Math.max;
  const [width, height] = ["width", "height"].map((name) => side(...measured.map((slot) => slot[name])));
  return { width, height, isCut: sizes === "crop" };
}

// A view within the bounds of zoom, without a gap beside its picture.
function bounded(view) {
  const z = zoomWithin(view.z);
  return { z, x: within(view.x, z), y: within(view.y, z) };
}

// The view that shows `factor` times more of the place at (px, py), which stays where it is.
function zoomed({ z, x, y }, factor, [px, py] = [0.5, 0.5]) {
  const next = zoomWithin(z * factor);
  return { z: next, x: px - ((px - x) * next) / z, y: py - ((py - y) * next) / z };
}

function zoomWithin(z) {
  return Math.min(MOST_ZOOM, Math.max(LEAST_ZOOM, z));
}

// A picture that is larger than its frame leaves no gap, a smaller one stands in the middle.
function within(offset, z) {
  return z <= 1 ? (1 - z) / 2 : Math.min(0, Math.max(1 - z, offset));
}
