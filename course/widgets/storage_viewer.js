import { button, frame, h, keys, listener, send } from "./common.js";

function render({ model, el }) {
  const listen = listener(model);
  const code = h("code", { class: "lt-code" });
  const facts = h("div", { class: "lt-facts" });
  const memory = h("div", { class: "lt-memory", role: "group", "aria-label": "storage" });
  const view = h("div", {
    class: "lt-view",
    tabindex: "0",
    role: "application",
    "aria-label": "the view: arrow keys go from element to element",
  });
  const controls = h("div", { class: "lt-slices" });
  let marks = [];

  function draw() {
    const p = model.get("picture");
    code.textContent = p.code;
    facts.textContent = p.caption;
    memory.replaceChildren(
      ...p.cells.map((text, i) => {
        const cell = h(
          "div",
          { class: `lt-cell${p.visited[i] ? " used" : ""}`, "data-cell": i, title: `cell ${i}` },
          h("small", {}, String(i)),
          h("span", {}, text),
        );
        cell.addEventListener("pointerenter", () => point(owner(i)));
        cell.addEventListener("click", () => point(owner(i)));
        return cell;
      }),
    );
    view.replaceChildren(
      ...p.tables.map((table) =>
        h(
          "table",
          {},
          table.title ? h("caption", {}, table.title) : null,
          h(
            "tbody",
            {},
            ...table.rows.map((row) =>
              h(
                "tr",
                {},
                ...row.map((e) => {
                  const cell = h(
                    "td",
                    { "data-index": e.index.join(","), "data-cell": e.cell },
                    e.text,
                  );
                  cell.addEventListener("pointerenter", () => point(e.index));
                  cell.addEventListener("click", () => {
                    point(e.index);
                    view.focus();
                  });
                  return cell;
                }),
              ),
            ),
          ),
        ),
      ),
    );
    drawControls(p);
    mark();
  }
  // The first element that looks at a memory cell.
  function owner(cell) {
    for (const table of model.get("picture").tables) {
      for (const row of table.rows) for (const e of row) if (e.cell === cell) return e.index;
    }
    return [];
  }
  function point(index) {
    if (index.join() !== model.get("index").join()) send(model, { index });
  }
  function mark() {
    marks.forEach((e) => e.classList.remove("lt-on"));
    const index = model.get("index");
    const chosen =
      index.length || !model.get("picture").shape.length
        ? view.querySelector(`[data-index="${index.join(",")}"]`)
        : null;
    marks = chosen
      ? [
          ...memory.querySelectorAll(`[data-cell="${chosen.dataset.cell}"]`),
          ...view.querySelectorAll(`[data-cell="${chosen.dataset.cell}"]`),
        ]
      : [];
    marks.forEach((e) => e.classList.add("lt-on"));
  }
  function go(dim, by) {
    const { shape } = model.get("picture");
    if (!shape.length) return;
    const index = model.get("index").length ? [...model.get("index")] : shape.map(() => 0);
    const at = shape.length - 1 - dim;
    if (model.get("index").length && at >= 0)
      index[at] = Math.max(0, Math.min(shape[at] - 1, index[at] + by));
    point(index);
  }
  // Sliders are built once; later only their values change, so that one can be dragged.
  function drawControls(p) {
    const { sizes } = p,
      slices = model.get("slices");
    if (!controls.childElementCount) {
      controls.append(
        ...sizes.map((n, dim) =>
          h(
            "fieldset",
            {},
            h("legend", {}, `dim ${dim}, size ${n}`),
            ...["start", "stop", "step"].map((name, k) => {
              const slider = h("input", {
                type: "range",
                min: k === 2 ? 1 : 0,
                max: k === 2 ? Math.max(1, Math.min(n, 4)) : n,
                step: 1,
                "aria-label": `${name} of dim ${dim}`,
                "data-dim": dim,
                "data-part": k,
              });
              slider.addEventListener("input", () => {
                const now = model.get("slices").map((s) => [...s]);
                now[dim][k] = Number(slider.value);
                send(model, { slices: now });
              });
              return h(
                "label",
                {},
                h("span", { class: "lt-part" }, name),
                slider,
                h("output", { class: "lt-mono" }),
              );
            }),
          ),
        ),
      );
    }
    controls.querySelectorAll("input").forEach((slider) => {
      const value = slices[slider.dataset.dim][slider.dataset.part];
      if (Number(slider.value) !== value) slider.value = value;
      slider.nextElementSibling.textContent = value;
    });
    swaps.forEach((b, i) => b.setAttribute("aria-pressed", String(model.get("order")[i] !== i)));
  }
  const { sizes, moves } = model.get("picture");
  const swaps = moves.map((i) =>
    button(
      sizes.length === 2 ? "Transpose" : `Swap dims ${i} and ${i + 1}`,
      "swap two dimensions of the view: no number moves",
      () => {
        const order = [...model.get("order")];
        [order[i], order[i + 1]] = [order[i + 1], order[i]];
        send(model, { order });
      },
    ),
  );
  const reset = button("Reset", "the whole tensor", () =>
    send(model, { slices: sizes.map((n) => [0, n, 1]), order: sizes.map((_, i) => i) }),
  );

  frame(
    model,
    el,
    "storage-view",
    "Storage and stride viewer",
    [
      h("div", { class: "lt-bar" }, code, ...swaps, reset),
      controls,
      facts,
      h("h5", {}, "Storage"),
      memory,
      h("h5", {}, "The view"),
      view,
    ],
    listen,
  );
  keys(
    view,
    {
      ArrowLeft: () => go(0, -1),
      ArrowRight: () => go(0, 1),
      ArrowUp: () => go(1, -1),
      ArrowDown: () => go(1, 1),
      PageUp: () => go(2, -1),
      PageDown: () => go(2, 1),
      Escape: () => point([]),
    },
    listen,
  );
  listen.on("picture", draw);
  listen.on("index", mark);
  draw();
  return () => listen.stop();
}

export default { render };
