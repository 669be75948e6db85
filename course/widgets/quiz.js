import { button, frame, h, listener, send } from "./common.js";

// `code` in backquotes becomes a code element; everything stays text.
function words(text) {
  return text.split("`").map((part, i) => (i % 2 ? h("code", {}, part) : part)).filter((p) => p !== "");
}

let forms = 0;

function render({ model, el }) {
  const listen = listener(model);
  const form = ++forms;
  const items = model.get("questions").map((q, i) => {
    const inputs = [];
    const options = q.options.map((text, k) => {
      const radio = h("input", { type: "radio", name: `lt-quiz-${form}-${i}`, value: k });
      radio.addEventListener("change", () => choose(i, k));
      inputs.push(radio);
      return h("label", {}, radio, h("span", {}, ...words(text)));
    });
    const why = h("p", { class: "lt-why" });
    const item = h("fieldset", { class: "lt-question" },
      h("legend", {}, `${i + 1}. `, ...words(q.question)), ...options, why);
    return { item, inputs, why };
  });
  function choose(i, k) {
    const chosen = [...model.get("chosen")];
    chosen[i] = k;
    send(model, { chosen });
  }
  function show() {
    const chosen = model.get("chosen"), feedback = model.get("feedback");
    items.forEach(({ item, inputs, why }, i) => {
      inputs.forEach((radio, k) => { radio.checked = chosen[i] === k; });
      const f = feedback[i];
      item.dataset.right = f ? String(f.right) : "";
      why.className = `lt-why ${f ? (f.right ? "lt-good" : "lt-bad") : ""}`;
      why.replaceChildren(...(f ? [f.right ? "✓ " : "✗ ", ...words(f.text)] : []));
    });
  }
  const clear = button("Start again", "forget all answers",
    () => send(model, { chosen: model.get("questions").map(() => -1) }));
  frame(model, el, "quiz", "Quiz", [...items.map((x) => x.item), h("div", { class: "lt-bar" }, clear)], listen);
  listen.on("chosen feedback", show);
  show();
  return () => listen.stop();
}

export default { render };
