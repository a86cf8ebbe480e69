// Part of view.js. Thumbnails by the digest of their file: the same picture is fetched once however often it moves.

const BATCH = 60;
const IN_FLIGHT = 2;
const KEPT_THUMBNAILS = 3000;

class Thumbnails {
  constructor(model, onChange) {
    this.model = model;
    this.onChange = onChange;
    this.urls = new Map(); // key -> blob URL, oldest use first
    this.wanted = new Map(); // key -> run
    this.sent = new Map(); // seq -> { at, keys by run }
    this.none = new Set(); // keys the kernel has no picture for
    this.seq = firstNumber();
  }

  dispose() {
    for (const url of this.urls.values()) URL.revokeObjectURL(url);
    this.urls.clear();
  }

  url(key) {
    const url = this.urls.get(key);
    if (url) {
      this.urls.delete(key);
      this.urls.set(key, url);
    }
    return url;
  }

  // In the order in which they are wanted. What has left the view and was not asked for yet is forgotten.
  want(items) {
    this.giveUpLost();
    const underway = new Set([...this.sent.values()].flatMap((request) => [...request.keys.values()]));
    this.wanted = new Map();
    for (const item of items) {
      if (!this.urls.has(item.key) && !this.none.has(item.key) && !underway.has(item.key)) {
        this.wanted.set(item.key, item.run);
      }
    }
    this.flush();
  }

  giveUpLost() {
    const now = Date.now();
    for (const [seq, request] of this.sent) if (now - request.at >= LOST_MS) this.sent.delete(seq);
  }

  flush() {
    while (this.wanted.size && this.sent.size < IN_FLIGHT) {
      const batch = [...this.wanted].slice(0, BATCH);
      batch.forEach(([key]) => this.wanted.delete(key));
      this.seq += 1;
      this.sent.set(this.seq, { at: Date.now(), keys: new Map(batch.map(([key, run]) => [run, key])) });
      send(this.model, { kind: "thumbnails", runs: batch.map(([, run]) => run), seq: this.seq });
    }
  }

  take(message, buffers) {
    const request = this.sent.get(message.seq);
    if (!request) return;
    this.sent.delete(message.seq);
    message.runs.forEach((run, index) => {
      const key = request.keys.get(run);
      request.keys.delete(run);
      if (!this.urls.has(key)) this.urls.set(key, URL.createObjectURL(new Blob([buffers[index]], { type: "image/webp" })));
    });
    for (const key of request.keys.values()) this.none.add(key);
    this.forget();
    this.flush();
    this.onChange();
  }

  // Pictures that came unasked.
  keep(keys, buffers) {
    keys.forEach((key, index) => {
      this.none.delete(key);
      if (!this.urls.has(key)) this.urls.set(key, URL.createObjectURL(new Blob([buffers[index]], { type: "image/webp" })));
    });
    this.forget();
  }

  forget() {
    for (const [key, url] of this.urls) {
      if (this.urls.size <= KEPT_THUMBNAILS) return;
      URL.revokeObjectURL(url);
      this.urls.delete(key);
    }
  }
}
