// Part of view.js. A clip plays, without sound, while the pointer rests on it; its bytes are asked for then and not
// before, and no more of them once the pointer has gone.

const REST_MS = 180;
const MOST_PLAYED_BYTES = 16 * 2 ** 20;

class Playing {
  constructor(parts) {
    this.parts = parts;
    this.cell = null;
    this.stop = () => {};
  }

  // The pointer is over a cell, or over none.
  over(cell, item) {
    if (cell === this.cell) return;
    this.leave();
    if (item?.kind !== "video" || item.bytes > MOST_PLAYED_BYTES || !wantsMotion()) return;
    this.cell = cell;
    const timer = setTimeout(() => {
      this.stop = this.parts.pull(item.run, item.file, (blob) => blob && this.play(cell, blob));
    }, REST_MS);
    this.stop = () => clearTimeout(timer);
  }

  play(cell, blob) {
    const url = URL.createObjectURL(blob);
    const film = document.createElement("video");
    Object.assign(film, { muted: true, loop: true, playsInline: true, autoplay: true, src: url });
    film.setAttribute("aria-hidden", "true"); // the cell says what it is
    film.tabIndex = -1;
    (cell.querySelector(".sg-picture") ?? cell).append(film);
    this.stop = () => {
      film.remove();
      film.removeAttribute("src");
      URL.revokeObjectURL(url);
    };
  }

  leave() {
    this.stop();
    this.stop = () => {};
    this.cell = null;
  }
}

function wantsMotion() {
  return !matchMedia("(prefers-reduced-motion: reduce)").matches;
}
