import { button, frame, h, keys, listener, send } from "./common.js";

function render({ model, el }) {
  const listen = listener(model);
  const code = h("pre", { class: "lt-story" });
  const why = h("p", { class: "lt-reason" });
  const rows = h("div", {
    class: "lt-rows",
    tabindex: "0",
    role: "application",
    "aria-label": "memory: left and right choose a place, up the array, down the tensor",
  });
  const ways = h("select", { "aria-label": "how the second one is made" });
  const place = h("span", { class: "lt-mono lt-target" });
  const value = h("input", {
    type: "number",
    step: "any",
    value: "9",
    "aria-label": "the number to write",
  });
  ways.append(...model.get("picture").ways.map(([key, line]) => h("option", { value: key }, line)));
  ways.addEventListener("change", () => send(model, { how: ways.value }));
  value.addEventListener("keydown", (event) => {
    if (event.key === "Enter") write();
  });

  function write() {
    if (value.value === "" || !value.validity.valid) return;
    const one = [...model.get("target"), Number(value.value)];
    send(model, { writes: [...model.get("writes"), one] });
  }
  function aim(which, index) {
    send(model, { target: [which, index] });
  }
  function label({ text, index }, which) {
    if (!text) return h("span", { class: "lt-label" });
    return h(
      "button",
      {
        type: "button",
        tabindex: "-1",
        class: `lt-label ${which ? "lt-tensor" : "lt-array"}`,
        "data-which": which,
        "data-index": index,
        title: `write through ${text}`,
        onclick: () => aim(which, index),
      },
      text,
    );
  }
  const named = (memory, which) => memory.cells.some((cell) => cell.names[which].text);

  function draw() {
    const p = model.get("picture");
    code.textContent = p.lines.join("\n");
    why.textContent = p.why;
    why.classList.toggle("lt-bad", Boolean(p.error));
    ways.value = p.how;
    rows.replaceChildren(
      ...p.memories.map((memory) =>
        h(
          "div",
          { class: "lt-row" },
          h("h5", {}, memory.title),
          h(
            "div",
            { class: "lt-cells" },
            ...memory.cells.map((cell) =>
              h(
                "div",
                { class: "lt-place" },
                named(memory, 0) ? label(cell.names[0], 0) : null,
                h("span", { class: `lt-number${cell.written ? " lt-written" : ""}` }, cell.text),
                named(memory, 1) ? label(cell.names[1], 1) : null,
              ),
            ),
          ),
        ),
      ),
    );
    mark();
  }
  function mark() {
    const [which, index] = model.get("target");
    rows.querySelectorAll("button").forEach((e) => {
      const here = e.dataset.which === String(which) && e.dataset.index === String(index);
      e.setAttribute("aria-pressed", String(here));
      if (here) place.textContent = `${e.textContent} =`;
    });
  }
  const step = (by) => () => {
    const [which, index] = model.get("target");
    aim(which, Math.max(0, index + by));
  };
  const turn = (which) => () => aim(which, model.get("target")[1]);

  frame(
    model,
    el,
    "shared-memory",
    "Shared-memory viewer",
    [
      h("div", { class: "lt-bar" }, ways),
      code,
      rows,
      h(
        "div",
        { class: "lt-bar lt-write" },
        place,
        value,
        button("Write", "write the number into that place", write),
        button("Start again", "take all writes back", () => send(model, { writes: [] })),
      ),
      why,
    ],
    listen,
  );
  keys(
    rows,
    {
      ArrowLeft: step(-1),
      ArrowRight: step(1),
      ArrowUp: turn(0),
      ArrowDown: turn(1),
      Enter: () => value.focus(),
    },
    listen,
  );
  listen.on("picture", draw);
  listen.on("target", mark);
  draw();
  return () => listen.stop();
}

export default { render };
