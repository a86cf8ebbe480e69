// Cards with a picture and a few words. What they say comes as a trait and goes in as text; pictures come as messages,
// each asked for when its card is near the view.

const BATCH = 60;
const SOON_MS = 30;
const MISSED_MS = 5000;

function render({ model, el }) {
  const view = new Cards(model, el);
  const hear = (content, buffers) => content.kind === "pictures" && view.take(content.ids, buffers);
  const draw = () => view.draw();
  model.on("change:cards change:empty change:label", draw);
  model.on("msg:custom", hear);
  view.draw();
  return () => {
    model.off("change:cards change:empty change:label", draw);
    model.off("msg:custom", hear);
    view.end();
  };
}

class Cards {
  constructor(model, el) {
    this.model = model;
    this.root = make("div", "sx-cards");
    this.urls = new Map(); // id -> { key, url }
    this.made = new Map(); // id -> element
    this.wanted = new Set();
    this.asked = new Set();
    this.inView = new IntersectionObserver((entries) => this.look(entries), { rootMargin: "200px" });
    el.append(this.root);
  }

  end() {
    clearTimeout(this.timer);
    this.inView.disconnect();
    for (const { url } of this.urls.values()) URL.revokeObjectURL(url);
  }

  // A card that says the same stays as it is: somebody may be about to press it.
  draw() {
    const cards = this.model.get("cards");
    if (cards.length) {
      this.root.setAttribute("role", "list");
      this.root.setAttribute("aria-label", this.model.get("label"));
    } else {
      // a list has items and nothing else
      this.root.removeAttribute("role");
      this.root.removeAttribute("aria-label");
    }
    const names = cards.map((card, place) => card.id || `- ${place}`);
    for (const [name, element] of this.made) {
      if (names.includes(name)) continue;
      this.inView.unobserve(element);
      this.made.delete(name);
    }
    const shown = cards.map((card, place) => this.card(card, names[place]));
    if (!cards.length && this.model.get("empty")) {
      const none = make("p", "sx-none", this.model.get("empty"));
      none.setAttribute("role", "status");
      shown.push(none);
    }
    const isSame = shown.length === this.root.children.length && shown.every((each, i) => each === this.root.children[i]);
    if (!isSame) {
      const focused = document.activeElement;
      this.root.replaceChildren(...shown);
      if (focused !== document.activeElement && this.root.contains(focused)) focused.focus({ preventScroll: true });
    }
    for (const [id, { url }] of this.urls) {
      if (cards.some((card) => card.id === id)) continue;
      URL.revokeObjectURL(url);
      this.urls.delete(id);
    }
  }

  card(card, name) {
    const text = JSON.stringify(card);
    let item = this.made.get(name);
    if (item?.dataset.text === text) return item;
    const isNew = !item;
    item ??= make("div", "sx-item");
    item.setAttribute("role", "listitem");
    item.dataset.text = text;
    const button = item.querySelector("button") ?? make("button", "sx-card");
    button.type = "button";
    button.disabled = !card.id;
    button.onclick = () => send(this.model, { kind: "choose", id: card.id });
    const words = make("span", "sx-words");
    words.append(make("b", "", card.title), ...card.lines.map((line) => make("span", "", line)));
    if (card.share !== null) words.append(bar(card.share));
    button.replaceChildren(this.picture(card), words);
    if (isNew) {
      item.append(button);
      this.made.set(name, item);
      item.dataset.id = card.id;
      this.inView.observe(item);
    } else if (item.dataset.seen) this.want(card);
    return item;
  }

  picture(card) {
    const frame = make("span", "sx-picture");
    const known = this.urls.get(card.id);
    if (card.key && known?.key === card.key) {
      const picture = make("img");
      picture.alt = ""; // the words beside it say what it is
      picture.src = known.url;
      frame.append(picture);
    }
    return frame;
  }

  look(entries) {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) delete target.dataset.seen;
      else {
        target.dataset.seen = "yes";
        const card = this.model.get("cards").find((each) => each.id === target.dataset.id);
        if (card) this.want(card);
      }
    }
  }

  want(card) {
    if (!card.id || !card.key || this.urls.get(card.id)?.key === card.key || this.asked.has(card.id)) return;
    this.wanted.add(card.id);
    this.timer ??= setTimeout(() => this.ask(), SOON_MS);
  }

  ask() {
    this.timer = undefined;
    const ids = [...this.wanted].slice(0, BATCH);
    ids.forEach((id) => this.wanted.delete(id) && this.asked.add(id));
    if (ids.length) send(this.model, { kind: "pictures", ids });
    if (this.wanted.size) this.timer = setTimeout(() => this.ask(), SOON_MS);
    setTimeout(() => this.miss(ids), MISSED_MS);
  }

  // Answers may be lost: what was asked for and is still in view without its picture is asked for again.
  miss(ids) {
    const late = ids.filter((id) => this.asked.delete(id));
    if (!this.root.isConnected) return;
    for (const card of this.model.get("cards")) {
      if (late.includes(card.id) && this.made.get(card.id)?.dataset.seen) this.want(card);
    }
  }

  take(ids, buffers) {
    ids.forEach((id, place) => {
      const card = this.model.get("cards").find((each) => each.id === id);
      this.asked.delete(id);
      if (!card || !buffers[place]?.byteLength) return;
      const old = this.urls.get(id);
      this.urls.set(id, { key: card.key, url: URL.createObjectURL(new Blob([buffers[place]], { type: "image/webp" })) });
      this.made.get(id)?.querySelector(".sx-picture")?.replaceWith(this.picture(card));
      if (old) URL.revokeObjectURL(old.url);
    });
  }
}

function bar(share) {
  const track = make("i", "sx-bar");
  const done = make("i");
  done.style.width = `${Math.round(100 * Math.max(0, Math.min(1, share)))}%`;
  track.append(done);
  return track;
}

export default { render };
