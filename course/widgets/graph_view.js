import { s } from "./common.js";

// The drawing itself: nodes, edges, and numbers travelling along them.

const KINDS = { op: 6, broken: 6, group: 6 };

export function drawGraph(picture) {
  const view = {
    svg: s("svg", {
      class: "lt-net",
      viewBox: `0 0 ${picture.width} ${picture.height}`,
      role: "application",
      "aria-label": "graph: arrow keys go from node to node, Enter shows a node",
    }),
    nodes: {},
    edges: [],
  };
  const lines = s("g", {}),
    boxes = s("g", {});
  view.tokens = s("g", { "aria-hidden": "true" });
  view.svg.append(lines, boxes, view.tokens);
  for (const edge of picture.edges) {
    const [x, y] = edge.end;
    const path = s("path", { class: "edge", d: edge.d });
    lines.append(
      s("g", {}, path, s("path", { class: "tip", d: `M${x} ${y}l-4 ${edge.down ? -7 : 7}h8z` })),
    );
    view.edges.push(path);
  }
  for (const id of picture.order) {
    const node = picture.nodes[id];
    const { x, y, w, h } = node;
    const line = (dy, kind) => s("text", { x, y: y + dy, class: kind });
    const parts = {
      label: line(-h / 2 + 18, "name"),
      shape: line(-h / 2 + 31, "small"),
      value: line(h / 2 - 20, "value"),
      grad: line(h / 2 - 7, "grad"),
    };
    parts.label.textContent = node.lines[0];
    parts.shape.textContent = node.lines[1];
    const box = s(
      "g",
      {
        class: `node ${node.kind}`,
        "data-id": id,
        tabindex: "-1",
        role: "button",
        "aria-label": node.hint,
      },
      s("title", {}),
      s("rect", {
        class: "box",
        x: x - w / 2,
        y: y - h / 2,
        width: w,
        height: h,
        rx: KINDS[node.kind] ?? 18,
      }),
      ...Object.values(parts),
    );
    box.firstChild.textContent = node.hint;
    boxes.append(box);
    view.nodes[id] = { box, ...parts };
  }
  return view;
}

// The numbers that stand in the nodes at a frame, and which node is being worked on.
export function showFrame(view, film, step) {
  const frame = film.frames[step - 1];
  const at = (texts) => {
    let found = "";
    for (const [from, text] of texts ?? []) if (from <= step) found = text;
    return found;
  };
  for (const [id, node] of Object.entries(view.nodes)) {
    const value = at(film.values[id]),
      grad = at(film.grads[id]);
    if (node.value.textContent !== value) node.value.textContent = value;
    const text = grad && `∇ ${grad}`;
    if (node.grad.textContent !== text) node.grad.textContent = text;
    node.box.classList.toggle("active", frame?.node === id);
  }
  const hot = new Set(frame?.edges);
  view.edges.forEach((edge, i) => {
    edge.parentNode.classList.toggle("hot", hot.has(i));
    edge.parentNode.classList.toggle("back", hot.has(i) && frame.way === "backward");
  });
}

// Numbers travel along the edges of a frame; returns a function that ends it at once.
export function travel(view, frame, duration, done) {
  const ends = [];
  for (const [i, text] of frame.moving.slice(0, 40)) {
    const path = view.edges[i];
    const label = s("text", { class: `token ${frame.way}` });
    label.textContent = text;
    view.tokens.append(label);
    ends.push([path, path.getTotalLength(), label]);
  }
  let running = true;
  const begin = performance.now();
  const finish = () => {
    if (!running) return;
    running = false;
    view.tokens.replaceChildren();
    done();
  };
  const move = (now) => {
    if (!running) return;
    const part = Math.min(1, (now - begin) / duration);
    for (const [path, length, label] of ends) {
      const point = path.getPointAtLength(length * (frame.way === "backward" ? 1 - part : part));
      label.setAttribute("x", point.x);
      label.setAttribute("y", point.y + 4);
    }
    if (part < 1) requestAnimationFrame(move);
    else finish();
  };
  requestAnimationFrame(move);
  return finish;
}
