import { button, frame, h, keys, listener, s, send } from "./common.js";

function render({ model, el }) {
  const listen = listener(model);
  const p = model.get("picture");
  const [rows, columns] = p.size,
    [height, width] = p.image;
  const input = stage("input", width, height),
    output = stage("output", columns, rows);
  output.box.setAttribute("tabindex", "0");
  output.box.setAttribute("role", "application");
  output.box.setAttribute(
    "aria-label",
    "feature map: arrow keys move the pixel, page keys change the map",
  );
  const title = h("h5", {}),
    channelName = h("h5", {}, "Input");
  const sum = h("div", { class: "lt-sum" });

  // A picture with a square on it that shows where we are.
  function stage(name, w, high) {
    const image = h("img", { alt: "", draggable: "false" });
    const mark = [
      s("rect", { class: "halo", fill: "none" }),
      s("rect", { class: "mark", fill: "none" }),
    ];
    const layer = s("svg", { viewBox: `0 0 ${w} ${high}`, preserveAspectRatio: "none" }, ...mark);
    return {
      box: h(
        "div",
        { class: `lt-stage lt-${name}`, style: `aspect-ratio: ${w} / ${high}` },
        image,
        layer,
      ),
      image,
      mark,
    };
  }
  function put(mark, x, y, w, high) {
    for (const [k, v] of Object.entries({ x, y, width: w, height: high })) {
      mark.forEach((rect) => rect.setAttribute(k, v));
    }
  }
  const thumbs = h(
    "div",
    { class: "lt-bar", role: "group", "aria-label": "feature maps" },
    ...p.maps.map((uri, i) =>
      h(
        "button",
        {
          type: "button",
          class: "lt-thumb",
          title: p.names[i],
          onclick: () => choose([i, ...model.get("chosen").slice(1)]),
        },
        h("img", { src: uri, alt: p.names[i] }),
        h("span", {}, p.names[i]),
      ),
    ),
  );
  const channels = h(
    "div",
    { class: "lt-bar" },
    ...(p.inputs.length > 1
      ? p.inputs.map((_, i) =>
          button(`channel ${i}`, `show input channel ${i}`, () => send(model, { channel: i })),
        )
      : []),
  );

  let waiting = null,
    timer = null;
  function choose(next) {
    waiting = next;
    timer ??= setTimeout(() => {
      timer = null;
      if (waiting.join() !== model.get("chosen").join()) send(model, { chosen: waiting });
    }, 40);
  }
  function draw() {
    const [o, r, c] = model.get("chosen"),
      d = model.get("detail");
    output.image.src = p.maps[o] ?? "";
    input.image.src = p.inputs[d.channel];
    title.textContent = `${p.names[o] ?? ""}, row ${r}, column ${c}`;
    put(output.mark, c, r, 1, 1);
    put(input.mark, d.place[1], d.place[0], d.place[3], d.place[2]);
    thumbs.childNodes.forEach((b, i) => b.setAttribute("aria-pressed", String(i === o)));
    channels.childNodes.forEach((b, i) => b.setAttribute("aria-pressed", String(i === d.channel)));
    channelName.textContent = p.inputs.length > 1 ? `Input, channel ${d.channel}` : "Input";
    sum.replaceChildren(
      grid("patch", d.patch),
      sign("×"),
      grid("kernel", d.kernel),
      sign("="),
      grid("products", d.products),
    );
  }
  const sign = (text) => h("span", { class: "lt-sign" }, text);
  const grid = (name, values) =>
    h(
      "figure",
      {},
      h("figcaption", {}, name),
      h(
        "table",
        {},
        h(
          "tbody",
          {},
          ...values.map((row) =>
            h(
              "tr",
              {},
              ...row.map((v) =>
                h("td", { class: v.startsWith("-") ? "neg" : v === "0.00" ? "nil" : "pos" }, v),
              ),
            ),
          ),
        ),
      ),
    );

  output.box.addEventListener("pointermove", (e) => {
    const box = output.box.getBoundingClientRect();
    const at = (v, n) => Math.max(0, Math.min(n - 1, Math.floor(v * n)));
    choose([
      model.get("chosen")[0],
      at((e.clientY - box.top) / box.height, rows),
      at((e.clientX - box.left) / box.width, columns),
    ]);
  });
  const move = (by) => () =>
    choose(
      (timer ? waiting : model.get("chosen")).map((v, i) =>
        Math.max(0, Math.min([p.maps.length, rows, columns][i] - 1, v + by[i])),
      ),
    );

  frame(
    model,
    el,
    "maps",
    "Convolution, pixel by pixel",
    [
      thumbs,
      channels,
      h(
        "div",
        { class: "lt-stages" },
        h("div", {}, channelName, input.box),
        h("div", {}, title, output.box),
      ),
      sum,
    ],
    listen,
  );
  keys(
    output.box,
    {
      ArrowLeft: move([0, 0, -1]),
      ArrowRight: move([0, 0, 1]),
      ArrowUp: move([0, -1, 0]),
      ArrowDown: move([0, 1, 0]),
      PageUp: move([-1, 0, 0]),
      PageDown: move([1, 0, 0]),
    },
    listen,
  );
  listen.on("detail chosen", draw);
  listen.later(() => clearTimeout(timer));
  draw();
  return () => listen.stop();
}

export default { render };
