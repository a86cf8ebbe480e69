// Draws the grid of a sweep from window.STUDIO (data.js). Text from people only ever becomes textContent.
// How axes find their places is told in layout.py; `settle` and `valuesOf` here do the same.
"use strict";

const { axes, groups, cells, empty, reasons, title } = window.STUDIO;
const SIDES = ["rows", "columns", "facets"];
const $ = (id) => document.getElementById(id);
const sides = Object.fromEntries(SIDES.map((side) => [side, [...window.STUDIO.sides[side]]]));
const at = new Map(Object.entries(window.STUDIO.at).map(([axis, value]) => [Number(axis), value]));
const hidden = new Set();
let current = null; // the table of what is drawn: {rows: [[cell, …], …]}, for the keys and the dialog

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

// Places

const only = (group, points, names) => {
  const found = new Map();
  for (const point of points) {
    const key = names.map((axis) => point[group.axes.indexOf(axis)]).join();
    if (!found.has(key)) found.set(key, point);
  }
  return found;
};

function settle() {
  // Where every axis goes: those that follow from a placed one stand beside it, others show one value.
  const placed = Object.fromEntries(SIDES.map((side) => [side, [...sides[side]]]));
  const fixed = new Map();
  const everywhere = new Set(SIDES.flatMap((side) => sides[side]));
  const left = groups.map((group) => {
    let points = group.points;
    const own = (names) => names.filter((axis) => group.axes.includes(axis));
    const follows = (axis, others) =>
      others.length > 0 && only(group, points, [...others, axis]).size === only(group, points, others).size;
    const fix = (axis, value) => {
      fixed.set(axis, value);
      points = points.filter((point) => point[group.axes.indexOf(axis)] === value);
    };
    const free = group.axes.filter((axis) => !everywhere.has(axis));
    for (const axis of free) {
      const side = SIDES.find((name) => follows(axis, own(placed[name])));
      const wished = at.get(axis);
      if (side) {
        const last = own(placed[side]).at(-1);
        placed[side].splice(placed[side].indexOf(last) + 1, 0, axis);
      } else if (!follows(axis, own(SIDES.flatMap((name) => placed[name])))) {
        const possible = new Set(points.map((point) => point[group.axes.indexOf(axis)]));
        fix(axis, possible.has(wished) ? wished : points[0][group.axes.indexOf(axis)]);
      }
    }
    return points;
  });
  const told = new Set([...fixed.keys(), ...SIDES.flatMap((side) => placed[side])]);
  const known = groups.map((group) => group.axes.filter((axis) => told.has(axis)));
  const lookup = groups.map((group, i) => {
    const numbers = new Map(group.points.map((point, number) => [point, number]));
    const found = only(group, left[i], known[i]);
    return new Map([...found].map(([key, point]) => [key, numbers.get(point)]));
  });
  return { placed, fixed, left, known, lookup };
}

function valuesOf(names, left) {
  // The combinations of values along a side, in the order of the axes' values.
  let found = [new Map()];
  groups.forEach((group, i) => {
    const own = names.filter((axis) => group.axes.includes(axis));
    if (!own.length) return;
    const points = [...only(group, left[i], own).values()];
    const parts = points.map((point) => own.map((axis) => [axis, point[group.axes.indexOf(axis)]]));
    found = found.flatMap((before) => parts.map((part) => new Map([...before, ...part])));
  });
  const places = found.map((values) => names.map((axis) => values.get(axis)));
  return places.sort((a, b) => a.map((value, i) => value - b[i]).find((difference) => difference) || 0);
}

function cellAt(layout, values) {
  let number = 0;
  for (let i = 0; i < groups.length; i += 1) {
    const point = layout.lookup[i].get(layout.known[i].map((axis) => values.get(axis)).join());
    if (point === undefined) return { status: "no such point", note: "", files: [], values };
    number = number * groups[i].points.length + point;
    groups[i].axes.forEach((axis, j) => values.set(axis, groups[i].points[point][j]));
  }
  if (cells[number]) return { ...cells[number], number, values };
  const reason = number in empty ? reasons[empty[number]] : "left out by a rule";
  return { status: "left out", note: reason.replace(/^left out: /, ""), files: [], values };
}

// Drawing

function labelOf(axis, value) {
  const { label, full, files } = axes[axis].values[value];
  const picture = files?.[0]?.thumbnail;
  return picture ? element("img", { src: picture, alt: full, loading: "lazy" }) : element("span", { textContent: label });
}

const spanned = (places, depth, innermost) => {
  // Runs of neighbours that share their values down to this depth: [start, length].
  const runs = [];
  places.forEach((place, i) => {
    const last = runs.at(-1);
    const same = last && !innermost && place.slice(0, depth + 1).every((value, d) => value === places[last[0]][d]);
    if (same) last[1] += 1;
    else runs.push([i, 1]);
  });
  return runs;
};

function head(layout, columns, rowNames) {
  const levels = layout.placed.columns;
  const across = Math.max(1, rowNames.length);
  const made = element("thead");
  levels.forEach((axis, depth) => {
    const name = nameOf(axes[axis].label, 0, depth);
    name.colSpan = across;
    const row = element("tr", {}, name);
    for (const [start, length] of spanned(columns, depth, depth === levels.length - 1)) {
      const value = columns[start][depth];
      const label = element("th", { colSpan: length, scope: "col", title: axes[axis].values[value].full }, labelOf(axis, value));
      label.style.top = `calc(var(--head) * ${depth})`;
      row.append(label);
    }
    made.append(row);
  });
  if (rowNames.length) {
    const names = rowNames.map((axis, i) => nameOf(axes[axis].label, i, levels.length));
    const rest = element("td", { className: "rest", colSpan: columns.length });
    rest.style.top = `calc(var(--head) * ${levels.length})`;
    made.append(element("tr", {}, ...names, rest));
  }
  return made;
}

function nameOf(text, i, depth) {
  const name = element("th", { className: "name", textContent: text, title: text });
  name.style.left = `calc(var(--label) * ${i})`;
  name.style.top = `calc(var(--head) * ${depth})`;
  return name;
}

function body(layout, rows, table) {
  const names = layout.placed.rows;
  const starts = names.map((_, depth) => new Map(spanned(rows, depth, depth === names.length - 1)));
  const made = element("tbody");
  rows.forEach((place, i) => {
    const row = element("tr");
    names.forEach((axis, depth) => {
      const length = starts[depth].get(i);
      if (!length) return;
      const isInner = depth === names.length - 1;
      const label = element("th", { rowSpan: length, scope: "row", className: isInner ? "" : "over", title: axes[axis].values[place[depth]].full }, labelOf(axis, place[depth]));
      label.style.left = `calc(var(--label) * ${depth})`;
      row.append(label);
    });
    if (!names.length) row.append(element("th"));
    for (const cell of table[i]) row.append(element("td", {}, button(cell)));
    made.append(row);
  });
  return made;
}

function button(cell) {
  const made = element("button", { type: "button", className: "cell", tabIndex: -1, title: told(cell) });
  made.setAttribute("aria-label", `${told(cell)}: ${cell.status}`);
  cell.button = made;
  const shown = cell.files.filter((file) => file.thumbnail || isImage(file));
  if (hidden.has(cell.status)) {
    made.classList.add("hidden");
    made.disabled = true;
  } else if (shown.length) {
    made.style.setProperty("--across", Math.ceil(Math.sqrt(shown.length)));
    made.append(...shown.map((file) => element("img", { loading: "lazy", decoding: "async", alt: "", src: sourceOf(file) })));
  } else {
    made.classList.add("note");
    if (cell.status === "failed" || cell.status === "invalid") made.classList.add(cell.status);
    const why = cell.files.length ? `♪ ${cell.files[0].type}` : [cell.status, cell.note].filter(Boolean).join(": ");
    made.append(element("span", { textContent: why }));
  }
  const kind = cell.files.find((file) => !isImage(file))?.type.split("/")[0];
  if (kind) made.dataset.kind = kind;
  made.addEventListener("click", () => open(cell));
  return made;
}

// thumbnails have 192 pixels
const sourceOf = (file) => (file.thumbnail && (Number($("size").value) <= 192 || !isImage(file)) ? file.thumbnail : file.file);
const isImage = (file) => file.type.startsWith("image/");
const told = (cell) => [...cell.values].map(([axis, value]) => `${axes[axis].label} ${axes[axis].values[value].full}`).join(" · ");

function draw() {
  const layout = settle();
  const columns = valuesOf(layout.placed.columns, layout.left);
  const rows = valuesOf(layout.placed.rows, layout.left);
  const facets = valuesOf(layout.placed.facets, layout.left);
  const grid = [];
  const parts = facets.flatMap((facet) => {
    const table = rows.map((row) =>
      columns.map((column) => {
        const values = new Map(layout.fixed);
        const set = (names, place) => names.forEach((axis, i) => values.set(axis, place[i]));
        set(layout.placed.rows, row);
        set(layout.placed.columns, column);
        set(layout.placed.facets, facet);
        return cellAt(layout, values);
      }),
    );
    const keptRows = rows.map((_, i) => i).filter((i) => table[i].some((cell) => !hidden.has(cell.status)));
    const keptColumns = columns.map((_, j) => j).filter((j) => table.some((row) => !hidden.has(row[j].status)));
    const kept = keptRows.map((i) => keptColumns.map((j) => table[i][j]));
    if (!kept.length) return [];
    grid.push(...kept);
    const name = layout.placed.facets.map((axis, i) => `${axes[axis].label} ${axes[axis].values[facet[i]].label}`).join(" · ");
    const drawn = element("table", {}, head(layout, keptColumns.map((j) => columns[j]), layout.placed.rows), body(layout, keptRows.map((i) => rows[i]), kept));
    return [...(name ? [element("h2", { className: "facet", textContent: name })] : []), drawn];
  });
  current = grid;
  $("grid").replaceChildren(...parts);
  const shown = grid.flat().filter((cell) => !hidden.has(cell.status));
  if (shown.length) shown[0].button.tabIndex = 0;
  const pictures = shown.filter((cell) => cell.files.length).length;
  $("count").textContent = `${shown.length} cells shown, ${pictures} with pictures; ${Object.keys(cells).length} in the sweep`;
  controls(layout);
}

// Controls

function controls(layout) {
  const focused = document.activeElement?.dataset?.key;
  const made = axes.map((axis, i) => {
    const side = SIDES.find((name) => sides[name].includes(i)) || "at";
    const follows = side === "at" && !layout.fixed.has(i);
    const place = element("select", { name: `place-${i}` }, ...[["rows", "rows"], ["columns", "columns"], ["facets", "facets"], ["at", follows ? "follows" : "one value"]].map(([value, text]) => element("option", { value, textContent: text, selected: value === side })));
    place.dataset.key = `place-${i}`;
    place.setAttribute("aria-label", `Place of ${axis.label}`);
    place.addEventListener("change", () => move(i, place.value));
    const parts = [place];
    if (layout.fixed.has(i)) {
      const value = element("select", { name: `value-${i}` }, ...axis.values.map((known, v) => element("option", { value: v, textContent: known.label, selected: v === layout.fixed.get(i) })));
      value.dataset.key = `value-${i}`;
      value.setAttribute("aria-label", `Value of ${axis.label}`);
      value.addEventListener("change", () => { at.set(i, Number(value.value)); draw(); });
      parts.push(value);
    }
    return element("div", { className: "axis" }, element("span", { textContent: axis.label }), element("div", {}, ...parts));
  });
  $("axes").replaceChildren($("axes").firstElementChild, ...made);
  if (focused) document.querySelector(`[data-key="${focused}"]`)?.focus();
}

function move(axis, side) {
  for (const name of SIDES) sides[name] = sides[name].filter((other) => other !== axis);
  if (side !== "at") sides[side].push(axis);
  draw();
}

function statuses() {
  const counts = new Map();
  for (const cell of Object.values(cells)) counts.set(cell.status, (counts.get(cell.status) || 0) + 1);
  const points = groups.reduce((count, group) => count * group.points.length, 1);
  if (Object.keys(cells).length < points) counts.set("left out", null);
  const isFull = (group) => group.axes.reduce((n, axis) => n * axes[axis].values.length, 1) === group.points.length;
  if (!groups.every(isFull)) counts.set("no such point", null);
  for (const [status, count] of counts) {
    const box = element("input", { type: "checkbox", checked: true });
    box.addEventListener("change", () => { hidden[box.checked ? "delete" : "add"](status); draw(); });
    const text = count === null ? status : `${status} (${count})`;
    $("statuses").append(element("label", {}, box, text));
  }
}

function keys(event) {
  const steps = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] };
  const step = steps[event.key];
  const place = step && find((cell) => cell.button === document.activeElement);
  if (!place) return;
  event.preventDefault();
  for (let [i, j] = [place[0] + step[0], place[1] + step[1]]; current[i]?.[j]; i += step[0], j += step[1]) {
    const { button: next } = current[i][j];
    if (next.disabled) continue;
    document.activeElement.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
    next.scrollIntoView({ block: "nearest", inline: "nearest" });
    return;
  }
}

function find(wanted) {
  for (let i = 0; i < current.length; i += 1) {
    const j = current[i].findIndex(wanted);
    if (j >= 0) return [i, j];
  }
  return null;
}

// One cell in full

let opened = null;

function media(file) {
  if (file.type.startsWith("video/")) return element("video", { src: file.file, poster: file.thumbnail, controls: true, preload: "metadata" });
  if (file.type.startsWith("audio/")) return element("audio", { src: file.file, controls: true });
  return element("img", { src: file.file, alt: "" });
}

function open(cell) {
  opened = cell;
  tell(cell.run);
  const facts = [...cell.values].map(([axis, value]) => [axes[axis].label, axes[axis].values[value].full]);
  facts.push(["status", cell.status], ["why", cell.note], ["run", cell.run]);
  $("details-title").textContent = told(cell);
  const why = element("p", { textContent: [cell.status, cell.note].filter(Boolean).join(": ") });
  $("media").replaceChildren(...(cell.files.length ? cell.files.map(media) : [why]));
  $("facts").replaceChildren(
    ...facts.filter(([, value]) => value).flatMap(([name, value]) => [element("dt", { textContent: name }), element("dd", { textContent: value })]),
  );
  if (!$("details").open) $("details").showModal();
}

function turn(step) {
  const shown = current.flat().filter((cell) => !cell.button.disabled);
  const next = shown[shown.indexOf(opened) + step];
  if (next) open(next);
}

// The address names the run that is open, so that it can be sent.

function tell(run) {
  history.replaceState(null, "", run ? `#run=${encodeURIComponent(run)}` : location.href.split("#")[0]);
  $("link").hidden = !run;
}

function openLinked() {
  const run = new URLSearchParams(location.hash.slice(1)).get("run");
  const number = run && Object.keys(cells).find((key) => cells[key].run === run);
  if (number === undefined || !run) return;
  let left = Number(number);
  for (const group of [...groups].reverse()) {
    const point = group.points[left % group.points.length];
    left = Math.floor(left / group.points.length);
    group.axes.forEach((axis, i) => at.set(axis, point[i]));
  }
  draw(); // axes that show one value show that of the run
  const cell = current.flat().find((each) => each.run === run);
  if (cell) open(cell);
}

async function copyLink() {
  const isCopied = await navigator.clipboard?.writeText(location.href).then(() => true, () => false);
  $("link").textContent = isCopied ? "Copied" : "Copy the address of the page";
  setTimeout(() => { $("link").textContent = "Copy link"; }, 2500);
}

document.title = $("title").textContent = title || "Sweep";
document.documentElement.style.setProperty("--aspect", Math.min(2.5, Math.max(0.4, window.STUDIO.aspect)));
$("size").addEventListener("input", () => document.documentElement.style.setProperty("--cell", `${$("size").value}px`));
$("size").addEventListener("change", draw); // larger cells show the files themselves
$("swap").addEventListener("click", () => { [sides.rows, sides.columns] = [sides.columns, sides.rows]; draw(); });
$("controls").addEventListener("submit", (event) => event.preventDefault());
$("grid").addEventListener("keydown", keys);
$("close").addEventListener("click", () => $("details").close());
$("previous").addEventListener("click", () => turn(-1));
$("next").addEventListener("click", () => turn(1));
$("details").addEventListener("keydown", (event) => {
  if (event.key === "ArrowRight") turn(1);
  if (event.key === "ArrowLeft") turn(-1);
});
$("details").addEventListener("close", () => { tell(""); opened?.button.focus(); });
$("link").addEventListener("click", copyLink);
addEventListener("hashchange", openLinked);
statuses();
draw();
openLinked();
