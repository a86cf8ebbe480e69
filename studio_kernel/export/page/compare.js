// A comparison without a kernel: what the view of the panel asks for is answered here, from window.STUDIO (head.js).
"use strict";

const LACKS = ["heat", "numbers", "clear", "difference"]; // what needs a kernel
const { title, notes, runs, columns } = window.STUDIO;
const order = Object.keys(runs);
const index = new Map(); // run -> which of its files is shown
const state = {
  can_use: false, lacks: LACKS, heat: "absolute", against: "", measured: false, numbers: {}, order: "", orders: [], reverse: false,
  mode: "side", sizes: "scale", arrangement: "auto", linked: true, ...window.STUDIO.settings, places: 0,
};
const heard = {};

function show() {
  const slots = order.map((run) => ({ ...runs[run][index.get(run) ?? 0], heat: "", heat_note: "" }));
  const [before, after] = [state.before, state.after].map((run, i) => (order.includes(run) ? run : order[i] ?? ""));
  const across = { "1x2": 2, "2x2": 2, "2x3": 3 }[state.arrangement] ?? columns[order.length] ?? 4;
  Object.assign(state, { slots, before, after, columns: across });
  for (const listener of heard["change:slots"] ?? []) listener();
  $("count").textContent = `${order.length} ${order.length === 1 ? "run" : "runs"}`;
}

const answers = {
  set({ name, value }) { state[name] = value; },
  pair({ before, after }) { Object.assign(state, { before, after }); },
  show_file({ run, index: which }) { index.set(run, which); },
  remove({ run }) { order.splice(order.indexOf(run), 1); },
  swap({ run, other }) {
    const [one, two] = [order.indexOf(run), order.indexOf(other)];
    [order[one], order[two]] = [other, run];
  },
  put({ run, place: to }) {
    if (!order.includes(run)) return;
    order.splice(order.indexOf(run), 1);
    order.splice(to, 0, run);
  },
};

const model = {
  get: (name) => state[name],
  send(asked) {
    answers[asked.kind]?.(asked);
    show();
  },
  on(text, listener) { for (const name of text.split(" ")) (heard[name] ??= []).push(listener); },
  off(text, listener) { for (const name of text.split(" ")) heard[name] = (heard[name] ?? []).filter((each) => each !== listener); },
};

document.title = $("title").textContent = title;
$("notes").replaceChildren(...notes.map((words) => element("p", { textContent: words })));
show();
window.COMPARISON.render({ model, el: $("board") });
document.documentElement.dataset.ready = "";
