// The queue: rows of what is at work, what waits and what has failed. One message has all of it, pictures as buffers;
// the page sends wishes only, and what comes of them comes back as the next message.

const BEAT_MS = 10_000;
const ROW = "application/x-studio-queue-row";
const ARMED_MS = 5000;

function render({ model, el }) {
  const root = make("div", "sq-root");
  root.dataset.ownKeys = "";
  el.append(root);
  const queue = new View(model, root);
  const hear = (content, buffers) => content.kind === "queue" && queue.show(content, buffers);
  model.on("msg:custom", hear);
  const undo = [() => model.off("msg:custom", hear), beat(model, root), ...queue.listen()];
  return () => {
    undo.forEach((step) => step());
    queue.forgetPictures();
  };
}

// While somebody can see it: at once, and every few seconds.
function beat(model, root) {
  const tell = () => root.checkVisibility() && send(model, { kind: "here" });
  const seen = new IntersectionObserver((entries) => entries.at(-1).isIntersecting && tell());
  seen.observe(root);
  const timer = setInterval(tell, BEAT_MS);
  return () => {
    seen.disconnect();
    clearInterval(timer);
  };
}

class View {
  constructor(model, root) {
    this.model = model;
    this.urls = new Map();
    this.elements = new Map();
    this.dragged = "";
    this.late = null; // a message that came while a row was dragged
    this.last = {};
    this.said = make("span", "sq-said", { role: "status" });
    this.workers = make("span", "sq-dim");
    this.pause = button("", "");
    this.cancelAll = button("cancel_all", "Cancel all");
    this.bar = make("div", "sq-bar", this.pause, this.cancelAll, this.said, this.workers);
    this.working = list("ul", "At work");
    this.waiting = list("ol", "Waiting, in order");
    this.failed = list("ul", "Failed lately");
    this.nothing = make("div", "sq-nothing", "Nothing is at work and nothing waits.");
    root.append(this.bar, this.nothing, ...[this.working, this.waiting, this.failed].map(titled));
    this.root = root;
  }

  listen() {
    const { root } = this;
    return [
      on(root, "click", (event) => this.click(event)),
      on(root, "keydown", (event) => this.key(event)),
      on(root, "dragstart", (event) => this.dragStart(event)),
      on(root, "dragover", (event) => this.dragOver(event)),
      on(root, "drop", (event) => this.drop(event)),
      on(root, "dragend", () => this.dragEnd()),
    ];
  }

  // Showing

  show(queue, buffers) {
    queue.pictures.forEach((run, place) => this.keep(run, buffers[place]));
    if (this.dragged) {
      this.late = queue;
      return;
    }
    this.last = queue;
    const focused = this.focused();
    const rows = queue.rows;
    const waiting = rows.filter((row) => !row.is_working);
    this.fill(this.working, rows.filter((row) => row.is_working), (row) => this.workingRow(row));
    this.fill(this.waiting, waiting, (row) => this.waitingRow(row, queue));
    this.fill(this.failed, queue.failed.map((failed) => ({ ...failed, key: `failed:${failed.run}` })), (row) =>
      this.failedRow(row, queue),
    );
    this.nothing.hidden = rows.length > 0;
    this.showBar(queue, waiting);
    this.forgetElements();
    this.refocus(focused);
  }

  showBar(queue, waiting) {
    const shown = waiting.filter((row) => !row.is_inside).reduce((sum, row) => sum + row.count, 0);
    const more = queue.waiting - shown;
    const parts = [`${queue.working} at work`, `${count(queue.waiting)} waiting`];
    if (more > 0) parts.push(`${count(more)} of them not shown here`);
    if (queue.paused) parts.push("paused: workers begin nothing new");
    setText(this.said, parts.join(", "));
    setText(this.workers, queue.workers);
    this.pause.dataset.act = queue.paused ? "resume" : "pause";
    setText(this.pause, queue.paused ? "Resume" : "Pause");
    this.pause.classList.toggle("is-on", queue.paused);
    this.pause.title = queue.paused ? "Go on with what waits" : "Begin nothing new; what is at work goes on to its end";
    this.pause.hidden = !queue.canChange;
    this.cancelAll.hidden = !queue.canChange || !(queue.working + queue.waiting);
    if (!this.armed) setText(this.cancelAll, "Cancel all");
  }

  fill(into, rows, draw) {
    into.parentElement.hidden = !rows.length;
    rows.forEach((row, place) => {
      const made = draw(row);
      if (into.children[place] !== made) into.insertBefore(made, into.children[place] ?? null);
    });
    while (into.children.length > rows.length) into.lastChild.remove();
  }

  rowOf(key, kind, build) {
    // A key stands for one element as long as its row is of one kind.
    const known = this.elements.get(key);
    if (known?.kind === kind) {
      known.seen = true;
      return known;
    }
    known?.root.remove();
    const made = { kind, seen: true, ...build() };
    made.root.dataset.key = key;
    this.elements.set(key, made);
    return made;
  }

  forgetElements() {
    for (const [key, made] of this.elements) {
      if (made.seen) made.seen = false;
      else {
        made.root.remove();
        this.elements.delete(key);
      }
    }
    const shown = new Set(this.last.rows.map((row) => row.key));
    for (const run of this.urls.keys()) if (!shown.has(run)) this.forget(run);
  }

  workingRow(row) {
    const made = this.rowOf(row.key, "working", () => {
      const picture = make("img", "", { alt: "", draggable: false });
      const box = make("div", "sq-picture", picture);
      const title = make("div", "sq-title");
      const about = make("div", "sq-dim");
      const bar = make("progress", "st-progress");
      const how = make("div", "sq-dim sq-how");
      const cancel = button("cancel", "Cancel");
      const body = make("div", "sq-body", title, about, bar, how);
      return { root: make("li", "sq-row", box, body, cancel), picture, title, about, bar, how, cancel };
    });
    const url = this.urls.get(row.key);
    if (url && made.picture.src !== url) made.picture.src = url;
    made.picture.hidden = !url;
    if (url) made.picture.alt = `So far: ${row.title}`;
    setText(made.title, row.title);
    setText(made.about, [row.model, row.detail, row.sweep && "cell of a sweep", row.who].filter(Boolean).join(" · "));
    made.bar.setAttribute("aria-label", `Progress of ${row.title}`);
    if (row.total) {
      made.bar.max = row.total;
      made.bar.value = row.step;
    } else made.bar.removeAttribute("value");
    setText(made.how, howFar(row));
    this.cancelButton(made.cancel, row, `Cancel ${row.title}`);
    return made.root;
  }

  waitingRow(row, queue) {
    const made = this.rowOf(row.key, "waiting", () => {
      const place = make("span", "sq-place");
      const title = make("div", "sq-title");
      const about = make("div", "sq-dim");
      const acts = {
        unfold: button("unfold", ""), first: button("first", "First"), up: button("up", "↑"), down: button("down", "↓"),
        cancel: button("cancel", "Cancel"),
      };
      const body = make("div", "sq-body", title, about);
      const buttons = make("div", "sq-acts", ...Object.values(acts));
      return { root: make("li", "sq-row is-waiting", place, body, buttons), place, title, about, acts };
    });
    const movable = queue.canChange && row.can_move && !row.is_inside;
    const isSweep = row.key.startsWith("sweep:");
    const name = isSweep ? `the ${count(row.count)} waiting cells of ${row.title}` : row.title;
    made.root.draggable = movable;
    made.root.classList.toggle("is-movable", movable);
    made.root.classList.toggle("is-inside", row.is_inside);
    made.root.title = movable ? "Drag it to where it shall stand" : "";
    setText(made.place, String(row.place));
    setText(made.title, isSweep ? `${row.title} (${count(row.count)} cells)` : row.title);
    setText(made.about, [row.model, row.detail, isSweep && "sweep", whenOf(row), row.who].filter(Boolean).join(" · "));
    for (const act of ["first", "up", "down"]) made.acts[act].hidden = !movable;
    made.acts.first.setAttribute("aria-label", `Put ${name} first`);
    made.acts.up.setAttribute("aria-label", `Put ${name} one up`);
    made.acts.down.setAttribute("aria-label", `Put ${name} one down`);
    made.acts.unfold.hidden = !isSweep;
    made.acts.unfold.setAttribute("aria-expanded", String(row.is_unfolded));
    setText(made.acts.unfold, row.is_unfolded ? "Fold" : "Show");
    made.acts.unfold.setAttribute("aria-label", `${row.is_unfolded ? "Fold" : "Show"} ${name}`);
    this.cancelButton(made.acts.cancel, row, `Cancel ${name}`);
    return made.root;
  }

  cancelButton(made, row, name) {
    made.hidden = !this.last.canChange;
    made.disabled = row.is_ending;
    setText(made, row.is_ending ? "Ending" : "Cancel");
    made.setAttribute("aria-label", name);
  }

  failedRow(row, queue) {
    const made = this.rowOf(row.key, "failed", () => {
      const title = make("div", "sq-title");
      const error = make("div", "sq-error");
      const about = make("div", "sq-dim");
      const question = make("div", "st-alert warn", { role: "alert" });
      const acts = {
        retry: button("retry", "Fetch result"), again: button("again", "Run again"), dismiss: button("dismiss", "Dismiss"),
        agree: button("agree", "Yes, run it"), decline: button("decline", "No"),
      };
      const body = make("div", "sq-body", title, error, about, question);
      const buttons = make("div", "sq-acts", ...Object.values(acts));
      return { root: make("li", "sq-row", body, buttons), title, error, about, question, acts };
    });
    const asks = Boolean(queue.question) && queue.askedAbout === row.run;
    setText(made.title, row.title);
    setText(made.error, row.error);
    setText(made.about, `failed at ${row.at} · ${row.model}`);
    made.question.hidden = !asks;
    setText(made.question, asks ? queue.question : "");
    const { retry, again, dismiss, agree, decline } = made.acts;
    retry.hidden = !queue.canChange || !row.can_fetch || asks;
    again.hidden = !queue.canChange || !row.can_run_again || asks;
    dismiss.hidden = asks;
    agree.hidden = decline.hidden = !asks;
    again.setAttribute("aria-label", `Run again: ${row.title}`);
    dismiss.setAttribute("aria-label", `Dismiss: ${row.title}`);
    retry.title = "Fetch what the service may still have of it; that is not charged again";
    return made.root;
  }

  // Pictures

  keep(run, data) {
    this.forget(run);
    if (data?.byteLength) this.urls.set(run, URL.createObjectURL(new Blob([data], { type: "image/webp" })));
  }

  forget(run) {
    if (this.urls.has(run)) URL.revokeObjectURL(this.urls.get(run));
    this.urls.delete(run);
  }

  forgetPictures() {
    [...this.urls.keys()].forEach((run) => this.forget(run));
  }

  // Focus stays where it was, also when its row has moved

  focused() {
    const at = this.root.contains(document.activeElement) ? document.activeElement : null;
    return at && { element: at, key: at.closest(".sq-row")?.dataset.key, act: at.dataset.act };
  }

  refocus(before) {
    if (!before || document.activeElement === before.element) return;
    if (before.element.isConnected && before.element.checkVisibility()) before.element.focus({ preventScroll: true });
    else (this.pause.hidden ? this.root : this.pause).focus?.({ preventScroll: true });
  }

  // Wishes

  click(event) {
    const at = event.target.closest("button[data-act]");
    if (!at) return;
    const key = at.closest(".sq-row")?.dataset.key;
    if (at === this.cancelAll) this.armOrCancel();
    else if (["pause", "resume", "agree", "decline"].includes(at.dataset.act)) this.wish({ kind: at.dataset.act });
    else if (key) this.wish({ kind: at.dataset.act, key: key.replace(/^failed:/, "") });
  }

  armOrCancel() {
    // Everything at once is asked twice.
    if (this.armed) {
      clearTimeout(this.armed);
      this.armed = 0;
      setText(this.cancelAll, "Cancel all");
      this.wish({ kind: "cancel_all" });
      return;
    }
    setText(this.cancelAll, `Really cancel ${count(this.last.working + this.last.waiting)}?`);
    this.armed = setTimeout(() => {
      this.armed = 0;
      setText(this.cancelAll, "Cancel all");
    }, ARMED_MS);
  }

  key(event) {
    const act = { ArrowUp: "up", ArrowDown: "down", Home: "first" }[event.key];
    const row = event.target.closest(".is-movable");
    if (!act || !row || !event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    this.wish({ kind: act, key: row.dataset.key });
  }

  wish(message) {
    send(this.model, message);
  }

  // Dragging

  dragStart(event) {
    const row = event.target.closest?.(".is-movable");
    if (!row) return;
    this.dragged = row.dataset.key;
    event.dataTransfer.setData(ROW, this.dragged);
    event.dataTransfer.effectAllowed = "move";
    row.classList.add("is-dragged");
  }

  dragOver(event) {
    if (!this.dragged) return;
    const target = event.target.closest?.(".is-movable");
    this.mark(null);
    if (!target || target.dataset.key === this.dragged) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "move";
    this.mark(target, isBehind(event, target) ? "is-behind" : "is-before");
  }

  drop(event) {
    const target = event.target.closest?.(".is-movable");
    const key = this.dragged;
    if (!key || !target || target.dataset.key === key) return;
    event.preventDefault();
    const movable = [...this.waiting.querySelectorAll(":scope > .is-movable")].map((row) => row.dataset.key);
    const others = movable.filter((each) => each !== key);
    const place = others.indexOf(target.dataset.key) + (isBehind(event, target) ? 1 : 0);
    this.wish({ kind: "move", key, before: others[place] ?? "" });
    this.dragEnd();
  }

  dragEnd() {
    this.mark(null);
    this.root.querySelector(".is-dragged")?.classList.remove("is-dragged");
    this.dragged = "";
    if (this.late) {
      const queue = this.late;
      this.late = null;
      this.show({ ...queue, pictures: [] }, []);
    }
  }

  mark(row, side) {
    this.root.querySelectorAll(".is-before, .is-behind").forEach((each) => each.classList.remove("is-before", "is-behind"));
    row?.classList.add(side);
  }
}

function isBehind(event, row) {
  const { top, height } = row.getBoundingClientRect();
  return event.clientY > top + height / 2;
}

function howFar(row) {
  if (row.is_ending) return "ending";
  const parts = [row.stage || "at work"];
  if (row.stage === "waiting" && row.position !== null) parts.push(row.position ? `${row.position} before it` : "next");
  if (row.step) parts.push(`step ${row.step} of ${row.total}`);
  parts.push(clock(row.elapsed_s));
  if (row.remaining_s) parts.push(`about ${clock(row.remaining_s)} left`);
  return parts.join(" · ");
}

function whenOf(row) {
  if (row.is_ending) return "ending";
  return row.begins_s === null ? "" : row.begins_s < 1 ? "next" : `begins in about ${clock(row.begins_s)}`;
}

function clock(seconds) {
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min ${Math.round(seconds % 60)} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function count(number) {
  return number.toLocaleString("en");
}

function titled(listing) {
  const title = make("h4", "", listing.getAttribute("aria-label"));
  const made = make("section", "", title, listing);
  made.hidden = true;
  return made;
}

function list(tag, label) {
  const made = make(tag, "sq-list");
  made.setAttribute("aria-label", label);
  return made;
}

function button(act, label) {
  const made = make("button", "sq-button", { type: "button", textContent: label });
  made.dataset.act = act;
  return made;
}

export default { render };
