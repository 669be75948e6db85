import { button, calm, frame, h, keys, listener, s, send } from "./common.js";

const NAMES = ["SGD", "momentum", "Nesterov", "RMSprop", "Adam"];
const MARKS = [
  "M-5 0a5 5 0 1 0 10 0a5 5 0 1 0 -10 0z",
  "M-5 -5h10v10h-10z",
  "M0 -6l6 10h-12z",
  "M0 -7l7 7l-7 7l-7 -7z",
  "M-6 -4h12l-6 10z",
];
const TICK = 50;

function render({ model, el }) {
  const listen = listener(model);
  let shown = model.get("at"); // the step on the picture: while it plays, ahead of the kernel's
  let timer = null;

  // The kernel is asked again only when it has answered: a dragged start never runs ahead of it.
  let waiting = false;
  let wish = {};
  function later(values) {
    Object.assign(wish, values);
    if (!waiting) ask();
  }
  function ask() {
    const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
    const changed = Object.entries(wish).filter(([trait, v]) => !same(model.get(trait), v));
    wish = {};
    waiting = changed.length > 0;
    if (waiting) send(model, Object.fromEntries(changed));
  }

  // ---- play ----
  const play = button("Play", "let them run, or stop them (space)", () => (timer ? pause() : go()));
  const stepOn = button("Step", "one step on (Enter)", () => jump(shown + 1));
  const back = button("Back", "one step back (Backspace)", () => jump(shown - 1));
  const reset = button("Reset", "back to the start (Home)", () => jump(0));
  const end = button("End", "the last step (End)", () => jump(model.get("steps")));
  const count = h("span", { class: "lt-mono lt-race-count" });
  function go() {
    if (shown >= model.get("steps")) shown = 0;
    if (calm()) return jump(model.get("steps"));
    timer = setInterval(() => {
      shown += 1;
      drawWays();
      if (shown >= model.get("steps")) pause();
    }, TICK);
    drawWays();
  }
  function pause() {
    clearInterval(timer);
    timer = null;
    jump(shown);
  }
  function jump(step) {
    clearInterval(timer);
    timer = null;
    shown = Math.max(0, Math.min(model.get("steps"), step));
    drawWays();
    if (shown !== model.get("at")) send(model, { at: shown });
  }
  listen.later(() => clearInterval(timer));

  // ---- controls ----
  const where = h(
    "select",
    { "aria-label": "landscape" },
    ...model.get("choices").map(([name, label]) => h("option", { value: name }, label)),
  );
  where.addEventListener("change", () => send(model, { landscape: where.value }));
  const formula = h("span", { class: "lt-mono" });

  function slider(trait, label, title, high, step) {
    const input = h("input", { type: "range", min: 0, max: high, step, "aria-label": label });
    const value = h("output", { class: "lt-mono" });
    input.addEventListener("input", () => later({ [trait]: Number(input.value) }));
    const box = h("label", { title }, h("span", {}, label), input, value);
    box.show = () => {
      if (document.activeElement !== input) input.value = model.get(trait);
      value.textContent = String(model.get(trait));
    };
    return box;
  }
  const momentum = slider("momentum", "momentum μ", "of SGD, and Adam's β₁", 0.99, 0.01);
  const beta = slider("beta", "β", "RMSprop's α, and Adam's β₂", 0.999, 0.001);

  const mark = (kind, x, y) =>
    s("path", {
      class: `mark k${kind}`,
      transform: `translate(${x},${y})`,
      d: MARKS[kind],
    });
  // Rates differ by powers of ten, so the slider holds the power.
  const rows = NAMES.map((name, kind) => {
    const on = h("input", { type: "checkbox", "aria-label": `${name} runs` });
    on.addEventListener("change", () => {
      const others = model.get("racers").filter((r) => r !== name);
      later({ racers: on.checked ? [...others, name] : others });
    });
    const input = h("input", {
      type: "range",
      min: -4,
      max: 1,
      step: 0.05,
      "aria-label": `learning rate of ${name}`,
    });
    input.addEventListener("input", () => {
      const rates = [...(wish.rates ?? model.get("rates"))];
      rates[kind] = Number((10 ** Number(input.value)).toPrecision(2));
      later({ rates });
    });
    const rate = h("td", { class: "lt-mono lt-number" });
    const loss = h("td", { class: "lt-mono lt-number lt-loss" });
    const note = h("td", { class: "lt-note" });
    const line = h(
      "tr",
      { "data-racer": name },
      h(
        "th",
        { scope: "row" },
        h(
          "label",
          {},
          on,
          s("svg", { width: 16, height: 16, "aria-hidden": "true" }, mark(kind, 8, 8)),
          name,
        ),
      ),
      h("td", {}, input),
      rate,
      loss,
      note,
    );
    line.show = () => {
      const value = model.get("rates")[kind];
      on.checked = model.get("racers").includes(name);
      if (document.activeElement !== input) input.value = Math.log10(value);
      rate.textContent = String(Number(value.toPrecision(2)));
    };
    line.tell = (said) => {
      loss.textContent = said?.loss ?? "";
      note.textContent = said?.brief ?? "";
      note.title = said?.note ?? "";
    };
    return line;
  });
  const heads = ["who", "learning rate", "", "loss", ""];
  const board = h(
    "table",
    { class: "lt-race-board" },
    h("thead", {}, h("tr", {}, ...heads.map((t) => h("th", { scope: "col" }, t)))),
    h("tbody", {}, ...rows),
  );

  // ---- pictures ----
  const EDGE = { left: 26, right: 6, top: 6, bottom: 20 };
  const map = s("svg", {
    class: "lt-race-map",
    tabindex: "0",
    role: "application",
    "aria-label":
      "map: arrow keys move the start, space plays and stops, Enter and Backspace go a step",
  });
  const hills = s("g", {});
  const ways = s("g", {});
  const flag = s("path", { class: "flag" });
  const chart = s("svg", { class: "lt-race-chart", "aria-hidden": "true" });
  const words = (kind, x, y, text) => {
    const e = s("text", { class: kind, x, y });
    e.textContent = text;
    return e;
  };

  function drawGround() {
    const g = model.get("ground");
    const wide = g.width + EDGE.left + EDGE.right;
    const tall = g.height + EDGE.top + EDGE.bottom;
    map.setAttribute("viewBox", `${-EDGE.left} ${-EDGE.top} ${wide} ${tall}`);
    hills.replaceChildren(
      ...g.contours.map((c) => s("path", { class: "contour", opacity: 1 - 0.6 * c.tone, d: c.d })),
      ...g.lowest.map(([x, y]) =>
        s("path", { class: "low", d: `M${x - 5} ${y}h10M${x} ${y - 5}v10` }),
      ),
    );
    const { width, height } = g;
    const inside = s("svg", { width, height, overflow: "hidden" }, hills, ways, flag);
    map.replaceChildren(
      inside,
      s("rect", { class: "edge", width, height }),
      ...g.ticks.x.map(([x, text]) => words("small mid", x, height + 15, text)),
      ...g.ticks.y.map(([y, text]) => words("small end", -5, y + 4, text)),
    );
    formula.textContent = g.formula;
    where.value = model.get("landscape");
  }
  function drawWays() {
    const race = model.get("race");
    const reached = race.paths.map((p) => p.points.slice(0, shown + 1));
    ways.replaceChildren(
      ...race.paths.map((p, i) =>
        s("polyline", { class: `k${p.kind}`, points: reached[i].map((at) => at.join()).join(" ") }),
      ),
      ...race.paths.map((p, i) => mark(p.kind, ...reached[i].at(-1))),
    );
    flag.setAttribute("d", `M${race.start[0]} ${race.start[1]}v-14l9 4l-9 4`);
    drawChart(race);
    count.textContent = `step ${shown} of ${model.get("steps")}`;
    play.textContent = timer ? "Pause" : "Play";
    back.disabled = reset.disabled = shown === 0 && !timer;
    stepOn.disabled = end.disabled = shown >= model.get("steps");
    // While it plays the numbers come from the data; at rest they are what the kernel says.
    const report = model.get("report");
    rows.forEach((line, kind) => {
      const path = race.paths.find((p) => p.kind === kind);
      if (shown === model.get("at")) line.tell(report.find((r) => r.kind === kind));
      else if (shown < (path?.losses.length ?? 0))
        line.tell({ loss: String(Number(path.losses[shown].toPrecision(3))) });
    });
  }
  function drawChart(race) {
    const c = race.chart;
    const right = c.width - c.right;
    const bottom = c.height - c.bottom;
    const [from, to] = c.across;
    const x = from + ((to - from) * shown) / model.get("steps");
    chart.setAttribute("viewBox", `0 0 ${c.width} ${c.height}`);
    chart.replaceChildren(
      words("small", c.left, c.top - 8, "height above the lowest point"),
      ...c.yticks.flatMap(([y, text]) => [
        s("line", { class: "grid", x1: c.left, y1: y, x2: right, y2: y }),
        words("small end", c.left - 5, y + 4, text),
      ]),
      ...c.xticks.map(([at, text]) => words("small mid", at, bottom + 15, text)),
      ...race.paths.map((p, i) =>
        s("polyline", {
          class: `k${p.kind}`,
          points: c.lines[i]
            .split(" ")
            .slice(0, shown + 1)
            .join(" "),
        }),
      ),
      s("line", { class: "cursor", x1: x, y1: c.top, x2: x, y2: bottom }),
    );
  }
  function drawAll() {
    for (const each of [momentum, beta, ...rows]) each.show();
    if (!timer) shown = model.get("at");
    drawWays();
    waiting = false;
    ask();
  }

  // ---- the start: mouse, finger, keys ----
  function place(event) {
    const g = model.get("ground");
    const box = map.getBoundingClientRect();
    const scale = (g.width + EDGE.left + EDGE.right) / box.width;
    const px = (event.clientX - box.left) * scale - EDGE.left;
    const py = (event.clientY - box.top) * scale - EDGE.top;
    const [left, right, low, high] = g.box;
    aim(left + (px / g.width) * (right - left), high - (py / g.height) * (high - low));
  }
  const aim = (x, y) => {
    const [left, right, low, high] = model.get("ground").box;
    const within = (v, a, b) => Math.round(Math.max(a, Math.min(b, v)) * 100) / 100;
    later({ start: [within(x, left, right), within(y, low, high)] });
  };
  const nudge = (dx, dy) => {
    const [x, y] = wish.start ?? model.get("start");
    aim(x + dx, y + dy);
  };
  map.addEventListener("pointerdown", (event) => {
    map.setPointerCapture(event.pointerId);
    place(event);
  });
  map.addEventListener("pointermove", (event) => {
    if (map.hasPointerCapture(event.pointerId)) place(event);
  });

  frame(
    model,
    el,
    "race-view",
    "Race of optimizers on a landscape",
    [
      h("div", { class: "lt-bar" }, where, formula),
      h("div", { class: "lt-bar" }, play, stepOn, back, reset, end, count),
      h(
        "div",
        { class: "lt-race-both" },
        map,
        h(
          "div",
          { class: "lt-race-side" },
          board,
          h("div", { class: "lt-bar lt-race-sliders" }, momentum, beta),
          chart,
        ),
      ),
    ],
    listen,
  );
  keys(
    map,
    {
      ArrowLeft: () => nudge(-0.1, 0),
      ArrowRight: () => nudge(0.1, 0),
      ArrowUp: () => nudge(0, 0.1),
      ArrowDown: () => nudge(0, -0.1),
      " ": () => play.click(),
      Enter: () => jump(shown + 1),
      Backspace: () => jump(shown - 1),
      Home: () => jump(0),
      End: () => jump(model.get("steps")),
    },
    listen,
  );
  listen.on("ground", drawGround);
  listen.on("race report", drawAll);
  drawGround();
  drawAll();
  return () => listen.stop();
}

export default { render };
