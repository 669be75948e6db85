import { button, frame, h, keys, listener, send } from "./common.js";

function render({ model, el }) {
  const listen = listener(model);
  const blocks = h("div", {
    class: "lt-blocks",
    tabindex: "0",
    role: "application",
    "aria-label": "numbers: arrow keys go through the result",
  });
  const says = h("ul", { class: "lt-says" });
  const hint = h("p", { class: "lt-hint lt-bad" });
  const aligned = h("div", { class: "lt-aligned" });
  const expression = field("expression", "what stands between the brackets of t", 14);
  const left = field("left", "shape of a", 7);
  const right = field("right", "shape of b", 7);
  const indexBar = h(
    "div",
    { class: "lt-bar" },
    chooser("index", (text) => ({ expression: text })),
    h("span", { class: "lt-typed" }, "t[", expression, "]"),
  );
  const broadcastBar = h(
    "div",
    { class: "lt-bar" },
    chooser("broadcast", ([a, b]) => ({ left: a, right: b })),
    h("span", { class: "lt-typed" }, "a (", left, ")"),
    h("span", { class: "lt-typed" }, "+ b (", right, ")"),
  );
  const modes = [
    ["index", "Indexing"],
    ["broadcast", "Broadcasting"],
  ].map(([mode, name]) =>
    button(name, `look at ${name.toLowerCase()}`, () => send(model, { mode }), {
      "data-mode": mode,
    }),
  );
  let marks = [];

  function field(trait, label, wide) {
    const box = h("input", {
      type: "text",
      size: wide,
      spellcheck: "false",
      autocomplete: "off",
      "aria-label": label,
      "data-trait": trait,
    });
    const show = () => {
      if (document.activeElement !== box) box.value = model.get(trait);
    };
    box.addEventListener("input", () => send(model, { [trait]: box.value }));
    box.addEventListener("blur", show);
    listen.on(trait, show);
    show();
    return box;
  }
  function chooser(mode, values) {
    const list = model.get("examples")[mode];
    const name = (e) => (mode === "index" ? `t[${e}]` : e.map((s) => `(${s})`).join(" + "));
    const select = h(
      "select",
      { "aria-label": "examples" },
      h("option", { value: "" }, "examples"),
      ...list.map((e, i) => h("option", { value: i }, name(e))),
    );
    select.addEventListener("change", () => {
      if (select.value !== "") send(model, values(list[Number(select.value)]));
      select.value = "";
    });
    return select;
  }
  function draw() {
    const p = model.get("picture");
    const mode = model.get("mode");
    modes.forEach((b) => b.setAttribute("aria-pressed", String(b.dataset.mode === mode)));
    indexBar.hidden = mode !== "index";
    broadcastBar.hidden = mode !== "broadcast";
    says.replaceChildren(...p.says.map((line) => h("li", {}, line)));
    hint.textContent = p.hint;
    drawAligned(p.aligned);
    blocks.replaceChildren(...p.blocks.flatMap((b, i) => block(b, i === p.blocks.length - 1)));
    mark();
  }
  function drawAligned(rows) {
    const line = (name, part) =>
      h(
        "tr",
        {},
        h("th", { scope: "row" }, name),
        ...rows.map((r) => h("td", { class: r.fits ? "" : "lt-bad" }, part(r))),
      );
    aligned.replaceChildren(
      ...(rows.length
        ? [
            h(
              "table",
              {},
              h(
                "tbody",
                {},
                line("", (r) => `dim ${r.dim}`),
                line("a", (r) => r.a),
                line("b", (r) => r.b),
                line("a + b", (r) => r.result),
              ),
            ),
            h(
              "ol",
              {},
              ...[...rows]
                .reverse()
                .map((r) => h("li", { class: r.fits ? "" : "lt-bad" }, `dim ${r.dim}: ${r.says}`)),
            ),
          ]
        : []),
    );
  }
  function block(b, result) {
    const cell = (c) => {
      const td = h(
        "td",
        {
          class: `lt-${c.kind}${c.note ? " lt-noted" : ""}`,
          "data-key": c.key,
          "data-index": result ? c.index.join(",") : null,
        },
        c.text,
        c.note ? h("small", {}, c.note) : null,
      );
      td.addEventListener("pointerenter", () => pointAt(c.key, td));
      td.addEventListener("click", () => {
        pointAt(c.key, td);
        blocks.focus();
      });
      return td;
    };
    const figure = h(
      "figure",
      {},
      h("figcaption", {}, b.name),
      ...b.tables.map((table) =>
        h(
          "table",
          {},
          table.title ? h("caption", {}, table.title) : null,
          h("tbody", {}, ...table.rows.map((row) => h("tr", {}, ...row.map(cell)))),
        ),
      ),
      h("figcaption", { class: "lt-size" }, b.caption),
    );
    return b.before ? [h("span", { class: "lt-between" }, b.before), figure] : [figure];
  }
  // A cell that is not in the result points at the first element of the result that it became.
  function pointAt(key, td) {
    const found = td.dataset.index === undefined ? inResult(`[data-key="${key}"]`) : td;
    point(found ? found.dataset.index.split(",").filter(Boolean).map(Number) : [-1]);
  }
  function inResult(selector) {
    return blocks.querySelector(`[data-index]${selector}`);
  }
  function point(at) {
    if (at.join() !== model.get("at").join()) send(model, { at });
  }
  function mark() {
    marks.forEach((e) => e.classList.remove("lt-on"));
    const chosen = inResult(`[data-index="${model.get("at").join(",")}"]`);
    marks = chosen ? [...blocks.querySelectorAll(`[data-key="${chosen.dataset.key}"]`)] : [];
    marks.forEach((e) => e.classList.add("lt-on"));
  }
  function go(dim, by) {
    const { blocks: shown } = model.get("picture");
    const shape = shown.length ? shown[shown.length - 1].shape : [];
    if (!shape.length) return;
    const begun = model.get("at")[0] !== -1;
    const at = begun ? [...model.get("at")] : shape.map(() => 0);
    const k = shape.length - 1 - dim;
    if (begun && k >= 0) at[k] = Math.max(0, Math.min(shape[k] - 1, at[k] + by));
    point(at);
  }

  frame(
    model,
    el,
    "shape-explorer",
    "Index and broadcast explorer",
    [
      h("div", { class: "lt-bar" }, ...modes),
      indexBar,
      broadcastBar,
      aligned,
      blocks,
      says,
      hint,
    ],
    listen,
  );
  keys(
    blocks,
    {
      ArrowLeft: () => go(0, -1),
      ArrowRight: () => go(0, 1),
      ArrowUp: () => go(1, -1),
      ArrowDown: () => go(1, 1),
      PageUp: () => go(2, -1),
      PageDown: () => go(2, 1),
      Escape: () => point([-1]),
    },
    listen,
  );
  listen.on("picture", draw);
  listen.on("at", mark);
  draw();
  return () => listen.stop();
}

export default { render };
