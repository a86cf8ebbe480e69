// One picture, clip or sound from the kernel's bytes. The element is kept while only the bytes change, so previews do
// not flicker.

const LARGEST_ENLARGEMENT = 2.5; // beyond that a small picture is only blurred
const TAGS = { image: "img", video: "video", audio: "audio" };

function render({ model, el }) {
  el.classList.add("st-picture");
  let shown = null;
  let url = "";

  const draw = () => {
    const data = model.get("data");
    const [kind] = model.get("media_type").split("/");
    const tag = TAGS[kind];
    const old = url;
    if (!data?.byteLength || !tag) {
      shown?.remove();
      shown = null;
      url = "";
    } else {
      if (shown?.localName !== tag) {
        shown?.remove();
        shown = document.createElement(tag);
        if (tag !== "img") shown.controls = true;
        else shown.onload = (event) => limit(event.target);
        el.append(shown);
      }
      url = URL.createObjectURL(new Blob([data], { type: model.get("media_type") }));
      shown.src = url;
    }
    if (old) URL.revokeObjectURL(old);
    describe();
  };
  const describe = () => {
    shown?.setAttribute(shown.localName === "img" ? "alt" : "aria-label", model.get("alt"));
    el.dataset.empty = model.get("placeholder");
    el.classList.toggle("is-empty", !shown);
    el.classList.toggle("is-preview", model.get("preview"));
  };

  model.on("change:data", draw);
  model.on("change:alt change:placeholder change:preview", describe);
  draw();
  return () => {
    model.off("change:data", draw);
    model.off("change:alt change:placeholder change:preview", describe);
    if (url) URL.revokeObjectURL(url);
  };
}

function limit(picture) {
  picture.style.setProperty("--st-widest", `${Math.round(picture.naturalWidth * LARGEST_ENLARGEMENT)}px`);
}

export default { render };
