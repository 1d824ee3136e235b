//! The report page as a file: complete, escaped, well formed, without network access.

use crate::pages::report::{WORDS, complete, sample};
use crate::pages::{EVIL, check_escaped, check_targets, check_well_formed};
use stapes_metrics::Evaluation;
use stapes_report::ReportError;
use stapes_report::{ExamplePrediction, Point, Predictions, RecordingPrediction, Report, render};

#[test]
fn every_part_is_there() -> Result<(), ReportError> {
    let html = render(&sample(&WORDS))?;
    let parts = [
        "<title>Three words</title>",
        "<h1>Three words</h1>",
        "Four LSTM layers of 64 units over 20 MFCC.",
        "Stopped early at step 30.",
        "Accuracy on test",
        "97.5 %",
        "95 % CI 87.1 to 99.6 %, 39 of 40",
        "121,219",
        "2 min 05 s",
        "30 steps",
        "1.23 ms",
        "62.5 % on validation",
        "best: 62.5 % at step 25",
        "best step: 25",
        "cross-entropy, nats",
        "One epoch is 5 steps.",
        "<svg class=\"chart\"",
        "“bed” predicted as “cat”: 1 of 14, 7.1 %",
        "<th scope=\"row\">happy</th>",
        "0.963",
        "2,250 clips",
        "0123abcd",
        "stapes train recipes/words.toml --out runs/words",
        "[train]\nbatch_size = 20",
        "threads",
        "2026-01-31 12:00 UTC",
        "prefers-color-scheme: dark",
    ];
    for part in parts {
        assert!(html.contains(part), "{part} is missing");
    }
    assert_eq!(html.matches("<svg").count(), 2);
    assert_eq!(html.matches("<td class=\"correct s").count(), 3);
    Ok(())
}

#[test]
fn every_optional_part_is_shown_if_present_and_omitted_otherwise() -> Result<(), ReportError> {
    let (full, bare) = (render(&complete("voice"))?, render(&sample(&WORDS))?);
    let parts = [
        "<h3>Learning rate</h3>",
        "<h3>Gradient norm</h3>",
        "<th scope=\"col\">gradient norm</th>",
        "<td>1.15e-4</td><td>8.00e-2</td>",
        "<h2 id=\"detection-heading\">Error rates at every threshold</h2>",
        "<h3>Receiver operating characteristic</h3>",
        "<h3>Detection error tradeoff</h3>",
        "equal error rate on these scores",
        "0.7500",
        "<h2 id=\"calibration-heading\">Calibration</h2>",
        "Expected calibration error (ECE)",
        "<h2 id=\"groups-heading\">Accuracy by voice</h2>",
        "95.0 %",
        "76.4 to 99.1 %",
        "<h3>Gradient over time</h3>",
        "layer 2, backwards",
        "<a href=\"#errors-0-1\" aria-label=\"cat: examples of “bed” predicted as “cat”\">cat</a>",
        "<h2 id=\"errors-heading\">Most confident errors</h2>",
        "<summary>voice: “cat” (0.688), “bed” (0.250)</summary>",
        "<h3>“bed” predicted as “cat”</h3>",
        " controls preload=\"metadata\" src=\"data:audio/wav;base64,UklGR",
        "<dd>0.50 s at 8,000 Hz</dd>",
        "Of second the first 3 s are shown.",
        "href=\"data:image/png;base64,iVBOR",
        "<h2 id=\"attention-heading\">Attention</h2>",
        "most confident correct example of 1 of 3 classes",
        "25 weights, the largest at s 0.20.",
        "<h2 id=\"predictions-heading\">All predictions</h2>",
        "<p>60 examples. 2 examples with sound: the errors above, whose recordings are part of this page.</p>",
        "<pre id=\"prediction-data\" hidden>bed\tcat\thappy\n0\t0\t0.400\t\tclip 0\n",
        "\n0\t1\t0.680\terrors-0-1-1-sound\tsecond</pre>",
        "<audio id=\"errors-0-1-1-sound\" ",
        "<h2 id=\"next-heading\">What now</h2>",
        "<code>stapes predict voice</code>",
    ];
    for part in parts {
        assert!(full.contains(part), "{part} is missing");
        assert!(!bare.contains(part), "{part} is there without its values");
    }
    // Waveform and two pictures of each error, attention over two pictures.
    assert_eq!(full.matches("<svg").count(), 8 + 2 * 3 + 3);
    assert_eq!(full.matches("<image ").count(), 2 * 2 + 2);
    check_well_formed(&full);
    Ok(())
}

#[test]
fn the_only_script_is_the_one_that_the_policy_names() -> Result<(), ReportError> {
    let html = render(&complete("voice"))?;
    assert_eq!((html.matches("<script").count(), html.matches("</script>").count()), (1, 1));
    let script = [
        include_str!("../../templates/report.js"),
        include_str!("../../templates/predictions.js"),
        include_str!("../../templates/tables.js"),
        include_str!("../../templates/sound.js"),
    ];
    assert!(html.contains(&format!("<script>{}</script>", script.join("\n"))));
    let policy =
        html.split_once("Content-Security-Policy\" content=\"").unwrap().1.split_once('"').unwrap().0;
    let sources = policy.split("; ").find_map(|part| part.strip_prefix("script-src ")).unwrap();
    // 'sha256-' and 44 digits of Base64; the hash itself is tested where it is made.
    assert!(
        sources.starts_with("'sha256-") && sources.ends_with("='") && sources.len() == 8 + 44 + 1,
        "{sources}"
    );
    for handler in [" onclick", " onload", " onfocus", "javascript:", "eval(", "innerHTML", "fetch("] {
        assert!(!html.contains(handler), "{handler}");
    }
    Ok(())
}

#[test]
fn a_pointer_shows_the_value_at_its_position() -> Result<(), ReportError> {
    let html = render(&sample(&WORDS))?;
    let trace = |name: &str| -> Vec<&str> {
        let line = html.lines().find(|line| line.contains(&format!("data-name=\"{name}\""))).unwrap();
        let values = |key: &str| line.split_once(key).unwrap().1.split_once('"').unwrap().0;
        // Every value has a position.
        let values = [values("data-values=\""), values("points=\"")];
        assert_eq!(values[0].split(';').count(), values[1].split(' ').count());
        values[0].split(';').collect()
    };
    let training = trace("training");
    assert_eq!(training.len(), 31);
    assert!(training[3] == "3|0.25", "{}", training[3]);
    assert!(training[30] == "30|0.0323", "{}", training[30]);
    assert!(trace("validation")[1] == "5|0.1833", "{}", trace("validation")[1]);
    Ok(())
}

#[test]
fn nothing_is_loaded_from_outside() -> Result<(), ReportError> {
    let html = render(&complete("voice"))?;
    // Data URLs may contain any letters.
    let mut parts = html.split(";base64,");
    let mut page = parts.next().unwrap_or_default().to_string();
    parts.for_each(|part| page += &part[part.find('"').unwrap()..]);
    assert!(page.len() < html.len());
    // The hash of the script may contain any letters, too.
    let (before, rest) = page.split_once("'sha256-").unwrap();
    let page = [before, rest.split_once('\'').unwrap().1].concat();
    for outside in ["http:", "https:", "//", "url(", "@import", "<iframe"] {
        assert!(!page.contains(outside), "{outside}");
    }
    // Links have targets on the page; sounds, pictures and the empty icon are data URLs.
    for key in ["href=\"", " src=\""] {
        for (index, _) in page.match_indices(key) {
            let target = page[index + key.len()..].split('"').next().unwrap();
            let known = ["data:,", "data:image/png", "data:audio/wav"].contains(&target);
            assert!(target.starts_with('#') || known, "{target}");
        }
    }
    assert!(
        html.contains("Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'")
    );
    Ok(())
}

#[test]
fn links_have_targets_on_the_page_and_ids_are_unique() -> Result<(), ReportError> {
    check_targets(&render(&complete("voice"))?);
    Ok(())
}

#[test]
fn text_from_outside_is_escaped_everywhere() -> Result<(), ReportError> {
    let evil = EVIL;
    let mut report = Report { evaluation: sample(&[evil, "cat", "happy"]).evaluation, ..complete(evil) };
    for text in [
        &mut report.title,
        &mut report.summary,
        &mut report.command,
        &mut report.created_at,
        &mut report.subset,
        &mut report.loss,
        &mut report.recipe_toml,
    ] {
        *text = evil.to_string();
    }
    report.notes = vec![evil.into()];
    report.versions = vec![(evil.into(), evil.into())];
    report.data = vec![(evil.into(), evil.into())];
    let html = render(&report)?;
    check_escaped(&html);
    Ok(())
}

#[test]
fn the_page_is_well_formed_without_optional_parts() -> Result<(), ReportError> {
    let full = sample(&WORDS);
    let mut bare = full.clone();
    bare.curves = Vec::new();
    bare.latency_ms = None;
    bare.notes = Vec::new();
    bare.data = Vec::new();
    bare.versions = Vec::new();
    let mut diverged = full.clone();
    for point in &mut diverged.curves {
        point.train_loss = (point.step < 3).then_some(f32::NAN);
        point.validation_loss = (point.step == 3).then_some(f32::INFINITY);
        point.validation_accuracy = point.validation_loss;
    }
    diverged.best_step = 3;
    let labels: Vec<String> = (0..70).map(|class| format!("word {class}")).collect();
    let many = sample(&labels.iter().map(String::as_str).collect::<Vec<_>>());
    for report in [full, bare, diverged, many, sample(&["only"])] {
        let html = render(&report)?;
        check_well_formed(&html);
        assert!(!html.contains("NaN") && !html.contains("inf %"));
        let finite = |point: &Point| point.train_loss.is_some_and(f32::is_finite);
        assert_eq!(html.contains("<svg"), report.curves.iter().any(finite));
        assert_eq!(html.contains("No curve to draw"), html.contains("not finite"));
    }
    Ok(())
}

#[test]
fn a_matrix_too_large_to_read_gives_way_to_the_pairs() -> Result<(), ReportError> {
    let labels: Vec<String> = (0..70).map(|class| format!("word {class}")).collect();
    let html = render(&sample(&labels.iter().map(String::as_str).collect::<Vec<_>>()))?;
    assert!(html.contains("The matrix of 70 classes is too large to show"));
    assert!(!html.contains("<table class=\"matrix"));
    assert!(html.contains("<td>word 0</td><td>word 1</td>"));
    Ok(())
}

#[test]
fn examples_that_do_not_match_the_classes_are_rejected() {
    let message = |change: fn(&mut Report)| {
        let mut report = complete("voice");
        change(&mut report);
        render(&report).unwrap_err().to_string()
    };
    assert!(message(|report| report.errors[0].label = 3).contains("voice: pass classes below 3"));
    assert!(message(|report| report.errors[1].probabilities.truncate(2)).contains("second: pass classes"));
    assert!(message(|report| report.attention[0].weights[3] = f32::NAN).contains("NaN"));
    assert!(message(|report| report.attention[0].weights.clear()).contains("no weights"));
}

#[test]
fn the_list_of_ten_thousand_predictions_is_small_and_checked() -> Result<(), ReportError> {
    let row = |number: usize| ExamplePrediction {
        name: format!("recordings/happy/speaker_{number}_one.wav"),
        label: number % 3,
        prediction: (number % 7).min(2),
        probability: 0.5,
    };
    let rows: Vec<ExamplePrediction> = (0..10_000).map(row).collect();
    let of = |rows: &[ExamplePrediction]| Report {
        predictions: Some(Predictions::Examples(rows.to_vec())),
        ..sample(&WORDS)
    };
    let html = render(&of(&rows))?;
    check_well_formed(&html);
    assert!(html.len() < render(&sample(&WORDS))?.len() + 600_000, "{}", html.len());
    for wrong in [
        ExamplePrediction { label: 3, ..row(0) },
        ExamplePrediction { prediction: 3, ..row(0) },
        ExamplePrediction { probability: f32::NAN, ..row(0) },
    ] {
        assert!(render(&of(&[wrong])).unwrap_err().to_string().contains("pass classes below 3"));
    }
    let recording = RecordingPrediction { name: "a\tb".into(), frames: 40, correct: 39 };
    let predictions = Some(Predictions::Recordings(vec![recording]));
    let html = render(&Report { predictions, ..sample(&WORDS) })?;
    assert!(html.contains("happy\n40\t39\ta\\u{9}b</pre>") && html.contains("<p>1 recording.</p>"));
    Ok(())
}

#[test]
fn undefined_scores_are_explained() -> Result<(), ReportError> {
    let mut report = sample(&WORDS);
    assert!(!render(&report)?.contains("A dash means undefined"));
    report.evaluation = Evaluation::new(&["a".into(), "b".into()], &[0, 1], &[0, 0]).unwrap();
    assert!(render(&report)?.contains("A dash means undefined"));
    Ok(())
}

/// Text and its background in both themes, by WCAG 2.2's contrast ratio.
#[test]
fn text_keeps_its_contrast_in_both_themes() {
    let css = stapes_web::BASE_CSS;
    let (light, dark) = css.split_once("@media (prefers-color-scheme: dark)").unwrap();
    for theme in [light, dark] {
        let contrast = |text: &str, background: &str| {
            let (a, b) = (luminance(theme, text), luminance(theme, background));
            let ratio = (a.max(b) + 0.05) / (a.min(b) + 0.05);
            assert!(ratio >= 4.5, "{text} on {background}: {ratio:.2}");
        };
        for text in ["text", "muted", "series-1", "series-2", "series-3", "series-4", "series-5", "series-6"]
        {
            contrast(text, "background");
            contrast(text, "surface");
        }
        contrast("text", "note");
        for kind in ["correct", "wrong"] {
            (1..=5).for_each(|shade| contrast("low", &format!("{kind}-{shade}")));
            (6..=7).for_each(|shade| contrast("high", &format!("{kind}-{shade}")));
        }
    }
}

/// WCAG 2.2's relative luminance of a custom property `--name: #rrggbb`, its first in the text.
fn luminance(css: &str, name: &str) -> f64 {
    let key = format!("--{name}: #");
    let hex = &css[css.find(&key).unwrap_or_else(|| panic!("{key} is missing")) + key.len()..][..6];
    let channel = |index: usize| {
        let value = f64::from(u8::from_str_radix(&hex[2 * index..2 * index + 2], 16).unwrap()) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * channel(0) + 0.7152 * channel(1) + 0.0722 * channel(2)
}
