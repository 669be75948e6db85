import { button, frame, h, keys, listener, send, table } from "./common.js";

function render({ model, el }) {
  const listen = listener(model);
  const summary = h("div", { class: "lt-tree-summary" });
  const tree = h("div", {
    class: "lt-tree-rows",
    role: "tree",
    tabindex: "0",
    "aria-label":
      "modules: up and down choose one, right unfolds or goes in, left folds or goes out",
  });
  const side = h("div", { class: "lt-tree-detail" });
  // Rows need ids for aria-activedescendant, and several trees may stand on one page.
  const mark = `lt-tree-${model.model_id ?? Math.random().toString(36).slice(2)}`;

  const rows = () => model.get("rows");
  const place = () => rows().findIndex((r) => r.path === model.get("selected"));
  const select = (row) => row && send(model, { selected: row.path });
  function fold(row, wanted) {
    const others = model.get("folded").filter((path) => path !== row.path);
    send(model, { folded: wanted ? [...others, row.path] : others });
  }
  const toggle = (row) => row?.arrow && fold(row, row.arrow === "open");

  function right() {
    const at = place();
    const row = rows()[at];
    if (row?.arrow === "folded") fold(row, false);
    else if (row?.arrow === "open") select(rows()[at + 1]);
  }
  function left() {
    const at = place();
    const row = rows()[at];
    if (row?.arrow === "open") fold(row, true);
    else if (row) select(rows().findLast((r, i) => i < at && r.depth < row.depth));
  }

  const SIGN = { open: "▾", folded: "▸", "": "" };
  const MARK = { trainable: "●", frozen: "❄", "partly frozen": "◐", "no parameters": "–" };

  function drawRows() {
    const chosen = model.get("selected");
    tree.replaceChildren(
      h(
        "div",
        { class: "lt-tree-row lt-tree-head", "aria-hidden": "true" },
        h("span", { class: "lt-tree-name" }, "module"),
        h("span", { class: "lt-tree-count" }, "parameters"),
        h("span", { class: "lt-tree-state" }, "state"),
        h("span", { class: "lt-tree-output" }, "output"),
      ),
      ...rows().map((r, i) => {
        const arrow = h("span", { class: "lt-tree-arrow", "aria-hidden": "true" }, SIGN[r.arrow]);
        const line = h(
          "div",
          {
            class: `lt-tree-row${r.path === chosen ? " lt-on" : ""}`,
            role: "treeitem",
            id: `${mark}-${i}`,
            "aria-level": r.depth + 1,
            "aria-selected": String(r.path === chosen),
            "aria-expanded": r.arrow ? String(r.arrow === "open") : null,
            "data-path": r.path,
          },
          h(
            "span",
            { class: "lt-tree-name", style: `padding-left:${r.depth * 16}px` },
            arrow,
            h("b", {}, r.name),
            " ",
            h("span", { class: "lt-tree-class" }, r.class),
          ),
          h("span", { class: "lt-tree-count" }, r.count.toLocaleString("en-US")),
          h(
            "span",
            { class: "lt-tree-state", "data-state": r.state },
            h("i", { "aria-hidden": "true" }, MARK[r.state]),
            " ",
            r.state,
          ),
          h("span", { class: "lt-tree-output" }, r.output),
        );
        arrow.addEventListener("click", (event) => {
          event.stopPropagation();
          toggle(r);
        });
        line.addEventListener("click", () => {
          select(r);
          tree.focus();
        });
        line.addEventListener("dblclick", () => toggle(r));
        return line;
      }),
    );
    tree.setAttribute("aria-activedescendant", `${mark}-${Math.max(0, place())}`);
    const on = tree.querySelector(".lt-on");
    if (on && document.activeElement === tree) on.scrollIntoView({ block: "nearest" });
  }

  function drawDetail() {
    const d = model.get("detail");
    const heads = ["own tensor", "shape", "numbers", ""];
    const held = d.parameters.length
      ? h("div", { class: "lt-tree-held" }, table(d.parameters, heads))
      : h("p", {}, "It has no parameters of its own.");
    side.replaceChildren(
      h("div", {}, h("code", { class: "lt-code" }, d.expression)),
      h("pre", {}, d.repr),
      held,
      table(d.facts),
    );
  }
  function draw() {
    summary.textContent = model.get("summary");
    drawRows();
    drawDetail();
  }

  const foldable = () => rows().filter((r) => r.depth && r.arrow);
  const unfoldAll = () => send(model, { folded: [] });
  const foldAll = () => send(model, { folded: foldable().map((r) => r.path) });
  frame(
    model,
    el,
    "tree-view",
    "Module tree",
    [
      h(
        "div",
        { class: "lt-bar" },
        summary,
        button("Unfold all", "show every module", unfoldAll),
        button("Fold all", "show the first level only", foldAll),
        button("Look again", "the model may have changed", () => model.send({ type: "again" })),
      ),
      h("div", { class: "lt-tree-both" }, tree, side),
    ],
    listen,
  );
  keys(
    tree,
    {
      ArrowUp: () => select(rows()[place() - 1]),
      ArrowDown: () => select(rows()[place() + 1]),
      ArrowRight: right,
      ArrowLeft: left,
      Home: () => select(rows()[0]),
      End: () => select(rows().at(-1)),
      Enter: () => toggle(rows()[place()]),
      " ": () => toggle(rows()[place()]),
    },
    listen,
  );
  listen.on("rows selected summary", draw);
  listen.on("detail", drawDetail);
  draw();
  return () => listen.stop();
}

export default { render };
