import { button, frame, h, keys, listener, send, table } from "./common.js";

const WAYS = [
  ["count", "counts", "how many examples"],
  ["truth", "by row", "as a share of the true class: recall on the diagonal"],
  ["guess", "by column", "as a share of the guesses: precision on the diagonal"],
];

function render({ model, el }) {
  const listen = listener(model);
  const mark = `lt-cm-${model.model_id ?? Math.random().toString(36).slice(2)}`;
  const summary = h("div", { class: "lt-cm-summary" });
  const grid = h("table", {
    class: "lt-cm-grid",
    role: "grid",
    tabindex: "0",
    "aria-label": "confusion matrix, a row for each true class: arrow keys choose a cell",
  });
  const detail = h("div", { class: "lt-cm-detail" });
  const scores = h("div", { class: "lt-cm-scores" });
  const ways = h(
    "div",
    { class: "lt-bar", role: "group", "aria-label": "what the cells show" },
    ...WAYS.map(([way, name, title]) => button(name, title, () => send(model, { normalize: way }))),
    button("Next mistake", "the next largest cell off the diagonal (M)", mistake),
  );
  function mistake() {
    model.send({ type: "mistake" });
  }
  const choose = (row, column) => send(model, { chosen: [row, column] });

  function drawGrid() {
    const { names, cells, summary: said, way } = model.get("table");
    summary.textContent = said;
    WAYS.forEach(([name], i) =>
      ways.childNodes[i].setAttribute("aria-pressed", String(name === way)),
    );
    const long = names.some((name) => name.length > 3);
    const head = h(
      "tr",
      {},
      h("td", { class: "lt-cm-corner", "aria-hidden": "true" }),
      ...names.map((name) =>
        h("th", { scope: "col", title: name, class: long ? "lt-cm-tall" : null }, name),
      ),
    );
    grid.replaceChildren(
      h("caption", {}, "a row for each true class, a column for each guess"),
      h("thead", {}, head),
      h(
        "tbody",
        {},
        ...cells.map((line, r) =>
          h(
            "tr",
            { role: "row" },
            h("th", { scope: "row", title: names[r] }, names[r]),
            ...line.map((cell, c) =>
              h(
                "td",
                {
                  role: "gridcell",
                  id: `${mark}-${r}-${c}`,
                  class: r === c ? "lt-cm-right" : "lt-cm-wrong",
                  style: `--level: ${0.06 * cell.level}`,
                  "data-nil": String(!cell.count),
                  "aria-label": `${names[r]} called ${names[c]}: ${cell.text}`,
                  onclick: () => {
                    choose(r, c);
                    grid.focus();
                  },
                },
                cell.text,
              ),
            ),
          ),
        ),
      ),
    );
    grid.classList.toggle("lt-cm-many", names.length > 12);
    drawChosen();
  }

  function drawChosen() {
    const [row, column] = model.get("chosen");
    grid.querySelectorAll("[role=gridcell]").forEach((cell) => {
      const on = cell.id === `${mark}-${row}-${column}`;
      cell.classList.toggle("lt-on", on);
      cell.setAttribute("aria-selected", String(on));
    });
    grid.setAttribute("aria-activedescendant", `${mark}-${row}-${column}`);
    const lines = scores.querySelectorAll("tbody tr");
    lines.forEach((line, i) => line.classList.toggle("lt-on", i === row || i === column));
  }

  function drawScores() {
    const head = ["class", "precision", "recall", "F1", "examples"];
    scores.replaceChildren(table(model.get("table").scores, head));
    drawChosen();
  }

  function drawDetail() {
    const d = model.get("detail");
    const shown = d.items.map((item) =>
      h(
        "figure",
        {},
        item.picture ? h("img", { src: item.picture, alt: `example ${item.caption}` }) : null,
        item.text ? h("p", { class: "lt-cm-text" }, item.text) : null,
        h("figcaption", {}, item.caption),
      ),
    );
    detail.replaceChildren(
      h("h4", {}, d.title),
      table(d.facts),
      h("div", { class: "lt-cm-items" }, ...shown),
      ...(d.more ? [h("p", {}, `… and ${d.more} more`)] : []),
    );
  }

  function move(down, right) {
    return () => {
      const [row, column] = model.get("chosen");
      const last = model.get("table").names.length - 1;
      const kept = (v) => Math.max(0, Math.min(last, v));
      choose(kept(row + down), kept(column + right));
    };
  }

  frame(
    model,
    el,
    "confusion",
    "Confusion matrix",
    [
      summary,
      ways,
      h(
        "div",
        { class: "lt-cm-both" },
        h("div", { class: "lt-cm-hold" }, grid),
        h("div", { class: "lt-cm-side" }, detail),
      ),
      h("details", {}, h("summary", {}, "Precision and recall of each class"), scores),
    ],
    listen,
  );
  keys(
    grid,
    {
      ArrowUp: move(-1, 0),
      ArrowDown: move(1, 0),
      ArrowLeft: move(0, -1),
      ArrowRight: move(0, 1),
      Home: move(0, -1000),
      End: move(0, 1000),
      PageUp: move(-1000, 0),
      PageDown: move(1000, 0),
      m: mistake,
    },
    listen,
  );
  listen.on("table", () => {
    drawGrid();
    drawScores();
  });
  listen.on("chosen", drawChosen);
  listen.on("detail", drawDetail);
  drawGrid();
  drawScores();
  drawDetail();
  return () => listen.stop();
}

export default { render };
