import { button, calm, frame, h, listener, s, send } from "./common.js";

const PACE = 220; // milliseconds between two places of the scale while it plays

function render({ model, el }) {
  const listen = listener(model);
  const map = s("image", { preserveAspectRatio: "none" });
  const line = s("path", { class: "line" });
  const marks = s("g", {});
  const square = s("svg", { class: "lt-db-map", role: "img" }, map, line, marks);
  const past = s("svg", { class: "lt-db-past", viewBox: "0 0 320 122", "aria-hidden": "true" });
  const result = h("div", { class: "lt-db-result" });

  // ---- controls ----
  const kinds = h(
    "div",
    { class: "lt-bar", role: "group", "aria-label": "points" },
    ...model
      .get("kinds")
      .map((kind) => button(kind, `two classes: ${kind}`, () => send(model, { points: kind }))),
    button("New points", "other points and other first weights", () =>
      send(model, { seed: (model.get("seed") + 1) % 10000 }),
    ),
  );
  // A busy kernel answers late: until it does, a slider stays where it was put.
  const asked = new Map();
  function turn(name, at) {
    const now = model.get("controls").find((c) => c.name === name).at;
    if (at === now && !asked.has(name)) return;
    asked.set(name, at);
    model.send({ type: "turn", name, at });
  }
  const sliders = new Map();
  const panel = h("div", { class: "lt-db-controls" });
  for (const { name, label, texts } of model.get("controls")) {
    const slider = h("input", {
      type: "range",
      min: 0,
      max: texts.length - 1,
      step: 1,
      "aria-label": label,
    });
    const value = h("span", { class: "lt-mono" });
    const show = () => {
      value.textContent = texts[slider.value];
      slider.setAttribute("aria-valuetext", texts[slider.value]);
    };
    slider.addEventListener("input", () => {
      show();
      // Steps are known already; anything else means a new training, which waits for the end.
      if (name === "steps") turn(name, Number(slider.value));
    });
    slider.addEventListener("change", () => turn(name, Number(slider.value)));
    sliders.set(name, { slider, show });
    panel.append(h("label", {}, h("span", {}, label), slider, value));
  }
  const shown = h("input", { type: "checkbox" });
  shown.addEventListener("change", () => send(model, { validation: shown.checked }));
  panel.append(h("label", {}, shown, "show validation points"));

  // ---- playing through the training ----
  let timer = null;
  const steps = () => model.get("controls").find((c) => c.name === "steps");
  const play = button("Play", "go through the training", () => (timer ? halt() : start()));
  const step = button("Step", "one place further", () => turn("steps", steps().at + 1));
  const start_ = button("Start", "back to the first weights", () => turn("steps", 0));
  function start() {
    if (calm()) {
      turn("steps", steps().texts.length - 1);
      return;
    }
    if (steps().at === steps().texts.length - 1) turn("steps", 0);
    timer = setInterval(() => {
      if (steps().at >= steps().texts.length - 1) halt();
      else turn("steps", steps().at + 1);
    }, PACE);
    play.textContent = "Pause";
  }
  function halt() {
    clearInterval(timer);
    timer = null;
    play.textContent = "Play";
  }
  listen.later(halt);

  // ---- drawing ----
  function drawControls() {
    for (const { name, at } of model.get("controls")) {
      const { slider, show } = sliders.get(name);
      if (asked.get(name) === at) asked.delete(name);
      if (!asked.has(name)) slider.value = at;
      show();
    }
    shown.checked = model.get("validation");
    [...kinds.children].forEach((b, i) => {
      const kind = model.get("kinds")[i];
      if (kind) b.setAttribute("aria-pressed", String(kind === model.get("points")));
    });
  }
  function mark({ x, y, kind, part, right }) {
    const size = part === "valid" ? 3 : 5;
    const look = `mark k${kind} ${part}`;
    const drawn =
      kind === 0
        ? s("circle", { class: look, cx: x, cy: y, r: size })
        : s("path", {
            class: look,
            d: `M${x} ${y - size - 1}l${size + 1} ${2 * size}h${-2 * size - 2}z`,
          });
    if (right || part === "valid") return [drawn];
    return [drawn, s("circle", { class: "miss", cx: x, cy: y, r: 9 })];
  }
  function draw() {
    const p = model.get("picture");
    square.setAttribute("viewBox", `0 0 ${p.side} ${p.side}`);
    square.setAttribute("aria-label", p.result);
    for (const [name, value] of Object.entries({ href: p.uri, width: p.side, height: p.side }))
      map.setAttribute(name, value);
    line.setAttribute("d", p.line);
    marks.replaceChildren(...p.marks.flatMap(mark));
    const q = p.history;
    past.replaceChildren(
      s("path", { class: "frame", d: `M${q.x} ${q.y}v${q.h}h${q.w}` }),
      s("path", { class: "frame now", d: `M${q.now} ${q.y}v${q.h}` }),
      s("polyline", { class: "train", points: q.train }),
      s("polyline", { class: "dashed", points: q.valid }),
      s("text", { x: 6, y: q.y + 8 }, "1.0"),
      s("text", { x: 6, y: q.y + q.h }, "0.4"),
      s("text", { x: q.x, y: q.y + q.h + 16 }, "accuracy, 0 to 400 steps"),
    );
    const row = (name, share, loss, look) =>
      h(
        "tr",
        {},
        h(
          "th",
          { scope: "row" },
          s(
            "svg",
            { width: 26, height: 10, "aria-hidden": "true" },
            s("path", { class: look, d: "M1 5h24" }),
          ),
          ` ${name}`,
        ),
        h("td", { class: "lt-db-share" }, share),
        h("td", {}, loss),
      );
    const head = ["", "accuracy", "loss"].map((text) => h("th", { scope: "col" }, text));
    result.replaceChildren(
      h(
        "table",
        {},
        h("thead", {}, h("tr", {}, ...head)),
        h(
          "tbody",
          {},
          row("training", p.train, p.losses[0], "train"),
          row("validation", p.valid, p.losses[1], "dashed"),
        ),
      ),
    );
  }

  const bar = h("div", { class: "lt-bar" }, start_, step, play);
  frame(
    model,
    el,
    "boundary-view",
    "Decision boundary of a small network",
    [
      kinds,
      h(
        "div",
        { class: "lt-db-both" },
        h("div", { class: "lt-db-left" }, square),
        h("div", { class: "lt-db-right" }, result, past, bar, panel),
      ),
      h(
        "p",
        { class: "lt-db-key" },
        "● ▲ training points, ○ △ validation points; a ring: a training point called wrong",
      ),
    ],
    listen,
  );
  listen.on("picture", draw);
  listen.on("controls points validation", drawControls);
  draw();
  drawControls();
  return () => listen.stop();
}

export default { render };
