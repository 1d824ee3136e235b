//! Quotation of words for a shell.

/// Returns an argument for a POSIX shell, in quotation marks if it needs them.
///
/// # Source
/// POSIX.1-2017, Shell Command Language, section 2.2.
pub fn shell_word(text: &str) -> String {
    let is_plain = |character: char| character.is_alphanumeric() || "/._-+=:,@%".contains(character);
    match !text.is_empty() && text.chars().all(is_plain) {
        true => text.into(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_word_of_the_shell() {
        assert_eq!(shell_word("runs/my_run-1.2"), "runs/my_run-1.2");
        assert_eq!(shell_word("my runs/$a"), "'my runs/$a'");
        assert_eq!(shell_word("it's"), r"'it'\''s'");
    }
}
