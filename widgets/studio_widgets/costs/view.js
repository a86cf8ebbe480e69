// A table whose headings are buttons that wish for another order; texts come from the kernel as they are to be read.

const MANY = 6; // columns; the names of more stay in sight while the others are scrolled

function render({ model, el }) {
  el.classList.add("so-scroll");
  const draw = () => {
    const { column, row } = el.contains(document.activeElement) ? document.activeElement.dataset : {};
    const { scrollLeft } = el;
    el.replaceChildren(table(model));
    el.scrollLeft = scrollLeft;
    const again = (button) => (column ? button.dataset.column === column : row && button.dataset.row === row);
    [...el.querySelectorAll("button")].find(again)?.focus({ preventScroll: true });
  };
  const names = "change:rows change:shares change:sort change:is_descending change:caption change:chosen change:columns";
  let frame = 0;
  const soon = () => {
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(draw); // several traits change in one message
  };
  model.on(names, soon);
  draw();
  return () => {
    cancelAnimationFrame(frame);
    model.off(names, soon);
  };
}

function table(model) {
  const made = make("table", `so-table${model.get("columns").length > MANY ? " so-wide" : ""}`);
  made.append(make("caption", "", model.get("caption")));
  const head = make("tr");
  for (const [key, heading] of model.get("columns")) head.append(headingCell(model, key, heading));
  const top = make("thead");
  top.append(head);
  const body = make("tbody");
  model.get("rows").forEach((row, place) => body.append(rowOf(model, row, model.get("shares")[place] ?? 0)));
  if (!model.get("rows").length) {
    const cell = make("td", "so-none", model.get("nothing"));
    cell.colSpan = model.get("columns").length;
    const row = make("tr");
    row.append(cell);
    body.append(row);
  }
  made.append(top, body);
  return made;
}

function headingCell(model, key, heading) {
  const cell = make("th");
  cell.scope = "col";
  const isSorted = model.get("sort") === key;
  const order = model.get("is_descending") ? "descending" : "ascending";
  if (isSorted) cell.setAttribute("aria-sort", order);
  const button = make("button", "so-sort", `${heading}${isSorted ? (order === "descending" ? " ↓" : " ↑") : ""}`);
  button.type = "button";
  button.dataset.column = key;
  button.setAttribute("aria-label", `Sort by ${heading.toLowerCase()}`);
  button.addEventListener("click", () => send(model, { kind: "sort", column: key }));
  cell.append(button);
  return cell;
}

function nameOf(model, words) {
  const button = make("button", "so-pick", words);
  button.type = "button";
  button.dataset.row = words;
  button.setAttribute("aria-pressed", String(model.get("chosen") === words));
  button.addEventListener("click", () => send(model, { kind: "pick", row: words }));
  return button;
}

function rowOf(model, texts, share) {
  const row = make("tr");
  const canPick = model.get("can_pick");
  texts.forEach((words, place) => {
    const cell = make(place ? "td" : "th", "", place || !canPick ? words : "");
    if (!place) {
      cell.scope = "row";
      if (canPick) cell.append(nameOf(model, words));
      row.classList.toggle("so-chosen", canPick && model.get("chosen") === words);
      const bar = make("i", "so-share");
      bar.style.width = `${Math.max(0, Math.min(1, share)) * 100}%`;
      cell.append(bar);
    }
    row.append(cell);
  });
  return row;
}

export default { render };
