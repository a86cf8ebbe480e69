const LOST_MS = 15_000; // a file the kernel has not sent by then is asked for again

const MOST_AT_ONCE = 2; // files on their way: more would keep the kernel from anything else
const STILL_MS = 1500; // files wait for the stills of all, but not longer

// The bytes of files as URLs, asked for once: of all a small still, then the files themselves, a few at a time.
class Files {
  constructor(model, onChange) {
    this.model = model;
    this.onChange = onChange;
    this.urls = new Map(); // key -> url; "" = there is nothing to show
    this.stills = new Map(); // the same of small stills
    this.due = new Set(); // keys of stills that are on their way
    this.asked = new Map(); // run and index -> when, and for which key
    this.waiting = new Map(); // run and index -> what is still to be asked for
    this.clips = new Map(); // key -> where the frames of a clip are
  }

  url(said) {
    const known = this.urls.get(said.key);
    if (!said.key || known !== undefined) return known ?? "";
    const name = `${said.run}/${said.index}`;
    const earlier = this.asked.get(name);
    if (earlier && Date.now() - earlier.at > LOST_MS) this.asked.delete(name);
    if (!this.asked.has(name)) this.waiting.set(name, said);
    queueMicrotask(() => this.askNext()); // when all stills have been asked for
    return "";
  }

  // A small picture of a file that is on its way; also asks for it.
  still(said) {
    if (!said.key) return "";
    if (!this.stills.has(said.key)) {
      this.stills.set(said.key, "");
      this.due.add(said.key);
      setTimeout(() => this.arrived(said.key), STILL_MS);
      this.send({ kind: "still", run: said.run, index: said.index });
    }
    return this.stills.get(said.key);
  }

  arrived(key) {
    if (this.due.delete(key)) this.askNext();
  }

  askNext() {
    if (this.due.size) return;
    for (const [name, said] of this.waiting) {
      if (this.asked.size >= MOST_AT_ONCE) return;
      this.waiting.delete(name);
      const isShown = this.model.get("slots").some((slot) => slot.run === said.run && slot.index === said.index);
      if (!isShown) continue;
      this.asked.set(name, { at: Date.now(), key: said.key });
      this.send({ kind: "file", run: said.run, index: said.index });
    }
  }

  send(message) {
    try {
      this.model.send(message);
    } catch {
      // the kernel is gone; the frame of the panel says so
    }
  }

  take(message, [data]) {
    const url = () => (data?.byteLength ? URL.createObjectURL(new Blob([data], { type: message.media_type })) : "");
    if (message.kind === "still") {
      this.stills.set(message.key, this.stills.get(message.key) || url());
      this.arrived(message.key);
    } else if (message.kind === "file") this.takeFile(message, url);
    else return;
    this.forget();
    this.onChange();
  }

  takeFile(message, url) {
    const name = `${message.run}/${message.index}`;
    const { key } = this.asked.get(name) ?? {};
    this.asked.delete(name);
    this.askNext();
    if (!key || this.urls.has(key)) return;
    this.urls.set(key, url());
    if (message.clip) this.clips.set(key, message.clip);
    this.types ??= new Map();
    this.types.set(key, message.media_type.split("/")[0]);
  }

  // What came may be another kind than was asked for: the still of a film that is too large to play.
  kind(said) {
    return this.types?.get(said.key) ?? said.kind;
  }

  forget() {
    const shown = new Set(this.model.get("slots").map((slot) => slot.key));
    for (const urls of [this.urls, this.stills])
      for (const [key, url] of urls) {
        if (shown.has(key)) continue;
        if (url) URL.revokeObjectURL(url);
        urls.delete(key);
      }
  }

  dispose() {
    for (const urls of [this.urls, this.stills]) for (const url of urls.values()) if (url) URL.revokeObjectURL(url);
  }
}
