"use strict";
let hinted = false;
/* Values of a chart below the pointer, or at the position that arrow keys selected. */
for (const figure of document.querySelectorAll("figure.plot")) {
  const svg = figure.querySelector("svg");
  const readout = figure.querySelector(".readout");
  const traces = [...svg.querySelectorAll("[data-values]")].map((line) => {
    const places = line.getAttribute("points").split(" ");
    const points = line.dataset.values.split(";").map((text, index) => {
      const [left, top] = places[index].split(",").map(Number);
      const [x, y, name] = text.split("|");
      return { left, top, x, y, name };
    });
    return { name: line.dataset.name, points };
  });
  if (traces.length === 0) continue;
  const add = (parent, tag) => parent.appendChild(document.createElementNS(svg.namespaceURI, tag));
  const pointer = add(svg, "g");
  pointer.classList.add("pointer");
  const line = add(pointer, "polyline");
  const dots = traces.map(() => add(pointer, "circle"));
  dots.forEach((dot) => dot.setAttribute("r", 5.5));
  const nearest = svg.dataset.nearest === "true";
  const lefts = [...new Set(traces.flatMap((trace) => trace.points.map((point) => point.left)))];
  lefts.sort((a, b) => a - b);
  const hint = hinted ? "" : "Point at a chart, or focus it and press arrow keys, to show its values.";
  hinted = true;
  let at = null;
  let position = 0;
  let selected = 0;

  const closest = (items, distance) =>
    items.reduce((best, item, index) => (distance(item) < distance(items[best]) ? index : best), 0);
  const show = (shown) => {
    const first = shown[0].point;
    line.setAttribute("points", `${first.left},0 ${first.left},${svg.viewBox.baseVal.height}`);
    line.setAttribute("visibility", nearest ? "hidden" : "inherit");
    dots.forEach((dot, index) => {
      const found = shown.find((one) => one.index === index);
      dot.setAttribute("visibility", found ? "inherit" : "hidden");
      if (found) {
        dot.setAttribute("cx", found.point.left);
        dot.setAttribute("cy", found.point.top);
      }
    });
    pointer.setAttribute("visibility", "visible");
    const values = shown.map(({ index, point }) => {
      const other = point.x === first.x ? "" : ` (at ${point.x})`;
      return `${point.name ?? traces[index].name} ${point.y}${other}`;
    });
    readout.classList.remove("hint");
    readout.textContent = `${svg.dataset.x} ${first.x}: ${values.join(", ")}`;
  };
  const showAt = (left) => {
    const found = traces.map((trace, index) => {
      const point = trace.points[closest(trace.points, (one) => Math.abs(one.left - left))];
      return { index, point };
    });
    found.sort((a, b) => Math.abs(a.point.left - left) - Math.abs(b.point.left - left));
    show(found);
  };
  const showPoint = () => show([{ index: selected, point: traces[selected].points[position] }]);
  const hide = () => {
    pointer.setAttribute("visibility", "hidden");
    readout.textContent = hint;
    readout.classList.add("hint");
    at = null;
  };
  const update = () => (nearest ? showPoint() : showAt(lefts[at]));

  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const scale = svg.viewBox.baseVal.width / box.width;
    const left = (event.clientX - box.left) * scale;
    const top = (event.clientY - box.top) * scale;
    at = closest(lefts, (one) => Math.abs(one - left));
    if (nearest) {
      const distance = (point) => Math.hypot(point.left - left, point.top - top);
      const best = traces.map((trace) => closest(trace.points, distance));
      selected = closest(best.map((index, trace) => traces[trace].points[index]), distance);
      position = best[selected];
    }
    update();
  });
  svg.addEventListener("pointerleave", () => {
    if (document.activeElement !== svg) hide();
  });
  svg.addEventListener("focus", () => {
    if (at !== null) return;
    at = lefts.length - 1;
    position = nearest ? 0 : traces[selected].points.length - 1;
    update();
  });
  svg.addEventListener("blur", hide);
  svg.addEventListener("keydown", (event) => {
    const steps = { ArrowLeft: -1, ArrowRight: 1, PageUp: 10, PageDown: -10, Home: -1e9, End: 1e9 };
    if (event.key === "Escape") return hide();
    if (nearest && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
      selected = (selected + (event.key === "ArrowDown" ? 1 : traces.length - 1)) % traces.length;
    } else if (!(event.key in steps)) {
      return;
    }
    const by = steps[event.key] ?? 0;
    const within = (index, count) => Math.min(Math.max(index, 0), count - 1);
    at = within((at ?? lefts.length - 1) + by, lefts.length);
    position = within(position + by, traces[selected].points.length);
    event.preventDefault();
    update();
  });
  svg.setAttribute("tabindex", "0");
  readout.hidden = false;
  hide();
}

/* Opens the first example behind a link. */
for (const link of document.querySelectorAll("td a[href^='#']")) {
  link.addEventListener("click", () => {
    const first = document.getElementById(link.hash.slice(1))?.querySelector("details");
    if (first) first.open = true;
  });
}
