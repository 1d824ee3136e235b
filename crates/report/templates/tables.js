/* Sorts tables by their headings. */
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[table.tHead.rows.length - 1].cells];
  if (body.rows.length < 2) continue;
  const value = (row, column) => {
    const exact = row.cells[column].dataset.value;
    if (exact !== undefined) return Number(exact);
    const text = row.cells[column].textContent.trim();
    const number = Number.parseFloat(text.replaceAll(",", ""));
    return /^[-+]?[\d.,]+(e[-+]?\d+)?( ?%| to .*)?$/.test(text) ? number : text;
  };
  const missing = (item) => item === "" || item === "\u2013";
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const rows = [...body.rows].map((row) => ({ row, item: value(row, column) }));
      const numbers = rows.every(({ item }) => typeof item === "number" || missing(item));
      const before = head.getAttribute("aria-sort");
      const order = before === null ? head.dataset.first ?? (numbers ? "descending" : "ascending")
        : before === "ascending" ? "descending" : "ascending";
      const sign = order === "ascending" ? 1 : -1;
      rows.sort(({ item: a }, { item: b }) => {
        if (missing(a) || missing(b)) return missing(a) - missing(b);
        return sign * (numbers ? a - b : String(a).localeCompare(String(b), "en", { numeric: true }));
      });
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", order);
      body.append(...rows.map(({ row }) => row));
    });
  });
}

/* Announces columns that are out of sight. */
{
  const regions = [...document.querySelectorAll(".scroll")].filter((region) => region.querySelector("table"));
  const notes = new Map();
  const measure = (region) => {
    const { left, right } = region.getBoundingClientRect();
    if (right === left || region.scrollWidth <= region.clientWidth + 1) return { region, count: 0 };
    const rows = region.querySelector("table").tHead.rows;
    const cells = [...rows[rows.length - 1].cells];
    /* The first column stays in view. */
    const start = cells[0].getBoundingClientRect().right;
    const hidden = cells.slice(1).filter((cell) => {
      const box = cell.getBoundingClientRect();
      return box.right > right + 1 || box.left < start - 1;
    });
    return { region, count: hidden.length, all: cells.length };
  };
  const announce = ({ region, count, all }) => {
    let note = notes.get(region);
    if (!note && count === 0) return;
    if (!note) {
      note = document.createElement("p");
      note.className = "columns-note";
      note.id = `columns-note-${notes.size + 1}`;
      region.prepend(note);
      region.setAttribute("aria-describedby", note.id);
      region.addEventListener("scroll", () => announce(measure(region)), { passive: true });
      notes.set(region, note);
    }
    note.hidden = count === 0;
    note.textContent = `${count} of ${all} columns ${count === 1 ? "is" : "are"} out of sight; scroll the table sideways.`;
  };
  /* All are measured before the page changes. */
  const update = (changed) => changed.map(measure).forEach(announce);
  update(regions);
  const observer = new ResizeObserver((entries) => update(entries.map((entry) => entry.target)));
  regions.forEach((region) => observer.observe(region));
}

/* Copies commands. */
for (const code of document.querySelectorAll("pre code")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = "Copy";
  const name = code.parentNode.getAttribute("aria-label");
  button.setAttribute("aria-label", `Copy: ${name}`);
  const block = document.createElement("div");
  block.className = "code";
  code.parentNode.before(block);
  block.append(code.parentNode, button);
  const copied = () => {
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  };
  const select = () => {
    getSelection().selectAllChildren(code);
    if (document.execCommand("copy")) copied();
  };
  button.addEventListener("click", () => {
    if (navigator.clipboard) navigator.clipboard.writeText(code.textContent).then(copied, select);
    else select();
  });
}
