//! The language of the project: the field's terms, American spelling, plain sentences.
//!
//! Reads every source, document, template and recipe of the workspace and reports each line with a phrase of [`PHRASES`].
//! A proper use is excepted in [`EXCEPTIONS`] with its reason.

use std::fs;
use std::path::{Path, PathBuf};

/// A phrase that the project does not use, and what to write instead.
struct Phrase {
    /// Lower case, or exact if it has capitals; a `|` at an end is a border of a word.
    text: &'static str,
    instead: &'static str,
}

const fn phrase(text: &'static str, instead: &'static str) -> Phrase {
    Phrase { text, instead }
}

const PHRASES: &[Phrase] = &[
    // Sentences.
    phrase("|so many|", "that many, n"),
    phrase("|is no|", "is not a"),
    phrase("|are no|", "are not"),
    phrase("|one's own|", "custom, your own"),
    phrase("/// What ", "begin with what the thing is: \"Number of …\", \"Returns …\""),
    phrase("/// Whether ", "\"Returns true if …\", \"True if …\""),
    phrase("/// Of ", "begin with a noun phrase or a verb"),
    phrase("/// So ", "begin with a noun phrase or a verb"),
    phrase("/// The same", "say what it is"),
    phrase("//! What ", "begin with a noun phrase or a verb"),
    phrase("|told|", "reported, given"),
    phrase("|tells|", "reports, shows"),
    phrase("|heard|", "processed, recognized"),
    phrase("|hears|", "processes, receives"),
    phrase("|goes on|", "continues"),
    phrase("|go on|", "continue"),
    phrase("|keeps its word|", "is validated"),
    phrase("|taken for|", "predicted as"),
    phrase("|left out|", "skipped, omitted"),
    phrase("|laid|", "arranged, stored"),
    phrase("|stands|", "is"),
    phrase("|lies|", "is"),
    phrase("|which way|", "how"),
    phrase("|in the mean|", "on average"),
    // Terms.
    phrase("|moment|", "time, instant; only statistical moments are moments"),
    phrase("|twin", "reference"),
    phrase("|carve", "sample, hold out"),
    phrase("|bend|", "loss options"),
    phrase("|bent|", "smoothed"),
    phrase("|keeper", "checkpointer"),
    phrase("|truths|", "labels"),
    phrase("|rooms|", "crates, modules; reverberation"),
    phrase("a share of", "a fraction of"),
    phrase("the share of", "the fraction of"),
    phrase("|surest|", "most confident"),
    phrase("|winner", "best trial"),
    // Per.
    phrase("s a second|", "per second"),
    phrase("s an epoch|", "per epoch"),
    phrase("|a folder a ", "one folder per"),
    phrase("|a file a ", "one file per"),
    phrase("|a row an example", "one row per"),
    phrase("|a line a ", "one line per"),
    phrase("|a frame a ", "one frame per"),
    phrase("|a decision a ", "one decision per"),
    phrase("|a label a ", "one label per"),
    phrase("|one a core|", "one per core"),
    // Spelling.
    phrase("normalis", "normaliz"),
    phrase("initialis", "initializ"),
    phrase("optimis", "optimiz (optimistic is fine)"),
    phrase("standardis", "standardiz"),
    phrase("serialis", "serializ"),
    phrase("recognis", "recogniz"),
    phrase("summaris", "summariz"),
    phrase("capitalis", "capitaliz"),
    phrase("vectoris", "vectoriz"),
    phrase("colour", "color"),
    phrase("|centre", "center"),
    phrase("uncentred", "uncentered"),
    phrase("neighbour", "neighbor"),
    phrase("behaviour", "behavior"),
    phrase("labelled", "labeled"),
    phrase("|grey", "gray"),
    phrase("analyse", "analyze"),
];

/// Proper uses: part of a path, the phrase, part of the line, and the reason.
const EXCEPTIONS: &[(&str, &str, &str, &str)] = &[
    ("", "|is no|", "there is no", "proper English"),
    ("", "|are no|", "there are no", "proper English"),
    ("", "optimis", "optimistic", "another word"),
    ("", "labelled", "aria-labelledby", "an attribute of HTML"),
    ("testkit/tests/language.rs", "", "", "names the phrases"),
    ("CHANGELOG.md", "", "", "names what was renamed"),
    ("stapes/src/renamed.rs", "", "", "names what was renamed"),
    ("stapes/src/recipe.rs", "normalis", "renamed", "tests an old key"),
    ("stapes/src/recipe.rs", "normalis", "features}", "tests an old key"),
];

/// Folders and files that are not ours to word.
const SKIPPED: &[&str] =
    &["target", "runs", ".git", "embedded", "fixtures", "corpus", "LICENSE-APACHE", "LICENSE-MIT"];

const KINDS: &[&str] = &["rs", "md", "html", "css", "js", "toml", "py", "sh", "yml"];

#[test]
fn the_project_speaks_the_language_of_its_field() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = Vec::new();
    collect(&root, &mut files);
    assert!(files.len() > 400, "only {} files found under {}", files.len(), root.display());
    let mut found = Vec::new();
    for path in files {
        let Ok(text) = fs::read_to_string(&path) else { continue };
        let name = path.strip_prefix(&root).unwrap_or(&path).display().to_string().replace('\\', "/");
        for (number, line) in text.lines().enumerate() {
            found.extend(offenses(&name, number + 1, line));
        }
    }
    assert!(found.is_empty(), "{} lines:\n{}", found.len(), found.join("\n"));
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        if SKIPPED.contains(&name.as_str()) {
            continue;
        }
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|kind| KINDS.contains(&&*kind.to_string_lossy())) {
            files.push(path);
        }
    }
}

/// One message per phrase that a line contains.
fn offenses(name: &str, number: usize, line: &str) -> Vec<String> {
    let lower = line.to_lowercase();
    let excepted = |phrase: &Phrase| {
        EXCEPTIONS.iter().any(|(path, text, part, _)| {
            name.contains(path) && (text.is_empty() || *text == phrase.text) && lower.contains(part)
        })
    };
    let found = PHRASES.iter().filter(|phrase| {
        let exact = phrase.text.chars().any(char::is_uppercase);
        contains(if exact { line } else { &lower }, phrase.text) && !excepted(phrase)
    });
    found.map(|phrase| format!("{name}:{number}: \"{}\": write {}", phrase.text, phrase.instead)).collect()
}

/// True if a line contains the phrase, at borders of words where it has `|`.
fn contains(line: &str, phrase: &str) -> bool {
    let text = phrase.trim_matches('|');
    line.match_indices(text).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + text.len()..].chars().next();
        let border =
            |side: Option<char>| side.is_none_or(|letter| !letter.is_alphanumeric() && letter != '_');
        (!phrase.starts_with('|') || border(before)) && (!phrase.ends_with('|') || border(after))
    })
}

#[test]
fn a_phrase_is_found_only_within_its_borders() {
    assert!(contains("/// so many frames", "|so many|"));
    assert!(!contains("also many frames", "|so many|"));
    assert!(contains("12 frames a second.", "s a second|"));
    assert!(!contains("frames a secondary", "s a second|"));
    assert!(contains("the twins", "|twin"));
    assert_eq!(offenses("a.rs", 3, "/// This Is no file.").len(), 1);
    assert!(offenses("a.rs", 3, "/// There is no file.").is_empty());
}
