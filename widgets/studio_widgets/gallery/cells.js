// Part of view.js. How a run looks: a tile of the grid, or a row of the list. Texts go in as text, never as HTML.

const KINDS = { video: { mark: "▶\ufe0e", name: "video" }, audio: { mark: "♪", name: "sound" } };
const STATUS = { succeeded: "good", failed: "bad", cancelled: "warn" };
const COLUMN_GAP = 12;

// Columns of the list: least width, what is left over (fr), and which go first where there is no room (highest drop).
const COLUMNS = {
  check: { label: "Selected", px: 22, silent: true },
  picture: { label: "Picture", px: 44, silent: true },
  title: { label: "Prompt", px: 130, fr: 4, drop: 0 },
  status: { label: "Status", px: 92, drop: 1 },
  date: { label: "Date", px: 138, drop: 3 },
  model: { label: "Model", px: 120, fr: 1.6, drop: 2 },
  task: { label: "Task", px: 104, drop: 6 },
  time: { label: "Time", px: 62, drop: 5, numbers: true },
  cost: { label: "Cost", px: 66, drop: 7, numbers: true },
  rating: { label: "Rating", px: 84, drop: 4 },
  size: { label: "Size", px: 88, drop: 8, numbers: true },
  seed: { label: "Seed", px: 88, drop: 9, numbers: true },
  actions: { label: "Actions", px: 0, silent: true },
};
const ACTION_PX = 60;

const WHEN = new Intl.DateTimeFormat(undefined, { dateStyle: "short", timeStyle: "short" });

let cellCount = 0;

function newCell(place, role) {
  const cell = document.createElement("div");
  cell.className = "sg-cell";
  cell.id = `sg-cell-${(cellCount += 1)}`;
  cell.dataset.place = String(place);
  cell.draggable = true;
  cell.setAttribute("role", role);
  return cell;
}

// What a tile and a row have in common: whose it is, whether it is selected, looked at, under the cursor.
function mark(cell, item, { selected, opened, active, selectable }) {
  cell.classList.toggle("is-active", active);
  if (!item) return;
  cell.dataset.run = item.run;
  cell.dataset.status = item.status;
  if (selectable) cell.setAttribute("aria-selected", String(selected));
  if (opened) cell.setAttribute("aria-current", "true");
  else cell.removeAttribute("aria-current");
}

class Tiles {
  columns = 1;

  make(place, total) {
    const cell = newCell(place, "option");
    cell.classList.add("is-tile", "sg-picture");
    cell.setAttribute("aria-posinset", String(place + 1));
    cell.setAttribute("aria-setsize", String(total));
    return cell;
  }

  fill(cell, item, how, url) {
    mark(cell, item, how);
    if (!item) return;
    cell.setAttribute("aria-label", describe(item));
    cell.dataset.caption = item.note ? `${item.note}\n${item.title}` : item.title;
    cell.dataset.marks = marksOf(item);
    cell.classList.toggle("has-note", Boolean(item.note));
    this.fillKind(cell, item.kind);
    fillPicture(cell, item, url, item.title);
    this.fillCheck(cell, how);
  }

  fillKind(cell, kind) {
    if ((cell.dataset.kind ?? "") === kind) return;
    cell.dataset.kind = kind;
    cell.querySelector(".sg-kind")?.remove();
    if (!(kind in KINDS)) return;
    const badge = document.createElement("i");
    badge.className = "sg-kind";
    badge.setAttribute("aria-hidden", "true");
    badge.textContent = KINDS[kind].mark;
    cell.append(badge);
  }

  // Only where it can be seen: elements that nobody sees cost a long list most.
  fillCheck(cell, { selected, selectable, hovered }) {
    const old = cell.querySelector(".sg-check");
    if (selectable && (selected || hovered)) {
      if (!old) cell.append(newCheck());
    } else {
      old?.remove();
    }
  }
}

class Rows {
  constructor(columns) {
    this.columns = columns;
  }

  make(place) {
    const row = newCell(place, "row");
    row.classList.add("is-row");
    row.setAttribute("aria-rowindex", String(place + 2)); // the heading is the first
    for (const name of this.columns) {
      const cell = document.createElement("span");
      cell.className = name === "check" ? "" : `sg-${name}`;
      if (COLUMNS[name].numbers) cell.classList.add("is-number");
      cell.setAttribute("role", "gridcell");
      row.append(cell);
    }
    return row;
  }

  fill(row, item, how, url, acts) {
    mark(row, item, how);
    if (!item) return;
    row.dataset.kind = item.kind;
    row.classList.toggle("is-favourite", item.favourite);
    this.columns.forEach((name, index) => {
      const cell = row.children[index];
      if (name === "check") fillRowCheck(cell, how);
      else if (name === "picture") fillPicture(cell, item, url, "");
      else if (name === "actions") fillActions(cell, item, acts, how.active);
      else if (name === "status") fillStatus(cell, item.status);
      else setText(cell, textOf(name, item));
    });
  }
}

function fillRowCheck(cell, { selectable }) {
  if (selectable && !cell.firstChild) cell.append(newCheck());
}

function newCheck() {
  const check = document.createElement("i");
  check.className = "sg-check";
  check.setAttribute("aria-hidden", "true"); // aria-selected says it; the space bar does it
  return check;
}

function fillPicture(cell, item, url, alt) {
  let picture = cell.querySelector("img");
  if (!url) {
    if (picture && picture.dataset.key !== item.key) picture.remove();
    return;
  }
  if (picture?.dataset.key === item.key) return;
  picture?.remove();
  picture = document.createElement("img");
  picture.decoding = "async";
  picture.draggable = false; // the cell is
  picture.dataset.key = item.key;
  picture.src = url;
  picture.alt = alt;
  cell.prepend(picture);
}

function fillStatus(cell, status) {
  cell.className = `sg-status st-badge ${STATUS[status] ?? ""}`;
  setText(cell, status);
}

function fillActions(cell, item, labels, active) {
  const wanted = item.acts.filter((name) => name in labels);
  const key = `${item.run} ${wanted}`;
  if (cell.dataset.key !== key) {
    cell.dataset.key = key;
    cell.replaceChildren(...wanted.map((name) => newAction(name, labels[name], item)));
  }
  for (const button of cell.children) button.tabIndex = active ? 0 : -1;
}

function newAction(name, label, item) {
  const button = document.createElement("button");
  button.type = "button";
  button.dataset.action = name;
  button.textContent = label;
  button.setAttribute("aria-label", `${label}: ${item.title}`);
  return button;
}

function textOf(name, item) {
  if (name === "title") return item.note ? `${item.title} – ${item.note}` : item.title;
  if (name === "date") return WHEN.format(new Date(item.date));
  if (name === "rating") return `${"★".repeat(item.rating)}${item.favourite ? " ♥" : ""}`;
  return item[name];
}

// Which columns there is room for, and how wide they are.
function fitting(names, width, actions) {
  const px = (name) => (name === "actions" ? actions * ACTION_PX : COLUMNS[name].px) + COLUMN_GAP;
  const kept = new Set(names);
  const first = [...names].filter((name) => COLUMNS[name].drop).sort((a, b) => COLUMNS[b].drop - COLUMNS[a].drop);
  const needed = () => [...kept].reduce((sum, name) => sum + px(name), COLUMN_GAP);
  for (const name of first) {
    if (needed() <= width) break;
    kept.delete(name);
  }
  const shown = names.filter((name) => kept.has(name));
  const template = shown.map((name) => {
    const least = px(name) - COLUMN_GAP;
    return COLUMNS[name].fr ? `minmax(0, ${COLUMNS[name].fr}fr)` : `${least}px`;
  });
  return { shown, template: template.join(" ") };
}

function newHeading(columns) {
  const heading = document.createElement("div");
  heading.className = "sg-heading";
  heading.setAttribute("role", "row");
  heading.setAttribute("aria-rowindex", "1");
  for (const name of columns) {
    const cell = document.createElement("span");
    cell.setAttribute("role", "columnheader");
    if (COLUMNS[name].silent) cell.className = "sg-silent";
    if (COLUMNS[name].numbers) cell.className = "is-number";
    cell.textContent = COLUMNS[name].label;
    heading.append(cell);
  }
  return heading;
}

function describe(item) {
  const parts = [item.title];
  if (item.kind in KINDS) parts.push(KINDS[item.kind].name);
  if (item.status !== "succeeded") parts.push(item.status);
  if (item.files > 1) parts.push(`${item.files} files`);
  if (item.imported) parts.push("imported");
  if (item.rating) parts.push(`${item.rating} of 5 stars`);
  if (item.favourite) parts.push("favourite");
  if (item.note) parts.push(item.note);
  return parts.join(", ");
}

function marksOf(item) {
  return [
    item.imported ? "⤓" : "",
    item.favourite ? "♥" : "",
    item.rating ? "★".repeat(item.rating) : "",
    item.files > 1 ? `×${item.files}` : "",
  ]
    .filter(Boolean)
    .join(" ");
}
