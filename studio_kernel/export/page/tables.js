// Draws the tables of a report from window.STUDIO (head.js); a click on a heading sorts by it.
"use strict";

function tableOf({ columns, rows }, label) {
  let by = 0;
  let isDown = false;
  const body = element("tbody");
  const heads = columns.map((words, at) => {
    const button = element("button", { type: "button", textContent: words });
    button.addEventListener("click", () => {
      isDown = by === at ? !isDown : typeof rows[0]?.[at][0] !== "string"; // numbers begin with the largest
      by = at;
      draw();
    });
    const head = element("th", {}, button);
    head.scope = "col";
    return head;
  });
  const draw = () => {
    const known = rows.filter((row) => row[by][0] !== null).sort((a, b) => compare(a[by][0], b[by][0]) * (isDown ? -1 : 1));
    const ordered = [...known, ...rows.filter((row) => row[by][0] === null)]; // what has no value is last either way
    body.replaceChildren(...ordered.map((row) => element("tr", {}, ...row.map(([, words], at) => {
      const cell = element(at ? "td" : "th", { textContent: words });
      if (!at) cell.scope = "row";
      return cell;
    }))));
    heads.forEach((head, at) => head.setAttribute("aria-sort", at !== by ? "none" : isDown ? "descending" : "ascending"));
  };
  draw();
  const table = element("table", {}, element("thead", {}, element("tr", {}, ...heads)), body);
  table.setAttribute("aria-label", label);
  return table;
}

const compare = (a, b) => (typeof a === "string" ? a.localeCompare(b) : a - b);

document.title = $("title").textContent = window.STUDIO.title;
$("count").textContent = window.STUDIO.told;
for (const box of document.querySelectorAll("[data-table]")) {
  const heading = box.closest("section").querySelector("h2").textContent;
  const told = window.STUDIO.tables[Number(box.dataset.table)];
  const nothing = element("p", { textContent: "Nothing was used yet." });
  box.replaceChildren(told.rows.length ? tableOf(told, heading) : nothing);
  for (const scrolled of [box, box.previousElementSibling]) {
    scrolled.tabIndex = 0; // what scrolls is reached by keys
    scrolled.setAttribute("role", "region");
    scrolled.setAttribute("aria-label", `${heading}: ${scrolled === box ? "table" : "chart"}`);
  }
}
document.documentElement.dataset.ready = "";
