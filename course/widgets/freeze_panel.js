import { button, frame, h, keys, listener, send, table } from "./common.js";

const SIGN = { learns: "●", partly: "◐", frozen: "❄" };
const BACK = { "": "", passes: "↑", "ends here": "⤒ ends" };

function render({ model, el }) {
  const listen = listener(model);
  // Rows need ids for aria-activedescendant, and several panels may stand on one page.
  const mark = `lt-ice-${model.model_id ?? Math.random().toString(36).slice(2)}`;
  const rows = () => model.get("rows");
  const place = () => rows().findIndex((r) => r.path === model.get("selected"));
  const select = (row) => row && send(model, { selected: row.path });

  function toggle(row) {
    if (!row) return;
    const others = model.get("on").filter((path) => path !== row.path);
    const learns = row.state === "learns";
    send(model, { on: learns ? others : [...others, row.path], selected: row.path });
  }
  const presets = h("div", {
    class: "lt-bar",
    role: "group",
    "aria-label": "ready choices of blocks that learn",
  });
  const optimizer = h(
    "select",
    { onchange: (e) => send(model, { optimizer: e.target.value }) },
    ...model.get("fixed").optimizers.map((name) => h("option", { value: name }, name)),
  );
  const steady = h("input", {
    type: "checkbox",
    onchange: (e) => send(model, { steady: e.target.checked }),
  });
  const measure = button("Measure a step", "take one step with the sample, by the clock", () =>
    model.send({ type: "measure" }),
  );
  const again = button("Look again", "the model may have changed", () =>
    model.send({ type: "again" }),
  );
  const list = h("div", {
    class: "lt-ice-rows",
    role: "listbox",
    tabindex: "0",
    "aria-label":
      "blocks: up and down choose one, the space bar lets it learn or freezes it, " +
      "B changes it and all blocks after it",
  });
  const budget = h("div", { class: "lt-ice-budget" });
  const totals = h("div", {});
  const detail = h("div", { class: "lt-ice-detail" });

  function drawPresets() {
    presets.replaceChildren(
      ...model.get("fixed").presets.map(([name, paths]) =>
        button(name, `let ${paths.length} of ${rows().length} blocks learn`, () =>
          model.send({ type: "choose", paths }),
        ),
      ),
    );
    const partly = rows().some((r) => r.state === "partly");
    const on = partly ? null : model.get("on").join("\n");
    model.get("fixed").presets.forEach(([, paths], i) => {
      presets.childNodes[i].setAttribute("aria-pressed", String(paths.join("\n") === on));
    });
    measure.disabled = !model.get("fixed").measurable;
  }
  function norms(r) {
    const said = { "": "", still: "norm still", moving: "norm moving" }[r.norms];
    return h("span", { class: r.warning ? "lt-ice-norms lt-bad" : "lt-ice-norms" }, said);
  }
  function drawRows() {
    const chosen = model.get("selected");
    list.replaceChildren(
      ...rows().map((r, i) => {
        const turn = h(
          "span",
          { class: "lt-ice-switch", "data-state": r.state, "aria-hidden": "true" },
          h("i", {}),
        );
        const line = h(
          "div",
          {
            class: `lt-ice-row${r.path === chosen ? " lt-on" : ""}`,
            role: "option",
            id: `${mark}-${i}`,
            "aria-selected": String(r.path === chosen),
            "aria-label": `${r.path}, ${r.class}, ${r.count} numbers, ${r.state}`,
            "data-path": r.path,
          },
          turn,
          h("span", { class: "lt-ice-name" }, h("b", {}, r.path), " ", h("i", {}, r.class)),
          h("span", { class: "lt-ice-count" }, r.count.toLocaleString("en-US")),
          h(
            "span",
            { class: "lt-ice-state", "data-state": r.state },
            `${SIGN[r.state]} ${r.state}`,
          ),
          norms(r),
          h("span", { class: "lt-ice-back" }, BACK[r.back]),
        );
        turn.addEventListener("click", (event) => {
          event.stopPropagation();
          toggle(r);
          list.focus();
        });
        line.addEventListener("click", () => {
          select(r);
          list.focus();
        });
        return line;
      }),
    );
    list.setAttribute("aria-activedescendant", `${mark}-${Math.max(0, place())}`);
    const on = list.querySelector(".lt-on");
    if (on && document.activeElement === list) on.scrollIntoView({ block: "nearest" });
  }
  function drawTotals() {
    const sum = model.get("totals"),
      most = model.get("fixed").budget;
    totals.replaceChildren(table(sum.lines));
    const share = most ? Math.min(100, (100 * sum.trainable) / most) : 0;
    budget.replaceChildren(
      ...(most
        ? [
            h(
              "div",
              { class: "lt-ice-bar", "data-fits": String(sum.fits), "aria-hidden": "true" },
              h("i", { style: `width:${share}%` }),
            ),
            h(
              "span",
              { class: sum.fits ? "lt-good" : "lt-bad" },
              `${sum.fits ? "✔" : "✘"} ${sum.trainable.toLocaleString("en-US")} of at most ` +
                `${most.toLocaleString("en-US")}`,
            ),
          ]
        : []),
    );
  }
  function drawDetail() {
    const lines = model.get("detail");
    detail.replaceChildren(
      h("h5", {}, `Parameters of ${model.get("fixed").name}, ${model.get("selected")}`),
      table(lines, ["name", "shape", "numbers", ""]),
    );
  }
  function draw() {
    optimizer.value = model.get("optimizer");
    steady.checked = model.get("steady");
    drawPresets();
    drawRows();
    drawTotals();
    drawDetail();
  }
  // From the chosen block to the last: learn, or freeze when all of them learn already.
  function rest() {
    const from = rows()
      .slice(place())
      .map((r) => r.path);
    const before = model.get("on").filter((path) => !from.includes(path));
    const all = from.every((path) => model.get("on").includes(path));
    send(model, { on: all ? before : [...before, ...from] });
  }

  frame(
    model,
    el,
    "ice",
    "Freeze panel",
    [
      h(
        "div",
        { class: "lt-bar" },
        presets,
        h("label", {}, "optimizer", optimizer),
        h("label", {}, steady, "frozen batch norms in eval mode"),
        measure,
        again,
      ),
      h(
        "div",
        { class: "lt-ice-both" },
        list,
        h("div", { class: "lt-ice-side" }, budget, totals, detail),
      ),
    ],
    listen,
  );
  keys(
    list,
    {
      ArrowUp: () => select(rows()[place() - 1]),
      ArrowDown: () => select(rows()[place() + 1]),
      Home: () => select(rows()[0]),
      End: () => select(rows().at(-1)),
      " ": () => toggle(rows()[place()]),
      Enter: () => toggle(rows()[place()]),
      b: rest,
      B: rest,
    },
    listen,
  );
  listen.on("rows selected totals optimizer steady fixed on", draw);
  listen.on("detail", drawDetail);
  draw();
  return () => listen.stop();
}

export default { render };
