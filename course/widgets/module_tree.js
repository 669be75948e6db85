import { button, frame, h, listener, table } from "./common.js";
import { foldingTree } from "./tree.js";

const MARK = { trainable: "●", frozen: "❄", "partly frozen": "◐", "no parameters": "–" };

const head = () =>
  h(
    "div",
    { class: "lt-tree-row lt-tree-head", "aria-hidden": "true" },
    h("span", { class: "lt-tree-name" }, "module"),
    h("span", { class: "lt-tree-count" }, "parameters"),
    h("span", { class: "lt-tree-state" }, "state"),
    h("span", { class: "lt-tree-output" }, "output"),
  );

const cells = (r, arrow) => [
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
];

function render({ model, el }) {
  const listen = listener(model);
  const summary = h("div", { class: "lt-tree-summary" });
  const tree = foldingTree(model, listen, {
    prefix: "lt-tree",
    key: "path",
    label: "modules: up and down choose one",
    head: head(),
    cells,
  });
  const side = h("div", { class: "lt-tree-detail" });

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
    tree.draw();
    drawDetail();
  }

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
        button("Unfold all", "show every module", tree.unfoldAll),
        button("Fold all", "show the first level only", tree.foldAll),
        button("Look again", "the model may have changed", () => model.send({ type: "again" })),
      ),
      h("div", { class: "lt-tree-both" }, tree.element, side),
    ],
    listen,
  );
  listen.on("rows selected summary", draw);
  listen.on("detail", drawDetail);
  draw();
  return () => listen.stop();
}

export default { render };
