import { button, frame, h, keys, listener, s, send, table } from "./common.js";
import { foldingTree } from "./tree.js";

const STATE = {
  refused: "⊘ refused",
  lost: "✗ lost",
  cut: "✂ cut",
  damaged: "✗ damaged",
  "breaks off": "✂ breaks off",
  again: "↑ again",
  "": "",
};

const cells = (r, arrow) => [
  h(
    "span",
    { class: "lt-file-name", style: `padding-left:${Math.min(r.depth, 8) * 14}px` },
    arrow,
    h("span", {}, h("b", {}, r.name), " ", h("span", { class: "lt-file-kind" }, r.kind)),
  ),
  h("span", { class: "lt-file-text" }, r.text),
  h("span", { class: "lt-file-size" }, STATE[r.state] || r.size),
];

function render({ model, el }) {
  const listen = listener(model);
  const summary = h("div", { class: "lt-file-summary" });
  const verdict = h("div", { class: "lt-file-verdict" });
  const band = h("div", { class: "lt-file-band" });
  const search = h("input", {
    type: "text",
    class: "lt-file-search",
    placeholder: "search",
    "aria-label": "search for a name, a shape or a kind",
    spellcheck: "false",
  });
  const tree = foldingTree(model, listen, {
    prefix: "lt-file",
    key: "id",
    label: "inside of the file: up and down choose a line",
    cells,
    state: (r) => r.state,
    more: { "/": () => search.focus() },
  });
  const side = h("div", { class: "lt-file-detail" });

  function drawRows() {
    tree.draw();
    if (!model.get("rows").length) tree.element.append(h("p", {}, "Nothing holds this text."));
  }

  // A record may lie under a folded line: unfold it first.
  function goTo(id) {
    send(model, {
      query: "",
      folded: model.get("folded").filter((f) => !id.startsWith(`${f}/`)),
      selected: id,
    });
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
        button("Unfold all", "show every line", tree.unfoldAll),
        button("Fold all", "show the first level only", tree.foldAll),
      ),
      h("div", { class: "lt-file-both" }, tree.element, side),
    ],
    listen,
  );
  keys(
    search,
    {
      Escape: () => {
        search.value = "";
        send(model, { query: "" });
        tree.element.focus();
      },
      ArrowDown: tree.enter,
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
