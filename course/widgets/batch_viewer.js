import { button, calm, frame, h, keys, listener, send } from "./common.js";

const PAUSE = 700;

function render({ model, el }) {
  const listen = listener(model);
  const code = h("pre", { class: "lt-batch-code" });
  const summary = h("p", { class: "lt-batch-summary" });
  const strip = h("div", { class: "lt-batch-strip", "aria-hidden": "true" });
  const legend = h("div", { class: "lt-batch-legend" });
  const lanes = h("div", { class: "lt-batch-lanes", "aria-hidden": "true" });
  const list = h("div", {
    class: "lt-batch-list",
    tabindex: "0",
    role: "application",
    "aria-label":
      "the batches of the epoch: right arrow or Enter delivers the next one, left arrow takes " +
      "one back, Home and End go to the start and the end, N begins the next epoch, P plays",
  });
  const count = h("span", { class: "lt-mono lt-batch-count" });

  const total = () => model.get("batches").length;
  const go = (step) => send(model, { step: Math.max(0, Math.min(total(), step)) });
  const walk = (by) => go(model.get("step") + by);
  const more = () => send(model, { epoch: model.get("epoch") + 1, step: 0 });

  // ---- playing ----------------------------------------------------------------------------
  let timer = null;
  function stop() {
    clearInterval(timer);
    timer = null;
    play.textContent = "Play";
  }
  function tick() {
    if (model.get("step") >= total()) stop();
    else walk(1);
  }
  function playOrStop() {
    if (timer) return stop();
    if (model.get("step") >= total()) go(0);
    timer = setInterval(tick, PAUSE);
    play.textContent = "Pause";
  }
  listen.later(() => clearInterval(timer));

  const start = button("Start", "to the start of the epoch", () => (stop(), go(0)));
  const back = button("Back", "take one batch back", () => (stop(), walk(-1)));
  const next = button("Step", "deliver the next batch", () => (stop(), walk(1)));
  const play = button("Play", "deliver one batch after the other", playOrStop);
  const end = button("End", "deliver all batches", () => (stop(), go(total())));
  const again = button("Next epoch", "once more through the data", () => (stop(), more()));

  // ---- settings ---------------------------------------------------------------------------
  function counter(name, label, low, high) {
    const box = h("input", { type: "number", min: low, max: high, step: 1, "aria-label": label });
    box.addEventListener("change", () => {
      const value = Math.round(Number(box.value));
      if (Number.isFinite(value)) send(model, { [name]: Math.max(low, Math.min(high, value)) });
      else box.value = model.get(name);
    });
    const show = () => {
      if (document.activeElement !== box || Number(box.value) !== model.get(name))
        box.value = model.get(name);
    };
    listen.on(name, show);
    show();
    return h("label", {}, label, box);
  }
  function check(name) {
    const box = h("input", { type: "checkbox", "aria-label": name });
    box.addEventListener("change", () => send(model, { [name]: box.checked }));
    const show = () => (box.checked = model.get(name));
    listen.on(name, show);
    show();
    return h("label", { class: "lt-mono" }, box, name);
  }
  const sampler = h(
    "select",
    { "aria-label": "sampler" },
    h("option", { value: "none" }, "none"),
    h("option", { value: "weighted" }, "sampler=weighted"),
    h("option", { value: "balanced" }, "batch_sampler=balanced"),
  );
  sampler.addEventListener("change", () => send(model, { sampler: sampler.value }));

  // ---- pictures ---------------------------------------------------------------------------
  const sign = (kind) =>
    h("i", { class: `lt-kind-${kind}`, "aria-hidden": "true" }, model.get("classes")[kind].sign);

  function drawStrip() {
    legend.replaceChildren(
      ...model
        .get("classes")
        .map((c, k) => h("span", {}, sign(k), ` class ${c.name}: ${c.count} samples`)),
      h("span", { class: "lt-batch-faint" }, "filled: delivered; crossed out: not in this epoch"),
    );
    strip.replaceChildren(
      ...model.get("samples").map((sample, i) =>
        h(
          "span",
          {
            class: `lt-batch-sample lt-edge-${sample.kind}`,
            "data-seen": sample.seen,
            "data-times": sample.times,
            title: `sample ${i}, class ${model.get("classes")[sample.kind].name}`,
          },
          sign(sample.kind),
          h("b", {}, String(i)),
          sample.times > 1 ? h("small", {}, `×${sample.times}`) : null,
        ),
      ),
    );
  }

  function drawLanes() {
    lanes.replaceChildren(
      ...model.get("lanes").map((lane) =>
        h(
          "div",
          { class: "lt-batch-lane" },
          h("span", { class: "lt-batch-who" }, lane.name),
          h(
            "span",
            { class: "lt-batch-hold" },
            ...lane.batches.map((b) =>
              h("span", { class: "lt-batch-held", "data-state": b.state }, String(b.number)),
            ),
          ),
        ),
      ),
    );
  }

  function drawList() {
    const step = model.get("step");
    const kinds = model.get("classes").length;
    const rows = model.get("batches").map((b) => {
      const here = b.number < step;
      const line = h(
        "div",
        {
          class: `lt-batch-row${b.number === step - 1 ? " lt-on" : ""}`,
          "data-number": b.number,
          "data-here": String(here),
        },
        h("b", {}, `batch ${b.number}`),
        h("span", { class: "lt-batch-who" }, b.worker < 0 ? "main process" : `worker ${b.worker}`),
        h(
          "span",
          { class: "lt-batch-indices" },
          ...b.indices.map((index, k) =>
            h(
              "span",
              { class: `lt-batch-chip lt-edge-${b.kinds[k]}` },
              sign(b.kinds[k]),
              String(index),
            ),
          ),
        ),
        h(
          "span",
          { class: "lt-batch-counts lt-mono" },
          b.counts.join(" : "),
          b.balanced && kinds > 1 ? h("em", { class: "lt-good" }, " = balanced") : null,
          b.short ? h("em", { class: "lt-bad" }, " short") : null,
        ),
      );
      line.addEventListener("click", () => (stop(), go(b.number + 1)));
      return line;
    });
    const problem = model.get("problem");
    list.replaceChildren(...(problem ? [h("p", { class: "lt-bad" }, problem)] : rows));
    const on = list.querySelector(".lt-on");
    if (on) {
      const gap = on.offsetTop - list.offsetTop;
      if (gap < list.scrollTop || gap + on.offsetHeight > list.scrollTop + list.clientHeight)
        list.scrollTo({
          top: gap - list.clientHeight / 2,
          behavior: calm() ? "auto" : "smooth",
        });
    }
  }

  function draw() {
    const step = model.get("step");
    code.textContent = model.get("code");
    summary.textContent = model.get("problem") ? "" : model.get("summary");
    sampler.value = model.get("sampler");
    count.textContent = `epoch ${model.get("epoch")}, ${step} of ${total()} delivered`;
    start.disabled = back.disabled = step === 0;
    next.disabled = end.disabled = step >= total();
    play.disabled = again.disabled = total() === 0;
    drawStrip();
    drawLanes();
    drawList();
  }

  const most = model.get("samples").length;
  frame(
    model,
    el,
    "batch-view",
    "Batch viewer",
    [
      h(
        "div",
        { class: "lt-bar" },
        counter("batch_size", "batch size", 1, most),
        check("shuffle"),
        check("drop_last"),
        h("label", {}, "sampler", sampler),
        counter("workers", "workers", 0, 4),
        counter("seed", "seed", 0, 1000000),
      ),
      code,
      summary,
      h("div", { class: "lt-bar" }, start, back, next, play, end, again, count),
      h("h5", {}, "The data"),
      legend,
      strip,
      h("h5", {}, "Who fetches which batch"),
      lanes,
      h("h5", {}, "The batches"),
      list,
    ],
    listen,
  );
  keys(
    list,
    {
      ArrowRight: () => walk(1),
      Enter: () => walk(1),
      ArrowLeft: () => walk(-1),
      Backspace: () => walk(-1),
      Home: () => go(0),
      End: () => go(total()),
      n: more,
      N: more,
      p: playOrStop,
      P: playOrStop,
    },
    listen,
  );
  listen.on("batches samples lanes step summary code problem classes sampler", draw);
  draw();
  return () => listen.stop();
}

export default { render };
