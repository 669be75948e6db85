import { button, frame, h, listener, send } from "./common.js";

// `code` in backquotes becomes a code element; everything stays text.
function words(text) {
  return text
    .split("`")
    .map((part, i) => (i % 2 ? h("code", {}, part) : part))
    .filter((p) => p !== "");
}

function render({ model, el }) {
  const listen = listener(model);
  const form = crypto.randomUUID(); // radio buttons of two quizzes must not share a name
  const items = model.get("questions").map((q, i) => {
    const inputs = [];
    const check = button("Check", "is it right?", () => choose(i), { disabled: true });
    const options = q.options.map((text, k) => {
      const radio = h("input", { type: "radio", name: `${form}-${i}`, value: k });
      radio.addEventListener("change", () => pending(i));
      radio.addEventListener("keydown", (e) => {
        if (e.key === "Enter") choose(i);
      });
      inputs.push(radio);
      return h("label", {}, radio, h("span", {}, ...words(text)));
    });
    const why = h("p", { class: "lt-why" });
    const item = h(
      "fieldset",
      { class: "lt-question" },
      h("legend", {}, `${i + 1}. `, ...words(q.question)),
      ...options,
      h("div", { class: "lt-verdict" }, check, why),
    );
    return { item, inputs, why, check };
  });
  const picked = (i) => items[i].inputs.findIndex((r) => r.checked);
  function pending(i) {
    items[i].check.disabled = false;
    items[i].why.replaceChildren();
    items[i].item.dataset.right = "";
  }
  function choose(i) {
    const chosen = [...model.get("chosen")];
    if (picked(i) < 0) return;
    if (chosen[i] === picked(i)) return show();
    chosen[i] = picked(i);
    send(model, { chosen });
  }
  function show() {
    const chosen = model.get("chosen"),
      feedback = model.get("feedback");
    items.forEach(({ item, inputs, why, check }, i) => {
      const f = feedback[i];
      if (chosen[i] >= 0) inputs[chosen[i]].checked = true;
      else if (!f && check.disabled)
        inputs.forEach((r) => {
          r.checked = false;
        });
      item.dataset.right = f ? String(f.right) : "";
      why.className = `lt-why ${f ? (f.right ? "lt-good" : "lt-bad") : ""}`;
      why.replaceChildren(...(f ? [f.right ? "✓ " : "✗ ", ...words(f.text)] : []));
    });
  }
  const clear = button("Start again", "forget all answers", () => {
    items.forEach(({ inputs, check }) => {
      inputs.forEach((r) => {
        r.checked = false;
      });
      check.disabled = true;
    });
    send(model, { chosen: items.map(() => -1) });
  });
  frame(
    model,
    el,
    "quiz",
    "Quiz",
    [...items.map((x) => x.item), h("div", { class: "lt-bar" }, clear)],
    listen,
  );
  listen.on("feedback", show);
  show();
  return () => listen.stop();
}

export default { render };
