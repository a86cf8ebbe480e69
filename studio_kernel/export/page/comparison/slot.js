const RUN_TYPE = "application/x-studio-run";

// One run in the grid.
class Slot {
  constructor(board, run) {
    this.board = board;
    this.run = run;
    this.element = make("div", "sc-slot", { role: "listitem" });
    this.element.dataset.run = run;
    this.head = make("div", "sc-head", { draggable: "true" });
    this.letter = make("span", "sc-letter");
    this.model = make("span", "sc-model");
    this.where = make("span", "st-badge sc-where");
    const name = make("span", "sc-name");
    name.append(this.letter, this.model, this.where);
    this.buttons = make("span", "sc-buttons");
    this.use = button("Use settings", () => board.send({ kind: "use", run }));
    this.swap = button("⇄", () => board.send({ kind: "swap", run, other: this.next }));
    this.removeButton = button("✕", () => board.send({ kind: "remove", run }));
    this.removeButton.dataset.act = "remove";
    this.file = button("", () => board.send({ kind: "show_file", run, index: (this.said.index + 1) % this.said.files }));
    this.buttons.append(this.file, this.use, this.swap, this.removeButton);
    this.head.append(name, this.buttons);
    this.view = make("div", "sc-view", { tabindex: "0", role: "group", "data-own-keys": "" });
    this.caption = make("dl", "sc-facts");
    this.measured = make("dl", "sc-facts sc-measured");
    this.title = make("p", "sc-title");
    this.element.append(this.head, this.view, this.title, this.caption, this.measured);
    this.undo = [
      ...moves(board, this.view, () => run),
      on(this.head, "dragstart", (event) => {
        event.dataTransfer.setData(RUN_TYPE, run);
        event.dataTransfer.setData("text/plain", run);
        event.dataTransfer.effectAllowed = "copyMove";
      }),
      ...takeDrops(this.element, (other) => other !== run && board.send({ kind: "put", run: other, place: this.at })),
    ];
  }

  fill(said, place) {
    const { board } = this;
    this.said = said;
    this.at = said.place ?? place; // sorted, slots stand elsewhere than their runs are in the comparison
    const { shown } = board;
    const next = shown[(place + 1) % shown.length];
    this.next = next.run;
    this.letter.textContent = said.letter;
    this.model.textContent = said.model || said.title;
    this.where.textContent = said.where;
    this.where.hidden = !said.where;
    this.title.textContent = said.model ? said.title : "";
    name(this.use, `Use the settings of ${said.letter}`);
    this.use.hidden = !board.model.get("can_use") || said.status === "gone";
    name(this.swap, `Swap ${said.letter} with ${next.letter}`);
    this.swap.hidden = shown.length < 2 || Boolean(board.model.get("order"));
    name(this.removeButton, `Remove ${said.letter}`);
    this.file.hidden = said.files < 2;
    this.file.textContent = `${said.index + 1}/${said.files} ▸`;
    name(this.file, `File ${said.index + 1} of ${said.files}; show the next one of ${said.letter}`);
    this.view.setAttribute("aria-label", `${said.letter}: plus and minus zoom, arrows move, 0 shows it whole`);
    fillFacts(this.caption, said.facts);
    const numbers = [...board.heat.facts(said), ...board.numbers.facts(said)];
    fillFacts(this.measured, numbers);
    this.measured.hidden = !numbers.length;
    const heat = board.heat.of(said);
    show(this.view, heat ?? said, heat ? board.heat : board.files, () => board.showZoom());
  }

  dispose() {
    this.undo.forEach((step) => step());
    this.element.remove();
  }
}

function takeDrops(target, take) {
  const holds = (event) => event.dataTransfer?.types.includes(RUN_TYPE);
  const over = (event) => {
    if (!holds(event)) return;
    event.preventDefault();
    event.stopPropagation();
    target.classList.add("is-target");
  };
  const out = () => target.classList.remove("is-target");
  return [
    on(target, "dragenter", over),
    on(target, "dragover", over),
    on(target, "dragleave", out),
    on(target, "drop", (event) => {
      out();
      if (!holds(event)) return;
      event.preventDefault();
      event.stopPropagation();
      take(event.dataTransfer.getData(RUN_TYPE));
    }),
  ];
}

function fillFacts(list, facts) {
  list.replaceChildren(...facts.map(([label, words]) => {
    const pair = make("div");
    pair.append(text("dt", label), text("dd", words));
    return pair;
  }));
}
