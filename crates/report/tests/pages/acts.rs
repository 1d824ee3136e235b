//! Actions of readers of pages in a browser; each writes lines about what it sees.

/// Actions of a reader of one run.
pub(crate) const ACTS: &str = r##"
  const svg = page.querySelector("#curves svg");
  const readout = () => svg.parentNode.querySelector(".readout").textContent;
  const press = (key) => svg.dispatchEvent(new frame.contentWindow.KeyboardEvent("keydown", { key }));
  svg.focus();
  lines.push(`focus ${readout()}`);
  press("Home");
  press("ArrowRight");
  lines.push(`second ${readout()}`);
  press("Escape");
  lines.push(`escape ${readout()}`);
  const hints = [...page.querySelectorAll(".hint")].filter((hint) => hint.textContent.startsWith("Point at a chart"));
  lines.push(`hints ${hints.length}`);
  const box = svg.getBoundingClientRect();
  const [x] = svg.querySelector("[data-name='training']").getAttribute("points").split(" ")[12].split(",");
  const clientX = box.left + (Number(x) * box.width) / svg.viewBox.baseVal.width;
  svg.dispatchEvent(new frame.contentWindow.PointerEvent("pointermove", { clientX, clientY: box.top + 9 }));
  lines.push(`pointer ${readout()}`);
  const table = page.querySelector("#groups table");
  const head = table.tHead.rows[0].cells[2];
  const cells = () => [...table.tBodies[0].rows].map((row) => row.cells[2].textContent).join(" ");
  for (let times = 0; times < 2; times += 1) {
    head.querySelector("button").click();
    lines.push(`${head.getAttribute("aria-sort")} ${cells()}`);
  }
  const link = page.querySelector("#confusion td a");
  link.click();
  const opened_by_link = page.querySelectorAll("#errors details[open]");
  lines.push(`examples ${opened_by_link.length} below ${opened_by_link[0].parentNode.id}`);
  page.querySelectorAll("details").forEach((details) => { details.open = true; });
  const sounds = [...page.querySelectorAll("audio")];
  lines.push(`sounds ${sounds.length} ${sounds.filter((audio) => audio.error === null).length}`);
  const bounds = (chart) => chart.querySelector("image").getBoundingClientRect();
  const [spectrogram, read] = [...page.querySelectorAll("#attention svg")].slice(1).map(bounds);
  lines.push(`pictures ${spectrogram.width > 200} ${Math.abs(spectrogram.left - read.left) < 8}`);
  const attention = page.querySelector("#attention svg");
  attention.focus();
  lines.push(`attention ${attention.parentNode.querySelector(".readout").textContent}`);
  const plot = page.querySelector("#errors svg[data-seconds]");
  const [, , left, right] = plot.dataset.seconds.split(" ").map(Number);
  const frame_of_plot = plot.getBoundingClientRect();
  const scale = frame_of_plot.width / plot.viewBox.baseVal.width;
  plot.dispatchEvent(new frame.contentWindow.MouseEvent("click", { clientX: frame_of_plot.left + scale * (left + right) / 2 }));
  const cursors = [...plot.closest(".example").querySelectorAll(".cursor[visibility='visible']")];
  const at = cursors.map((cursor) => Math.abs(cursor.transform.baseVal[0].matrix.e - (left + right) / 2) < 2);
  lines.push(`sought ${page.querySelector("#errors audio").currentTime.toFixed(1)} ${at}`);
  const list = page.querySelector("#prediction-list");
  const listed = () => `${list.querySelectorAll("tbody tr").length}: ${list.querySelector("[role='status']").textContent}`;
  lines.push(`listed ${listed()}`);
  list.querySelectorAll(".pager button")[1].click();
  lines.push(`after ${listed()}`);
  const [result] = list.querySelectorAll("select");
  result.value = "wrong";
  result.dispatchEvent(new frame.contentWindow.Event("change"));
  lines.push(`wrong ${listed()}, sounds ${list.querySelectorAll("td button").length}`);
  list.querySelectorAll("thead button")[3].click();
  lines.push(`confident ${list.querySelector("tbody th").textContent}`);
  const search = list.querySelector("input");
  search.value = "VOICE";
  search.dispatchEvent(new frame.contentWindow.Event("input"));
  lines.push(`found ${list.querySelector("tbody").textContent}`);
  lines.push(`copies ${page.querySelectorAll("button.copy").length}`);
  lines.push(`wider still by ${root.scrollWidth - root.clientWidth}`);
"##;

/// Actions of a reader of an evaluation on long recordings.
pub(crate) const ACTS_OF_ERRORS: &str = r##"
  const det = page.querySelector("#det-section svg");
  det.focus();
  lines.push(`det ${det.parentNode.querySelector(".readout").textContent}`);
  page.querySelectorAll("details").forEach((details) => { details.open = true; });
  const sounds = [...page.querySelectorAll("audio")];
  lines.push(`errors ${page.querySelectorAll("#errors details").length} sounds ${sounds.filter((audio) => audio.error === null).length}`);
  const plot = [...page.querySelectorAll("#errors svg[data-seconds]")][1];
  const [, , left, right] = plot.dataset.seconds.split(" ").map(Number);
  const box = plot.getBoundingClientRect();
  const scale = box.width / plot.viewBox.baseVal.width;
  plot.dispatchEvent(new frame.contentWindow.MouseEvent("click", { clientX: box.left + scale * (left + right) / 2 }));
  const cursors = [...plot.closest(".example").querySelectorAll(".cursor[visibility='visible']")].length;
  lines.push(`sought ${sounds[0].currentTime.toFixed(1)} in ${cursors} pictures`);
  lines.push(`wider still by ${root.scrollWidth - root.clientWidth}`);
"##;

/// Actions of a reader of many runs.
pub(crate) const ACTS_OF_MANY: &str = r##"
  const read = (svg) => svg.parentNode.querySelector(".readout").textContent;
  const press = (svg, key) => svg.dispatchEvent(new frame.contentWindow.KeyboardEvent("keydown", { key }));
  const [time] = page.querySelectorAll("#costs svg");
  time.focus();
  lines.push(`cheapest ${read(time)}`);
  press(time, "ArrowRight");
  lines.push(`next ${read(time)}`);
  const validation = page.querySelector("#curves svg");
  validation.focus();
  press(validation, "ArrowUp");
  lines.push(`curve ${read(validation).replace(/: (\S+ \S+) .*/, " of $1")}`);
  const table = page.querySelector("#results table");
  const heads = table.tHead.rows[0].cells;
  const first = () => table.tBodies[0].rows[0].cells[0].textContent;
  heads[1].querySelector("button").click();
  lines.push(`best ${first()}`);
  heads[3].querySelector("button").click();
  lines.push(`smallest ${first()}`);
  const details = page.querySelector("#confusion details");
  details.open = true;
  lines.push(`matrix ${details.querySelectorAll("table.matrix tbody tr").length}`);
  lines.push(`wider still by ${root.scrollWidth - root.clientWidth}`);
  const name = "a_long_name_".repeat(13) + "last";
  const named = [...page.querySelectorAll("th, li, summary")].filter((part) => part.textContent.includes(name));
  const widest = Math.max(...named.map((part) => part.getBoundingClientRect().width));
  const spilt = named.filter((part) => part.scrollWidth > part.clientWidth + 8).length;
  lines.push(`named ${named.length} in view ${widest <= root.clientWidth} spilt ${spilt}`);
  const wide = page.querySelector("#classes .scroll");
  wide.scrollLeft = 1e4;
  const sticky = wide.querySelector("tbody th").getBoundingClientRect().left - wide.getBoundingClientRect().left;
  const note = wide.querySelector(".columns-note");
  lines.push(`first column at ${Math.round(sticky)}: ${/^[1-9]\d* of 13 columns are out of sight/.test(note.textContent)}`);
  const regions = [...page.querySelectorAll(".scroll:has(table)")];
  const silent = regions.filter((one) => one.scrollWidth > one.clientWidth + 1 && !one.hasAttribute("aria-describedby"));
  lines.push(`silent ${silent.filter((one) => one.closest("details") === null).length}`);
  const across = heads[1].getBoundingClientRect();
  lines.push(`first figure in view ${across.width > 0 && across.right <= root.clientWidth}`);
"##;
