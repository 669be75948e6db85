import { h, keys, send } from "./common.js";

// A tree of lines that fold, with the keys that WAI-ARIA has for trees. The trait `rows` holds the
// lines on show: {depth, arrow: "open", "folded" or "", …}; `selected` and `folded` name lines by
// their field `key`. Class names begin with `prefix`; `cells(row, arrow)` fills a line.

const SIGN = { open: "▾", folded: "▸", "": "" };

export function foldingTree(model, listen, { prefix, key, label, cells, state, head, more = {} }) {
  const tree = h("div", {
    class: `${prefix}-rows`,
    role: "tree",
    tabindex: "0",
    "aria-label": `${label}, right unfolds or goes in, left folds or goes out`,
  });
  // Lines need ids for aria-activedescendant, and several trees may stand on one page.
  const mark = `${prefix}-${model.model_id ?? Math.random().toString(36).slice(2)}`;

  const rows = () => model.get("rows");
  const place = () => rows().findIndex((r) => r[key] === model.get("selected"));
  const select = (row) => row && send(model, { selected: row[key] });
  function fold(row, wanted) {
    const others = model.get("folded").filter((name) => name !== row[key]);
    send(model, { folded: wanted ? [...others, row[key]] : others });
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

  function line(row, i) {
    const on = row[key] === model.get("selected");
    const arrow = h("span", { class: `${prefix}-arrow`, "aria-hidden": "true" }, SIGN[row.arrow]);
    const made = h(
      "div",
      {
        class: `${prefix}-row${on ? " lt-on" : ""}`,
        role: "treeitem",
        id: `${mark}-${i}`,
        "aria-level": row.depth + 1,
        "aria-selected": String(on),
        "aria-expanded": row.arrow ? String(row.arrow === "open") : null,
        [`data-${key}`]: row[key],
        "data-state": state?.(row),
      },
      ...cells(row, arrow),
    );
    arrow.addEventListener("click", (event) => {
      event.stopPropagation();
      toggle(row);
    });
    made.addEventListener("click", () => {
      select(row);
      tree.focus();
    });
    made.addEventListener("dblclick", () => toggle(row));
    return made;
  }

  function draw() {
    tree.replaceChildren(...(head ? [head] : []), ...rows().map(line));
    tree.setAttribute("aria-activedescendant", `${mark}-${Math.max(0, place())}`);
    const on = tree.querySelector(".lt-on");
    if (on && document.activeElement === tree) on.scrollIntoView({ block: "nearest" });
  }

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
      ...more,
    },
    listen,
  );
  const foldable = () => rows().filter((r) => r.depth && r.arrow);
  return {
    element: tree,
    draw,
    enter() {
      if (place() < 0) select(rows()[0]);
      tree.focus();
    },
    unfoldAll: () => send(model, { folded: [] }),
    foldAll: () => send(model, { folded: foldable().map((r) => r[key]) }),
  };
}
