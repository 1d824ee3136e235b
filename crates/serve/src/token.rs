//! Token that requests carry.

use std::fmt;

use subtle::ConstantTimeEq;

/// Shortest and longest token.
const LENGTHS: std::ops::RangeInclusive<usize> = 16..=1024;

/// Secret that requests carry as `Authorization: Bearer TOKEN`. It is not printed.
///
/// # Example
/// ```
/// use stapes_serve::Token;
///
/// let token = Token::new("8f2c0d9b4c6e4a51\n")?;
/// assert!(token.is("8f2c0d9b4c6e4a51") && !token.is("8f2c0d9b4c6e4a50"));
/// assert!(Token::new("short").is_err());
/// # Ok::<(), String>(())
/// ```
#[derive(Clone)]
pub struct Token(String);

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Token(…)")
    }
}

impl Token {
    /// Reads a token; spaces and line breaks around it are removed.
    ///
    /// # Errors
    /// A sentence about a token that is too short, too long, or has characters that a header or a URL cannot carry.
    pub fn new(text: &str) -> Result<Token, String> {
        let text = text.trim();
        if !LENGTHS.contains(&text.len()) {
            return Err(format!(
                "the token has {} characters; use {} to {}, such as the output of `openssl rand -hex 32`",
                text.len(),
                LENGTHS.start(),
                LENGTHS.end()
            ));
        }
        let is_valid = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        if !text.bytes().all(is_valid) {
            return Err(
                "the token has a character that is not a letter, a digit or one of -._~; choose another \
                        token, such as the output of `openssl rand -hex 32`"
                    .into(),
            );
        }
        Ok(Token(text.to_owned()))
    }

    /// Returns true for the same token. The time does not depend on the place of the first difference.
    pub fn is(&self, text: &str) -> bool {
        self.0.as_bytes().ct_eq(text.as_bytes()).into()
    }
}
