import { button, frame, h, keys, listener, send } from "./common.js";

const SIDE = 28,
  LEVELS = 15,
  ZOOM = 10;

// Two pixels in a byte, as Python writes them.
function decode(text) {
  const pixels = new Float32Array(SIDE * SIDE);
  if (!text) return pixels;
  const bytes = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  for (let i = 0; i < bytes.length; i++) {
    pixels[2 * i] = (bytes.charCodeAt(i) >> 4) / LEVELS;
    pixels[2 * i + 1] = (bytes.charCodeAt(i) & 15) / LEVELS;
  }
  return pixels;
}
function encode(pixels) {
  const shade = (i) => Math.round(pixels[i] * LEVELS);
  let text = "",
    any = false;
  for (let i = 0; i < SIDE * SIDE; i += 2) {
    any ||= shade(i) > 0 || shade(i + 1) > 0;
    text += String.fromCharCode((shade(i) << 4) | shade(i + 1));
  }
  return any ? btoa(text).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "") : "";
}

function render({ model, el }) {
  const listen = listener(model);
  let pixels = decode(model.get("ink")),
    sent = model.get("ink"),
    timer = null;
  let drawing = null,
    cursor = [13, 13],
    penDown = false,
    showCursor = false,
    erasing = false;
  const canvas = h("canvas", {
    width: SIDE * ZOOM,
    height: SIDE * ZOOM,
    class: "lt-sheet",
    tabindex: "0",
    role: "application",
    "aria-label":
      "sheet of 28 by 28 pixels: draw with the mouse; or arrow keys move, " +
      "space puts the pen down or lifts it, E changes between pen and rubber",
  });
  const pen = canvas.getContext("2d");
  const small = h("img", { class: "lt-seen", alt: "", width: 56, height: 56 });
  const seen = h("figure", {}, small, h("figcaption", {}, "what the model sees"));
  const bars = h("div", { class: "lt-bars" });

  function paint() {
    const shades = pen.createImageData(SIDE * ZOOM, SIDE * ZOOM);
    for (let y = 0; y < SIDE * ZOOM; y++) {
      for (let x = 0; x < SIDE * ZOOM; x++) {
        const v = 255 * (1 - pixels[Math.floor(y / ZOOM) * SIDE + Math.floor(x / ZOOM)]);
        const at = 4 * (y * SIDE * ZOOM + x);
        shades.data.set([v, v, v, 255], at);
      }
    }
    pen.putImageData(shades, 0, 0);
    if (showCursor) {
      pen.strokeStyle = penDown ? "#d55e00" : "#0072b2";
      pen.lineWidth = 3;
      pen.strokeRect(cursor[0] * ZOOM - 1, cursor[1] * ZOOM - 1, ZOOM + 2, ZOOM + 2);
    }
  }
  // A round brush with a soft edge: full ink within 0.8 pixels of the point, none beyond 1.6.
  function dab(x, y) {
    for (let j = Math.floor(y - 2); j <= y + 2; j++) {
      for (let i = Math.floor(x - 2); i <= x + 2; i++) {
        if (i < 0 || j < 0 || i >= SIDE || j >= SIDE) continue;
        const far = Math.hypot(i + 0.5 - x, j + 0.5 - y);
        const ink = Math.max(0, Math.min(1, (1.6 - far) / 0.8));
        const at = j * SIDE + i;
        pixels[at] = erasing ? Math.min(pixels[at], 1 - ink) : Math.max(pixels[at], ink);
      }
    }
  }
  function line(from, to) {
    const steps = Math.max(1, Math.ceil(2 * Math.hypot(to[0] - from[0], to[1] - from[1])));
    for (let k = 0; k <= steps; k++) {
      dab(from[0] + ((to[0] - from[0]) * k) / steps, from[1] + ((to[1] - from[1]) * k) / steps);
    }
    paint();
    soon();
  }
  function soon() {
    timer ??= setTimeout(() => {
      timer = null;
      sent = encode(pixels);
      send(model, { ink: sent });
    }, 80);
  }
  const place = (e) => {
    const box = canvas.getBoundingClientRect();
    return [
      ((e.clientX - box.left) / box.width) * SIDE,
      ((e.clientY - box.top) / box.height) * SIDE,
    ];
  };
  canvas.addEventListener("pointerdown", (e) => {
    canvas.setPointerCapture(e.pointerId);
    showCursor = false;
    drawing = place(e);
    line(drawing, drawing);
  });
  canvas.addEventListener("pointermove", (e) => {
    if (!drawing) return;
    for (const part of e.getCoalescedEvents?.() ?? [e]) {
      const next = place(part);
      line(drawing, next);
      drawing = next;
    }
  });
  for (const end of ["pointerup", "pointercancel"])
    canvas.addEventListener(end, () => {
      drawing = null;
    });
  canvas.addEventListener("focus", () => {
    showCursor = canvas.matches(":focus-visible");
    paint();
  });
  canvas.addEventListener("blur", () => {
    showCursor = false;
    penDown = false;
    paint();
  });
  const move = (dx, dy) => () => {
    const old = cursor;
    cursor = [
      Math.max(0, Math.min(SIDE - 1, cursor[0] + dx)),
      Math.max(0, Math.min(SIDE - 1, cursor[1] + dy)),
    ];
    showCursor = true;
    if (penDown) line([old[0] + 0.5, old[1] + 0.5], [cursor[0] + 0.5, cursor[1] + 0.5]);
    paint();
  };
  const togglePen = () => {
    penDown = !penDown;
    showCursor = true;
    if (penDown) line([cursor[0] + 0.5, cursor[1] + 0.5], [cursor[0] + 0.5, cursor[1] + 0.5]);
    paint();
  };
  const rubber = button(
    "Rubber",
    "rub out instead of drawing (E)",
    () => {
      erasing = !erasing;
      rubber.setAttribute("aria-pressed", String(erasing));
    },
    { "aria-pressed": "false" },
  );
  const clear = () => {
    pixels = new Float32Array(SIDE * SIDE);
    paint();
    soon();
  };

  function receive() {
    if (model.get("ink") === sent) return;
    sent = model.get("ink");
    pixels = decode(sent);
    paint();
  }
  function show() {
    seen.style.visibility = model.get("seen") ? "visible" : "hidden";
    if (model.get("seen")) small.src = model.get("seen");
  }
  const rows = model.get("labels").map((label) => {
    const row = { fill: h("span", { class: "lt-fill" }), text: h("span", { class: "lt-mono" }) };
    row.element = h(
      "div",
      { class: "lt-bar-row" },
      h("b", {}, label),
      h("span", { class: "lt-track" }, row.fill),
      row.text,
    );
    return row;
  });
  bars.append(...rows.map((r) => r.element));
  function weigh() {
    const found = model.get("bars");
    const best = Math.max(...found.map((b) => b[1]));
    rows.forEach((row, i) => {
      const [, share, text] = found[i] ?? ["", 0, ""];
      row.fill.style.width = `${100 * share}%`;
      row.text.textContent = text;
      row.element.classList.toggle("lt-best", found.length > 0 && share === best);
    });
  }
  const tools = [button("Clear", "a new sheet (Delete)", clear), rubber];
  if (model.get("has_examples"))
    tools.push(button("Example", "show the next example", () => model.send({ type: "example" })));
  frame(
    model,
    el,
    "digit",
    "Draw a digit",
    [
      h(
        "div",
        { class: "lt-draw" },
        h("div", {}, canvas, h("div", { class: "lt-bar" }, ...tools)),
        h("div", { class: "lt-answer" }, bars, seen),
      ),
    ],
    listen,
  );
  keys(
    canvas,
    {
      ArrowLeft: move(-1, 0),
      ArrowRight: move(1, 0),
      ArrowUp: move(0, -1),
      ArrowDown: move(0, 1),
      " ": togglePen,
      Enter: togglePen,
      Delete: clear,
      Backspace: clear,
      e: () => rubber.click(),
    },
    listen,
  );
  listen.on("ink", receive);
  listen.on("bars", weigh);
  listen.on("seen", show);
  listen.later(() => clearTimeout(timer));
  paint();
  show();
  weigh();
  return () => listen.stop();
}

export default { render };
