// Part of other views: files that come in parts. A page asks for one part at a time; who does not want the file any more
// asks for no more.

// Several views may share a model and then hear each other's answers: numbers must not meet.
function firstNumber() {
  return Math.floor(Math.random() * 2 ** 40);
}

class Parts {
  constructor(model) {
    this.model = model;
    this.seq = firstNumber();
    this.pulls = new Map(); // seq -> { run, file, parts, start, then, told }
  }

  // Calls then(blob, name) when the whole file is here, told(share) on the way, and then(null) when it does not come.
  // Returns what ends it early.
  pull(run, file, then, told = () => {}) {
    this.seq += 1;
    const seq = this.seq;
    this.pulls.set(seq, { run, file, parts: [], start: 0, then, told, lost: 0 });
    this.ask(seq);
    return () => this.end(seq);
  }

  ask(seq) {
    const pull = this.pulls.get(seq);
    pull.lost = setTimeout(() => this.fail(seq), LOST_MS);
    send(this.model, { kind: "part", run: pull.run, file: pull.file, start: pull.start, seq });
  }

  take(message, buffers) {
    const pull = this.pulls.get(message.seq);
    if (!pull || message.start !== pull.start) return;
    clearTimeout(pull.lost);
    if (!message.total) return this.fail(message.seq);
    const part = buffers[0];
    pull.parts.push(part);
    pull.start += part.byteLength;
    if (pull.start < message.total && part.byteLength) {
      pull.told(pull.start / message.total);
      return this.ask(message.seq);
    }
    this.pulls.delete(message.seq);
    pull.then(new Blob(pull.parts, { type: message.media_type }), message.name);
  }

  fail(seq) {
    const pull = this.pulls.get(seq);
    this.end(seq);
    pull?.then(null);
  }

  end(seq) {
    clearTimeout(this.pulls.get(seq)?.lost);
    this.pulls.delete(seq);
  }

  dispose() {
    for (const seq of [...this.pulls.keys()]) this.end(seq);
  }
}

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
