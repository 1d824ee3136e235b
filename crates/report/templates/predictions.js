/* Lists the predictions of all examples: filtered, sorted, and 25 at a time. */
{
  const list = document.getElementById("prediction-list");
  const ROWS = 25;
  const add = (parent, tag, text = "", attributes = {}) => {
    const element = parent.appendChild(document.createElement(tag));
    element.textContent = text;
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    return element;
  };
  const start = () => {
    const lines = document.getElementById("prediction-data").textContent.trim().split("\n");
    const classes = lines[0].split("\t");
    const of_frames = list.dataset.kind === "recordings";
    const rows = lines.slice(1).map((line) => {
      const fields = line.split("\t");
      const [first, second] = fields.slice(0, 2).map(Number);
      const name = fields[fields.length - 1];
      if (of_frames) return { name, frames: first, wrong: first - second, correct: first > 0 ? (100 * second) / first : 0 };
      const [label, prediction, sound] = [classes[first], classes[second], fields[3]];
      return { name, label, prediction, probability: fields[2], sound, result: first === second ? "correct" : "wrong" };
    });
    const format = new Intl.NumberFormat("en");
    const columns = of_frames
      ? [
        { title: "recording", value: (row) => row.name },
        { title: "frames", number: true, value: (row) => row.frames, text: (row) => format.format(row.frames) },
        { title: "wrong frames", number: true, value: (row) => row.wrong, text: (row) => format.format(row.wrong) },
        { title: "correct (%)", number: true, value: (row) => row.correct, text: (row) => row.correct.toFixed(1) },
      ]
      : [
        { title: "example", value: (row) => row.name },
        { title: "true class", value: (row) => row.label },
        { title: "predicted class", value: (row) => row.prediction },
        { title: "probability", number: true, value: (row) => Number(row.probability), text: (row) => row.probability },
        { title: "result", value: (row) => row.result },
      ];
    if (rows.some((row) => row.sound)) columns.push({ title: "sound", value: (row) => (row.sound ? 0 : 1) });

    const controls = add(list, "div", "", { class: "controls" });
    const control = (text, tag, attributes) => {
      const label = add(controls, "label");
      add(label, "span", text);
      return add(label, tag, "", attributes);
    };
    const search = control(of_frames ? "Recording contains" : "Example contains", "input", { type: "search" });
    const select = (text, values) => {
      const menu = control(text, "select");
      for (const value of ["all", ...values]) add(menu, "option", value);
      return menu;
    };
    const filters = of_frames ? [] : [
      [select("Result", ["wrong", "correct"]), (row) => row.result],
      [select("True class", classes), (row) => row.label],
      [select("Predicted class", classes), (row) => row.prediction],
    ];
    const region = add(list, "div", "", { class: "scroll", role: "region", "aria-label": "Predictions", tabindex: "0" });
    const table = add(region, "table", "", { class: "scores" });
    const head = add(add(table, "thead"), "tr");
    const body = add(table, "tbody");
    const pager = add(list, "div", "", { class: "pager" });
    const [before, status, after] = [add(pager, "button", "Previous"), add(pager, "span", "", { role: "status" }), add(pager, "button", "Next")];
    let [shown, first, by, sign] = [rows, 0, null, 1];

    const update_sounds = () => {
      for (const button of body.querySelectorAll("button")) {
        const paused = document.getElementById(button.dataset.sound).paused;
        button.textContent = paused ? "Play" : "Pause";
        button.setAttribute("aria-label", `${button.textContent} ${button.dataset.name}`);
      }
    };
    const draw = () => {
      body.replaceChildren();
      for (const row of shown.slice(first, first + ROWS)) {
        const line = add(body, "tr");
        columns.forEach((column, at) => {
          const text = column.title === "sound" ? "" : column.text?.(row) ?? column.value(row);
          const cell = at === 0 ? add(line, "th", "", { scope: "row" }) : add(line, "td", text);
          /* A path breaks at its separators. */
          if (at === 0) cell.append(...String(text).split(/(?<=[/_])/).flatMap((part) => [part, document.createElement("wbr")]));
          if (column.number) cell.className = "number";
          if (column.title === "result") cell.className = `is-${row.result}`;
          if (column.title === "sound" && row.sound) {
            const button = add(cell, "button", "", { type: "button", "data-sound": row.sound, "data-name": row.name });
            button.addEventListener("click", () => {
              const audio = document.getElementById(row.sound);
              if (audio.paused) audio.play().catch(() => {});
              else audio.pause();
            });
          }
        });
      }
      update_sounds();
      const last = Math.min(first + ROWS, shown.length);
      const all = shown.length === rows.length ? "" : ` (${format.format(rows.length)} in all)`;
      status.textContent = `${format.format(last && first + 1)} to ${format.format(last)} of ${format.format(shown.length)}${all}`;
      before.disabled = first === 0;
      after.disabled = last === shown.length;
    };
    const collator = new Intl.Collator("en", { numeric: true });
    const update = () => {
      const text = search.value.toLowerCase();
      const passes = (row) => row.name.toLowerCase().includes(text)
        && filters.every(([menu, value]) => menu.selectedIndex === 0 || menu.value === value(row));
      shown = rows.filter(passes);
      if (by !== null) {
        const { value, number } = columns[by];
        const order = number ? (a, b) => a - b : (a, b) => collator.compare(a, b);
        shown.sort((a, b) => sign * order(value(a), value(b)));
      }
      first = 0;
      draw();
    };
    columns.forEach((column, at) => {
      const cell = add(head, "th", "", { scope: "col" });
      if (column.number) cell.className = "number";
      add(cell, "button", column.title, { type: "button" }).addEventListener("click", () => {
        sign = by === at ? -sign : column.number ? -1 : 1;
        by = at;
        [...head.cells].forEach((other) => other.removeAttribute("aria-sort"));
        cell.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
        update();
      });
    });
    for (const button of [before, after]) {
      button.type = "button";
      button.addEventListener("click", () => {
        first += button === after ? ROWS : -ROWS;
        draw();
      });
    }
    search.addEventListener("input", update);
    filters.forEach(([menu]) => menu.addEventListener("change", update));
    for (const id of new Set(rows.map((row) => row.sound).filter(Boolean))) {
      for (const event of ["play", "pause", "ended"]) document.getElementById(id).addEventListener(event, update_sounds);
    }
    draw();
  };
  if (list) start();
}
