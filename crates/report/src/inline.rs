//! Inline content of pages: data URLs, and the script source of the content security policy.

use sha2::{Digest, Sha256};

/// Returns the source expression that allows an inline script with exactly this text: 'sha256-' and its hash in Base64.
///
/// # Source
/// W3C, "Content Security Policy Level 3", section 2.3.1, hash-source.
pub(crate) fn script_source(script: &str) -> String {
    format!("'sha256-{}'", base64(&Sha256::digest(script.as_bytes())))
}

/// Returns a data URL with the contents of a file.
pub(crate) fn data_url(media_type: &str, file: &[u8]) -> String {
    format!("data:{media_type};base64,{}", base64(file))
}

/// Encodes bytes in Base64 by RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let bits = (0..3).fold(0u32, |bits, at| bits << 8 | u32::from(*chunk.get(at).unwrap_or(&0)));
        for digit in 0..4 {
            let filled = digit <= chunk.len();
            let index = (bits >> (18 - 6 * digit) & 63) as usize;
            text.push(if filled { char::from(DIGITS[index]) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_matches_the_vectors_of_its_specification() {
        let texts = ["", "f", "fo", "foo", "foob", "fooba", "foobar"].map(|text| base64(text.as_bytes()));
        assert_eq!(texts, ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"]);
    }

    #[test]
    fn a_script_source_is_its_hash() {
        // Content Security Policy Level 3, section 8.3: the hash of `alert('Hello, world.');`.
        let source = "'sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng='";
        assert_eq!(script_source("alert('Hello, world.');"), source);
    }
}
