import {
  button,
  calm,
  download,
  downloadPng,
  frame,
  h,
  keys,
  listener,
  send,
  table,
} from "./common.js";
import { drawGraph, showFrame, travel } from "./graph_view.js";

const MOVE = 550;
const PLAY = 900;
const FILES = {
  svg: ["graph.svg", "image/svg+xml"],
  dot: ["graph.dot", "text/plain"],
  mermaid: ["graph.mmd", "text/plain"],
};

function render({ model, el }) {
  const listen = listener(model);
  let view = null,
    shown = null,
    ending = null,
    timer = null,
    zoom = 0,
    whole = false;

  const scroller = h("div", {
    class: "lt-net-scroll",
    tabindex: "0",
    role: "region",
    "aria-label": "graph",
  });
  const panel = h("div", { class: "lt-net-detail", "aria-live": "polite" });
  const slider = h("input", { type: "range", min: 0, step: 1, "aria-label": "frame of the film" });
  const count = h("span", { class: "lt-mono lt-count" });
  const frames = () => model.get("film").frames ?? [];

  // ---- drawing ----
  function draw() {
    ending?.();
    view = drawGraph(model.get("picture"));
    scroller.replaceChildren(view.svg);
    resize();
    const bottom = model.get("picture").nodes[model.get("picture").order.at(-1)];
    const scale = view.svg.getAttribute("width") / model.get("picture").width;
    if (bottom) scroller.scrollLeft = bottom.x * scale - scroller.clientWidth / 2;
    slider.max = frames().length;
    shown = null;
    update();
    choose();
    view.svg.addEventListener("click", (e) => pick(e.target.closest(".node")?.dataset.id));
    view.svg.addEventListener("dblclick", (e) => {
      const id = e.target.closest(".node")?.dataset.id;
      if (id) toggleGroup(model.get("picture").nodes[id]);
    });
  }
  function resize() {
    const { width, height } = model.get("picture");
    // Text stays legible unless the reader asks to see the whole.
    const across = (scroller.clientWidth - 4) / width || 1;
    const fit = whole
      ? Math.max(0.05, Math.min(1, across, 510 / height))
      : Math.max(0.75, Math.min(1, across));
    const scale = fit * Math.pow(1.25, zoom);
    view.svg.setAttribute("width", Math.round(width * scale));
    view.svg.setAttribute("height", Math.round(height * scale));
  }
  function update() {
    const step = model.get("step"),
      frame_ = frames()[step - 1];
    slider.value = step;
    count.textContent = `${step}/${frames().length}`;
    ending?.();
    ending = null;
    const settle = () => {
      ending = null;
      showFrame(view, model.get("film"), step);
      reveal(frame_?.node);
    };
    if (shown !== null && step === shown + 1 && frame_?.moving.length && !calm())
      ending = travel(view, frame_, MOVE, settle);
    else settle();
    shown = step;
  }
  function reveal(id) {
    const node = model.get("picture").nodes[id];
    if (!node) return;
    const scale = view.svg.clientWidth / model.get("picture").width || 1;
    const top = (node.y - node.h / 2) * scale,
      low = (node.y + node.h / 2) * scale;
    const left = (node.x - node.w / 2) * scale,
      right = (node.x + node.w / 2) * scale;
    if (top < scroller.scrollTop) scroller.scrollTop = top - 20;
    if (low > scroller.scrollTop + scroller.clientHeight)
      scroller.scrollTop = low - scroller.clientHeight + 20;
    if (left < scroller.scrollLeft) scroller.scrollLeft = left - 20;
    if (right > scroller.scrollLeft + scroller.clientWidth)
      scroller.scrollLeft = right - scroller.clientWidth + 20;
  }

  // ---- choosing a node ----
  function pick(id) {
    if (id && id !== model.get("selected")) send(model, { selected: id });
  }
  function choose() {
    const id = model.get("selected");
    for (const [name, node] of Object.entries(view.nodes)) {
      node.box.classList.toggle("chosen", name === id);
      node.box.setAttribute("aria-pressed", String(name === id));
    }
    reveal(id);
  }
  function go(where) {
    const picture = model.get("picture");
    const now = model.get("selected");
    const next = now ? picture.nodes[now]?.near[where] : picture.order.at(where === "up" ? -1 : 0);
    if (next) send(model, { selected: next });
  }
  function showDetail() {
    panel.replaceChildren(...detail(model.get("detail")));
  }

  // ---- the film ----
  const to = (step) => send(model, { step: Math.max(0, Math.min(step, frames().length)) });
  const stop = () => {
    clearInterval(timer);
    timer = null;
    play.textContent = "Play";
    play.setAttribute("aria-pressed", "false");
  };
  const toggle = () => {
    if (timer) return stop();
    if (model.get("step") >= frames().length) to(0);
    play.textContent = "Pause";
    play.setAttribute("aria-pressed", "true");
    const next = () => (model.get("step") < frames().length ? to(model.get("step") + 1) : stop());
    timer = setInterval(next, PLAY);
    next();
  };
  const play = button("Play", "play the film, forward and then backward (P)", toggle, {
    "aria-pressed": "false",
  });
  const turning = () =>
    Math.max(
      0,
      frames().findIndex((f) => f.way === "backward"),
    );
  slider.addEventListener("input", () => {
    stop();
    to(Number(slider.value));
  });

  // ---- modules ----
  const modules = h("div", { class: "lt-bar lt-modules" });
  function drawModules() {
    const closed = model.get("collapsed");
    modules.replaceChildren(
      ...(model.get("groups").length ? [h("span", {}, "Modules:")] : []),
      ...model.get("groups").map((g) =>
        button(g, `draw module ${g} as one node`, () => toggleGroup({ group: g }), {
          "aria-pressed": String(closed.includes(g)),
        }),
      ),
    );
  }
  function toggleGroup(node) {
    if (!node.group) return;
    const closed = model.get("collapsed");
    send(model, {
      collapsed: closed.includes(node.group)
        ? closed.filter((g) => g !== node.group)
        : [...closed, node.group],
    });
  }

  // ---- saving ----
  const menu = h(
    "select",
    { "aria-label": "save the picture as a file", title: "save the picture as a file" },
    h("option", { value: "" }, "Save as …"),
    ...["svg", "png", "dot", "mermaid"].map((f) =>
      h("option", { value: f }, f === "mermaid" ? "Mermaid" : f.toUpperCase()),
    ),
  );
  menu.addEventListener("change", () => {
    if (menu.value) model.send({ type: "export", format: menu.value });
    menu.value = "";
  });
  listen.onMessage((message) => {
    if (message.type !== "export") return;
    if (message.format === "png") downloadPng("graph.png", message.text);
    else download(FILES[message.format][0], message.text, FILES[message.format][1]);
  });

  const rescale = (change) => () => {
    whole ||= change === 0;
    zoom = change === 0 ? 0 : Math.max(-12, Math.min(12, zoom + change));
    resize();
  };
  const bar = h(
    "div",
    { class: "lt-bar" },
    button("Rewind", "to the beginning (Home)", () => {
      stop();
      to(0);
    }),
    button("Back", "one frame back ([)", () => {
      stop();
      to(model.get("step") - 1);
    }),
    button("Step", "one frame on (])", () => {
      stop();
      to(model.get("step") + 1);
    }),
    play,
    button("To backward", "to where the backward pass begins (B)", () => {
      stop();
      to(turning());
    }),
    slider,
    count,
    button("−", "smaller (-)", rescale(-1), { "aria-label": "smaller" }),
    button("+", "larger (+)", rescale(1), { "aria-label": "larger" }),
    button("Fit", "see the whole graph (0)", rescale(0)),
    menu,
  );
  const root = frame(
    model,
    el,
    "explorer",
    "Graph explorer",
    [bar, modules, h("div", { class: "lt-net-row" }, scroller, panel)],
    listen,
  );
  keys(
    scroller,
    {
      ArrowUp: () => go("up"),
      ArrowDown: () => go("down"),
      ArrowLeft: () => go("left"),
      ArrowRight: () => go("right"),
      Enter: () => panel.scrollIntoView({ block: "nearest" }),
      Escape: () => send(model, { selected: "" }),
      Home: () => {
        stop();
        to(0);
      },
      "[": () => {
        stop();
        to(model.get("step") - 1);
      },
      "]": () => {
        stop();
        to(model.get("step") + 1);
      },
      p: toggle,
      b: () => {
        stop();
        to(turning());
      },
      c: () => toggleGroup(model.get("picture").nodes[model.get("selected")] ?? {}),
      "+": rescale(1),
      "-": rescale(-1),
      0: rescale(0),
    },
    listen,
  );

  listen.on("picture film", () => requestAnimationFrame(draw));
  listen.on("step", update);
  listen.on("selected", choose);
  listen.on("detail", showDetail);
  listen.on("collapsed groups", drawModules);
  const eyes = new ResizeObserver(() => view && resize());
  eyes.observe(root);
  listen.later(() => {
    eyes.disconnect();
    stop();
    ending?.();
  });
  draw();
  drawModules();
  showDetail();
  return () => listen.stop();
}

// The panel about one node.
function detail(d) {
  if (!d.id) {
    return [
      h(
        "p",
        { class: "lt-empty" },
        "Click a node, or use the arrow keys in the graph: source, what it keeps, gradients.",
      ),
    ];
  }
  const part = (title, body) => [h("h5", {}, title), body];
  const parts = [
    h("h4", {}, d.title, d.called && d.called !== d.title ? ` → ${d.called}` : ""),
    table(d.facts),
  ];
  if (d.saved.length) parts.push(...part("Kept for backward", table(d.saved)));
  if (d.gradients.length) parts.push(...part("Gradients", table(d.gradients)));
  else if (d.note && d.kind !== "constant" && d.kind !== "group")
    parts.push(...part("Gradients", h("p", {}, d.note)));
  if (d.check.text) {
    const mark = d.check.ok === null ? "" : d.check.ok ? "✓ " : "✗ ";
    parts.push(
      ...part(
        "Finite differences",
        h(
          "p",
          { class: d.check.ok === null ? "" : d.check.ok ? "lt-good" : "lt-bad" },
          mark + d.check.text,
        ),
      ),
    );
    if (d.check.rows.length) parts.push(table(d.check.rows, ["input", "at", "rule", "measured"]));
  }
  for (const source of d.sources)
    parts.push(
      ...part(`${source.title}  ${source.where}`, h("pre", { tabindex: "0" }, source.source)),
    );
  return parts;
}

export default { render };
