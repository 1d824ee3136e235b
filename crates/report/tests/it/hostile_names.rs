//! Pages and figures with hostile names in every text: an independent parser reads every SVG element, and no control character remains.

use crate::pages::report::{complete, sample};
use crate::pages::stream::evaluation;
use crate::pages::{Size, comparison};
use stapes_report::table::{Table, Value};
use stapes_report::{
    Comparison, FrameTiming, FrameView, Inspection, InspectionScores, Report, Sound, comparison_pictures,
    render, render_comparison, render_inspection, render_stream,
};
use stapes_report::{FrameAxis, GradientLine, ReportError, gradient_picture, terminal, visible_lines};
use stapes_testkit::HOSTILE_NAMES;

/// Checks a figure in a separate file: one SVG element contains the whole drawing, and this text is visible.
#[track_caller]
fn check_file(svg: &str, seen: &str) {
    let document = roxmltree::Document::parse(svg).unwrap_or_else(|error| panic!("{error}: {svg}"));
    assert!(document.root_element().has_tag_name(("http://www.w3.org/2000/svg", "svg")));
    let texts =
        || document.descendants().filter(|node| node.has_tag_name(("http://www.w3.org/2000/svg", "text")));
    assert!(texts().all(|text| text.children().all(|child| child.is_text())), "markup in a text: {svg}");
    let begins: String = seen.chars().take(20).collect();
    assert!(
        texts().any(|text| text.text().unwrap_or_default().trim_start().starts_with(begins.trim_start())),
        "{begins:?} is not seen: {svg}"
    );
}

/// Checks a page: every SVG element is XML, there are no foreign elements and no control characters; returns the number of SVG elements.
#[track_caller]
fn check_page(html: &str) -> usize {
    assert_eq!(visible_lines(html), html);
    assert_eq!(html.matches("<script").count(), 1);
    crate::pages::check_well_formed(html);
    let elements = html.match_indices("<svg ").map(|(at, _)| {
        let end = at + html[at..].find("</svg>").unwrap() + "</svg>".len();
        &html[at..end]
    });
    let mut count = 0;
    for element in elements {
        roxmltree::Document::parse(element).unwrap_or_else(|error| panic!("{error}: {element}"));
        count += 1;
    }
    count
}

/// Returns the name as a figure shows it.
fn seen(name: &str) -> String {
    stapes_report::visible(name).into_owned()
}

#[test]
fn pages_of_long_recordings_with_hostile_names_parse() -> Result<(), ReportError> {
    for name in HOSTILE_NAMES {
        let html = render_stream(&evaluation(name))?;
        crate::pages::check_targets(&html);
        // The tradeoff, and waveform and scores of two errors.
        assert_eq!(check_page(&html), 5);
    }
    Ok(())
}

#[test]
fn pages_of_runs_with_hostile_names_parse() -> Result<(), ReportError> {
    for name in HOSTILE_NAMES {
        let string = || name.to_string();
        let report = Report {
            title: string(),
            summary: string(),
            command: string(),
            created_at: string(),
            subset: string(),
            loss: string(),
            recipe_toml: string(),
            versions: vec![(string(), string())],
            data: vec![(string(), string())],
            notes: vec![string()],
            evaluation: sample(&[name, "cat", "happy"]).evaluation,
            ..complete(name)
        };
        assert!(check_page(&render(&report)?) > 10, "{name:?}");
    }
    Ok(())
}

/// Creates a comparison with one candidate per name; all other texts cycle through these names.
fn compared(names: &[&str]) -> Comparison {
    let turn = std::cell::Cell::new(0);
    let string = || {
        turn.set(turn.get() + 1);
        names[turn.get() % names.len()].to_string()
    };
    let mut comparison = comparison(Size { candidates: names.len(), seeds: 2, classes: 2, points: 5 });
    for text in [
        &mut comparison.title,
        &mut comparison.summary,
        &mut comparison.created_at,
        &mut comparison.metric,
        &mut comparison.loss,
        &mut comparison.scores,
    ] {
        *text = string();
    }
    comparison.notes = vec![string()];
    comparison.commands = vec![(string(), 1)];
    comparison.versions = vec![(string(), vec![(string(), 1), (string(), 2)])];
    for cost in &mut comparison.costs {
        (cost.name, cost.measured) = (string(), string());
    }
    for (candidate, name) in comparison.candidates.iter_mut().zip(names) {
        candidate.name = name.to_string();
        for run in &mut candidate.runs {
            (run.name, run.link) = (string(), Some(format!("./{name}/report.html")));
        }
        if let Some(groups) = &mut candidate.groups {
            groups.kind = string();
            groups.groups.iter_mut().for_each(|group| group.name = string());
        }
        if let Some((what, _)) = &mut candidate.point {
            *what = string();
        }
    }
    let marked = &mut comparison.tables[0];
    marked.heading = string();
    marked.explanation = vec![string()];
    let mut columns = marked.table.columns().to_vec();
    columns.iter_mut().for_each(|column| column.title = string());
    let mut rows = marked.table.rows().to_vec();
    rows.iter_mut().zip(names).for_each(|(row, name)| row[0] = Value::Text(name.to_string()));
    marked.table = Table::new(columns, rows);
    comparison
}

#[test]
fn comparisons_with_hostile_names_parse_as_pages_and_as_files() -> Result<(), ReportError> {
    for names in HOSTILE_NAMES.chunks(6) {
        let comparison = compared(names);
        assert_eq!(check_page(&render_comparison(&comparison)?), 9, "{names:?}");
        let pictures = comparison_pictures(&comparison)?;
        assert_eq!(pictures.len(), 9);
        for picture in pictures {
            check_file(&picture.svg, &seen(names[0]));
        }
        let table = &comparison.tables[0].table;
        for text in [table.text(80), table.markdown()] {
            assert_eq!(visible_lines(&text), text);
        }
        assert_eq!(table.markdown().lines().count(), 2 + names.len(), "{names:?}");
    }
    Ok(())
}

#[test]
fn the_legend_of_a_file_is_in_its_svg_element() -> Result<(), ReportError> {
    let comparison = comparison(Size { candidates: 3, seeds: 2, classes: 2, points: 5 });
    for picture in comparison_pictures(&comparison)? {
        check_file(&picture.svg, "model 1");
        let document = roxmltree::Document::parse(&picture.svg).unwrap();
        let after = document.root().children().skip_while(|node| !node.is_element()).skip(1);
        assert_eq!(after.count(), 0, "{}", picture.name);
    }
    Ok(())
}

#[test]
fn recordings_with_hostile_names_parse() -> Result<(), ReportError> {
    for name in HOSTILE_NAMES {
        let string = || name.to_string();
        let shown = |width: usize| FrameView {
            title: string(),
            caption: string(),
            values: vec![1.0, 2.0, 3.0, 4.0],
            width,
            timing: FrameTiming::Seconds { first: 0.1, hop: 0.1 },
            axis: FrameAxis::Numbers("coefficient"),
            quantity: string(),
        };
        let page = render_inspection(&Inspection {
            title: string(),
            summary: string(),
            created_at: string(),
            facts: vec![(string(), string())],
            notes: vec![string()],
            sound: Sound { samples: vec![0.1; 100], sample_rate_hz: 100, wav: b"RIFF".to_vec() },
            frames: vec![shown(2), shown(1)],
            scores: Some(InspectionScores {
                model: string(),
                labels: vec![string(), string()],
                overall: vec![0.25, 0.75],
                times: vec![0.0, 0.1],
                over_time: vec![0.5, 0.5, 0.4, 0.6],
            }),
        })?;
        assert_eq!(check_page(&page), 4, "{name:?}");
        assert!(shown(2).png(None).is_ok());
    }
    Ok(())
}

#[test]
fn gradients_with_hostile_names_parse() -> Result<(), ReportError> {
    for name in HOSTILE_NAMES {
        let line = |norms: &[f64]| GradientLine { name: name.into(), norms: norms.to_vec() };
        check_file(&gradient_picture(&[line(&[1.0, 0.1, 0.01]), line(&[0.5])])?, &seen(name));
    }
    Ok(())
}

#[test]
fn text_with_hostile_names_is_escaped() {
    for name in HOSTILE_NAMES {
        let texts = [
            terminal::evaluation(&sample(&[name, "cat"]).evaluation),
            terminal::table(&["name", "count"], [vec![name.to_string(), "1".to_string()]].into_iter(), 1),
        ];
        for text in texts {
            assert_eq!(visible_lines(&text), text, "{name:?}");
        }
    }
}
