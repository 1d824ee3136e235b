use super::*;

fn candidate(name: &str, values: &[f64]) -> Candidate {
    Candidate {
        name: name.into(),
        values: values.to_vec(),
        costs: Vec::new(),
        runs: Vec::new(),
        confusion: None,
        groups: None,
        scores: None,
        point: None,
        calibration: None,
    }
}

fn comparison(candidates: Vec<Candidate>) -> Comparison {
    Comparison {
        title: String::new(),
        summary: String::new(),
        created_at: String::new(),
        notes: Vec::new(),
        tables: Vec::new(),
        metric: "accuracy".into(),
        format: NumberFormat { scale: 1.0, digits: 1 },
        costs: Vec::new(),
        loss: String::new(),
        scores: String::new(),
        candidates,
        commands: Vec::new(),
        versions: Vec::new(),
    }
}

#[test]
fn the_candidates_with_the_highest_means_are_shown_in_order() {
    let mut candidates: Vec<Candidate> =
        (0..14).map(|at| candidate(&at.to_string(), &[0.5 + 0.01 * f64::from(at)])).collect();
    // The first has the highest mean and the lowest median.
    candidates[0].values = vec![0.1, 0.1, 5.0];
    candidates[9].values = Vec::new();
    let comparison = comparison(candidates);
    let names: Vec<&str> = comparison.best().into_iter().map(|one| &*one.name).collect();
    assert_eq!(names, ["0", "2", "3", "4", "5", "6", "7", "8", "10", "11", "12", "13"]);
    assert!(comparison.selection().unwrap().starts_with("The best 12 of 13 candidates"));
}
