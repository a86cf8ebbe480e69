// Draws the gallery from window.STUDIO (data.js). Text from people only ever becomes textContent.
"use strict";

const { title, runs } = window.STUDIO;
const $ = (id) => document.getElementById(id);

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function card(run) {
  const first = run.files[0];
  const picture = first.thumbnail
    ? element("img", { src: first.thumbnail, alt: "", loading: "lazy" })
    : element("div", { className: "sound", title: first.type, textContent: first.type.startsWith("audio/") ? "♪" : first.type });
  const seed = "seed" in run.settings ? `seed ${run.settings.seed}` : "";
  const marks = [run.model, seed, run.favourite ? "★" : "", run.rating ? `${run.rating} of 5` : ""].filter(Boolean);
  const button = element(
    "button",
    { className: "card", type: "button" },
    picture,
    element("span", { textContent: run.prompt || run.task }),
    element("small", { textContent: marks.join(" · ") }),
  );
  button.dataset.kind = first.type.split("/")[0];
  button.addEventListener("click", () => open(run));
  return button;
}

function media(file) {
  if (file.type.startsWith("video/")) return element("video", { src: file.file, poster: file.thumbnail || "", controls: true, preload: "metadata" });
  if (file.type.startsWith("audio/")) return element("audio", { src: file.file, controls: true });
  return element("img", { src: file.file, alt: "" });
}

function open(run) {
  const facts = {
    model: run.model,
    task: run.task,
    ...run.settings,
    made: run.created.replace("T", " "),
    took: run.elapsed_s === null ? "" : `${run.elapsed_s.toFixed(2)} s`,
    cost: run.cost_usd === null ? "" : `$${run.cost_usd}`,
    tags: run.tags.join(", "),
    run: run.id,
  };
  $("details-title").textContent = run.prompt || run.task;
  $("media").replaceChildren(...run.files.map(media));
  $("settings").replaceChildren(
    ...Object.entries(facts).filter(([, value]) => value !== "").flatMap(([name, value]) => [
      element("dt", { textContent: name.replaceAll("_", " ") }),
      element("dd", { textContent: value }),
    ]),
  );
  $("details").showModal();
}

function draw() {
  const words = $("text").value.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = runs.filter(
    (run) =>
      words.every((word) => run.prompt.toLowerCase().includes(word)) &&
      (!$("model").value || run.model === $("model").value) &&
      (!$("favourite").checked || run.favourite),
  );
  $("grid").replaceChildren(...shown.map(card));
  $("count").textContent = shown.length === runs.length ? `${runs.length} runs` : `${shown.length} of ${runs.length} runs`;
}

document.title = $("title").textContent = title;
for (const model of [...new Set(runs.map((run) => run.model))].sort()) $("model").append(element("option", { textContent: model, value: model }));
$("filters").addEventListener("input", draw);
$("filters").addEventListener("submit", (event) => event.preventDefault());
$("close").addEventListener("click", () => $("details").close());
draw();
