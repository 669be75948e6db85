import { button, frame, h, keys, listener, send } from "./common.js";

const LAST = 5;

function render({ model, el }) {
  const listen = listener(model);
  const code = h("pre", { class: "lt-vjp-code" });
  const controls = h("div", { class: "lt-vjp-sliders" });
  const tables = h("div", {
    class: "lt-vjp-tables",
    tabindex: "0",
    role: "application",
    "aria-label":
      "the table of slopes: arrow keys left and right change v[0], up and down v[1], " +
      "Enter goes a step on, Backspace a step back",
  });
  const bars = h("div", { class: "lt-vjp-bars" });
  const count = h("span", { class: "lt-mono lt-vjp-count" });

  const choose = h(
    "select",
    { "aria-label": "function" },
    ...model.get("choices").map(([name, label]) => h("option", { value: name }, label)),
  );
  choose.addEventListener("change", () => send(model, { function: choose.value }));

  const go = (step) => send(model, { step: Math.max(0, Math.min(LAST, step)) });
  const walk = (by) => go(model.get("step") + by);
  const start = button("Start", "go to the first step", () => go(0));
  const back = button("Back", "one step back", () => walk(-1));
  const next = button("Step", "one step on", () => walk(1));
  const all = button("All", "show every step", () => go(LAST));

  function change(name, i, value) {
    const now = [...model.get(name)];
    now[i] = value;
    send(model, { [name]: now });
  }
  function nudge(i, by) {
    change("v", i, Math.max(-3, Math.min(3, model.get("v")[i] + by)));
  }

  // Sliders are built anew only when their number changes, so that one can be dragged.
  function drawControls() {
    const wanted = [
      ...model.get("x").map((_, i) => ["x", i]),
      ...model.get("v").map((_, i) => ["v", i]),
    ];
    if (controls.childElementCount !== wanted.length) {
      controls.replaceChildren(
        ...wanted.map(([name, i]) => {
          const slider = h("input", {
            type: "range",
            min: -3,
            max: 3,
            step: name === "v" ? 0.5 : 0.1,
            "aria-label": `${name}[${i}]`,
            "data-trait": name,
            "data-place": i,
          });
          slider.addEventListener("input", () => change(name, i, Number(slider.value)));
          return h(
            "label",
            {},
            h("span", { class: "lt-mono" }, `${name}[${i}]`),
            slider,
            h("output", { class: "lt-mono" }),
          );
        }),
      );
    }
    const p = model.get("picture");
    controls.querySelectorAll("input").forEach((slider) => {
      const { trait, place } = slider.dataset;
      const value = model.get(trait)[place];
      if (Number(slider.value) !== value) slider.value = value;
      slider.nextElementSibling.textContent = p[trait][place] ?? "";
    });
  }

  const cell = (text, shown, more) =>
    h("td", { class: `lt-mono ${shown ? "" : "lt-hidden"} ${more ?? ""}` }, shown ? text : "?");

  function drawTables() {
    const p = model.get("picture");
    const step = model.get("step");
    const heads = () => p.inputs.map((name) => h("th", { scope: "col", class: "lt-mono" }, name));
    const left = h(
      "table",
      {},
      h("caption", {}, "table of slopes"),
      h(
        "thead",
        {},
        h("tr", {}, h("td", {}), h("th", { scope: "col", class: "lt-mono" }, "v"), ...heads()),
      ),
      h(
        "tbody",
        {},
        ...p.rows.map((row, i) =>
          h(
            "tr",
            { class: step === i + 2 ? "lt-now" : "" },
            h("th", { scope: "row", class: "lt-mono" }, `${row.name} = ${row.value}`),
            cell(row.v, true, "lt-weight"),
            ...row.slopes.map((s) => cell(s, step >= 1, "lt-slope")),
          ),
        ),
      ),
    );
    const line = (name, numbers, at, kind) =>
      h(
        "tr",
        { class: step === at ? "lt-now" : "" },
        h("th", { scope: "row" }, name),
        ...numbers.map((s) => cell(s, step >= at, kind)),
      );
    const right = h(
      "table",
      { class: "lt-weighted" },
      h("caption", {}, "v times row"),
      h("thead", {}, h("tr", {}, h("td", {}), ...heads())),
      h(
        "tbody",
        {},
        line("v[0] · row y[0]", p.rows[0].weighted, 2, "lt-one"),
        line("v[1] · row y[1]", p.rows[1].weighted, 3, "lt-two"),
        line("added up", p.sum, 4, "lt-sum"),
        line("x.grad", p.grad, 5, "lt-grad"),
      ),
    );
    tables.replaceChildren(left, right);
  }

  function drawBars() {
    const p = model.get("picture");
    const step = model.get("step");
    const kinds = ["lt-one", "lt-two", "lt-sum"];
    bars.replaceChildren(
      ...p.bars.map((bar) =>
        h(
          "figure",
          {},
          h("figcaption", { class: "lt-mono" }, bar.input),
          ...bar.parts.map((part, k) =>
            h(
              "div",
              { class: "lt-vjp-bar" },
              h("span", { class: "lt-vjp-name" }, part.name),
              h(
                "span",
                { class: "lt-vjp-line" },
                h("i", {
                  class: step >= k + 2 ? kinds[k] : "lt-hidden",
                  style: `left:${part.start * 100}%;width:${(part.end - part.start) * 100}%`,
                }),
              ),
              h("span", { class: "lt-mono lt-vjp-number" }, step >= k + 2 ? part.text : "?"),
            ),
          ),
        ),
      ),
    );
  }

  function draw() {
    const p = model.get("picture");
    const step = model.get("step");
    code.textContent = p.code.join("\n");
    choose.value = model.get("function");
    count.textContent = `step ${step} of ${LAST}`;
    start.disabled = back.disabled = step === 0;
    next.disabled = all.disabled = step === LAST;
    drawControls();
    drawTables();
    drawBars();
  }

  frame(
    model,
    el,
    "vjp-view",
    "Stepper for the vector-Jacobian product",
    [
      h("div", { class: "lt-bar" }, choose, start, back, next, all, count),
      code,
      controls,
      tables,
      h("h5", {}, "How much each row gives to each input's slope"),
      bars,
    ],
    listen,
  );
  keys(
    tables,
    {
      ArrowLeft: () => nudge(0, -0.5),
      ArrowRight: () => nudge(0, 0.5),
      ArrowDown: () => nudge(1, -0.5),
      ArrowUp: () => nudge(1, 0.5),
      Enter: () => walk(1),
      Backspace: () => walk(-1),
      Home: () => go(0),
      End: () => go(LAST),
    },
    listen,
  );
  listen.on("picture step function", draw);
  draw();
  return () => listen.stop();
}

export default { render };
