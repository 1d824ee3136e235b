//! Shared parts of page tests: a made-up run, a made-up comparison, and a check of well-formed pages.

#![allow(dead_code)] // each test binary uses a part

pub(crate) mod acts;
pub(crate) mod report;
pub(crate) mod stream;

use std::collections::HashSet;

use stapes_metrics::{Calibration, ConfusionMatrix, OperatingPoint};
use stapes_metrics::{DetectorCurve, Detectors};
use stapes_report::table::{Better, Column, NumberFormat, Table, Value};
use stapes_report::{
    Candidate, CandidateRun, Comparison, Cost, Group, Groups, Mark, MarkedCell, MarkedTable, Point,
};

/// Size of a comparison.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    pub(crate) candidates: usize,
    pub(crate) seeds: usize,
    pub(crate) classes: usize,
    pub(crate) points: u64,
}

/// Creates candidates with made-up numbers: later ones are better and cost more, but the third is worse than the second.
pub(crate) fn comparison(size: Size) -> Comparison {
    let candidates: Vec<Candidate> = (0..size.candidates).map(|at| candidate(at, size)).collect();
    Comparison {
        title: "Models & sizes".into(),
        summary: format!("{} candidates.", size.candidates),
        created_at: "2026-01-31 12:00 UTC".into(),
        notes: vec!["1 of 9 candidates has no complete run yet.".into()],
        tables: vec![table(&candidates)],
        metric: "test accuracy (%)".into(),
        format: PERCENT,
        costs: vec![
            Cost {
                key: "time".into(),
                name: "time of a training step (ms)".into(),
                measured: "Timed alone.".into(),
            },
            Cost { key: "parameters".into(), name: "parameters".into(), measured: String::new() },
        ],
        loss: "cross-entropy, nats".into(),
        scores: "The scores of voice.".into(),
        candidates,
        commands: vec![
            ("stapes compare models.toml --out runs/models".into(), 7),
            ("stapes train".into(), 1),
        ],
        versions: vec![("stapes".into(), vec![("0.1.0".into(), 7), ("0.1.1".into(), 1)])],
    }
}

const PERCENT: NumberFormat = NumberFormat { scale: 100.0, digits: 1 };

/// The mean accuracy of a candidate.
fn level(at: usize, of: usize) -> f64 {
    let place = match at {
        2 => 0.5,
        at => at as f64,
    };
    0.55 + 0.4 * place / of as f64
}

fn candidate(at: usize, size: Size) -> Candidate {
    let Size { candidates, seeds, classes, points } = size;
    let level = level(at, candidates);
    let value = |seed: usize| level + 0.01 * (seed as f64 - (seeds - 1) as f64 / 2.0);
    let names: Vec<String> = (0..classes).map(|class| format!("word {class}")).collect();
    let examples = 20 * classes * seeds;
    let labels: Vec<usize> = (0..examples).map(|example| example % classes).collect();
    let wrong = |example: usize| (example * 7919 % 1000) as f64 >= 1000.0 * level;
    let decided =
        |example: usize| if wrong(example) { (example * 31 + 1) % classes } else { example % classes };
    let decisions: Vec<usize> = (0..examples).map(decided).collect();
    let group = |name: &str, correct| Group { name: name.into(), examples: 40, correct };
    Candidate {
        name: format!("model {at}"),
        data_set: None,
        values: (0..seeds).map(value).collect(),
        costs: vec![Some(0.5 * 1.05f64.powi(at as i32)), Some(1_000.0 * (at + 1) as f64)],
        runs: (0..seeds)
            .map(|seed| CandidateRun {
                name: format!("seed {}", seed + 1),
                curve: (1..=points).map(|step| point(step, points, value(seed))).collect(),
                link: Some(format!("./model-{at}/seed-{}/report.html", seed + 1)),
            })
            .collect(),
        confusion: Some(ConfusionMatrix::new(&names, &labels, &decisions).unwrap()),
        groups: Some(Groups { kind: "speaker".into(), groups: vec![group("ann", 40), group("bob", 30)] }),
        scores: scores(level),
        point: Some((
            "equal error rate on validation".into(),
            OperatingPoint { threshold: 0.5, false_positive_rate: 1.0 - level, miss_rate: 1.0 - level },
        )),
        calibration: calibration(level),
    }
}

/// Scores of 400 examples; a higher level gives better scores.
fn scored(level: f64) -> impl Iterator<Item = (f32, bool)> {
    (0..400).map(move |example| {
        let (noise, positive) = ((example * 7919 % 400) as f64 / 400.0, example % 2 == 0);
        let score = 0.7 * noise + if positive { 0.3 * level } else { 0.0 };
        (score as f32, positive)
    })
}

fn scores(level: f64) -> Option<DetectorCurve> {
    let (scores, positive): (Vec<f32>, Vec<bool>) = scored(level).unzip();
    Detectors::binary("voice", &scores, &positive).unwrap().curves.into_iter().next()
}

fn calibration(level: f64) -> Option<Calibration> {
    let (probabilities, labels): (Vec<[f32; 2]>, Vec<usize>) =
        scored(level).map(|(score, positive)| ([1.0 - score, score], usize::from(positive))).unzip();
    Some(Calibration::new(probabilities.as_flattened(), &labels, 2, 10).unwrap())
}

fn point(step: u64, points: u64, level: f64) -> Point {
    let part = step as f64 / points as f64;
    let ripple = 0.02 * (step as f64 * level * 9.7).sin();
    Point {
        step: 10 * step,
        epoch: step as f32,
        seconds: step as f64,
        train_loss: Some((1.6 * (-3.0 * part).exp() + ripple + 0.05) as f32),
        validation_loss: Some(1.0),
        validation_accuracy: Some((level * (1.0 - (-5.0 * part).exp()) + ripple).clamp(0.0, 1.0) as f32),
        learning_rate: Some((0.003 * (1.0 - part)) as f32),
        gradient_norm: Some((0.5 + 20.0 * ripple.abs() + level) as f32),
    }
}

fn table(candidates: &[Candidate]) -> MarkedTable {
    let column = |key: &str, title: &str, better, format| Column {
        key: key.into(),
        title: title.into(),
        better,
        format,
    };
    let columns = vec![
        column("name", "name", None, PERCENT),
        column("test_accuracy", "test, %", Some(Better::High), PERCENT),
        column("vs_best", "vs. best", None, PERCENT),
        column("parameters", "parameters", Some(Better::Low), NumberFormat { scale: 1.0, digits: 0 }),
    ];
    let best = candidates.len() - 1;
    let row = |(at, candidate): (usize, &Candidate)| {
        vec![
            Value::Text(candidate.name.clone()),
            Value::spread(&candidate.values),
            Value::Text(if at == best { "best" } else { "worse" }.into()),
            Value::from_option(candidate.costs[1]),
        ]
    };
    let mark = |column: &str, mark| MarkedCell { row: best, column: column.into(), mark };
    MarkedTable {
        heading: "Results".into(),
        table: Table::new(columns, candidates.iter().enumerate().map(row).collect()),
        marks: vec![mark("test_accuracy", Mark::Best), mark("vs_best", Mark::Footnote)],
        explanation: vec!["Highlighted: not significantly different from the best.".into()],
    }
}

/// Ids are unique, and links within the page and labels have targets.
pub(crate) fn check_targets(html: &str) {
    let values = |key: &str| -> Vec<&str> {
        html.split(key).skip(1).filter_map(|rest| rest.split('"').next()).collect()
    };
    let ids = values(" id=\"");
    let distinct: HashSet<&str> = ids.iter().copied().collect();
    assert_eq!(distinct.len(), ids.len(), "{ids:?}");
    for target in values("href=\"#").into_iter().chain(values("aria-labelledby=\"")) {
        assert!(target.split(' ').all(|id| distinct.contains(id)), "#{target} has no target");
    }
}

/// Text that would end an element or begin a script.
pub(crate) const EVIL: &str = "</td></text><script>alert('x')</script>&\"";

/// [`EVIL`] is shown as text everywhere.
pub(crate) fn check_escaped(html: &str) {
    assert_eq!(html.matches("<script").count(), 1);
    assert!(!html.contains("('x')"));
    check_well_formed(html);
}

/// Every element is closed in order, attributes are quoted, and `&` only begins a character reference.
pub(crate) fn check_well_formed(html: &str) {
    const VOID: [&str; 3] = ["meta", "link", "!doctype"];
    let mut open: Vec<&str> = Vec::new();
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        check_references(&rest[..start]);
        rest = &rest[start + 1..];
        let end = tag_end(rest);
        let tag = &rest[..end];
        rest = &rest[end + 1..];
        let name = tag.split([' ', '/', '\n']).find(|part| !part.is_empty()).unwrap();
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name), "</{name}> closes another element");
        } else if !tag.ends_with('/') && !VOID.contains(&name) {
            open.push(name);
        }
        if ["style", "script"].contains(&name) && !tag.starts_with('/') {
            rest = &rest[rest.find(&format!("</{name}>")).unwrap()..];
        }
    }
    assert!(open.is_empty(), "{open:?} are not closed");
}

/// Where the tag ends: the first `>` outside quotes.
fn tag_end(tag: &str) -> usize {
    let mut quoted = false;
    for (index, c) in tag.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '<' => panic!("< inside <{}", &tag[..index]),
            '>' if !quoted => {
                check_references(&tag[..index]);
                return index;
            }
            _ => {}
        }
    }
    panic!("<{tag} has no end");
}

fn check_references(text: &str) {
    for (index, _) in text.match_indices('&') {
        let name = text[index + 1..].split(';').next().unwrap();
        let known = ["lt", "gt", "amp", "quot", "apos"].contains(&name);
        assert!(known || name.starts_with('#'), "& without a reference: {}", &text[index..]);
    }
}
