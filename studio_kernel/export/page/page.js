// What all exported pages share: elements, parts of the data, links. Text from people only ever becomes textContent.
"use strict";

const $ = (id) => document.getElementById(id);
const HERE = document.currentScript.src.replace(/[^/]*$/, "");

function element(name, properties = {}, ...children) {
  const { data = {}, aria = {}, ...rest } = properties;
  const made = Object.assign(document.createElement(name), rest);
  Object.assign(made.dataset, data);
  for (const [key, value] of Object.entries(aria)) made.setAttribute(`aria-${key}`, value);
  made.append(...children);
  return made;
}

// Parts of the data are scripts beside this one: a page that is opened from disk may not fetch.
const parts = new Map();

function part(name) {
  if (!parts.has(name)) {
    const asked = {};
    asked.done = new Promise((done, fail) => {
      asked.give = done;
      const script = element("script", { src: `${HERE}${name}.js` });
      script.addEventListener("error", () => fail(new Error(`${name}.js is missing`)));
      script.addEventListener("load", () => script.remove());
      document.head.append(script);
    });
    parts.set(name, asked);
  }
  return parts.get(name).done;
}

window.STUDIO_PART = (name, value) => parts.get(name)?.give(value);

// What is seen is told by the address behind the "#", so that it can be sent.
const place = () => new URLSearchParams(location.hash.slice(1));

function addressOf(changes, from = place()) {
  for (const [name, value] of Object.entries(changes)) value ? from.set(name, value) : from.delete(name);
  return `#${from}`;
}

async function copyLink(button) {
  const before = button.textContent;
  const isCopied = await copy(location.href);
  button.textContent = isCopied ? "Copied" : "Copy the address of the page";
  setTimeout(() => { button.textContent = before; }, 2500);
}

async function copy(words) {
  try {
    await navigator.clipboard.writeText(words);
    return true;
  } catch {
    return false; // a page without TLS has no clipboard
  }
}

function media(file) {
  if (file.type.startsWith("video/")) return element("video", { src: file.file, poster: file.thumbnail || "", controls: true, preload: "metadata" });
  if (file.type.startsWith("audio/")) return element("audio", { src: file.file, controls: true });
  return element("img", { src: file.file, alt: "", width: file.width || undefined, height: file.height || undefined });
}

function pairs(list, facts) {
  list.replaceChildren(...facts.filter(([, words]) => words !== "").flatMap(([name, words]) => [
    element("dt", { textContent: name }), element("dd", { textContent: words }),
  ]));
}
