//! The report pages in a browser: no console messages and no requests, wide and narrow, light and dark, with pointer
//! and keys; a page of hundreds of runs is small enough to use.
//!
//! Requires Chromium on the path. Without it there is one ignored test with this reason in its name, or a failure with
//! `STAPES_REQUIRE_FIXTURES=1`.

mod pages;

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use libtest_mimic::{Arguments, Failed, Trial};
use pages::report::complete;
use pages::{Size, comparison};
use stapes_report::table::{Table, Value};
use stapes_report::{Comparison, render, render_comparison};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let runs = |name: &&&str| {
        let status =
            Command::new(**name).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    };
    let trials = match names.iter().find(runs) {
        Some(&browser) => trials(browser),
        None if std::env::var("STAPES_REQUIRE_FIXTURES").is_ok_and(|value| value == "1") => {
            vec![trial("chromium_is_installed", || Err("chromium is not on the path".into()))]
        }
        None => {
            let name = "SKIPPED: chromium is not on the path; install it to test the pages in a browser";
            vec![Trial::test(name, || Ok(())).with_ignored_flag(true)]
        }
    };
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trials(browser: &'static str) -> Vec<Trial> {
    let mut trials = vec![
        trial("a_wide_page_answers_pointer_and_keys", move || answers(browser, 1280, 1)),
        trial("a_page_of_phone_width_answers_pointer_and_keys", move || answers(browser, 390, 1)),
        trial("a_dark_page_has_a_dark_background_and_no_console_messages", move || dark(browser)),
        trial("a_page_of_all_256_candidates_with_3_seeds_can_be_used", move || {
            compares(browser, (1280, 1), of_candidates(256))
        }),
        trial("the_time_to_open_a_page_grows_with_its_runs_and_no_faster", move || grows(browser)),
    ];
    let hundred = of_candidates(34);
    for (width, shape) in [(1280, "wide"), (390, "narrow")] {
        for (scheme, theme) in [(1, "light"), (0, "dark")] {
            let name = format!("a_{shape}_{theme}_page_of_a_hundred_runs_is_small_and_answers");
            trials.push(trial(&name, move || compares(browser, (width, scheme), hundred)));
        }
    }
    trials
}

fn trial(name: &str, check: impl FnOnce() -> Result<(), String> + Send + 'static) -> Trial {
    Trial::test(name, || check().map_err(Failed::from))
}

fn of_candidates(candidates: usize) -> Size {
    Size { candidates, seeds: 3, classes: 35, points: 200 }
}

/// A page that opens a report in a frame of a given width, acts as a reader, and writes the results.
///
/// The report keeps its content security policy.
const PROBE: &str = r##"<!doctype html><html><head><meta name="color-scheme" content="light dark"></head><body>
<iframe style="border: 0; height: 900px; width: WIDTHpx"></iframe>
<textarea hidden>PAGE</textarea>
<script>
const frame = document.querySelector("iframe");
frame.addEventListener("load", () => {
  const page = frame.contentDocument;
  const root = page.documentElement;
  const lines = [`wider by ${root.scrollWidth - root.clientWidth}`];
  lines.push(`ground ${frame.contentWindow.getComputedStyle(page.body).backgroundColor}`);
  lines.push(`charts ${page.querySelectorAll("svg.chart").length} ${page.querySelectorAll("svg[tabindex='0']").length}`);
  lines.push(`requests ${frame.contentWindow.performance.getEntriesByType("resource").length}`);
  ACTS
  lines.push(`elements ${page.querySelectorAll("*").length}`);
  document.body.textContent = `[[${lines.join("\n")}]]`;
});
frame.srcdoc = document.querySelector("textarea").value;
</script></body></html>"##;

/// Actions of a reader of one run.
const ACTS: &str = r##"
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

/// Actions of a reader of many runs.
const ACTS_OF_MANY: &str = r##"
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

/// A page that opens two reports in turn, three times each, and writes the milliseconds of each.
const TIMED: &str = r##"<!doctype html><html><body>
<iframe style="border: 0; height: 900px; width: 1280px"></iframe>
<textarea hidden>FEW</textarea><textarea hidden>MANY</textarea>
<script>
const frame = document.querySelector("iframe");
const pages = [...document.querySelectorAll("textarea")].map((area) => area.value);
const lines = [];
let began;
const open = () => { began = performance.now(); frame.srcdoc = pages[lines.length % 2]; };
frame.addEventListener("load", () => {
  const { scrollWidth } = frame.contentDocument.documentElement;
  lines.push(performance.now() - began);
  if (lines.length < 6 && scrollWidth > 0) open();
  else document.body.textContent = `[[${lines.join("\n")}]]`;
});
open();
</script></body></html>"##;

/// Escapes a page as the contents of an element.
fn escaped(page: &str) -> String {
    page.replace('&', "&amp;").replace('<', "&lt;")
}

/// Returns the lines that the probe wrote about a page, and the number of its elements; an error for any console
/// message.
fn probed(
    browser: &str,
    (width, scheme): (u32, u32),
    (page, acts): (&str, &str),
) -> Result<(Vec<String>, usize), String> {
    let probe = PROBE.replace("WIDTH", &width.to_string()).replace("ACTS", acts);
    let mut lines = written(browser, scheme, &probe.replace("PAGE", &escaped(page)))?;
    let elements = lines.pop().and_then(|line| line.strip_prefix("elements ")?.parse().ok());
    Ok((lines, elements.ok_or("the probe did not write the number of elements")?))
}

/// Returns the lines that a probe wrote; an error for any console message.
fn written(browser: &str, scheme: u32, probe: &str) -> Result<Vec<String>, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let path = folder.path().join("probe.html");
    std::fs::write(&path, probe).map_err(|error| error.to_string())?;
    let (dom, log) = dumped(browser, &path, folder.path(), scheme)?;
    if let Some(line) = log.lines().find(|line| line.contains("CONSOLE")) {
        return Err(format!("console message: {line}"));
    }
    let lines = dom.split_once("[[").and_then(|(_, rest)| rest.rsplit_once("]]")).map(|(lines, _)| lines);
    let lines = lines.ok_or_else(|| format!("the probe wrote nothing; log of the browser: {log}"))?;
    Ok(lines.lines().map(|line| line.replace("&nbsp;", " ")).collect())
}

/// Returns the document after its scripts, and the log of the browser.
fn dumped(browser: &str, page: &Path, folder: &Path, scheme: u32) -> Result<(String, String), String> {
    let output = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--window-size=1400,1000"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .args(["--enable-logging=stderr", "--v=0", "--dump-dom"])
        .arg(format!("--blink-settings=preferredColorScheme={scheme}"))
        .arg(format!("--user-data-dir={}", folder.join("profile").display()))
        .arg(format!("file://{}", page.display()))
        .output()
        .map_err(|error| error.to_string())?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok((text(&output.stdout), text(&output.stderr)))
}

fn answers(browser: &str, width: u32, scheme: u32) -> Result<(), String> {
    let page = render(&complete("voice & \"more\"")).map_err(|error| error.to_string())?;
    let (lines, _) = probed(browser, (width, scheme), (&page, ACTS))?;
    same(
        &lines,
        &[
            "wider by 0",
            "ground rgb(255, 255, 255)",
            "charts 17 9",
            "requests 0",
            "focus step 30: training 0.0323, validation 0.0355",
            "second step 1: training 0.5, validation 1.1 (at 0)",
            "escape Point at a chart, or focus it and press arrow keys, to show its values.",
            "hints 1",
            "pointer step 12: training 0.0769, validation 0.1 (at 10)",
            "descending 100.0 % 95.0 % 50.0 %",
            "ascending 50.0 % 95.0 % 100.0 %",
            "examples 1 below errors-0-1",
            "sounds 2 2",
            "pictures true true",
            "attention s 0.48: weight 0.01",
            "sought 0.2 true,true,true",
            "listed 25: 1 to 25 of 60",
            "after 25: 26 to 50 of 60",
            "wrong 2: 1 to 2 of 2 (60 in all), sounds 2",
            "confident second",
            "found voice &amp; \"more\"bedcat0.670wrongPlay",
            "copies 3",
            "wider still by 0",
        ],
    )
}

fn dark(browser: &str) -> Result<(), String> {
    let page = render(&complete("voice & \"more\"")).map_err(|error| error.to_string())?;
    let (lines, _) = probed(browser, (1280, 0), (&page, ACTS))?;
    same(&lines[1..2], &["ground rgb(20, 24, 29)"])
}

/// Renames a candidate with visible curves to a name of 160 letters without a break.
fn named_at_length(mut comparison: Comparison) -> Comparison {
    let name = "a_long_name_".repeat(13) + "last";
    let at = comparison.candidates.len() - 2;
    let table = &mut comparison.tables[0].table;
    let mut rows = table.rows().to_vec();
    rows[at][0] = Value::Text(name.clone());
    *table = Table::new(table.columns().to_vec(), rows);
    comparison.candidates[at].name = name;
    comparison
}

/// Opens a page of many runs, acts on it, and counts its elements.
fn compares(browser: &str, (width, scheme): (u32, u32), size: Size) -> Result<(), String> {
    let comparison = named_at_length(comparison(size));
    let page = render_comparison(&comparison).map_err(|error| error.to_string())?;
    let (lines, elements) = probed(browser, (width, scheme), (&page, ACTS_OF_MANY))?;
    let runs = size.candidates * size.seeds;
    println!("{runs} runs at {width} px: {} bytes, {elements} elements", page.len());
    let last = size.candidates - 1;
    let next = if size.candidates == 256 { "55.2 (54.2 to 56.2)" } else { "56.2 (55.2 to 57.2)" };
    let ground = if scheme == 0 { "ground rgb(20, 24, 29)" } else { "ground rgb(255, 255, 255)" };
    same(
        &lines,
        &[
            "wider by 0",
            ground,
            "charts 9 9",
            "requests 0",
            "cheapest time of a training step (ms) 0.5: model 0 55.0 (54.0 to 56.0)",
            &format!("next time of a training step (ms) 0.525: model 1 {next}"),
            &format!("curve step 15 of model {last}"),
            &format!("best model {last}"),
            "smallest model 0",
            "matrix 35",
            "wider still by 0",
            "named 13 in view true spilt 0",
            "first column at 0: true",
            "silent 0",
            "first figure in view true",
        ],
    )?;
    match elements {
        few if few < MAX_ELEMENTS + ELEMENTS_PER_RUN * runs => Ok(()),
        many => Err(format!("the page has {many} elements")),
    }
}

/// Opens a page of few runs and one of many in turn, and compares the times.
fn grows(browser: &str) -> Result<(), String> {
    let sizes = [32, 256].map(of_candidates);
    let [few, many] = sizes.map(|size| render_comparison(&comparison(size)).map(|page| escaped(&page)));
    let [few, many] = [few.map_err(|error| error.to_string())?, many.map_err(|error| error.to_string())?];
    let lines = written(browser, 1, &TIMED.replace("FEW", &few).replace("MANY", &many))?;
    let times: Vec<f64> = lines.iter().filter_map(|line| line.parse().ok()).collect();
    let median = |turn: usize| {
        let mut times: Vec<f64> = times.iter().skip(turn).step_by(2).copied().collect();
        times.sort_by(f64::total_cmp);
        times.get(1).copied().ok_or_else(|| format!("the probe wrote {lines:?}"))
    };
    let (few, many) = (median(0)?, median(1)?);
    println!("opened 96 runs in {few:.0} ms, 768 in {many:.0} ms");
    // Eight times the runs, and most of a page does not depend on their number.
    match many < 8.0 * few {
        true => Ok(()),
        false => Err(format!("96 runs open in {few:.0} ms, 768 in {many:.0} ms")),
    }
}

/// Maximum number of elements, a quarter more than there are: a constant part and a part per run.
const MAX_ELEMENTS: usize = 24_000;
const ELEMENTS_PER_RUN: usize = 13;

fn same(lines: &[String], expected: &[&str]) -> Result<(), String> {
    match lines == expected {
        true => Ok(()),
        false => Err(format!("expected {expected:#?}, found {lines:#?}")),
    }
}
