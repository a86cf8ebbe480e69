const TAGS = { image: "img", video: "video", audio: "audio" };

// Show the file of a run in a frame, a small still of it until it is there; the element stays while the file does.
function show(frame, said, files, onLoad) {
  const whole = files.url(said);
  const url = whole || files.still(said);
  const tag = whole ? (TAGS[files.kind(said)] ?? "img") : "img";
  let media = frame.querySelector(":scope > .sc-media");
  if (media && (media.dataset.key !== said.key || media.localName !== tag) && (url || !said.key)) {
    media.remove();
    media = null;
  }
  if (url && !media) frame.prepend((media = mediaOf(tag, said, onLoad)));
  if (media && media.dataset.key === said.key && url && media.src !== url) media.src = url;
  if (media) media.dataset.letter = said.letter;
  media?.classList.toggle("is-old", media.dataset.key !== said.key); // until what is to be seen is there
  media?.setAttribute(media.localName === "img" ? "alt" : "aria-label", `${said.letter}: ${said.title}`);
  let note = frame.querySelector(":scope > .sc-note");
  const words = said.note || (media ? "" : "Loading …");
  if (!words) note?.remove();
  else {
    if (!note) frame.append((note = make("p", "sc-note")));
    note.textContent = words;
  }
}

function mediaOf(tag, said, onLoad) {
  const media = make(tag, "sc-media");
  media.dataset.key = said.key;
  media.dataset.width = said.width;
  media.dataset.height = said.height;
  if (tag === "img") {
    media.draggable = false;
    media.decoding = "async"; // of 4 MP the page would stand still otherwise
    media.addEventListener("load", onLoad);
  } else if (tag === "video") {
    media.muted = media.playsInline = true;
    media.addEventListener("loadedmetadata", onLoad);
  } else media.controls = true;
  return media;
}
