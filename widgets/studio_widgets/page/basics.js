// Put in front of views by esm() in page/scripts.py: elements, listeners, messages to the kernel, lists of it.

const LOST_MS = 15_000; // what the kernel has not answered by then is asked again, or given up

// What is in it: texts, elements, and objects of properties or, with a hyphen in their names, attributes.
function make(tag, className = "", ...content) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  for (const part of content) {
    if (part instanceof Node || typeof part === "string") made.append(part);
    else Object.entries(part).forEach(([name, value]) => assign(made, name, value));
  }
  return made;
}

function assign(element, name, value) {
  if (name === "role" || name.includes("-")) element.setAttribute(name, value);
  else element[name] = value;
}

// Texts are set only when they differ: what is read out is read out once.
function setText(element, words) {
  if (element.textContent !== words) element.textContent = words;
}

function on(target, name, listener, options) {
  target.addEventListener(name, listener, options);
  return () => target.removeEventListener(name, listener, options);
}

function onModel(model, names, listener) {
  model.on(names, listener);
  return () => model.off(names, listener);
}

function send(model, message, buffers) {
  try {
    model.send(message, undefined, buffers);
  } catch {
    // the kernel is gone; the frame of the panel says so
  }
}

// A long list of which the kernel tells one stretch at a time. An answer may be lost: `again` is called then, to ask for
// what is in view by that time.
class Stretches {
  constructor(ask, again) {
    this.send = ask; // with the first place, and the one behind the last
    this.again = again;
    this.fresh = new Set(); // places told since the last change
    this.lost = 0; // a timer; 0 = nothing is on its way
  }

  // Ask for what is not known of some places; returns whether something is on its way.
  ask(first, last, most = Infinity) {
    if (this.lost) return true;
    let from = first;
    while (from < last && this.fresh.has(from)) from += 1;
    let to = Math.min(last, from + most);
    while (to > from && this.fresh.has(to - 1)) to -= 1;
    if (from >= to) return false;
    this.lost = setTimeout(() => {
      this.lost = 0;
      this.again();
    }, LOST_MS);
    this.send(from, to);
    return true;
  }

  answered() {
    clearTimeout(this.lost);
    this.lost = 0;
  }

  // The list has changed: an answer that is still on its way belongs to what it was.
  change() {
    this.fresh.clear();
    this.answered();
  }
}
