//! Quotes and lines of comma- and tab-separated manifests.

use crate::custom::{message, opened};

#[test]
fn an_unclosed_quote_does_not_consume_rows() {
    for (name, separator) in [("manifest.csv", ","), ("manifest.tsv", "\t")] {
        let mut rows = vec!["path,label,speaker".to_owned()];
        rows.extend((0..16).map(|row| format!("{row}.wav,{},x{}", ["no", "yes"][row / 8], row % 8)));
        let text = |rows: &[String]| rows.join("\n").replace(',', separator);
        assert_eq!(opened(name, text(&rows)).unwrap().examples.len(), 16);
        // Two stray quotes, and one at the end of the file.
        for stray in [vec![4, 13], vec![16]] {
            let mut rows = rows.clone();
            for &row in &stray {
                rows[row] = rows[row].replace("x", "\"x");
            }
            let error = message(opened(name, text(&rows)));
            let line = stray[0] + 1;
            let expected = format!(
                "{name}:{line}: the value of column speaker begins with a quote that is not closed in its line; close or"
            );
            assert!(error.contains(&expected), "{error}");
        }
    }
}

#[test]
fn lines_of_a_manifest_are_counted_for_all_line_ends() {
    let bad = [
        ("c.wav,no,an\"na", "the value `an\"na` of column speaker contains a quote; remove"),
        ("c.wav,no, \"anna\"", "the value ` \"anna\"` of column speaker contains a quote"),
        ("c.wav,\"no\"t,anna", "the value of column label continues after its closing quote; end it"),
        ("\"c.wav,no,anna", "the value of column path begins with a quote"),
        ("c.wav,no,anna,\"", "the value of column 4 begins with a quote"),
        ("c.wav,,anna", "label is empty"),
        ("c.wav,no", "has 2 values, but the header has 3 columns"),
    ];
    for (row, part) in bad {
        for end in ["\n", "\r\n", "\r"] {
            for mark in ["", "\u{feff}"] {
                let rows =
                    ["", "path,label,speaker", "", "a.wav,yes,\"a \"\"b\"\", c\"", "", "", row, "d.wav,no,"];
                for (name, separator) in [("manifest.csv", ','), ("manifest.tsv", '\t')] {
                    // The comma of the quoted value becomes a tab within quotes.
                    let text = format!("{mark}{}", rows.join(end)).replace(',', &separator.to_string());
                    let error = message(opened(name, text));
                    assert!(
                        error.contains(&format!("{name}:7: {part}")),
                        "{row:?} {end:?} {mark:?}: {error}"
                    );
                }
            }
        }
    }
    let header = message(opened("manifest.csv", "\r\npath,la\"bel\r\n"));
    assert!(header.contains("manifest.csv:2: the value `la\"bel` of column 2 contains a quote"), "{header}");
    let missing = message(opened("manifest.csv", "\n\nfile,label\n"));
    assert!(missing.contains("manifest.csv:3: there is no column path"), "{missing}");
}

#[test]
fn quoted_values_are_read_without_their_quotes() {
    for (name, separator) in [("manifest.csv", ","), ("manifest.tsv", "\t")] {
        let text = format!(
            "\"path\"{separator}\"label\"\n\"a{separator} 1.wav\"{separator}\"say \"\"yes\"\"\"\n\"\"\"b\"\".wav\"{separator}\"no\""
        );
        let dataset = opened(name, text).unwrap();
        assert_eq!(dataset.classes, ["no", "say \"yes\""]);
        let names: Vec<&str> = dataset.examples.iter().map(|example| example.id.as_str()).collect();
        assert_eq!(names, [format!("a{separator} 1.wav").as_str(), "\"b\".wav"]);
    }
}
