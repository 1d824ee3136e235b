//! Tests of tables.

use super::*;

fn table() -> Table {
    let column = |key: &str, title: &str, better, scale, digits| Column {
        key: key.into(),
        title: title.into(),
        better,
        format: NumberFormat { scale, digits },
    };
    let columns = vec![
        column("name", "model", None, 1.0, 0),
        column("test_accuracy", "test, %", Some(Better::High), 100.0, 1),
        column("interval", "95 %", None, 100.0, 1),
        column("step_ms", "step, ms", Some(Better::Low), 1.0, 2),
        column("nothing", "nothing", None, 1.0, 0),
    ];
    let text = |text: &str| Value::Text(text.into());
    let rows = vec![
        vec![
            text("gru|2"),
            Value::spread(&[0.913, 0.925, 0.87]),
            Value::Interval(ConfidenceInterval { low: 0.85, high: 0.95 }),
            Value::Number(3.25),
            Value::None,
        ],
        vec![text("lstm, \"deep\""), Value::Number(0.94), Value::None, Value::None, Value::None],
        vec![text("rnn"), Value::None, Value::None, Value::Number(1.5), Value::None],
    ];
    Table::new(columns, rows)
}

#[test]
fn text_has_rounded_numbers_and_dashes() {
    let lines = [
        " model                     test, %          95 %  step, ms",
        "──────────────────────────────────────────────────────────",
        " gru|2         91.3 (87.0 to 92.5)  85.0 to 95.0      3.25",
        " lstm, \"deep\"                 94.0             –         –",
        " rnn                             –             –      1.50",
    ];
    assert_eq!(table().text(80), lines.join("\n"));
}

#[test]
fn columns_that_do_not_fit_are_named() {
    let narrow = table().text(40);
    assert!(narrow.contains("test, %") && !narrow.contains("step, ms"), "{narrow}");
    assert!(narrow.ends_with("(2 more columns in the files: interval, step_ms)"), "{narrow}");
    assert!(table().text(3).contains("gru|2"));
}

#[test]
fn text_keeps_the_beginning_of_a_name_and_the_end_of_a_path() {
    let column = |key: &str| Column {
        key: key.into(),
        title: key.into(),
        better: None,
        format: NumberFormat { scale: 1.0, digits: 0 },
    };
    let name = "gru_of_many_units_and_layers".to_string();
    let folder = "runs/".to_string() + &"long/".repeat(30) + "seed-2\n";
    let row = vec![Value::Text(name.clone()), Value::Number(3.0), Value::Text(folder.clone())];
    let table = Table::new(["name", "seeds", "folder"].map(column).to_vec(), vec![row]);
    let text = table.text(80);
    let cells: Vec<&str> = text.lines().last().unwrap().split_whitespace().collect();
    assert_eq!(cells, ["gru_of_many_units_and_l…", "3", "…g/long/long/seed-2\\u{a}"]);
    assert!(cells.iter().all(|cell| cell.chars().count() <= 24));
    assert!(table.csv().contains(&name) && table.csv().contains(&folder));
    assert!(table.markdown().contains(folder.trim()) && table.markdown().contains("\\_layers"));
}

#[test]
fn one_dropped_column_is_singular() {
    assert!(table().text(57).ends_with("\n(1 more column in the files: step_ms)"));
}

#[test]
fn columns_can_be_chosen_and_names_stay() {
    let chosen = table().select(&["step_ms".into(), "test_accuracy".into(), "step_ms".into()]).unwrap();
    let keys: Vec<&str> = chosen.columns().iter().map(|column| &*column.key).collect();
    assert_eq!(keys, ["name", "step_ms", "test_accuracy"]);
    assert_eq!(chosen.rows()[2][1], Value::Number(1.5));
    let error = table().select(&["speed".into()]).unwrap_err().to_string();
    assert!(error.contains("speed") && error.contains("name, test_accuracy, interval, step_ms"), "{error}");
}

#[test]
fn csv_holds_numbers_in_full_and_three_columns_of_a_spread() {
    assert_eq!(
        table().csv(),
        "name,test_accuracy,test_accuracy_low,test_accuracy_high,interval_low,interval_high,step_ms\n\
         gru|2,0.913,0.87,0.925,0.85,0.95,3.25\n\
         \"lstm, \"\"deep\"\"\",0.94,0.94,0.94,,,\n\
         rnn,,,,,,1.5\n"
    );
}

#[test]
fn a_name_in_csv_is_not_a_formula_and_numbers_are_unchanged() {
    let column = |key: &str| Column {
        key: key.into(),
        title: key.into(),
        better: None,
        format: NumberFormat { scale: 1.0, digits: 0 },
    };
    let text = |text: &str| Value::Text(text.into());
    let columns = ["@name", "+gain", "change", "folder"].map(column).to_vec();
    let rows = vec![
        vec![text("=HYPERLINK(\"http://x\")"), text("-0.5"), Value::spread(&[-3.0, -1.0]), text("-run, 1")],
        vec![text("plain"), text("+x"), Value::Number(-2.5), text("\tx")],
    ];
    assert_eq!(
        Table::new(columns, rows).csv(),
        "'@name,'+gain,change,change_low,change_high,folder\n\
         \"'=HYPERLINK(\"\"http://x\"\")\",-0.5,-2,-3,-1,\"'-run, 1\"\n\
         plain,'+x,-2.5,-2.5,-2.5,'\tx\n"
    );
}

#[test]
fn markdown_is_escaped() {
    assert_eq!(
        table().markdown(),
        "| model | test, % | 95 % | step, ms |\n| --- | ---: | ---: | ---: |\n\
         | gru\\|2 | 91.3 (87.0 to 92.5) | 85.0 to 95.0 | 3.25 |\n\
         | lstm, \"deep\" | 94.0 | – | – |\n| rnn | – | – | 1.50 |\n"
    );
}

#[test]
fn rows_are_sorted_with_the_better_end_first_and_missing_values_last() {
    let mut table = table();
    let names = |table: &Table| -> Vec<String> {
        table.rows().iter().map(|row| row[0].format(NumberFormat { scale: 1.0, digits: 0 })).collect()
    };
    table.sort("test_accuracy").unwrap();
    assert_eq!(names(&table), ["lstm, \"deep\"", "gru|2", "rnn"]);
    table.sort("step_ms").unwrap();
    assert_eq!(names(&table), ["rnn", "gru|2", "lstm, \"deep\""]);
    table.sort("name").unwrap();
    assert_eq!(names(&table), ["gru|2", "lstm, \"deep\"", "rnn"]);
    let error = table.sort("speed").unwrap_err().to_string();
    assert!(error.contains("speed") && error.contains("name, test_accuracy, interval, step_ms"), "{error}");
}

#[test]
fn a_spread_of_none_and_of_one() {
    assert_eq!(Value::spread(&[]), Value::None);
    assert_eq!(Value::spread(&[1.5]), Value::Number(1.5));
}
