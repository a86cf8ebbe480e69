// Put in front of views by esm() in page/scripts.py: elements, listeners, messages to the kernel.

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
