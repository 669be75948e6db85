import { frame, h, keys, listener, s, send } from "./common.js";

function render({ model, el }) {
  const listen = listener(model);
  const LOW = -6;
  const HIGH = 6;
  const pick = (list, value) => {
    const now = list.querySelector(`option[value="${value}"]`);
    if (now) list.value = value;
  };

  // ---- controls ----
  const options = (list) => list.map(([name, , label]) => h("option", { value: name }, label));
  const groups = { numbers: "for numbers", scores: "for classes, from scores" };
  const loss = h(
    "select",
    { "aria-label": "loss" },
    ...Object.entries(groups).map(([group, label]) =>
      h("optgroup", { label }, ...options(model.get("choices").filter((c) => c[1] === group))),
    ),
  );
  const other = h("select", { "aria-label": "compare with" });
  loss.addEventListener("change", () => send(model, { loss: loss.value }));
  other.addEventListener("change", () => send(model, { other: other.value }));

  function slider(trait, label, low, high, step) {
    const input = h("input", { type: "range", min: low, max: high, step, "aria-label": label });
    const shown = h("output", { class: "lt-mono" });
    input.addEventListener("input", () => later(trait, Number(input.value)));
    const box = h("label", {}, h("span", {}, label), input, shown);
    box.show = () => {
      const value = model.get(trait);
      if (document.activeElement !== input || Math.abs(Number(input.value) - value) > step)
        input.value = value;
      shown.textContent = String(Number(value.toFixed(2)));
    };
    return box;
  }
  const prediction = slider("x", "prediction", LOW, HIGH, 0.1);
  const target = slider("target", "target", LOW, HIGH, 0.5);
  const bend = slider("bend", "bend δ or β", 0.1, 4, 0.1);
  const smoothing = slider("smoothing", "label smoothing ε", 0, 0.5, 0.05);
  const truth = h("input", { type: "checkbox" });
  truth.addEventListener("change", () => send(model, { target: truth.checked ? 1 : 0 }));
  const truthBox = h("label", {}, truth, "the truth is yes");

  // The kernel is asked again only when it has answered: a dragged point never runs ahead of it.
  let waiting = false;
  let wish = {};
  function later(trait, value) {
    wish[trait] = value;
    if (!waiting) ask();
  }
  function ask() {
    const changed = Object.entries(wish).filter(([trait, v]) => model.get(trait) !== v);
    wish = {};
    waiting = changed.length > 0;
    if (waiting) send(model, Object.fromEntries(changed));
  }
  const clamp = (v) => Math.max(LOW, Math.min(HIGH, v));
  const now = (trait) => wish[trait] ?? model.get(trait);
  const nudge = (trait, by) => later(trait, clamp(Math.round((now(trait) + by) * 100) / 100));
  function aim(by) {
    if (model.get("picture").group === "numbers") nudge("target", by);
    else send(model, { target: by > 0 ? 1 : 0 });
  }

  // ---- pictures ----
  const stage = h("div", {
    class: "lt-shape-panels",
    tabindex: "0",
    role: "application",
    "aria-label":
      "the curves: left and right arrow keys move the point, page up and page down by 1, " +
      "up and down the target",
  });
  const rows = h("div", { class: "lt-shape-rows" });
  const strip = s("svg", {
    class: "lt-shape-strip",
    tabindex: "0",
    role: "slider",
    "aria-label": "the wild number: left and right arrow keys move it",
    "aria-valuemin": LOW,
    "aria-valuemax": HIGH,
  });
  const line = (kind, x1, y1, x2, y2) => s("line", { class: kind, x1, y1, x2, y2 });
  const words = (kind, x, y, text) => {
    const e = s("text", { class: kind, x, y });
    e.textContent = text;
    return e;
  };
  const two = model.get("picture").panels.map(() => s("svg", { class: "lt-shape-panel" }));
  stage.append(...two);

  function place(svg, f) {
    svg.setAttribute("viewBox", `0 0 ${f.width} ${f.height}`);
  }
  function drawPanel(svg, each, f, name) {
    const right = f.width - f.right;
    const bottom = f.height - f.bottom;
    place(svg, f);
    svg.replaceChildren(
      words("head", f.left, f.top - 9, each.title),
      words("small end", right, f.top - 9, `${name} →`),
      ...each.yticks.flatMap(([y, text]) => [
        line("grid", f.left, y, right, y),
        words("small end", f.left - 6, y + 4, text),
      ]),
      ...each.xticks.map(([x, text]) => words("small mid", x, bottom + 16, text)),
      line("axis", f.left, each.zero, right, each.zero),
      ...(each.target === null ? [] : [line("target", each.target, f.top, each.target, bottom)]),
      ...each.curves.flatMap((c) =>
        c.lines.map((points) => s("polyline", { class: c.kind, points })),
      ),
      ...each.tangents.map((g) => s("polyline", { class: `tangent ${g.kind}`, points: g.line })),
      ...each.dots.map((d) =>
        s("circle", {
          class: `dot ${d.kind}${d.outside ? " outside" : ""}`,
          cx: d.x,
          cy: d.y,
          r: 6,
        }),
      ),
    );
  }
  function drawRows(p) {
    const heads = ["", "the loss", "loss", "slope", p.extra];
    const mark = (kind) =>
      s(
        "svg",
        { width: 28, height: 10, "aria-hidden": "true" },
        s("path", { class: kind, d: "M1 5h26" }),
      );
    rows.replaceChildren(
      h(
        "table",
        {},
        h("thead", {}, h("tr", {}, ...heads.map((t) => h("th", { scope: "col" }, t)))),
        h(
          "tbody",
          {},
          ...p.rows.map((r) =>
            h(
              "tr",
              {},
              h("td", {}, mark(r.kind)),
              h("th", { scope: "row" }, r.label),
              h("td", { class: "lt-mono lt-loss" }, r.loss),
              h("td", { class: "lt-mono lt-slope" }, r.slope),
              h("td", { class: "lt-mono lt-extra" }, r.extra),
            ),
          ),
        ),
      ),
      h("pre", {}, p.rows.map((r) => r.code).join("\n")),
    );
  }
  function drawStrip(p) {
    const shown = p.group === "numbers";
    strip.style.display = shown ? "" : "none";
    if (!shown) return;
    const f = p.strip.frame;
    const y = p.strip.line;
    const x = p.strip.outlier;
    place(strip, f);
    strip.setAttribute("aria-valuenow", model.get("outlier"));
    strip.replaceChildren(
      words("small", f.left, 12, "seven numbers: drag the wild one"),
      line("axis", f.left, y, f.width - f.right, y),
      ...p.strip.ticks.map(([at, text]) => words("small mid", at, y + 20, text)),
      ...p.strip.dots.map((at) => s("circle", { class: "datum", cx: at, cy: y, r: 4.5 })),
      s("path", { class: "wild", d: `M${x} ${y - 9}l8 9l-8 9l-8 -9z` }),
      ...p.strip.best.flatMap((b, i) => [
        s("path", { class: `best ${b.kind}`, d: `M${b.x} ${y - 8}l-5 -9h10z` }),
        words("small mid", b.x, y - 22 - 12 * i, b.text),
      ]),
    );
  }
  function draw() {
    const p = model.get("picture");
    pick(loss, model.get("loss"));
    other.replaceChildren(
      h("option", { value: "" }, "nothing"),
      ...options(
        model.get("choices").filter((c) => c[1] === p.group && c[0] !== model.get("loss")),
      ),
    );
    other.value = model.get("other");
    prediction.firstChild.textContent = p.x_name;
    prediction.querySelector("input").setAttribute("aria-label", p.x_name);
    target.style.display = p.group === "numbers" ? "" : "none";
    truthBox.style.display = p.group === "numbers" ? "none" : "";
    bend.style.display = p.uses.includes("bend") ? "" : "none";
    smoothing.style.display = p.uses.includes("smoothing") ? "" : "none";
    truth.checked = model.get("target") === 1;
    for (const each of [prediction, target, bend, smoothing]) each.show();
    two.forEach((svg, i) => drawPanel(svg, p.panels[i], p.frame, p.x_name));
    drawRows(p);
    drawStrip(p);
    waiting = false;
    ask();
  }

  // ---- mouse and finger ----
  function follow(svg, trait, step) {
    function where(event) {
      const p = model.get("picture");
      const f = trait === "x" ? p.frame : p.strip.frame;
      const box = svg.getBoundingClientRect();
      const px = ((event.clientX - box.left) / box.width) * f.width;
      const value = LOW + ((px - f.left) / (f.width - f.left - f.right)) * (HIGH - LOW);
      later(trait, clamp(Math.round(Math.round(value / step) * step * 100) / 100));
    }
    svg.addEventListener("pointerdown", (event) => {
      svg.setPointerCapture(event.pointerId);
      where(event);
    });
    svg.addEventListener("pointermove", (event) => {
      if (svg.hasPointerCapture(event.pointerId)) where(event);
    });
  }
  two.forEach((svg) => follow(svg, "x", 0.05));
  follow(strip, "outlier", 0.25);

  frame(
    model,
    el,
    "shapes-view",
    "Shapes of losses",
    [
      h(
        "div",
        { class: "lt-bar" },
        h("label", {}, "loss", loss),
        h("label", {}, "compare with", other),
        truthBox,
      ),
      h("div", { class: "lt-bar lt-shape-sliders" }, prediction, target, bend, smoothing),
      stage,
      rows,
      strip,
    ],
    listen,
  );
  keys(
    stage,
    {
      ArrowLeft: () => nudge("x", -0.1),
      ArrowRight: () => nudge("x", 0.1),
      PageDown: () => nudge("x", -1),
      PageUp: () => nudge("x", 1),
      Home: () => later("x", LOW),
      End: () => later("x", HIGH),
      ArrowUp: () => aim(0.5),
      ArrowDown: () => aim(-0.5),
    },
    listen,
  );
  keys(
    strip,
    { ArrowLeft: () => nudge("outlier", -0.5), ArrowRight: () => nudge("outlier", 0.5) },
    listen,
  );
  listen.on("picture", draw);
  draw();
  return () => listen.stop();
}

export default { render };
