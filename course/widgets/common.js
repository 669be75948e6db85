// What all views share. Text from Python only ever enters the page as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined)
      element.setAttribute(name, value);
  }
  element.append(...children.filter((c) => c !== null && c !== undefined));
  return element;
}

// h("button", {onclick: f, title: "…"}, "text") makes an HTML element, s(…) an SVG element.
export function h(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}
export function s(tag, attributes, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

// Sets several traits and sends them to Python at once.
export function send(model, values) {
  for (const [name, value] of Object.entries(values)) model.set(name, value);
  model.save_changes();
}

// Listens to traits until the view is removed: `on("nodes", draw)`; `stop()` ends all of it.
export function listener(model) {
  const undo = [];
  return {
    on(names, f) {
      for (const name of names.split(" ")) {
        model.on(`change:${name}`, f);
        undo.push(() => model.off(`change:${name}`, f));
      }
    },
    onMessage(f) {
      model.on("msg:custom", f);
      undo.push(() => model.off("msg:custom", f));
    },
    later(f) {
      undo.push(f);
    },
    stop() {
      undo.forEach((f) => f());
    },
  };
}

export function button(text, title, onclick, more) {
  return h("button", { type: "button", title, onclick, ...more }, text);
}

export function calm() {
  return window.matchMedia("(prefers-reduced-motion: reduce)").matches;
}

// Dark or light is asked of the page's real background: themes differ in how they announce it.
function watchTheme(root, listen) {
  const themed =
    getComputedStyle(document.documentElement).getPropertyValue("--jp-layout-color1") ||
    getComputedStyle(document.documentElement).getPropertyValue("--vscode-editor-background");
  root.classList.toggle("lt-plain", !themed);
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const look = () => {
    const colour = getComputedStyle(root)
      .backgroundColor.match(/[\d.]+/g)
      ?.map(Number) ?? [255, 255, 255];
    const dark = themed
      ? 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2] < 128
      : system.matches;
    root.dataset.dark = String(dark);
  };
  const eyes = new MutationObserver(() => requestAnimationFrame(look));
  eyes.observe(document.body, {
    attributes: true,
    attributeFilter: ["class", "data-jp-theme-name", "data-jp-theme-light"],
  });
  system.addEventListener("change", look);
  listen.later(() => {
    eyes.disconnect();
    system.removeEventListener("change", look);
  });
  requestAnimationFrame(look);
}

// The frame of every widget: a labelled region, its parts, a line for messages, the picture in
// words for screen readers, and the state string to copy or paste.
export function frame(model, el, name, label, parts, listen) {
  const message = h("div", { class: "lt-message", role: "status", "aria-live": "polite" });
  const alt = h("div", { class: "lt-alt" });
  const root = h(
    "div",
    { class: `lt lt-${name}`, role: "group", "aria-label": label },
    alt,
    ...parts,
    message,
  );
  root.addEventListener("keydown", keepKeys);
  const say = () => {
    message.textContent = model.get("message");
    alt.textContent = model.get("alt");
  };
  listen.on("message alt", say);
  say();
  if (model.get("state").split("?")[1]) root.append(shareBox(model, listen));
  el.append(root);
  watchTheme(root, listen);
  return root;
}

// A plain key pressed in a widget is meant for it: JupyterLab would move the slider's arrow key to
// "expand heading" and B to "insert a cell". What is pressed with Ctrl or Shift+Enter goes on.
function keepKeys(event) {
  const combined = event.ctrlKey || event.metaKey || event.altKey;
  if (!combined && !(event.shiftKey && event.key === "Enter")) event.stopPropagation();
}

function shareBox(model, listen) {
  const box = h("input", {
    type: "text",
    "aria-label": "state of this widget, to copy or paste",
    spellcheck: "false",
  });
  const show = () => {
    if (document.activeElement !== box) box.value = model.get("state");
  };
  listen.on("state", show);
  show();
  const use = () => {
    send(model, { state: box.value.trim() });
    box.blur();
  };
  box.addEventListener("keydown", (e) => {
    if (e.key === "Enter") use();
  });
  box.addEventListener("focus", () => box.select());
  const copy = async () => {
    box.focus();
    box.select();
    try {
      await navigator.clipboard.writeText(box.value);
    } catch {
      document.execCommand("copy");
    }
  };
  return h(
    "details",
    { class: "lt-share" },
    h("summary", {}, "Share this situation"),
    h(
      "div",
      {},
      box,
      button("Copy", "copy the state string", copy),
      button("Use", "go to the situation in the box", use),
    ),
  );
}

// Offers a file to the reader: text, or a Blob.
export function download(name, content, type) {
  const url = URL.createObjectURL(
    content instanceof Blob ? content : new Blob([content], { type }),
  );
  const link = h("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

// An SVG text painted into a PNG, twice as fine, and offered as a file.
export function downloadPng(name, svgText) {
  const image = new Image();
  image.onload = () => {
    const scale = Math.min(2, 8192 / Math.max(image.width, image.height, 1));
    const canvas = h("canvas", {
      width: Math.ceil(image.width * scale),
      height: Math.ceil(image.height * scale),
    });
    const pen = canvas.getContext("2d");
    pen.scale(scale, scale);
    pen.drawImage(image, 0, 0);
    canvas.toBlob((blob) => blob && download(name, blob), "image/png");
  };
  image.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(svgText);
}

// Rows of [name, value] as a table; the first cell of each row is its header.
export function table(rows, head) {
  const line = (cells) =>
    h(
      "tr",
      {},
      ...cells.map((c, i) =>
        h(i ? "td" : "th", i ? { class: "lt-mono" } : { scope: "row" }, String(c)),
      ),
    );
  const body = h("tbody", {}, ...rows.map(line));
  if (!head) return h("table", {}, body);
  return h(
    "table",
    {},
    h("thead", {}, h("tr", {}, ...head.map((c) => h("th", { scope: "col" }, c)))),
    body,
  );
}

// Keys that a widget uses must not reach JupyterLab's own shortcuts.
export function keys(element, table, listen) {
  const handle = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const action = table[event.key];
    const typing = event.key.length === 1 && event.target.matches('input[type="text"], textarea');
    if (!action || typing) return;
    event.preventDefault();
    event.stopPropagation();
    action(event);
  };
  element.addEventListener("keydown", handle);
  listen.later(() => element.removeEventListener("keydown", handle));
}
