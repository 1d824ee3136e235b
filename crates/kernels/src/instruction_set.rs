//! Choice of the vector instructions at run time.

use std::sync::OnceLock;

use crate::simd::{Portable, Simd, with_sets};

/// The vector instructions that a kernel uses.
///
/// [`InstructionSet::best`] detects the set once. The environment variable `STAPES_INSTRUCTIONS` selects another set
/// that the processor supports: `portable`, `avx2`, `avx512` or `neon`. Results differ between sets by rounding (the
/// portable path rounds products before it adds them), except between AVX2 and NEON. One set gives the same bits for the
/// same input every time.
///
/// # Example
/// ```
/// use stapes_kernels::InstructionSet;
///
/// assert_eq!(InstructionSet::PORTABLE.to_string(), "portable");
/// ```
#[derive(Clone, Copy)]
pub struct InstructionSet(Token);

macro_rules! define_token {
    ({} $($set:ident, $name:literal, $compiled:meta, $features:literal;)*) => {
        /// Proof that the processor supports the instructions.
        #[derive(Clone, Copy)]
        pub(crate) enum Token {
            Portable(Portable),
            $(#[cfg($compiled)] $set(crate::simd::$set),)*
        }

        impl Token {
            /// Returns the tokens of all sets that this processor supports, the slowest first.
            fn available() -> Vec<Token> {
                let sets = [
                    Some(Token::Portable(Portable)),
                    $(#[cfg($compiled)] crate::simd::$set::detect().map(Token::$set),)*
                ];
                sets.into_iter().flatten().collect()
            }

            fn name(self) -> &'static str {
                match self {
                    Token::Portable(_) => "portable",
                    $(#[cfg($compiled)] Token::$set(_) => $name,)*
                }
            }

            /// See [`Simd::WIDTH`].
            fn width(self) -> usize {
                match self {
                    Token::Portable(_) => Portable::WIDTH,
                    $(#[cfg($compiled)] Token::$set(_) => crate::simd::$set::WIDTH,)*
                }
            }

            /// See [`Simd::TILE_ROWS`].
            fn tile_rows(self) -> usize {
                match self {
                    Token::Portable(_) => Portable::TILE_ROWS,
                    $(#[cfg($compiled)] Token::$set(_) => crate::simd::$set::TILE_ROWS,)*
                }
            }
        }
    };
}

with_sets!([define_token], {});

const VARIABLE: &str = "STAPES_INSTRUCTIONS";

/// Error: the environment requests an instruction set that the processor does not support.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{VARIABLE} = {name}: this processor supports {available}; choose one of these or unset the variable"
)]
pub struct UnavailableInstructionSet {
    /// The requested name.
    pub name: String,
    /// Names of the supported sets.
    pub available: String,
}

impl InstructionSet {
    /// Plain loops, which run on every processor.
    pub const PORTABLE: InstructionSet = InstructionSet(Token::Portable(Portable));

    /// Returns the set that `STAPES_INSTRUCTIONS` names, or the fastest supported set if the variable is unset or
    /// names an unsupported one ([`InstructionSet::requested`] reports that error).
    pub fn best() -> InstructionSet {
        static BEST: OnceLock<InstructionSet> = OnceLock::new();
        *BEST
            .get_or_init(|| InstructionSet::requested().ok().flatten().unwrap_or_else(InstructionSet::detect))
    }

    /// Returns the set that the environment variable `STAPES_INSTRUCTIONS` names, if it is set.
    ///
    /// # Errors
    /// [`UnavailableInstructionSet`] if this processor supports no set of that name.
    pub fn requested() -> Result<Option<InstructionSet>, UnavailableInstructionSet> {
        let Ok(name) = std::env::var(VARIABLE) else { return Ok(None) };
        let sets = InstructionSet::available();
        match sets.iter().find(|set| set.to_string() == name) {
            Some(&set) => Ok(Some(set)),
            None => {
                let available: Vec<String> = sets.iter().map(ToString::to_string).collect();
                Err(UnavailableInstructionSet { name, available: available.join(", ") })
            }
        }
    }

    /// Returns all sets that this processor supports, the portable one first.
    pub fn available() -> Vec<InstructionSet> {
        Token::available().into_iter().map(InstructionSet).collect()
    }

    fn detect() -> InstructionSet {
        InstructionSet::available().pop().unwrap_or(InstructionSet::PORTABLE)
    }

    /// Values per vector.
    pub(crate) fn width(self) -> usize {
        self.0.width()
    }

    /// Rows of the largest tile of a matrix product.
    pub(crate) fn tile_rows(self) -> usize {
        self.0.tile_rows()
    }

    pub(crate) fn token(self) -> Token {
        self.0
    }
}

impl std::fmt::Display for InstructionSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.name())
    }
}

impl std::fmt::Debug for InstructionSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "InstructionSet({self})")
    }
}
