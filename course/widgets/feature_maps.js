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
  const source = p.source && stage("source", p.source_size[1], p.source_size[0]);
  if (source) source.image.src = p.source;
  const sum = h("div", { class: "lt-sum" }),
    strip = h("div", { class: "lt-parts" });

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
  // Input channels to choose from: [number, name]; −1 is the picture in its colours.
  const views = p.inputs.map((_, i) => [i, p.channels[i]]);
  if (p.colour) views.unshift([-1, "in colour"]);
  const look = (i) => send(model, { channel: i });
  const pick =
    views.length > 6 &&
    h(
      "select",
      { "aria-label": "input channel", onchange: (e) => look(Number(e.target.value)) },
      ...views.map(([i, name]) => h("option", { value: i }, name)),
    );
  const channels = h("div", {
    class: "lt-bar",
    role: "group",
    "aria-label": "what is shown of the input",
  });
  if (pick) channels.append(h("label", {}, "input", pick));
  else if (views.length > 1)
    channels.append(
      ...views.map(([i, name]) => button(name, `show the input: ${name}`, () => look(i))),
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
    input.image.src = d.channel < 0 ? p.colour : p.inputs[d.channel] ?? "";
    if (source) put(source.mark, d.field[1], d.field[0], d.field[3], d.field[2]);
    title.textContent = `${p.names[o] ?? ""}, row ${r}, column ${c}`;
    put(output.mark, c, r, 1, 1);
    put(input.mark, d.place[1], d.place[0], d.place[3], d.place[2]);
    thumbs.childNodes.forEach((b, i) => b.setAttribute("aria-pressed", String(i === o)));
    if (pick) pick.value = String(d.channel);
    else
      channels.childNodes.forEach((b, i) =>
        b.setAttribute("aria-pressed", String(views[i][0] === d.channel)),
      );
    const named = views.find(([i]) => i === d.channel)?.[1] ?? `channel ${d.channel}`;
    channelName.textContent = views.length > 1 ? `Input, ${named}` : "Input";
    strip.replaceChildren(...(d.parts.length > 1 ? [parts(d)] : []));
    sum.replaceChildren(
      ...(d.patch
        ? [
            grid("patch", d.patch),
            sign("×"),
            grid("kernel", d.kernel),
            sign("="),
            grid("products", d.products),
          ]
        : []),
    );
  }
  // Patch × kernel = sum, one line for each input channel.
  const square = (uri, words) => h("td", {}, h("img", { src: uri, alt: words }));
  const last = (d) => [
    ...(d.hidden ? [[`${d.hidden} more`, d.rest]] : []),
    ["bias", d.bias],
    ["sum", d.total],
  ];
  const parts = (d) =>
    h(
      "table",
      {},
      h(
        "tbody",
        {},
        ...d.parts.map((part) =>
          h(
            "tr",
            { class: part.channel === d.channel ? "lt-on" : null },
            h("th", { scope: "row" }, part.name),
            square(part.patch, `patch, ${part.name}`),
            h("td", {}, "×"),
            square(part.kernel, `kernel, ${part.name}`),
            h("td", {}, "="),
            h("td", { class: "lt-mono" }, part.sum),
          ),
        ),
        ...last(d).map(([name, value]) =>
          h(
            "tr",
            {},
            h("th", { scope: "row" }, name),
            h("td", { colspan: 4 }),
            h("td", { class: "lt-mono" }, value),
          ),
        ),
      ),
    );
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
        ...(source ? [h("div", {}, h("h5", {}, "Picture"), source.box)] : []),
        h("div", {}, channelName, input.box),
        h("div", {}, title, output.box),
        strip,
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
