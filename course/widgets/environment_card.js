import { button, frame, h, listener } from "./common.js";

const MARKS = { ok: ["✓", "there"], missing: ["–", "missing"], "": ["", ""] };

function render({ model, el }) {
  const listen = listener(model);
  const groups = h("div", { class: "lt-groups" });
  function draw() {
    groups.replaceChildren(
      ...model.get("groups").map((g) =>
        h(
          "section",
          {},
          h("h4", {}, g.title),
          h(
            "table",
            {},
            h(
              "tbody",
              {},
              ...g.rows.map(([name, text, mark, install]) =>
                h(
                  "tr",
                  {},
                  h("th", { scope: "row" }, name),
                  h(
                    "td",
                    {
                      class: mark === "missing" ? "lt-bad" : mark === "ok" ? "lt-good" : "",
                      title: MARKS[mark][1],
                    },
                    MARKS[mark][0],
                  ),
                  h("td", {}, text, install ? h("code", {}, install) : null),
                ),
              ),
            ),
          ),
        ),
      ),
    );
  }
  frame(
    model,
    el,
    "environment",
    "Environment card",
    [
      groups,
      h(
        "div",
        { class: "lt-bar" },
        button("Look again", "look again at what is installed", () =>
          model.send({ type: "again" }),
        ),
      ),
    ],
    listen,
  );
  listen.on("groups", draw);
  draw();
  return () => listen.stop();
}

export default { render };
