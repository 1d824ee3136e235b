use super::*;

fn candidate(name: &str, figures: &[f64]) -> Candidate {
    Candidate {
        name: name.into(),
        figures: figures.to_vec(),
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
        made_at: String::new(),
        notes: Vec::new(),
        tables: Vec::new(),
        figure: "accuracy".into(),
        shown: Shown { scale: 1.0, digits: 1 },
        costs: Vec::new(),
        loss: String::new(),
        scores: String::new(),
        candidates,
        commands: Vec::new(),
        versions: Vec::new(),
    }
}

#[test]
fn the_best_are_those_of_the_highest_mean_in_their_order() {
    let mut candidates: Vec<Candidate> =
        (0..14).map(|at| candidate(&at.to_string(), &[0.5 + 0.01 * f64::from(at)])).collect();
    // The mean of these is the highest, their median the lowest.
    candidates[0].figures = vec![0.1, 0.1, 5.0];
    candidates[9].figures = Vec::new();
    let comparison = comparison(candidates);
    let names: Vec<&str> = comparison.best().into_iter().map(|one| &*one.name).collect();
    assert_eq!(names, ["0", "2", "3", "4", "5", "6", "7", "8", "10", "11", "12", "13"]);
    assert!(comparison.selection().unwrap().starts_with("The best 12 of 13 candidates"));
}
