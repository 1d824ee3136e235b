//! The report pages in a browser: no console messages and no requests, wide and narrow, light and dark, with pointer
//! and keys; a page of hundreds of runs is small enough to use.
//!
//! Requires Chromium on the path. Without it there is one ignored test with this reason in its name, or a failure with
//! `STAPES_REQUIRE_FIXTURES=1`.

mod pages;

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use libtest_mimic::{Arguments, Failed, Trial};
use pages::acts::{ACTS, ACTS_OF_ERRORS, ACTS_OF_MANY};
use pages::report::complete;
use pages::stream::evaluation;
use pages::{Size, comparison};
use stapes_report::table::{Table, Value};
use stapes_report::{Comparison, render, render_comparison, render_stream};

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
        trial("a_page_of_long_recordings_plays_every_error_wide_and_narrow", move || plays_errors(browser)),
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

fn plays_errors(browser: &str) -> Result<(), String> {
    let page = render_stream(&evaluation("yes & \"no\"")).map_err(|error| error.to_string())?;
    for width in [1280, 390] {
        let (lines, _) = probed(browser, (width, 1), (&page, ACTS_OF_ERRORS))?;
        same(
            &lines,
            &[
                "wider by 0",
                "ground rgb(255, 255, 255)",
                "charts 5 1",
                "requests 0",
                "det false accepts per hour 0.5: yes &amp; \"no\" 30",
                "errors 3 sounds 2",
                "sought 1.0 in 2 pictures",
                "wider still by 0",
            ],
        )?;
    }
    Ok(())
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
