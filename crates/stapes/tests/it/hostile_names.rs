//! Names with escape sequences, line breaks, tabs, direction marks and markup are escaped in the terminal and cannot forge
//! lines; pages and figures that contain them are well-formed.

use std::f32::consts::TAU;

use crate::support::{Ran, Scratch, TONES, wav};
use stapes::report::{visible, visible_lines};
use stapes_testkit::hostile_file_names;

const FSDD: &str = "[data.fsdd]\nsplit = \"official\"\nvalidation_fraction = 0.2";
/// Class name that would clear the screen and forge a field and a line.
const CLASS: &str = "\u{1b}[2Jhigh\tx\n<b>&\u{202e}";

fn tone(high: bool, number: usize) -> Vec<u8> {
    let hz = if high { 1800.0 } else { 500.0 };
    let length = 1600 + 7 * number;
    wav(&(0..length).map(|n| 0.4 * (TAU * hz * n as f32 / 8000.0).sin()).collect::<Vec<_>>(), 8000)
}

/// Writes two classes of recordings with hostile names, and a recipe.
fn recordings() -> Scratch {
    let scratch = Scratch::new();
    let names: Vec<&str> = hostile_file_names().collect();
    for (number, name) in names.iter().cycle().take(32).enumerate() {
        for (class, high) in [("low", false), (CLASS, true)] {
            scratch
                .write(&format!("my/{class}/{number}{name}.wav"), tone(high, 2 * number + usize::from(high)));
        }
    }
    let recipe =
        TONES.replace(FSDD, "[data.folders]").replace("\"Tones\"", "\"T\\u001b[2J\\nerror: forged\"");
    scratch.write("my.toml", recipe);
    scratch
}

/// Asserts that the output has no control sequences and no forged lines.
#[track_caller]
fn quiet(ran: Ran) -> Ran {
    for text in [ran.stdout(), ran.stderr()] {
        assert_eq!(visible_lines(&text), text);
        assert!(!text.lines().any(|line| line == "error: forged" || line.starts_with("<b>")), "{text}");
    }
    ran
}

/// Asserts the number of lines and of fields per line, and that fields have no control sequences.
#[track_caller]
fn check_fields(ran: &Ran, lines: usize, fields: usize) {
    let text = ran.stdout();
    assert_eq!(text.lines().count(), lines, "{text}");
    for line in text.lines() {
        let parts: Vec<&str> = line.split('\t').collect();
        assert!(parts.len() == fields && parts.iter().all(|part| visible(part) == *part), "{line}");
    }
}

/// Asserts that every SVG element of a page or figure is well-formed, and returns their number.
#[track_caller]
fn check_svg(text: &str) -> usize {
    let starts: Vec<usize> = text.match_indices("<svg ").map(|(at, _)| at).collect();
    for &at in &starts {
        let end = at + text[at..].find("</svg>").unwrap() + "</svg>".len();
        roxmltree::Document::parse(&text[at..end])
            .unwrap_or_else(|error| panic!("{error}: {}", &text[at..end]));
    }
    starts.len()
}

#[test]
fn hostile_names_are_escaped_in_all_outputs() {
    let scratch = recordings();
    quiet(scratch.run("data info --data my").succeeds());
    quiet(scratch.run("train my.toml --data my --out run").succeeds());
    quiet(scratch.run("eval run").succeeds());

    let files: Vec<String> = hostile_file_names().map(|name| format!("at/{name}.wav")).collect();
    for (number, file) in files.iter().enumerate() {
        scratch.write(file, tone(number % 2 == 0, number));
    }
    let names: Vec<&str> = files.iter().map(String::as_str).collect();
    let predicted = quiet(scratch.run_words(&[&["predict", "run"], &names[..]].concat()).succeeds());
    check_fields(&predicted, files.len(), 3);
    assert!(
        predicted.stdout().contains("\\u{1b}[2Jhigh\\u{9}x\\u{a}<b>&\\u{202e}\t"),
        "{}",
        predicted.stdout()
    );
    assert!(predicted.stdout().contains("\tat/a\\u{9}b.wav\n"), "{}", predicted.stdout());
    let made = quiet(
        scratch.run_words(&[&["features", "log-mel", "--out", "frames"], &names[..]].concat()).succeeds(),
    );
    check_fields(&made, files.len(), 3);
    for name in &names {
        quiet(scratch.run_words(&["inspect", name, "--model", "run", "--out", "page.html"]).succeeds());
        let page = std::fs::read_to_string(scratch.path("page.html")).unwrap();
        assert_eq!(visible_lines(&page), page);
        assert!(check_svg(&page) > 1);
    }

    quiet(scratch.run("report run --out compared").succeeds());
    for page in ["run/report.html", "compared/report.html"] {
        let page = std::fs::read_to_string(scratch.path(page)).unwrap();
        assert_eq!(visible_lines(&page), page);
        assert!(check_svg(&page) > 1);
    }
    for entry in std::fs::read_dir(scratch.path("compared/figures")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "svg") {
            let svg = std::fs::read_to_string(&path).unwrap();
            roxmltree::Document::parse(&svg).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        }
    }
}

#[test]
fn errors_about_hostile_names_have_one_line() {
    let scratch = Scratch::new();
    scratch.tones();
    scratch.tones_recipe();
    scratch.run("train tones.toml --data tones --out run --set train.epochs=1").succeeds();
    for name in hostile_file_names() {
        let file = format!("at/{name}.wav");
        let file = file.as_str();
        for words in [
            &["predict", "run", file][..],
            &["features", "log-mel", file, "--out", "frames"],
            &["inspect", file, "--out", "page.html"],
            &["train", file, "--out", "other"],
            &["eval", file],
            &["data", "info", "--data", file],
            &["report", file, "--out", "compared"],
            &["summary", "tones.toml", "--set", file],
            &[file],
        ] {
            let stderr = quiet(scratch.run_words(words).fails(2, &[])).stderr();
            let errors = stderr.lines().filter(|line| line.starts_with("error")).count();
            assert_eq!(errors, 1, "{words:?}: {stderr}");
        }
    }
}
