// The header of a dashboard: what it is about, the pages, who looks, a link to what is on the screen. On a page of its
// own the address of the browser follows the kernel and leads it; in a notebook cell the address is left alone.

const NAME = "studio-name"; // in the browser's own storage
const THEME = "studio-theme";
const SAID_MS = 2_500;
const STEPS = ["page", "run", "sweep", "board", "project", "ballot"]; // what the back button goes through

function render({ model, el }) {
  const header = new Header(model, el);
  return () => header.dispose();
}

class Header {
  constructor(model, el) {
    this.model = model;
    this.el = el;
    this.sent = 0;
    this.undo = [];
    el.classList.add("sw-head");
    this.title = make("h1", "sw-title");
    this.above = make("button", "sw-above"); // the way out of a project
    this.above.type = "button";
    this.listen(this.above, "click", () => send(this.model, { kind: "leave" }));
    const titles = make("div", "sw-titles");
    titles.append(this.above, this.title);
    this.nav = make("nav", "sw-nav");
    this.nav.setAttribute("aria-label", "Pages");
    this.said = make("span", "sw-said");
    this.said.setAttribute("role", "status");
    const tools = make("div", "sw-tools");
    tools.append(this.newName(), this.newLink(), this.newTheme(), this.said);
    const top = make("div", "sw-top");
    top.append(titles, tools);
    el.append(top, this.nav);
    this.fillNav();

    this.on(model, "change:title change:above change:page change:counts", () => this.draw());
    this.on(model, "change:who", () => this.showName());
    this.on(model, "change:address change:answered", () => this.soon());
    this.draw();
    this.beginName();
    if (ownsAddress()) this.beginAddress();
  }

  dispose() {
    clearTimeout(this.timer);
    cancelAnimationFrame(this.frame);
    this.undo.forEach((step) => step());
  }

  on(model, names, act) {
    model.on(names, act);
    this.undo.push(() => model.off(names, act));
  }

  listen(target, name, act) {
    target.addEventListener(name, act);
    this.undo.push(() => target.removeEventListener(name, act));
  }

  say(words) {
    this.said.textContent = words;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => (this.said.textContent = ""), SAID_MS);
  }

  // The pages

  fillNav() {
    const pages = this.model.get("pages");
    this.nav.hidden = pages.length < 2;
    for (const [key, name] of pages) {
      const page = make("button", "sw-page");
      page.type = "button";
      page.dataset.page = key;
      const count = make("span", "sw-count");
      page.append(make("span", "", name), count);
      this.nav.append(page);
    }
    this.listen(this.nav, "click", (event) => {
      const page = event.target.closest("button")?.dataset.page;
      if (page) send(this.model, { kind: "turn", page });
    });
  }

  draw() {
    this.title.textContent = this.model.get("title");
    this.above.textContent = this.model.get("above");
    this.above.hidden = !this.model.get("above");
    const counts = this.model.get("counts");
    for (const page of this.nav.children) {
      const key = page.dataset.page;
      const isOpen = key === this.model.get("page");
      if (isOpen && page.getAttribute("aria-current") !== "page") requestAnimationFrame(() => this.reveal(page));
      if (isOpen) page.setAttribute("aria-current", "page");
      else page.removeAttribute("aria-current");
      page.hidden = key === "run" && !isOpen; // one run is reached by its picture
      const count = page.querySelector(".sw-count");
      count.textContent = counts[key] ? String(counts[key]) : "";
      count.hidden = !counts[key];
    }
  }

  // On a phone the pages are a row that scrolls.
  reveal(page) {
    this.nav.scrollLeft = Math.max(0, page.offsetLeft - (this.nav.clientWidth - page.offsetWidth) / 2);
  }

  // Who looks

  newName() {
    const label = make("label", "sw-name");
    this.name = make("input");
    this.name.type = "text";
    this.name.maxLength = this.model.get("longest_name");
    this.name.autocomplete = "name";
    this.name.placeholder = "Goes with your marks";
    label.append(make("span", "", "Your name"), this.name);
    this.listen(this.name, "change", () => this.introduce(this.name.value));
    this.listen(this.name, "keydown", (event) => {
      if (event.key === "Enter") this.name.blur();
    });
    return label;
  }

  // In a notebook the name is the one that the kernel knows.
  beginName() {
    const kept = ownsAddress() ? (read(NAME) ?? "") : "";
    if (kept && !this.model.get("who")) this.introduce(kept);
    this.name.value = this.model.get("who") || kept;
  }

  introduce(name) {
    send(this.model, { kind: "introduce", name });
  }

  showName() {
    const who = this.model.get("who");
    if (this.name !== document.activeElement) this.name.value = who;
    if (ownsAddress()) keep(NAME, who);
  }

  // A link to what is on the screen

  newLink() {
    const link = make("button", "sw-button", "Copy link");
    link.type = "button";
    link.title = "The address of what is on the screen, to send to somebody";
    this.link = make("input", "sw-link");
    this.link.readOnly = true;
    this.link.hidden = true;
    this.link.setAttribute("aria-label", "Link to what is on the screen");
    this.listen(link, "click", () => this.copy());
    link.hidden = !ownsAddress();
    const box = make("span", "sw-linked");
    box.append(link, this.link);
    return box;
  }

  async copy() {
    this.link.value = location.origin + location.pathname + this.model.get("address");
    this.link.hidden = false;
    const done = await copied(this.link);
    this.link.hidden = done;
    this.say(done ? "Link copied." : "Select the link and copy it.");
  }

  // Light and dark: the page has both sheets

  newTheme() {
    const button = make("button", "sw-button sw-theme");
    button.type = "button";
    button.hidden = !canTurn();
    const show = () => {
      button.textContent = isDark() ? "Light" : "Dark";
      button.setAttribute("aria-label", isDark() ? "Light colours" : "Dark colours");
    };
    this.listen(button, "click", () => {
      window.studioTheme(isDark() ? "light" : "dark");
      keep(THEME, isDark() ? "dark" : "light");
      show();
    });
    show();
    return button;
  }

  // The address

  beginAddress() {
    this.listen(window, "popstate", () => this.ask());
    if (location.search) {
      this.el.closest(".studio-dashboard")?.classList.add("is-going");
      this.ask();
    } else {
      this.follow();
    }
  }

  // Ask the kernel to go where the address says.
  ask() {
    this.sent += 1;
    send(this.model, { kind: "go", query: location.search.slice(0, 4_000), number: this.sent });
  }

  soon() {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.follow()); // several traits change in one message
  }

  // Let the address say what the kernel shows. While an answer is awaited, it is the kernel that follows.
  follow() {
    if (!ownsAddress() || this.model.get("answered") < this.sent) return;
    this.el.closest(".studio-dashboard")?.classList.remove("is-going");
    const address = this.model.get("address");
    const isAnswer = this.followed !== this.sent;
    this.followed = this.sent;
    if (location.search === address) return;
    const url = location.pathname + address;
    if (isAnswer || !isStep(location.search, address)) history.replaceState(null, "", url);
    else history.pushState(null, "", url);
  }
}

function isStep(from, to) {
  const [old, next] = [new URLSearchParams(from), new URLSearchParams(to)];
  return STEPS.some((name) => old.get(name) !== next.get(name));
}

// Voila's page has the id of its kernel in it; JupyterLab's has not.
function ownsAddress() {
  const data = document.getElementById("jupyter-config-data")?.textContent;
  try {
    return Boolean(data && JSON.parse(data).kernelId);
  } catch {
    return false;
  }
}

function canTurn() {
  return typeof window.studioTheme === "function";
}

function isDark() {
  return document.body.dataset.jpThemeLight === "false";
}

function read(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null; // a browser may forbid it
  }
}

function keep(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch {
    // then it holds for this visit
  }
}

async function copied(field) {
  try {
    await navigator.clipboard.writeText(field.value);
    return true;
  } catch {
    // no clipboard without HTTPS, or without leave: the older way needs a selection
    field.select();
    return document.execCommand("copy");
  }
}

export default { render };
