// How two clips differ in the frames that they stand at: the absolute difference of every colour of every pixel, made
// visible by a gain. It is of what this browser decodes and shows, 8 bits a colour.

const GAINS = [1, 2, 4, 8, 16, 32]; // powers of two: an addition of the picture to itself doubles it exactly

class FrameDifference {
  constructor(changed) {
    this.clips = [];
    this.chosen = ["", ""]; // letters, where somebody has chosen; the first two else
    const choose = (place) => (letter) => {
      this.chosen[place] = letter;
      changed();
    };
    this.element = make("div", "sc-difference", { role: "group", "aria-label": "Difference of two clips" });
    this.element.hidden = true;
    this.one = select("Difference of", [], choose(0));
    this.other = select("and", [], choose(1));
    this.gain = select("made brighter", GAINS.map((gain) => [String(gain), `${gain} ×`]), changed);
    this.gain.value = "4";
    this.numbers = make("output", "sc-clock", { "aria-label": "How much they differ" });
    const bar = make("div", "sc-bar");
    bar.append(...[this.one, this.other, this.gain].map((each) => each.parentElement), this.numbers);
    this.view = make("div", "sc-view", { tabindex: "0", role: "group", "data-own-keys": "" });
    this.view.setAttribute("aria-label", "Difference: plus and minus zoom, arrows move, 0 shows it whole");
    this.canvas = make("canvas", "sc-media", { role: "img", "aria-label": "Difference" });
    this.view.append(this.canvas);
    this.element.append(bar, this.view);
  }

  set(clips) {
    this.clips = clips;
    const options = clips.map((clip) => [clip.letter, clip.letter]);
    const letters = clips.map((clip) => clip.letter);
    const [one, other] = this.chosen.map((letter) => (letters.includes(letter) ? letter : ""));
    const first = one || letters.find((letter) => letter !== other);
    fillSelect(this.one, options, first);
    fillSelect(this.other, options, other || letters.find((letter) => letter !== first));
  }

  // Clips that play are not at one moment: what is drawn is of frames that stand.
  draw(time, isPlaying) {
    if (this.element.hidden) return;
    const find = (letter) => this.clips.find((clip) => clip.letter === letter);
    const pair = [find(this.one.value), find(this.other.value)];
    this.canvas.classList.toggle("is-old", isPlaying);
    if (isPlaying) this.numbers.textContent = "drawn again when the clips stand";
    else if (pair.every(Boolean)) this.compare(...pair, time);
  }

  compare(one, other, time) {
    const { canvas } = this;
    const [width, height] = one.size;
    Object.assign(canvas, { width, height });
    const pen = canvas.getContext("2d", { willReadFrequently: true });
    pen.drawImage(one.picture, 0, 0);
    pen.globalCompositeOperation = "difference";
    pen.drawImage(other.picture, 0, 0, width, height);
    const { mean, most } = measure(pen.getImageData(0, 0, width, height).data);
    pen.globalCompositeOperation = "lighter";
    for (let gain = Number(this.gain.value); gain > 1; gain /= 2) pen.drawImage(canvas, 0, 0);
    const frames = [one, other].map((clip) => `${clip.letter} ${clip.line.shownAt(time) + 1}`).join(", ");
    const isScaled = other.size[0] !== width || other.size[1] !== height;
    const scaled = isScaled ? ` · ${other.letter} scaled to the size of ${one.letter}` : "";
    this.numbers.textContent = `frames ${frames} · mean ${percent(mean)} · largest ${percent(most)}${scaled}`;
  }
}

function measure(data) {
  let sum = 0;
  let most = 0;
  for (let place = 0; place < data.length; place += 1) {
    if (place % 4 === 3) continue; // how opaque it is
    sum += data[place];
    if (data[place] > most) most = data[place];
  }
  return { mean: sum / (data.length * 0.75) / 255, most: most / 255 };
}

function percent(share) {
  return `${(share * 100).toFixed(share && share < 0.1 ? 2 : 1)} %`;
}
