// Part of views that list things with small pictures (a shelf, the cards of projects). Pictures are asked for by thing
// and come as messages; what did not come is asked for again.

class Pictured {
  constructor(model, names) {
    this.model = model;
    this.urls = new Map(); // key -> { pictures, urls }
    this.asked = new Map(); // key -> { pictures, timer }
    this.elements = new Map(); // key -> element
    this.list = make("div", "", { role: "list" });
    const soon = () => {
      cancelAnimationFrame(this.frame);
      this.frame = requestAnimationFrame(() => this.draw()); // several traits change in one message
    };
    this.undo = [onModel(model, names, soon), onModel(model, "msg:custom", (...told) => this.take(...told))];
  }

  dispose() {
    cancelAnimationFrame(this.frame);
    this.undo.forEach((step) => step());
    for (const { timer } of this.asked.values()) clearTimeout(timer);
    for (const key of this.urls.keys()) this.forget(key);
  }

  // Elements stay where they can; `fresh` makes one for a key, `fill` brings it up to date.
  arrange(things, fresh, fill) {
    const known = new Set(things.map(({ key }) => key));
    for (const [key, element] of this.elements) {
      if (known.has(key)) continue;
      element.remove();
      this.elements.delete(key);
      this.forget(key);
    }
    const focused = this.list.contains(document.activeElement) ? document.activeElement : null;
    things.forEach((thing, place) => {
      const element = this.elements.get(thing.key) ?? fresh(thing.key);
      this.elements.set(thing.key, element);
      fill(element, thing);
      if (this.list.children[place] !== element) this.list.insertBefore(element, this.list.children[place] ?? null);
    });
    if (focused?.isConnected && document.activeElement !== focused) focused.focus({ preventScroll: true });
  }

  // `initial` stands where there are no pictures.
  showPictures(box, { key, pictures }, initial) {
    const wanted = pictures.join();
    const there = this.urls.get(key);
    if (wanted && there?.pictures !== wanted) this.askFor(key, wanted);
    const urls = wanted ? (there?.urls ?? []) : [];
    box.dataset.count = String(urls.length);
    box.dataset.initial = urls.length ? "" : initial;
    if (box.dataset.urls === urls.join()) return;
    box.dataset.urls = urls.join();
    box.replaceChildren(...urls.map((src) => make("img", "", { src, alt: "", draggable: false })));
  }

  askFor(key, pictures) {
    const earlier = this.asked.get(key);
    if (earlier?.pictures === pictures) return;
    clearTimeout(earlier?.timer);
    const miss = () => this.asked.delete(key) && this.draw();
    this.asked.set(key, { pictures, timer: setTimeout(miss, LOST_MS) });
    send(this.model, { kind: "pictures", key });
  }

  take(message, buffers) {
    if (message.kind !== "pictures" || !this.elements.has(message.key)) return;
    const asked = this.asked.get(message.key);
    clearTimeout(asked?.timer);
    this.asked.delete(message.key);
    this.forget(message.key);
    const urls = buffers.slice(0, 4).map((data) => URL.createObjectURL(new Blob([data], { type: "image/webp" })));
    this.urls.set(message.key, { pictures: asked?.pictures, urls });
    this.draw();
  }

  forget(key) {
    this.urls.get(key)?.urls.forEach((url) => URL.revokeObjectURL(url));
    this.urls.delete(key);
  }
}
