//! Python source: literals and calls.

/// Maximum length of a line.
const MAX_LINE: usize = 100;

/// Indentation within a function.
pub(super) const INDENT: &str = "    ";

/// Returns a flag.
pub(super) fn flag(value: bool) -> &'static str {
    if value { "True" } else { "False" }
}

/// Returns a number; whole numbers have no decimal point.
pub(super) fn number(value: f64) -> String {
    if value.is_infinite() {
        return if value > 0.0 { "np.inf".into() } else { "-np.inf".into() };
    }
    let is_whole = value.fract() == 0.0 && value.abs() < 1e15;
    if is_whole { format!("{value:.0}") } else { format!("{value:?}") }
}

/// Returns a number, or `None`.
pub(super) fn optional(value: Option<f64>) -> String {
    value.map_or("None".into(), number)
}

/// Returns a text in quotes.
pub(super) fn quoted(text: &str) -> String {
    serde_json::json!(text).to_string()
}

/// Returns an argument of a call.
pub(super) fn argument(name: &str, value: impl ToString) -> String {
    format!("{name}={}", value.to_string())
}

/// Returns the lines of a statement in a function, `before(arguments)after`: one line, or one per argument.
pub(super) fn call(before: &str, arguments: &[String], after: &str) -> String {
    let line = format!("{INDENT}{before}({}){after}\n", arguments.join(", "));
    if line.len() <= MAX_LINE + 1 {
        return line;
    }
    let arguments: String = arguments.iter().map(|one| format!("{INDENT}{INDENT}{one},\n")).collect();
    format!("{INDENT}{before}(\n{arguments}{INDENT}){after}\n")
}

/// Returns a list of texts, in several lines if it is long.
pub(super) fn texts(texts: &[String]) -> String {
    let line = format!("[{}]", texts.iter().map(|text| quoted(text)).collect::<Vec<_>>().join(", "));
    if line.len() <= MAX_LINE {
        return line;
    }
    let (mut lines, mut length) = (String::from("["), MAX_LINE);
    for text in texts {
        let item = format!(" {},", quoted(text));
        if length + item.len() > MAX_LINE {
            lines += "\n   ";
            length = INDENT.len();
        }
        length += item.len();
        lines += &item;
    }
    lines + "\n]"
}

/// Removes the functions and classes that nothing calls, except `roots`. They are separated by two empty lines.
pub(super) fn without_unused(text: &str, roots: &[&str]) -> String {
    let mut blocks: Vec<&str> = text.split("\n\n\n").collect();
    loop {
        let is_used = |at: usize| {
            let Some(name) = defined(blocks[at]).filter(|name| !roots.contains(name)) else { return true };
            blocks.iter().enumerate().any(|(other, block)| other != at && calls(block, name))
        };
        let used: Vec<&str> = (0..blocks.len()).filter(|&at| is_used(at)).map(|at| blocks[at]).collect();
        if used.len() == blocks.len() {
            return blocks.join("\n\n\n");
        }
        blocks = used;
    }
}

/// Returns true if a block calls a function of this file; `np.stack` is not `stack`.
fn calls(block: &str, name: &str) -> bool {
    let is_part = |one: char| one.is_alphanumeric() || one == '_' || one == '.';
    block.match_indices(&format!("{name}(")).any(|(at, _)| !block[..at].ends_with(is_part))
}

/// Returns the name of the function or class of a block.
fn defined(block: &str) -> Option<&str> {
    let rest = block.strip_prefix("def ").or_else(|| block.strip_prefix("class "))?;
    rest.split('(').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_python() {
        let cases =
            [(22.0, "22"), (0.97, "0.97"), (1e-10, "1e-10"), (-0.5, "-0.5"), (f64::INFINITY, "np.inf")];
        for (value, expected) in cases {
            assert_eq!(number(value), expected);
        }
        assert_eq!(optional(None), "None");
    }

    #[test]
    fn long_lines_are_split() {
        assert_eq!(call("x = f", &["a=1".into(), "b=2".into()], ".T"), "    x = f(a=1, b=2).T\n");
        let long = "y".repeat(90);
        let expected = format!("    x = f(\n        a=1,\n        {long},\n    )\n");
        assert_eq!(call("x = f", &["a=1".into(), long], ""), expected);
        let labels: Vec<String> = (0..40).map(|n| format!("label {n}")).collect();
        let list = texts(&labels);
        assert!(list.lines().all(|line| line.len() <= MAX_LINE) && list.lines().count() > 3, "{list}");
        assert_eq!(texts(&labels[..2]), "[\"label 0\", \"label 1\"]");
    }

    #[test]
    fn unused_functions_are_removed() {
        let text =
            "a = 1\n\n\ndef f(x):\n    return g(x)\n\n\ndef g(x):\n    return x\n\n\ndef main():\n    pass\n";
        assert_eq!(without_unused(text, &["main"]), "a = 1\n\n\ndef main():\n    pass\n");
        assert_eq!(without_unused(text, &["f", "main"]), text);
        let other = text.replace("    pass", "    np.f(1)");
        assert_eq!(without_unused(&other, &["main"]), "a = 1\n\n\ndef main():\n    np.f(1)\n");
    }
}
