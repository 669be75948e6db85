import { button, download, downloadPng, frame, h, keys, listener, s, send } from "./common.js";

const PACES = [1, 5, 20, 100];
const FILES = { svg: ["curves.svg", "image/svg+xml"], csv: ["curves.csv", "text/csv"] };

function render({ model, el }) {
  const listen = listener(model);
  const palette = model.get("palette");
  const picture = s("svg", {
    class: "lt-chart",
    role: "img",
    tabindex: "0",
    "aria-label": "curves: left and right arrow keys read off values",
  });
  const cursor = s("path", { class: "cursor" });
  const legend = h("div", { class: "lt-legend" });
  let panels = [];

  // Elements are kept and changed in place, so that nothing flickers.
  function draw() {
    const chart = model.get("chart");
    picture.setAttribute("viewBox", `0 0 ${chart.width} ${chart.height}`);
    while (panels.length < chart.panels.length) panels.push(newPanel());
    panels.splice(chart.panels.length).forEach((p) => p.group.remove());
    chart.panels.forEach((p, i) => fillPanel(panels[i], p));
    picture.append(cursor);
    drawLegend(chart.legend);
    drawCursor();
  }
  function newPanel() {
    const parts = {
      group: s("g", {}),
      grid: s("g", {}),
      box: s("rect", { class: "axis" }),
      lines: s("g", {}),
      title: s("text", { class: "title" }),
      kept: new Map(),
    };
    parts.group.append(parts.title, parts.grid, parts.box, parts.lines);
    picture.append(parts.group);
    return parts;
  }
  function fillPanel(parts, p) {
    set(parts.title, { x: p.x, y: p.y - 7 });
    parts.title.textContent = p.title;
    set(parts.box, { x: p.x, y: p.y, width: p.w, height: p.h });
    parts.grid.replaceChildren(
      ...p.yticks.flatMap(([at, text]) => [
        s("path", { class: "grid", d: `M${p.x} ${at}h${p.w}` }),
        label(p.x - 6, at + 4, "end", text),
      ]),
      ...p.xticks.flatMap(([at, text]) => [
        s("path", { class: "grid", d: `M${at} ${p.y}v${p.h}` }),
        label(at, p.y + p.h + 15, "middle", text),
      ]),
    );
    const used = new Set();
    for (const line of p.lines) {
      const key = JSON.stringify([line.run, line.series]);
      used.add(key);
      let kept = parts.kept.get(key);
      if (!kept) {
        kept = {
          raw: s("polyline", { class: "raw" }),
          smooth: s("polyline", {}),
          lost: s("g", {}),
        };
        kept.smooth.dataset.run = line.run;
        kept.smooth.dataset.series = line.series;
        parts.kept.set(key, kept);
        parts.lines.append(kept.raw, kept.smooth, kept.lost);
      }
      const stroke = palette.colours[line.colour];
      set(kept.raw, { points: line.raw, stroke });
      set(kept.smooth, {
        points: line.points,
        stroke,
        "stroke-dasharray": palette.dashes[line.dash],
      });
      kept.lost.replaceChildren(...line.lost.map((at) => label(at, p.y + 10, "middle", "×")));
    }
    for (const [key, kept] of parts.kept) {
      if (!used.has(key)) {
        Object.values(kept).forEach((e) => e.remove());
        parts.kept.delete(key);
      }
    }
  }
  function set(element, attributes) {
    for (const [name, value] of Object.entries(attributes)) {
      if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value);
    }
  }
  function label(x, y, anchor, text) {
    const e = s("text", { x, y, "text-anchor": anchor });
    e.textContent = text;
    return e;
  }
  function drawLegend(rows) {
    const runs = JSON.stringify(rows.map((r) => [r.run, r.hidden, r.series.map((x) => x.name)]));
    if (legend.dataset.runs !== runs) {
      legend.dataset.runs = runs;
      legend.replaceChildren(
        ...rows.map((row) => {
          const box = h("input", { type: "checkbox" });
          box.checked = !row.hidden;
          box.addEventListener("change", () => {
            const others = model.get("hidden").filter((r) => r !== row.run);
            send(model, { hidden: box.checked ? others : [...others, row.run] });
          });
          const series = row.series.map((x) =>
            h(
              "span",
              { class: "lt-series" },
              s(
                "svg",
                { width: 26, height: 10, "aria-hidden": "true" },
                s("path", {
                  d: "M1 5h24",
                  stroke: palette.colours[row.colour],
                  "stroke-width": 3,
                  "stroke-dasharray": palette.dashes[x.dash],
                  fill: "none",
                }),
              ),
              ` ${x.name} `,
              h("span", { class: "lt-mono lt-last" }),
            ),
          );
          return h("div", {}, h("label", {}, box, h("b", {}, row.run)), ...series);
        }),
      );
    }
    const texts = rows.flatMap((r) => r.series.map((x) => x.last));
    legend.querySelectorAll(".lt-last").forEach((e, i) => {
      e.textContent = texts[i];
    });
  }
  function drawCursor() {
    const { x } = model.get("readout"),
      chart = model.get("chart");
    cursor.setAttribute(
      "d",
      x === null || x === undefined ? "" : chart.panels.map((p) => `M${x} ${p.y}v${p.h}`).join(""),
    );
  }

  // ---- controls ----
  const command = (name) => () => model.send({ type: "command", command: name });
  const pause = button("Pause", "pause the training loop (P)", () =>
    command(model.get("status") === "paused" ? "go" : "pause")(),
  );
  const step = button("Step", "one step, then pause (S)", command("step"));
  const stop = button("Stop", "end the training loop (X)", command("stop"));
  const status = h("span", { class: "lt-status" });
  const bar = h("progress", { "aria-label": "steps done" });
  const told = h("span", { class: "lt-told" });
  function showProgress() {
    const { done, total, text } = model.get("progress");
    bar.hidden = !total;
    if (total) set(bar, { max: total, value: done });
    told.textContent = text;
  }

  // Dials: sliders whose numbers the loop reads while it runs.
  const dials = h("div", { class: "lt-bar lt-dials" });
  const turners = new Map();
  function showDials() {
    const wanted = model.get("dials");
    const names = JSON.stringify(wanted.map((d) => d.name));
    if (dials.dataset.names !== names) {
      dials.dataset.names = names;
      turners.clear();
      dials.replaceChildren(...wanted.map(newDial));
    }
    for (const d of wanted) {
      const { slider, value } = turners.get(d.name);
      if (document.activeElement !== slider) slider.value = d.at;
      slider.setAttribute("aria-valuetext", d.text);
      value.textContent = d.text;
    }
    dials.hidden = !wanted.length;
  }
  function newDial({ name }) {
    const slider = h("input", { type: "range", min: 0, max: 1, step: 0.01, "aria-label": name });
    const value = h("span", { class: "lt-mono lt-last" });
    slider.addEventListener("input", () =>
      model.send({ type: "dial", name, at: Number(slider.value) }),
    );
    turners.set(name, { slider, value });
    return h("label", {}, name, slider, value);
  }

  function showStatus() {
    const now = model.get("status"),
      live = now === "running" || now === "paused";
    pause.textContent = now === "paused" ? "Continue" : "Pause";
    for (const b of [pause, step, stop]) b.disabled = !live;
    status.textContent = now;
  }
  const smoothing = h("input", {
    type: "range",
    min: 0,
    max: 0.99,
    step: 0.01,
    "aria-label": "smoothing",
  });
  smoothing.addEventListener("input", () => send(model, { smoothing: Number(smoothing.value) }));
  const logX = h("input", { type: "checkbox" }),
    logY = h("input", { type: "checkbox" });
  logX.addEventListener("change", () => send(model, { log_x: logX.checked }));
  logY.addEventListener("change", () => send(model, { log_y: logY.checked }));
  const speed = h("select", { "aria-label": "speed", title: "iterations a second" });
  speed.addEventListener("change", () => send(model, { pace: Number(speed.value) }));
  function showControls() {
    const now = model.get("pace");
    const paces = [...new Set([0, ...PACES, now])].sort((a, b) => a - b);
    speed.replaceChildren(
      ...paces.map((p) => h("option", { value: p }, p ? `${p} a second` : "full speed")),
    );
    speed.value = now;
    smoothing.value = model.get("smoothing");
    logX.checked = model.get("log_x");
    logY.checked = model.get("log_y");
  }
  const menu = h(
    "select",
    { "aria-label": "save as a file", title: "save as a file" },
    h("option", { value: "" }, "Save as …"),
    ...["csv", "svg", "png"].map((f) => h("option", { value: f }, f.toUpperCase())),
  );
  menu.addEventListener("change", () => {
    if (menu.value) model.send({ type: "export", format: menu.value });
    menu.value = "";
  });
  listen.onMessage((m) => {
    if (m.type !== "export") return;
    if (m.format === "png") downloadPng("curves.png", m.text);
    else download(FILES[m.format][0], m.text, FILES[m.format][1]);
  });

  // ---- reading off values ----
  let waiting = false;
  picture.addEventListener("pointermove", (e) => {
    if (waiting) return;
    waiting = true;
    const { clientX } = e;
    setTimeout(() => {
      waiting = false;
      const box = picture.getBoundingClientRect();
      model.send({
        type: "point",
        x: ((clientX - box.left) / box.width) * model.get("chart").width,
      });
    }, 60);
  });
  const move = (by) => (e) => model.send({ type: "move", by: e.shiftKey ? by * 10 : by });

  const root = frame(
    model,
    el,
    "losses",
    "Training curves",
    [
      h(
        "div",
        { class: "lt-bar" },
        pause,
        step,
        stop,
        speed,
        status,
        h("label", {}, "smoothing", smoothing),
        h("label", {}, logX, "log x"),
        h("label", {}, logY, "log y"),
        menu,
      ),
      dials,
      h("div", { class: "lt-bar lt-progress" }, bar, told),
      picture,
      legend,
    ],
    listen,
  );
  keys(
    picture,
    { ArrowLeft: move(-1), ArrowRight: move(1), Escape: () => send(model, { cursor: null }) },
    listen,
  );
  keys(root, { p: () => pause.click(), s: () => step.click(), x: () => stop.click() }, listen);

  const eyes = new ResizeObserver(() => {
    const wide = Math.max(260, Math.min(960, Math.floor((root.clientWidth - 18) / 40) * 40));
    if (root.clientWidth > 100 && wide !== model.get("width")) send(model, { width: wide });
  });
  eyes.observe(root);
  listen.later(() => eyes.disconnect());
  listen.on("chart", draw);
  listen.on("readout", drawCursor);
  listen.on("status", showStatus);
  listen.on("smoothing log_x log_y pace", showControls);
  listen.on("progress", showProgress);
  listen.on("dials", showDials);
  draw();
  showStatus();
  showControls();
  showProgress();
  showDials();
  model.send({ type: "here" });
  return () => listen.stop();
}

export default { render };
