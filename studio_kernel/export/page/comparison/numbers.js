// How close each picture is to one of them, in numbers, and the order that a number gives.
class Numbers {
  constructor(board) {
    this.board = board;
    const { model } = board;
    this.element = make("div", "sc-bar sc-numbers", { role: "group", "aria-label": "Numbers" });
    this.check = make("input", "", { type: "checkbox" });
    this.check.addEventListener("change", () => board.send({ kind: "set", name: "measured", value: this.check.checked }));
    const measured = make("label", "sc-check");
    measured.append(this.check, "Measure");
    this.against = select("Against", [], (value) => board.send({ kind: "set", name: "reference", value }));
    this.order = select("Sort by", model.get("orders"), (value) => board.send({ kind: "set", name: "order", value }));
    this.turn = button("⇅", () => board.send({ kind: "set", name: "reverse", value: !model.get("reverse") }), "The other way round");
    const sorting = make("span", "sc-group");
    sorting.append(this.order.parentElement, this.turn);
    this.element.append(this.against.parentElement, measured, sorting);
  }

  draw() {
    const { model, shown } = this.board;
    this.element.hidden = this.board.lacks("numbers") || shown.length < 2 || this.board.mode in this.board.stage.ways; // no slots, no numbers
    this.check.checked = model.get("measured");
    fillSelect(this.against, shown.map((slot) => [slot.run, `${slot.letter} · ${slot.model || slot.title}`]), model.get("against"));
    fillSelect(this.order, model.get("orders"), model.get("order"));
    press(this.turn, model.get("reverse"));
    this.turn.disabled = !model.get("order");
  }

  facts(said) {
    return this.board.model.get("numbers")[said.run] ?? [];
  }
}
