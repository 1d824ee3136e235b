//! Subset by a hash of the speaker: the rule of the data set for recordings that its lists do not name.

use crate::split::Subset;

/// Fractions of validation and test.
const VALIDATION: f64 = 0.1;
const TEST: f64 = 0.1;
/// The rule takes the hash modulo 2^27 and divides by this number.
const DIVISOR: f64 = ((1u32 << 27) - 1) as f64;

/// Returns the subset of a file. The last 27 bits of the SHA-1 of its name before `_nohash_` are divided by 2^27 - 1;
/// the first tenth is validation, the second is test.
pub(super) fn subset(file_name: &str) -> Subset {
    let speaker = file_name.split_once("_nohash_").map_or(file_name, |(speaker, _)| speaker);
    let [.., a, b, c, d] = sha1(speaker.as_bytes());
    let fraction = f64::from(u32::from_be_bytes([a, b, c, d]) % (1 << 27)) / DIVISOR;
    match fraction {
        fraction if fraction < VALIDATION => Subset::Validation,
        fraction if fraction < VALIDATION + TEST => Subset::Test,
        _ => Subset::Train,
    }
}

/// Returns the SHA-1 hash.
///
/// # Source
/// RFC 3174, section 6.1.
fn sha1(message: &[u8]) -> [u8; 20] {
    let mut padded = message.to_vec();
    padded.push(0x80);
    padded.resize((padded.len() + 8).next_multiple_of(64) - 8, 0);
    padded.extend((8 * message.len() as u64).to_be_bytes());
    let mut state = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
    for block in padded.chunks_exact(64) {
        add_block(&mut state, block);
    }
    let mut digest = [0; 20];
    for (bytes, word) in digest.chunks_exact_mut(4).zip(state) {
        bytes.copy_from_slice(&word.to_be_bytes());
    }
    digest
}

fn add_block(state: &mut [u32; 5], block: &[u8]) {
    let mut words = [0u32; 80];
    for (word, bytes) in words.iter_mut().zip(block.chunks_exact(4)) {
        *word = u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    }
    for t in 16..80 {
        words[t] = (words[t - 3] ^ words[t - 8] ^ words[t - 14] ^ words[t - 16]).rotate_left(1);
    }
    let [mut a, mut b, mut c, mut d, mut e] = *state;
    for (t, word) in words.into_iter().enumerate() {
        let (mixed, constant) = match t {
            0..20 => ((b & c) | (!b & d), 0x5a82_7999),
            20..40 => (b ^ c ^ d, 0x6ed9_eba1),
            40..60 => ((b & c) | (b & d) | (c & d), 0x8f1b_bcdc),
            _ => (b ^ c ^ d, 0xca62_c1d6u32),
        };
        let sum = a.rotate_left(5).wrapping_add(mixed).wrapping_add(e).wrapping_add(word);
        (a, b, c, d, e) = (sum.wrapping_add(constant), a, b.rotate_left(30), c, d);
    }
    for (sum, word) in state.iter_mut().zip([a, b, c, d, e]) {
        *sum = sum.wrapping_add(word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn the_hash_is_that_of_the_standard() {
        for (text, expected) in [
            ("abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
            ("", "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
            (
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "84983e441c3bd26ebaae4aa1f95129e5e54670f1",
            ),
        ] {
            assert_eq!(hex(&sha1(text.as_bytes())), expected);
        }
        assert_eq!(hex(&sha1(&[b'a'; 1_000_000])), "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
    }

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
