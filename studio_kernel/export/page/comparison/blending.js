const LEAST_INTERVAL_S = 0.2; // 2.5 flashes a second; more than three may bring on a seizure (WCAG 2.2, 2.3.1)
const MOST_INTERVAL_S = 3;

// One picture after the other in the same place: what changes jumps.
class Blink {
  constructor(stage) {
    this.name = "blink";
    this.help = "; space stops and goes on, B shows the other one";
    this.stage = stage;
    this.isLeft = true;
    this.interval = 0.6;
    this.isPlaying = !matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.element = make("div", "sc-blink", { role: "group", "aria-label": "Blink" });
    this.play = button("", () => this.toggle());
    this.other = button("", () => this.flip());
    this.range = make("input", "", {
      type: "range", min: String(LEAST_INTERVAL_S), max: String(MOST_INTERVAL_S), step: "0.1", "aria-label": "Interval",
    });
    this.range.addEventListener("input", () => this.every(Number(this.range.value)));
    this.clock = make("span", "sc-clock");
    this.element.append(this.play, this.other, this.range, this.clock);
    this.keys = { " ": () => this.toggle(), b: () => this.flip(), B: () => this.flip() };
  }

  show() {
    this.range.value = String(this.interval);
    this.tell();
    if (this.isPlaying) this.begin();
  }

  end() {
    clearInterval(this.timer);
    this.timer = null;
    this.stage.upper.style.visibility = "";
  }

  begin() {
    this.timer ??= setInterval(() => this.swap(), this.interval * 1000);
  }

  every(seconds) {
    this.interval = seconds;
    clearInterval(this.timer);
    this.timer = null;
    if (this.isPlaying) this.begin();
    this.tell();
  }

  toggle() {
    this.isPlaying = !this.isPlaying;
    this.every(this.interval);
  }

  flip() {
    this.isPlaying = false;
    this.every(this.interval);
    this.swap();
  }

  swap() {
    this.isLeft = !this.isLeft;
    this.tell();
  }

  tell() {
    const { upper, view, left, right } = this.stage;
    upper.style.visibility = this.isLeft ? "" : "hidden";
    view.dataset.left = this.isLeft ? left : right; // the one letter that is shown
    this.play.textContent = this.isPlaying ? "❚❚" : "▶";
    name(this.play, this.isPlaying ? "Stop blinking" : "Blink");
    this.other.textContent = `Show ${this.isLeft ? right : left}`;
    const words = `every ${this.interval.toFixed(1)} s`;
    this.clock.textContent = words;
    this.range.setAttribute("aria-valuetext", words);
  }
}

// The picture on top is let through.
class Onion {
  constructor(stage) {
    this.name = "onion";
    this.help = "";
    this.stage = stage;
    this.opacity = 50;
    this.element = make("div", "sc-blink", { role: "group", "aria-label": "Onion skin" });
    this.range = make("input", "", { type: "range", min: "0", max: "100", step: "1", "aria-label": "Opacity" });
    this.range.addEventListener("input", () => this.let(Number(this.range.value)));
    this.clock = make("span", "sc-clock");
    this.element.append(this.range, this.clock);
  }

  show() {
    this.let(this.opacity);
  }

  end() {
    this.stage.upper.style.opacity = "";
  }

  let(percent) {
    const { upper, left, right } = this.stage;
    this.opacity = percent;
    this.range.value = String(percent);
    upper.style.opacity = String(percent / 100);
    const words = `${left} ${percent} % · ${right} ${100 - percent} %`;
    this.clock.textContent = words;
    this.range.setAttribute("aria-valuetext", words);
  }
}
