// One clip: where its frames are in time, and how it is brought to one of them. A film is played by the browser; an
// animated picture is drawn frame by frame on a canvas, where the browser can decode it in parts. Frames are gone to by
// the middle of the time in which they are shown, so that no rounding of a container leads to the frame beside it.

const FAR_S = 0.25; // so far off, a film jumps; nearer, it plays a little faster or slower until it is right
const NEAR_S = 0.008;
const CATCH_UP_S = 0.25;
const HURRY = [0.75, 1.35];
const PAINTED_MS = 120; // a page that nobody sees is not painted
const STUCK_MS = 3000;
const ROUNDING = 1e-6;
const ASSUMED_RATE = 25; // frames a second of a film of which the kernel could not say it

class Timeline {
  constructor({ seconds, frames, rate, times = [] }) {
    Object.assign(this, { seconds, frames, rate, times });
  }

  // The frame at a time; behind the end they are counted on, so that longer clips can be stepped by this one.
  at(time) {
    const { times, rate, seconds, frames } = this;
    if (time >= seconds - ROUNDING) return frames + Math.floor((time - seconds) * rate + ROUNDING);
    if (!times.length) return Math.min(frames - 1, Math.max(0, Math.floor(time * rate + ROUNDING)));
    let place = 0;
    while (place + 1 < frames && times[place + 1] <= time + ROUNDING) place += 1;
    return place;
  }

  shownAt(time) {
    return Math.min(this.frames - 1, this.at(time));
  }

  middle(frame) {
    if (frame >= this.frames) return this.seconds + (frame - this.frames + 0.5) / this.rate;
    if (!this.times.length) return (frame + 0.5) / this.rate;
    return (this.times[frame] + (this.times[frame + 1] ?? this.seconds)) / 2;
  }

  get last() {
    return this.middle(this.frames - 1);
  }
}

// What both kinds of clips have: `media` is the element in the slot, `picture` what of it can be drawn on a canvas.
class Clip {
  constructor({ media, letter, facts }, changed) {
    Object.assign(this, { media, letter, facts, changed });
    this.line = null; // known once the file is read
    this.problem = "";
  }

  get isReady() {
    return Boolean(this.line) && !this.problem;
  }

  isOver(time) {
    return time >= this.line.seconds - ROUNDING;
  }
}

class Film extends Clip {
  constructor(said, changed) {
    super(said, changed);
    const { media } = this;
    this.picture = media;
    this.hasSound = Boolean(this.facts?.has_sound);
    const look = () => {
      this.read();
      changed();
    };
    this.undo = [on(media, "loadedmetadata", look), on(media, "error", look)];
    this.read();
  }

  read() {
    const { duration, error, readyState } = this.media;
    this.problem = error ? "this browser cannot play it" : "";
    if (error || !readyState) return;
    const seconds = this.facts?.seconds ?? (Number.isFinite(duration) ? duration : 0);
    const rate = this.facts?.rate ?? ASSUMED_RATE;
    const frames = this.facts?.frames ?? Math.max(1, Math.round(seconds * rate));
    this.line = new Timeline({ times: this.facts?.times, seconds: seconds || frames / rate, frames, rate });
  }

  get size() {
    return [this.media.videoWidth, this.media.videoHeight];
  }

  get now() {
    return this.media.currentTime;
  }

  get runs() {
    return !this.media.paused && !this.media.ended && !this.media.seeking;
  }

  // Stand at the frame of a time; an exact one is where playing begins.
  async show(time, isExact = false) {
    const { media, line } = this;
    media.pause();
    const frame = line.shownAt(time);
    const due = isExact ? Math.min(time, line.last) : line.middle(frame);
    if (Math.abs(media.currentTime - due) < ROUNDING && !media.seeking) return;
    const there = painted(media);
    media.currentTime = due;
    await there;
  }

  start(speed) {
    this.media.playbackRate = speed;
    this.media.play().catch((error) => {
      if (error.name !== "NotAllowedError") return; // it was stopped, or taken out of the page, meanwhile
      this.media.muted = true;
      this.media.play().catch(() => {});
      this.changed();
    });
  }

  stop() {
    this.media.pause();
  }

  // While playing: be where the others are.
  follow(time, speed, leads) {
    const { media } = this;
    if (this.isOver(time) || media.ended || media.seeking) return;
    const behind = leads ? 0 : time - media.currentTime;
    if (Math.abs(behind) > FAR_S * Math.max(1, speed)) media.currentTime = time;
    const hurry = Math.abs(behind) < NEAR_S ? 1 : Math.min(HURRY[1], Math.max(HURRY[0], 1 + behind / speed / CATCH_UP_S));
    if (Math.abs(media.playbackRate - speed * hurry) > 0.01 * speed) media.playbackRate = speed * hurry;
    if (media.paused) this.start(speed);
  }

  destroy() {
    this.undo.forEach((step) => step());
    this.media.pause();
    this.media.muted = true;
  }
}

// A GIF, WebP or PNG that moves. Browsers play those by themselves and let nobody stop them; where they have an
// ImageDecoder the frames are drawn over the picture.
class Drawn extends Clip {
  constructor(said, changed) {
    super(said, changed);
    this.shown = -1;
    this.hasSound = false;
    if (typeof ImageDecoder === "undefined") {
      this.problem = "this browser plays it by itself and cannot step through it";
      return;
    }
    this.read().catch(() => {
      if (this.isGone) return;
      this.problem = "this browser cannot step through it";
      this.changed();
    });
  }

  async read() {
    const blob = await (await fetch(this.media.src)).blob();
    this.decoder = new ImageDecoder({ data: await blob.arrayBuffer(), type: blob.type });
    await Promise.all([this.decoder.completed, this.decoder.tracks.ready]);
    const { frameCount } = this.decoder.tracks.selectedTrack;
    const times = [];
    const lengths = new Set();
    let seconds = 0;
    for (let frame = 0; frame < frameCount && !this.isGone; frame += 1) {
      const { image } = await this.decoder.decode({ frameIndex: frame });
      this.size = [image.displayWidth, image.displayHeight];
      const length = (image.duration || 1e5) / 1e6; // microseconds; of no length = shown for a tenth of a second
      times.push(seconds);
      lengths.add(length);
      seconds += length;
      image.close();
    }
    if (this.isGone) return;
    const frames = times.length;
    this.line = new Timeline({ times: lengths.size > 1 ? times : [], seconds, frames, rate: frames / seconds });
    this.cover();
    this.changed();
  }

  // The canvas takes the place of the picture, also for those who cannot see it.
  cover() {
    const { media } = this;
    this.picture = make("canvas", "sc-media sc-drawn", { role: "img", "aria-label": media.alt });
    [this.picture.width, this.picture.height] = this.size;
    this.picture.style.transform = media.style.transform;
    media.after(this.picture);
    media.style.visibility = "hidden";
  }

  get runs() {
    return false; // it has no clock of its own
  }

  async show(time) {
    const frame = this.line.shownAt(time);
    if (frame === this.shown) return;
    this.shown = frame;
    const { image } = await this.decoder.decode({ frameIndex: frame }).catch(() => ({})); // it was taken out meanwhile
    if (!image) return;
    if (!this.isGone && this.shown === frame) {
      const pen = this.picture.getContext("2d");
      pen.clearRect(0, 0, this.picture.width, this.picture.height);
      pen.drawImage(image, 0, 0);
    }
    image.close();
  }

  start() {}

  stop() {}

  follow(time) {
    this.show(time);
  }

  destroy() {
    this.isGone = true;
    this.decoder?.close();
    this.picture?.remove();
    this.media.style.visibility = "";
  }
}

// Wait until a film has come to the frame that is asked for next, and shows it.
function painted(media) {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(stuck);
      undo.forEach((step) => step());
      resolve();
    };
    const stuck = setTimeout(done, STUCK_MS);
    let isPainted = !media.requestVideoFrameCallback;
    let isThere = false;
    media.requestVideoFrameCallback?.(() => {
      isPainted = true;
      if (isThere) done();
    });
    const undo = [
      on(media, "error", done),
      on(media, "seeked", () => {
        isThere = true;
        if (isPainted) done();
        else setTimeout(done, PAINTED_MS);
      }),
    ];
  });
}
