// Draws a gallery from window.STUDIO (head.js) and its parts. Only the cards in sight are in the page.
"use strict";

const { title, total, names, perDetails } = window.STUDIO;
const LEAST_CARD_PX = 168;
const GAP_PX = 14;
const WORDS_PX = 82; // of a card, below its picture
const AHEAD_ROWS = 2;
const SORTS = {
  "": (a, b) => a.place - b.place,
  oldest: (a, b) => b.place - a.place,
  rating: (a, b) => b.rating - a.rating || a.place - b.place,
  prompt: (a, b) => a.prompt.localeCompare(b.prompt) || a.place - b.place,
  model: (a, b) => a.model.localeCompare(b.model) || a.place - b.place,
};
const CHOICES = ["model", "project", "task", "tag", "status"]; // a name of a list each
const FIELDS = ["text", "sort", ...CHOICES, "rating", "since", "until", "favourite"];

const runs = [];
let shown = [];
let opened = null;
let drawn = null; // the wish behind what is shown
let wasPushed = false; // whether going back closes what is open
const cards = new Map(); // place among those that are shown -> its card

function add(rows) {
  for (const [id, prompt, model, project, status, task, created, rating, favourite, tags, seed, kind, thumbnail] of rows) {
    const run = { place: runs.length, id, prompt, model: names.model[model], project: names.project[project] };
    Object.assign(run, { status: names.status[status], task: names.task[task], created, rating, favourite, seed, kind, thumbnail });
    run.tags = tags.map((tag) => names.tag[tag]);
    run.words = [prompt, run.model, ...run.tags].join("\n").toLowerCase();
    runs.push(run);
  }
}

// Which runs

function wish() {
  const asked = Object.fromEntries(FIELDS.map((name) => [name, place().get(name) ?? ""]));
  const day = (text) => (/^\d{4}-\d\d-\d\d$/.test(text) ? new Date(`${text}T00:00`) : null);
  const until = day(asked.until);
  if (until) until.setDate(until.getDate() + 1);
  return { ...asked, words: asked.text.toLowerCase().split(/\s+/).filter(Boolean), from: day(asked.since)?.getTime() / 1000, to: until?.getTime() / 1000 };
}

function fits(run, asked) {
  return asked.words.every((word) => run.words.includes(word))
    && CHOICES.every((name) => !asked[name] || (name === "tag" ? run.tags.includes(asked.tag) : run[name] === asked[name]))
    && run.rating >= Number(asked.rating)
    && (!asked.favourite || run.favourite)
    && !(run.created < asked.from) && !(run.created >= asked.to);
}

function choose() {
  const asked = wish();
  drawn = asked;
  shown = runs.filter((run) => fits(run, asked)).sort(SORTS[asked.sort] ?? SORTS[""]);
  for (const card of cards.values()) card.remove();
  cards.clear();
  const isLoading = runs.length < total;
  const all = `${total} ${total === 1 ? "run" : "runs"}`;
  const isFiltered = shown.length !== runs.length;
  $("count").textContent = isFiltered ? `${shown.length} of ${all}${isLoading ? " …" : ""}` : all;
  $("nothing").hidden = shown.length > 0 || isLoading;
  $("nothing").textContent = total ? "No run fits these filters." : "There are no runs here.";
  const used = FIELDS.filter((name) => !["text", "sort"].includes(name) && asked[name]).length;
  $("used").textContent = used ? ` (${used})` : "";
  draw();
}

// Cards

function layout() {
  const width = $("grid").clientWidth;
  const columns = Math.max(2, Math.floor((width + GAP_PX) / (LEAST_CARD_PX + GAP_PX)));
  const side = (width - GAP_PX * (columns - 1)) / columns;
  return { columns, side, height: side + WORDS_PX + GAP_PX };
}

function draw() {
  const { columns, side, height } = layout();
  const grid = $("grid");
  grid.style.height = `${Math.max(0, Math.ceil(shown.length / columns) * height - GAP_PX)}px`;
  const above = -grid.getBoundingClientRect().top;
  const first = Math.max(0, Math.floor(above / height) - AHEAD_ROWS) * columns;
  const last = Math.min(shown.length, (Math.ceil((above + innerHeight) / height) + AHEAD_ROWS) * columns);
  for (const [at, card] of cards) {
    if ((at >= first && at < last) || card.contains(document.activeElement)) continue;
    card.remove();
    cards.delete(at);
  }
  for (let at = first; at < last; at += 1) {
    if (!cards.has(at)) cards.set(at, put(card(shown[at], at), at));
    const { style } = cards.get(at);
    style.width = `${side}px`;
    style.height = `${height - GAP_PX}px`;
    style.transform = `translate(${(at % columns) * (side + GAP_PX)}px, ${Math.floor(at / columns) * height}px)`;
  }
}

// Cards stand in the page in their order, which is that of the tab key.
function put(made, at) {
  const next = [...$("grid").children].find((other) => Number(other.dataset.at) > at);
  $("grid").insertBefore(made, next ?? null);
  return made;
}

function card(run, at) {
  const type = run.kind.split("/")[0];
  const note = run.kind ? (type === "audio" ? "♪" : run.kind) : run.status;
  const picture = run.thumbnail
    ? element("img", { src: run.thumbnail, alt: "", decoding: "async" })
    : element("span", { className: "sound", title: run.kind, textContent: note });
  const seed = run.seed && `seed ${run.seed}`;
  const marks = [run.favourite ? "★" : "", run.rating ? `${run.rating} of 5` : "", run.model, seed].filter(Boolean);
  const link = element("a", { className: "card", href: addressOf({ run: run.id }), data: { kind: type } },
    picture, element("span", { className: "words", textContent: run.prompt || run.task }), element("small", { textContent: marks.join(" · ") }));
  const aria = { setsize: shown.length, posinset: at + 1 };
  return element("div", { className: "place", role: "listitem", data: { at }, aria }, link);
}

function walk(event) {
  const { columns } = layout();
  const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key];
  const at = Number(event.target.closest(".place")?.dataset.at) + step;
  if (!step || !(at >= 0 && at < shown.length) || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  const { height } = layout();
  const top = $("grid").getBoundingClientRect().top + Math.floor(at / columns) * height;
  if (top < 0) scrollBy(0, top - GAP_PX);
  else if (top + height > innerHeight) scrollBy(0, top + height - innerHeight);
  draw();
  cards.get(at).firstElementChild.focus({ preventScroll: true });
  draw(); // what had the focus may go now
}

// One run

async function open(run) {
  opened = run;
  const [dialog, at] = [$("details"), shown.indexOf(run)];
  $("details-title").textContent = run.prompt || run.task;
  $("where").textContent = at < 0 ? "" : `${at + 1} of ${shown.length}`;
  $("previous").disabled = at <= 0;
  $("next").disabled = at < 0 || at + 1 >= shown.length;
  $("media").replaceChildren(element("p", { textContent: "Loading …" }));
  $("settings").replaceChildren();
  if (!dialog.open) dialog.showModal();
  const some = await part(`details-${Math.floor(run.place / perDetails)}`).catch(() => null);
  if (opened !== run) return;
  const said = some?.[run.place % perDetails];
  if (!said) $("media").replaceChildren(element("p", { textContent: "A file of this page is missing: export it again." }));
  else tell(run, said);
}

function tell(run, said) {
  const none = element("p", { textContent: `This run has no file: ${run.status}.` });
  $("media").replaceChildren(...(said.files.length ? said.files.map(media) : [none]));
  pairs($("settings"), [
    ["model", run.model], ["task", said.task], ["project", run.project], ...Object.entries(said.settings).map(([name, words]) => [name.replaceAll("_", " "), words]),
    ["made", new Date(run.created * 1000).toLocaleString()], ...said.facts.map(([name, words]) => [name.toLowerCase(), words]),
    ["rating", run.rating ? `${run.rating} of 5` : ""], ["favourite", run.favourite ? "yes" : ""], ["tags", run.tags.join(", ")],
    ["status", run.status === "succeeded" ? "" : run.status], ["run", run.id],
  ]);
}

function turn(step) {
  const next = shown[shown.indexOf(opened) + step];
  if (opened && next) go({ run: next.id }, true);
}

function close() {
  if (wasPushed) history.back();
  else go({ run: "" }, true);
}

// The address

function go(changes, isReplaced) {
  history[isReplaced ? "replaceState" : "pushState"](null, "", addressOf(changes));
  follow();
}

function follow() {
  const id = place().get("run");
  const run = id && runs.find((each) => each.id === id);
  if (run && run !== opened) open(run);
  if (!run && opened) {
    const at = shown.indexOf(opened);
    opened = null;
    $("details").close();
    cards.get(at)?.firstElementChild.focus();
  }
  if (!id) wasPushed = false;
  if (id && !run && runs.length === total) $("count").textContent = "The run of this link is not on this page.";
}

function fill() {
  for (const name of CHOICES) {
    const known = [...new Set(names[name])].filter(Boolean);
    $(name).append(...known.map((words) => element("option", { textContent: words, value: words })));
    $(name).closest("label").hidden = known.length < (name === "tag" || name === "project" ? 1 : 2);
  }
}

// Let the controls say what the address says.
function fillIn() {
  for (const name of FIELDS) {
    const value = place().get(name) ?? "";
    if (name === "favourite") $(name).checked = Boolean(value);
    else if (name === "since" || name === "until") $(name).value = /^\d{4}-\d\d-\d\d$/.test(value) ? value : "";
    else $(name).value = value;
  }
}

function filter() {
  const changes = Object.fromEntries(FIELDS.map((name) => [name, name === "favourite" ? ($(name).checked ? "1" : "") : $(name).value]));
  history.replaceState(null, "", addressOf(changes));
  choose();
}

let frame = 0;
const soon = () => { cancelAnimationFrame(frame); frame = requestAnimationFrame(draw); };

async function load() {
  try {
    for (let number = 0; number < window.STUDIO.parts; number += 1) {
      add(await part(`rows-${number}`));
      await new Promise((done) => setTimeout(done)); // the page stays quick meanwhile
    }
    if (window.STUDIO.parts) choose();
  } catch {
    $("count").textContent = "A file of this page is missing: export it again.";
  }
  follow();
  document.documentElement.dataset.ready = "";
}

document.title = $("title").textContent = title;
fill();
fillIn();
$("more").open = innerWidth > 700;
add(window.STUDIO.rows);
choose();
addEventListener("scroll", soon, { passive: true });
addEventListener("resize", soon);
addEventListener("hashchange", () => {
  const before = JSON.stringify(drawn);
  fillIn();
  if (JSON.stringify(wish()) !== before) choose();
  follow();
});
$("grid").addEventListener("click", (event) => { if (event.target.closest("a.card") && !event.ctrlKey && !event.metaKey && !event.shiftKey) wasPushed = true; });
$("grid").addEventListener("keydown", walk);
$("filters").addEventListener("input", filter);
$("filters").addEventListener("submit", (event) => event.preventDefault());
$("clear").addEventListener("click", () => {
  for (const name of FIELDS.filter((each) => each !== "sort")) name === "favourite" ? ($(name).checked = false) : ($(name).value = "");
  filter();
});
$("previous").addEventListener("click", () => turn(-1));
$("next").addEventListener("click", () => turn(1));
$("close").addEventListener("click", () => $("details").close());
$("link").addEventListener("click", () => copyLink($("link")));
$("details").addEventListener("close", () => opened && close()); // also by the escape key
$("details").addEventListener("keydown", (event) => {
  if (event.target.closest("video, audio")) return;
  if (event.key === "ArrowRight") turn(1);
  if (event.key === "ArrowLeft") turn(-1);
});
requestAnimationFrame(() => setTimeout(load)); // behind the first paint
