import { button, frame, h, keys, listener, s, send, table } from "./common.js";

function render({ model, el }) {
  const listen = listener(model);
  const summary = h("div", { class: "lt-file-summary" });
  const verdict = h("div", { class: "lt-file-verdict" });
  const band = h("div", { class: "lt-file-band" });
  const tree = h("div", {
    class: "lt-file-rows",
    role: "tree",
    tabindex: "0",
    "aria-label":
      "inside of the file: up and down choose a line, right unfolds or goes in, " +
      "left folds or goes out",
  });
  const side = h("div", { class: "lt-file-detail" });
  const search = h("input", {
    type: "text",
    class: "lt-file-search",
    placeholder: "search",
    "aria-label": "search for a name, a shape or a kind",
    spellcheck: "false",
  });
  // Rows need ids for aria-activedescendant, and several inspectors may stand on one page.
  const mark = `lt-file-${model.model_id ?? Math.random().toString(36).slice(2)}`;

  const rows = () => model.get("rows");
  const place = () => rows().findIndex((r) => r.id === model.get("selected"));
  const select = (row) => row && send(model, { selected: row.id });
  function fold(row, wanted) {
    const others = model.get("folded").filter((id) => id !== row.id);
    send(model, { folded: wanted ? [...others, row.id] : others });
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
  // A record may lie under a folded line: unfold it first.
  function goTo(id) {
    send(model, {
      query: "",
      folded: model.get("folded").filter((f) => !id.startsWith(`${f}/`)),
      selected: id,
    });
  }

  const SIGN = { open: "▾", folded: "▸", "": "" };
  const STATE = {
    refused: "⊘ refused",
    lost: "✗ lost",
    cut: "✂ cut",
    damaged: "✗ damaged",
    "breaks off": "✂ breaks off",
    again: "↑ again",
    "": "",
  };

  function drawRows() {
    const chosen = model.get("selected");
    tree.replaceChildren(
      ...rows().map((r, i) => {
        const arrow = h("span", { class: "lt-file-arrow", "aria-hidden": "true" }, SIGN[r.arrow]);
        const line = h(
          "div",
          {
            class: `lt-file-row${r.id === chosen ? " lt-on" : ""}`,
            role: "treeitem",
            id: `${mark}-${i}`,
            "aria-level": r.depth + 1,
            "aria-selected": String(r.id === chosen),
            "aria-expanded": r.arrow ? String(r.arrow === "open") : null,
            "data-id": r.id,
            "data-state": r.state,
          },
          h(
            "span",
            { class: "lt-file-name", style: `padding-left:${Math.min(r.depth, 8) * 14}px` },
            arrow,
            h(
              "span",
              {},
              h("b", {}, r.name),
              " ",
              h("span", { class: "lt-file-kind" }, r.kind),
            ),
          ),
          h("span", { class: "lt-file-text" }, r.text),
          h("span", { class: "lt-file-size" }, STATE[r.state] || r.size),
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
    if (!rows().length) tree.append(h("p", {}, "Nothing holds this text."));
    tree.setAttribute("aria-activedescendant", `${mark}-${Math.max(0, place())}`);
    const on = tree.querySelector(".lt-on");
    if (on && document.activeElement === tree) on.scrollIntoView({ block: "nearest" });
  }

  // The file from its first byte to its last; the parts that are missing are drawn empty.
  function drawBand() {
    const chosen = model.get("selected");
    band.replaceChildren(
      ...model.get("records").map((r) => {
        const part = h("button", {
          type: "button",
          class: `lt-file-part${r.id === chosen ? " lt-on" : ""}`,
          tabindex: "-1",
          title: `${r.name}${r.whole ? "" : " (cut)"}`,
          "aria-label": `record ${r.name}`,
          "data-kind": r.kind,
          "data-whole": String(r.whole),
          style: `left:${r.begins * 100}%;width:max(3px, ${r.size * 100}%)`,
          onclick: () => goTo(r.id),
        });
        part.append(
          h("i", { style: `width:${r.size ? Math.min(100, (r.there / r.size) * 100) : 100}%` }),
        );
        return part;
      }),
    );
  }

  function histogram(n) {
    const most = Math.max(...n.bars, 1);
    const wide = 240;
    const high = 64;
    const step = wide / n.bars.length;
    return h(
      "figure",
      {},
      s(
        "svg",
        {
          viewBox: `0 0 ${wide} ${high}`,
          class: "lt-file-histogram",
          role: "img",
          "aria-label": `histogram from ${n.low} to ${n.high}: ${n.bars.join(", ")}`,
        },
        ...n.bars.map((count, i) => {
          const tall = (count / most) * (high - 2);
          return s(
            "rect",
            { x: i * step + 0.5, y: high - tall, width: step - 1, height: tall },
            s("title", {}, String(count)),
          );
        }),
      ),
      h("figcaption", { class: "lt-mono" }, h("span", {}, n.low), h("span", {}, n.high)),
    );
  }

  function storage(st) {
    return h(
      "div",
      {},
      h("h5", {}, `Storage ${st.name}`),
      h("p", { class: "lt-file-used" }, st.text),
      ...st.looks.map((look) =>
        h(
          "div",
          { class: `lt-file-look${look.on ? " lt-on" : ""}` },
          h("code", {}, look.expression),
          h(
            "span",
            { class: "lt-file-line" },
            h("i", {
              style: `left:${look.begins * 100}%;width:max(2px, ${
                (look.ends - look.begins) * 100
              }%)`,
            }),
          ),
        ),
      ),
    );
  }

  function drawDetail() {
    const d = model.get("detail");
    const parts = [h("div", {}, h("code", { class: "lt-file-code" }, d.title))];
    if (d.note) parts.push(h("p", { "data-state": d.state }, d.note));
    if (d.facts.length) parts.push(table(d.facts));
    if (d.numbers.facts) {
      parts.push(h("h5", {}, "Numbers"));
      if (d.numbers.first) parts.push(h("p", { class: "lt-mono" }, d.numbers.first));
      if (d.numbers.bars.length) parts.push(histogram(d.numbers));
      parts.push(table(d.numbers.facts));
    }
    if (d.storage.looks) parts.push(storage(d.storage));
    if (d.steps.length) {
      const program = table(d.steps, ["byte", "instruction", "argument"]);
      parts.push(
        h("div", { class: "lt-file-steps", tabindex: "0", "aria-label": "instructions" }, program),
      );
    }
    side.replaceChildren(...parts);
  }

  function drawHead() {
    summary.textContent = model.get("summary");
    const good = model.get("good");
    verdict.textContent = `${good ? "✓" : "⊘"} ${model.get("verdict")}`;
    verdict.className = `lt-file-verdict ${good ? "lt-good" : "lt-bad"}`;
    if (document.activeElement !== search) search.value = model.get("query");
  }
  function draw() {
    drawHead();
    drawRows();
    drawBand();
  }

  search.addEventListener("input", () => send(model, { query: search.value }));
  const foldable = () => rows().filter((r) => r.depth && r.arrow);
  frame(
    model,
    el,
    "file-view",
    "File inspector",
    [
      summary,
      verdict,
      band,
      h(
        "div",
        { class: "lt-bar" },
        search,
        button("Unfold all", "show every line", () => send(model, { folded: [] })),
        button("Fold all", "show the first level only", () =>
          send(model, { folded: foldable().map((r) => r.id) }),
        ),
      ),
      h("div", { class: "lt-file-both" }, tree, side),
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
      "/": () => search.focus(),
    },
    listen,
  );
  keys(
    search,
    {
      Escape: () => {
        search.value = "";
        send(model, { query: "" });
        tree.focus();
      },
      ArrowDown: () => {
        if (place() < 0) select(rows()[0]);
        tree.focus();
      },
    },
    listen,
  );
  listen.on("rows selected records summary verdict query", draw);
  listen.on("detail", drawDetail);
  draw();
  drawDetail();
  return () => listen.stop();
}

export default { render };
