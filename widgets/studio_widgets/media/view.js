// One control for a file: choose it, drop it (from the desktop, or a run from a gallery), paste it, see what is given.
// Files go to the kernel in slices. Each is answered, so what is on its way stays small and the progress is true.

const PART_BYTES = 2 ** 20;
const WINDOW = 4;
const RUN = "application/x-studio-run";
const SIGNS = { video: "▶\ufe0e", audio: "♪" };

let count = 0;

function render({ model, el }) {
  const input = new MediaInput(model, el);
  return () => input.dispose();
}

class MediaInput {
  constructor(model, el) {
    this.model = model;
    this.urls = new Map(); // digest -> blob URL
    this.asked = new Set();
    this.sending = null; // the file that is on its way
    this.queue = Promise.resolve();
    this.over = 0; // elements under the pointer that drags, one inside the other
    this.words = ""; // an error that the kernel cannot know of
    this.id = `${Date.now().toString(36)}${Math.random().toString(36).slice(2, 10)}`;

    this.build(el);
    this.undo = [
      on(this.choose, "click", () => this.files.click()),
      on(this.gallery, "click", () => this.send({ kind: "gallery" })),
      on(this.files, "change", () => this.take([...this.files.files])),
      on(this.stopButton, "click", () => this.stop()),
      on(this.list, "click", (event) => this.onRemove(event)),
      on(document, "paste", (event) => this.onPaste(event), true),
      on(el, "dragenter", (event) => this.onDrag(event, 1)),
      on(el, "dragover", (event) => this.onDrag(event, 0)),
      on(el, "dragleave", (event) => this.onDrag(event, -1)),
      on(el, "drop", (event) => this.onDrop(event)),
      on(this.zone, "keydown", (event) => this.onKey(event)),
      onModel(model, "msg:custom", (message, buffers) => this.onMessage(message, buffers)),
      onModel(model, "change:given change:error change:reason change:has_room change:gallery change:label", () => this.draw()),
      onModel(model, "change:choosing", () => this.onChoosing()),
    ];
    this.draw();
  }

  dispose() {
    this.stop();
    this.undo.forEach((step) => step());
    for (const url of this.urls.values()) URL.revokeObjectURL(url);
    this.urls.clear();
  }

  build(el) {
    el.classList.add("si-input");
    this.title = make("div", "si-title");
    this.zone = make("div", "si-zone", { tabIndex: 0 });
    this.zone.setAttribute("role", "group");
    this.list = make("ul", "si-given");
    this.choose = make("button", "jupyter-button", { type: "button" });
    this.gallery = make("button", "jupyter-button st-quiet", { type: "button", textContent: "From gallery …" });
    this.hint = make("span", "si-hint");
    this.buttons = make("div", "si-buttons");
    this.buttons.append(this.choose, this.gallery, this.hint);
    this.bar = make("progress", "st-progress", { max: 1 });
    this.how = make("span", "si-hint");
    this.how.setAttribute("role", "status");
    this.stopButton = make("button", "jupyter-button st-quiet", { type: "button", textContent: "Stop" });
    this.progress = make("div", "si-progress", { hidden: true });
    this.progress.append(this.bar, this.how, this.stopButton);
    this.error = make("div", "si-error");
    this.error.setAttribute("role", "alert");
    this.files = make("input", "", { type: "file", hidden: true, tabIndex: -1 });
    this.zone.append(this.list, this.buttons, this.progress);
    el.append(this.title, this.zone, this.error, this.files);
  }

  // What is given

  draw() {
    const get = (name) => this.model.get(name);
    const [given, reason, multiple] = [get("given"), get("reason"), get("multiple")];
    const label = get("label");
    this.title.textContent = label;
    this.zone.setAttribute("aria-label", `${label}: drop or paste a file, or choose one`);
    this.zone.title = reason || get("help");
    this.zone.setAttribute("aria-disabled", String(Boolean(reason)));
    this.zone.classList.toggle("is-empty", !given.length);
    this.files.accept = get("accept");
    this.files.multiple = multiple;
    this.choose.textContent = given.length ? (multiple ? "Add …" : "Replace …") : "Choose file …";
    this.choose.setAttribute("aria-label", `${label}: ${this.choose.textContent.replace(" …", "").toLowerCase()}`);
    this.choose.disabled = this.gallery.disabled = Boolean(reason) || (multiple && !get("has_room"));
    this.gallery.hidden = !get("gallery");
    this.gallery.setAttribute("aria-expanded", String(Boolean(get("choosing"))));
    this.gallery.setAttribute("aria-label", `${label}: from gallery`);
    this.hint.textContent = reason || (get("runs") ? "or drop, paste, or drag a result here" : "or drop, or paste");
    this.error.textContent = this.words || get("error");
    this.error.hidden = !this.error.textContent;
    this.list.hidden = !given.length;
    this.list.replaceChildren(...given.map((each, place) => this.card(each, place)));
    this.forget(given);
    this.askPictures(given);
  }

  // What was chosen from is gone, and the focus with it.
  onChoosing() {
    this.draw();
    if (!this.model.get("choosing") && !this.gallery.disabled) this.gallery.focus({ preventScroll: true });
  }

  card(given, place) {
    const item = make("li", "si-card");
    const frame = make("span", "si-picture", SIGNS[given.kind] ?? "");
    const url = this.urls.get(given.key);
    if (url) frame.replaceChildren(make("img", "", { src: url, alt: given.name, draggable: false }));
    const words = make("span", "si-words");
    words.append(
      make("b", "", { textContent: given.name, title: given.name }),
      make("span", "si-hint", given.facts),
    );
    const remove = make("button", "jupyter-button st-quiet si-remove", { type: "button", textContent: "Remove" });
    remove.setAttribute("aria-label", `Remove ${given.name}`);
    remove.dataset.place = String(place);
    remove.disabled = Boolean(this.model.get("reason"));
    item.append(frame, words, remove);
    return item;
  }

  onRemove(event) {
    const button = event.target.closest(".si-remove");
    if (!button) return;
    this.send({ kind: "remove", place: Number(button.dataset.place) });
    this.zone.focus(); // the button is about to go
  }

  forget(given) {
    const kept = new Set(given.map((each) => each.key));
    this.asked.clear();
    for (const [key, url] of this.urls) {
      if (kept.has(key)) continue;
      URL.revokeObjectURL(url);
      this.urls.delete(key);
    }
  }

  askPictures(given) {
    const keys = given.filter((each) => each.kind !== "audio" && !this.urls.has(each.key)).map((each) => each.key);
    const wanted = [...new Set(keys)].filter((key) => !this.asked.has(key));
    wanted.forEach((key) => this.asked.add(key));
    if (wanted.length) this.send({ kind: "pictures", keys: wanted });
  }

  takePictures(message, buffers) {
    message.keys.forEach((key, index) => {
      if (!this.urls.has(key)) this.urls.set(key, URL.createObjectURL(new Blob([buffers[index]], { type: "image/webp" })));
    });
    const given = this.model.get("given");
    this.list.replaceChildren(...given.map((each, place) => this.card(each, place)));
  }

  // Taking files

  onKey(event) {
    if (event.target !== this.zone || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Enter" || event.key === " ") this.choose.click();
    else if (event.key === "Delete" && this.model.get("given").length === 1) this.send({ kind: "remove", place: 0 });
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  // Browsers send this event to where the selection is, which need not be where the focus is.
  onPaste(event) {
    if (!this.zone.contains(document.activeElement)) return;
    const files = [...(event.clipboardData?.files ?? [])];
    event.preventDefault();
    event.stopPropagation();
    if (files.length) this.take(files);
    else this.say("There is no file in the clipboard.");
  }

  onDrag(event, step) {
    event.preventDefault();
    event.stopPropagation();
    this.over = Math.max(0, this.over + step);
    const types = event.dataTransfer?.types ?? [];
    const fits = !this.model.get("reason") && (types.includes("Files") || (types.includes(RUN) && this.model.get("runs")));
    if (event.dataTransfer) event.dataTransfer.dropEffect = fits ? "copy" : "none";
    this.zone.classList.toggle("is-over", fits && this.over > 0);
  }

  onDrop(event) {
    event.preventDefault();
    event.stopPropagation();
    this.over = 0;
    this.zone.classList.remove("is-over");
    if (this.model.get("reason")) return;
    const run = event.dataTransfer?.getData(RUN);
    const files = [...(event.dataTransfer?.files ?? [])];
    if (run && this.model.get("runs")) {
      this.say("");
      this.send({ kind: "run", run });
    } else if (files.length) this.take(files);
    else this.say("That is neither a file nor a result of the studio.");
  }

  // One after the other: the kernel takes one file at a time.
  take(files) {
    if (this.model.get("reason")) return;
    const wanted = this.model.get("multiple") ? files : files.slice(0, 1);
    this.files.value = "";
    this.say("");
    for (const file of wanted) this.queue = this.queue.then(() => this.transfer(file));
  }

  async transfer(file) {
    const sending = { file, id: `${this.id}-${(count += 1)}`, taken: -2, ended: false, wake: () => {} };
    this.sending = sending;
    const parts = Math.ceil(file.size / PART_BYTES);
    const until = async (fact) => {
      while (!sending.ended && !fact()) await new Promise((resolve) => (sending.wake = resolve));
    };
    try {
      this.show(sending);
      this.send({ kind: "begin", id: sending.id, name: file.name, size: file.size });
      await until(() => sending.taken >= -1);
      for (let part = 0; part < parts && !sending.ended; part += 1) {
        await until(() => part - sending.taken <= WINDOW);
        if (sending.ended) break;
        const data = await file.slice(part * PART_BYTES, (part + 1) * PART_BYTES).arrayBuffer();
        this.send({ kind: "part", id: sending.id, part }, [new DataView(data)]);
      }
      await until(() => false);
    } catch (error) {
      this.send({ kind: "stop", id: sending.id });
      this.say(`${file.name}: the browser cannot read it (${error.message}).`);
    } finally {
      if (this.sending === sending) this.sending = null;
      this.progress.hidden = true;
    }
  }

  show(sending) {
    const { file } = sending;
    const done = Math.min(1, (Math.max(0, sending.taken + 1) * PART_BYTES) / Math.max(1, file.size));
    this.progress.hidden = false;
    this.bar.value = done;
    this.bar.setAttribute("aria-label", `Sending ${file.name}`);
    this.how.textContent = `Sending ${file.name}: ${Math.round(done * 100)} %`;
  }

  stop() {
    if (!this.sending) return;
    this.send({ kind: "stop", id: this.sending.id });
    this.sending.ended = true;
    this.sending.wake();
  }

  onMessage(message, buffers) {
    if (message.kind === "pictures") this.takePictures(message, buffers);
    const sending = this.sending;
    if (!sending || message.id !== sending.id) return;
    if (message.kind === "got") {
      sending.taken = message.part;
      this.show(sending);
    } else if (message.kind === "end" || message.kind === "refused") sending.ended = true;
    sending.wake();
  }

  say(words) {
    this.words = words;
    this.error.textContent = words || this.model.get("error");
    this.error.hidden = !this.error.textContent;
  }

  send(message, buffers) {
    try {
      this.model.send(message, undefined, buffers);
    } catch {
      if (this.sending) this.sending.ended = true; // the kernel is gone; the frame of the panel says so
    }
  }
}

export default { render };
