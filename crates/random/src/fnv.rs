//! FNV-1a hash.

use std::fmt;

/// FNV-1a hash with 64 bits: the same on every machine, fast for short inputs, not cryptographic.
///
/// Its `Display` is 16 hexadecimal digits.
///
/// # Source
/// G. Fowler, L. C. Noll, K.-P. Vo, D. Eastlake, "The FNV Non-Cryptographic Hash Algorithm"
///
/// # Example
/// ```
/// let mut hash = stapes_random::Fnv1a::default();
/// hash.update(b"foo");
/// hash.update(b"bar");
/// assert_eq!((hash.value(), hash.to_string()), (0x85944171f73967e8, "85944171f73967e8".into()));
/// ```
#[derive(Clone, Debug)]
pub struct Fnv1a(u64);

impl Default for Fnv1a {
    fn default() -> Fnv1a {
        Fnv1a(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv1a {
    /// Starts with a state that depends on a number; 0 is the default.
    pub(crate) fn with_start(start: u64) -> Fnv1a {
        Fnv1a(Fnv1a::default().0 ^ start.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    /// Returns the hash of all bytes so far.
    pub fn value(&self) -> u64 {
        self.0
    }
}

impl fmt::Display for Fnv1a {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:016x}", self.0)
    }
}
