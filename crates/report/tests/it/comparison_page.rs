//! The page of many runs as a file: complete, escaped, well formed, and not too large.

use std::time::Instant;

use crate::pages::{EVIL, Size, check_escaped, check_targets, check_well_formed, comparison};
use stapes_report::ReportError;
use stapes_report::{Comparison, Cost, comparison_pictures, render_comparison};

const FEW: Size = Size { candidates: 4, seeds: 3, classes: 3, points: 30 };

#[test]
fn every_part_is_there() -> Result<(), ReportError> {
    let html = render_comparison(&comparison(FEW))?;
    let parts = [
        "<title>Models &#38; sizes</title>",
        "1 of 9 candidates has no complete run yet.",
        "<td class=\"number best\" data-value=\"0.8500000000000001\"><span>85.0 (84.0 to 86.0)</span></td>",
        "<td>best<sup>*</sup></td>",
        "data-first=\"ascending\">parameters",
        "Highlighted: not significantly different from the best.",
        "<h3>Test accuracy (%) vs. time of a training step (ms)</h3>",
        "Pareto front in order of cost: model 0; model 1; model 3.",
        "Timed alone.",
        ";2,000|65.0 (64.0 to 66.0)|model 1;",
        "<h3>Validation accuracy</h3>",
        "<h3>Training loss</h3>",
        "<h3>Learning rate</h3>",
        "<h3>Gradient norm</h3>",
        "<li><span class=\"line series-4\"></span>model 3</li>",
        "<summary>model 3: ",
        "<h2 id=\"classes-heading\">Recall per class (%)</h2>",
        "<h2 id=\"groups-heading\">Accuracy by speaker (%)</h2>",
        "<th scope=\"row\">bob</th><td class=\"number\">75.0</td>",
        "<p>The scores of voice.</p>",
        "<th scope=\"row\">model 1: equal error rate on validation</th><td class=\"number\">0.5000</td>",
        "<h3>Reliability diagram</h3>",
        "<th scope=\"col\" class=\"number\">Brier score</th>",
        "<a href=\"./model-1/seed-2/report.html\">seed 2</a>",
        "0.1.0 (7 runs); 0.1.1 (1 run)",
        "stapes compare models.toml --out runs/models",
        "<p class=\"muted\">7 runs</p>",
    ];
    for part in parts {
        assert!(html.contains(part), "{part} is missing");
    }
    assert_eq!(html.matches("<svg").count(), 9);
    assert_eq!(html.matches("<table class=\"matrix").count(), 4);
    // Three runs behind each of the four lines of each of the four charts.
    assert_eq!(html.matches(" opacity=\"0.3\" points=").count(), 48);
    assert!(!html.contains("The best 12"));
    check_well_formed(&html);
    Ok(())
}

#[test]
fn a_matrix_has_counts_and_percentages() -> Result<(), ReportError> {
    let comparison = comparison(FEW);
    let confusion = comparison.candidates[3].confusion.as_ref().unwrap();
    let (correct, all) = (confusion.counts()[0][0], confusion.support(0));
    assert!(correct < all);
    let html = render_comparison(&comparison)?;
    let cell = format!(">{correct}<small>{:.1} %</small></td>", 100.0 * correct as f64 / all as f64);
    assert!(html.contains(&cell), "{cell}");
    Ok(())
}

#[test]
fn the_best_dozen_of_many_candidates_are_shown_with_a_note() -> Result<(), ReportError> {
    let html = render_comparison(&comparison(Size { candidates: 20, seeds: 1, ..FEW }))?;
    assert_eq!(html.matches("The best 12 of 20 candidates by mean test accuracy (%) over seeds.").count(), 4);
    assert_eq!(html.matches("<summary>").count(), 12);
    assert!(html.contains("<summary>model 19: ") && !html.contains("<summary>model 7: "));
    // All of them are in the table and in the figures of costs.
    assert!(html.contains("<th scope=\"row\">model 7</th>"));
    assert_eq!(html.matches("|model 7;").count(), 2);
    Ok(())
}

#[test]
fn the_page_is_well_formed_without_optional_parts() -> Result<(), ReportError> {
    let full = comparison(FEW);
    let mut untrained = full.clone();
    for candidate in &mut untrained.candidates {
        (candidate.values, candidate.runs) = (Vec::new(), Vec::new());
        (candidate.confusion, candidate.groups) = (None, None);
        (candidate.scores, candidate.point, candidate.calibration) = (None, None, None);
    }
    let mut bare = full.clone();
    (bare.tables, bare.costs, bare.notes) = (Vec::new(), Vec::new(), Vec::new());
    (bare.commands, bare.versions) = (Vec::new(), Vec::new());
    let mut broken = full.clone();
    for candidate in &mut broken.candidates {
        candidate.costs = vec![Some(0.0), Some(f64::NAN)];
        candidate.values[0] = f64::NAN;
        for point in candidate.runs.iter_mut().flat_map(|run| &mut run.curve) {
            point.train_loss = Some(f32::INFINITY);
            point.gradient_norm = Some(0.0);
            point.validation_accuracy = (point.step == 20).then_some(1.0);
        }
    }
    let mut partly = full.clone();
    partly.candidates[1].scores = None;
    let one = comparison(Size { candidates: 1, seeds: 1, classes: 1, points: 1 });
    let large = comparison(Size { classes: 70, ..FEW });
    let empty = Comparison { candidates: Vec::new(), ..bare.clone() };
    for (name, comparison, figures) in [
        ("full", full, 9),
        ("untrained", untrained, 0),
        ("bare", bare, 7),
        ("broken", broken, 5),
        ("partly", partly, 9),
        ("one", one, 9),
        ("large", large, 9),
        ("empty", empty, 0),
    ] {
        let html = render_comparison(&comparison)?;
        check_well_formed(&html);
        assert_eq!(html.matches("<svg").count(), figures, "{name}");
        assert!(!html.contains("points=\"NaN") && !html.contains("|NaN"), "{name}");
    }
    Ok(())
}

#[test]
fn a_candidate_without_scores_is_named_and_the_others_keep_their_lines() -> Result<(), ReportError> {
    let mut comparison = comparison(FEW);
    comparison.candidates[1].scores = None;
    comparison.candidates[2].calibration = None;
    let html = render_comparison(&comparison)?;
    let section = |id: &str| html.split_once(&format!("<section id=\"{id}\"")).unwrap().1;
    let section = |id: &str| section(id).split_once("</section>").unwrap().0;
    for (id, missing, sentence) in [
        ("detection", 1, "<p>The scores of voice. No curve for: model 1.</p>"),
        ("calibration", 2, "<p>No calibration for: model 2.</p>"),
    ] {
        let section = section(id);
        assert!(section.contains(sentence), "{section}");
        for at in 0..4 {
            let line = format!("<span class=\"line series-{}\"></span>model {at}</", at + 1);
            // In the legend and in the table.
            assert_eq!(section.matches(&line).count(), if at == missing { 0 } else { 2 }, "{id} {at}");
            let trace = format!(" data-name=\"model {at}\" data-values=\"");
            assert_eq!(section.contains(&trace), at != missing, "{id} {at}");
        }
        // The second, the third and the fourth line's colors.
        let drawn = [2, 3, 4].map(|color| section.contains(&format!("<polyline class=\"series-{color}\"")));
        assert_eq!(drawn, [missing != 1, missing != 2, true], "{id}");
    }
    // An operating point from validation data does not need a curve.
    assert!(html.contains("<th scope=\"row\">model 1: equal error rate on validation</th>"));
    let pictures = comparison_pictures(&comparison)?;
    let roc = pictures.iter().find(|picture| picture.name == "roc").unwrap();
    assert!(
        !roc.svg.contains("model 1")
            && roc.svg.contains("class=\"series-3\"")
            && !roc.svg.contains("class=\"series-2\"")
    );
    Ok(())
}

#[test]
fn values_that_cannot_be_drawn_are_counted() -> Result<(), ReportError> {
    let mut comparison = comparison(FEW);
    comparison.candidates[1].costs[0] = None;
    comparison.candidates[0].runs[0].curve[4].train_loss = Some(f32::NAN);
    let html = render_comparison(&comparison)?;
    assert_eq!(html.matches("1 candidate without this cost not shown.").count(), 1);
    assert_eq!(html.matches("1 value not finite and not shown.").count(), 1);
    Ok(())
}

#[test]
fn text_from_outside_is_escaped_and_only_relative_links_are_links() -> Result<(), ReportError> {
    let evil = EVIL;
    let mut comparison = comparison(FEW);
    for text in [
        &mut comparison.title,
        &mut comparison.summary,
        &mut comparison.created_at,
        &mut comparison.metric,
        &mut comparison.loss,
        &mut comparison.scores,
        &mut comparison.tables[0].heading,
    ] {
        *text = evil.into();
    }
    comparison.costs[0] = Cost { key: "time".into(), name: evil.into(), measured: evil.into() };
    comparison.candidates[3].name = evil.into();
    comparison.candidates[3].point.as_mut().unwrap().0 = evil.into();
    comparison.candidates[3].runs[0].name = evil.into();
    comparison.notes = vec![evil.into()];
    comparison.tables[0].explanation = vec![evil.into()];
    comparison.commands = vec![(evil.into(), 1)];
    comparison.versions = vec![(evil.into(), vec![(evil.into(), 1)])];
    comparison.candidates[2].runs[0].link = Some("javascript:alert(1)".into());
    comparison.candidates[2].runs[1].link = Some("https://example.org".into());
    let html = render_comparison(&comparison)?;
    check_escaped(&html);
    for (index, _) in html.match_indices("href=\"") {
        let target = &html[index + 6..index + 12];
        assert!(["#", "./", "data:,"].iter().any(|start| target.starts_with(start)), "{target}");
    }
    Ok(())
}

#[test]
fn ids_are_unique_and_links_within_the_page_lead_somewhere() -> Result<(), ReportError> {
    check_targets(&render_comparison(&comparison(FEW))?);
    Ok(())
}

#[test]
fn pages_of_hundreds_of_runs_are_small() -> Result<(), ReportError> {
    for size in [
        Size { candidates: 100, seeds: 1, classes: 35, points: 1_000 },
        Size { candidates: 12, seeds: 9, classes: 35, points: 1_000 },
        Size { candidates: 256, seeds: 3, classes: 35, points: 200 },
    ] {
        let bytes = render_comparison(&comparison(size))?.len();
        println!("{} runs: {bytes} bytes", size.candidates * size.seeds);
        assert!(bytes < 10_000_000, "{bytes}");
    }
    Ok(())
}

#[test]
fn the_time_of_a_page_grows_with_its_runs_and_no_faster() -> Result<(), ReportError> {
    let sizes = [32, 256].map(|candidates| Size { candidates, seeds: 3, classes: 35, points: 200 });
    let mut seconds = [Vec::new(), Vec::new()];
    // One after the other: other load affects both.
    for _ in 0..3 {
        for (size, seconds) in sizes.into_iter().zip(&mut seconds) {
            let comparison = comparison(size);
            let began = Instant::now();
            render_comparison(&comparison)?;
            seconds.push(began.elapsed().as_secs_f64());
        }
    }
    let [few, many] = seconds.map(|mut seconds| {
        seconds.sort_by(f64::total_cmp);
        seconds[1]
    });
    println!("96 runs: {few:.2} s; 768 runs: {many:.2} s");
    // Eight times the runs: work that grows with their square would take 64 times as long.
    assert!(many < 16.0 * few, "{few} s and {many} s");
    Ok(())
}

#[test]
fn every_figure_is_a_picture_too() -> Result<(), ReportError> {
    let comparison = comparison(Size { candidates: 9, ..FEW });
    let pictures = comparison_pictures(&comparison)?;
    let names: Vec<&str> = pictures.iter().map(|picture| &*picture.name).collect();
    let curves = ["validation-accuracy", "training-loss", "learning-rate", "gradient-norm"];
    let scores = ["roc", "det", "reliability"];
    assert_eq!(names, [&["against-time", "against-parameters"][..], &curves, &scores].concat());
    for picture in &pictures {
        let document = roxmltree::Document::parse(&picture.svg).expect("a picture is XML");
        assert!(document.root_element().has_tag_name("svg"), "{}", picture.name);
        assert!(
            document.root_element().attribute("role") == Some("img") && picture.svg.contains("model 8"),
            "{}",
            picture.name
        );
        let mut reader = png::Decoder::new(std::io::Cursor::new(&picture.png)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        let size = |key: &str| document.root_element().attribute(key).unwrap().parse::<f32>().unwrap();
        assert_eq!((2.5 * size("width")).round(), info.width as f32, "{}", picture.name);
        assert_eq!((2.5 * size("height")).round(), info.height as f32, "{}", picture.name);
        let pixels = pixels.as_chunks::<3>().0;
        let (background, color) = (|pixel: &&[u8; 3]| **pixel == [255; 3], [0x1F, 0x66, 0xB0]);
        assert!(pixels.iter().filter(background).count() > pixels.len() / 2, "{}", picture.name);
        // The first line's color, or that of the front.
        assert!(pixels.iter().filter(|pixel| **pixel == color).count() > 40, "{}", picture.name);
    }
    // Lines of the same color differ by dashes: of the first and the seventh candidate, with their legend entries.
    let document = roxmltree::Document::parse(&pictures[3].svg).unwrap();
    let lines = document.descendants().filter(|node| node.attribute("class") == Some("series-1"));
    let lines: Vec<_> =
        lines.filter(|node| node.has_attribute("points") && !node.has_attribute("opacity")).collect();
    let dashed = lines.iter().filter(|line| line.has_attribute("stroke-dasharray")).count();
    assert_eq!((lines.len(), dashed), (4, 2));
    Ok(())
}
