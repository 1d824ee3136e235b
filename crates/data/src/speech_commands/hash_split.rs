//! Subset by a hash of the speaker: the rule of the data set for recordings that its lists do not name.

use sha1::{Digest, Sha1};

use crate::subset::Subset;

/// Fractions of validation and test.
const VALIDATION: f64 = 0.1;
const TEST: f64 = 0.1;
/// The rule takes the hash modulo 2^27 and divides by this number.
const DIVISOR: f64 = ((1u32 << 27) - 1) as f64;

/// Returns the subset of a file. The last 27 bits of the SHA-1 of its name before `_nohash_` are divided by 2^27 - 1;
/// the first tenth is validation, the second is test.
pub(super) fn subset(file_name: &str) -> Subset {
    let speaker = file_name.split_once("_nohash_").map_or(file_name, |(speaker, _)| speaker);
    let [.., a, b, c, d] = <[u8; 20]>::from(Sha1::digest(speaker));
    let fraction = f64::from(u32::from_be_bytes([a, b, c, d]) % (1 << 27)) / DIVISOR;
    match fraction {
        fraction if fraction < VALIDATION => Subset::Validation,
        fraction if fraction < VALIDATION + TEST => Subset::Test,
        _ => Subset::Train,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speakers_are_in_one_subset_and_a_tenth_each_is_held_out() {
        assert_eq!(subset("0a2b400e_nohash_0.wav"), subset("0a2b400e_nohash_12.wav"));
        let subsets: Vec<Subset> = (0..20_000).map(|n| subset(&format!("{n:08x}_nohash_0.wav"))).collect();
        for subset in [Subset::Validation, Subset::Test] {
            let count = subsets.iter().filter(|found| **found == subset).count();
            // Three standard deviations of a binomial count.
            assert!((2000 - 127..=2000 + 127).contains(&count), "{subset}: {count}");
        }
    }
}
