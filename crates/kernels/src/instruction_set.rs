//! Which instructions the kernels use.

use std::sync::OnceLock;

#[cfg(target_arch = "x86_64")]
use crate::simd::{Avx2, Avx512};
use crate::simd::{Portable, Simd};

/// The vector instructions that a kernel runs with.
///
/// [`InstructionSet::best`] is found once; setting the environment variable `STAPES_PORTABLE=1` makes it the
/// portable set. Results differ between the sets within rounding (the portable path rounds products before
/// adding them); each set gives the same bits for the same input always.
///
/// # Example
/// ```
/// use stapes_kernels::InstructionSet;
///
/// assert_eq!(InstructionSet::PORTABLE.to_string(), "portable");
/// ```
#[derive(Clone, Copy)]
pub struct InstructionSet(Token);

/// A proof that the processor has the instructions.
#[derive(Clone, Copy)]
pub(crate) enum Token {
    Portable(Portable),
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
}

impl InstructionSet {
    /// Plain loops, which run everywhere.
    pub const PORTABLE: InstructionSet = InstructionSet(Token::Portable(Portable));

    /// The fastest set that this processor has, or the portable one where `STAPES_PORTABLE=1` is set.
    pub fn best() -> InstructionSet {
        static BEST: OnceLock<InstructionSet> = OnceLock::new();
        *BEST.get_or_init(|| {
            let forced = std::env::var("STAPES_PORTABLE").is_ok_and(|value| value == "1");
            if forced { InstructionSet::PORTABLE } else { InstructionSet::detect() }
        })
    }

    /// Every set that this processor has, the portable one first.
    pub fn available() -> Vec<InstructionSet> {
        let mut sets = vec![InstructionSet::PORTABLE];
        #[cfg(target_arch = "x86_64")]
        {
            sets.extend(Avx2::detect().map(|token| InstructionSet(Token::Avx2(token))));
            sets.extend(Avx512::detect().map(|token| InstructionSet(Token::Avx512(token))));
        }
        sets
    }

    fn detect() -> InstructionSet {
        InstructionSet::available().pop().unwrap_or(InstructionSet::PORTABLE)
    }

    /// Numbers in a vector.
    pub(crate) fn width(self) -> usize {
        match self.0 {
            Token::Portable(_) => Portable::WIDTH,
            #[cfg(target_arch = "x86_64")]
            Token::Avx2(_) => Avx2::WIDTH,
            #[cfg(target_arch = "x86_64")]
            Token::Avx512(_) => Avx512::WIDTH,
        }
    }

    /// Rows of the largest tile of a product.
    pub(crate) fn tile_rows(self) -> usize {
        match self.0 {
            Token::Portable(_) => Portable::TILE_ROWS,
            #[cfg(target_arch = "x86_64")]
            Token::Avx2(_) => Avx2::TILE_ROWS,
            #[cfg(target_arch = "x86_64")]
            Token::Avx512(_) => Avx512::TILE_ROWS,
        }
    }

    pub(crate) fn token(self) -> Token {
        self.0
    }
}

impl std::fmt::Display for InstructionSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.0 {
            Token::Portable(_) => "portable",
            #[cfg(target_arch = "x86_64")]
            Token::Avx2(_) => "avx2",
            #[cfg(target_arch = "x86_64")]
            Token::Avx512(_) => "avx512",
        })
    }
}

impl std::fmt::Debug for InstructionSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "InstructionSet({self})")
    }
}
