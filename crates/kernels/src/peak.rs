//! Peak arithmetic throughput of a core, the reference of the benchmarks.

use std::hint::black_box;

use crate::InstructionSet;
use crate::simd::{Lanes, Simd, kernel};

/// Number of independent chains of vectors, enough to hide the latency of an operation.
const CHAINS: usize = 12;
const ROUNDS: usize = 1_000_000;

/// Returns the fused multiply-add throughput of one core for f32 from registers, in GFLOP/s (a multiplication and an
/// addition count as two operations): the best of several runs of a few milliseconds. `seconds` is the clock: that of the times which
/// are compared with the peak.
pub fn fma_throughput(set: InstructionSet, seconds: impl Fn() -> f64) -> f64 {
    let operations = (2 * CHAINS * ROUNDS * set.width()) as f64;
    let mut best = 0.0f64;
    for _ in 0..20 {
        let mut sums = [0.0; 16];
        let start = seconds();
        chains(set, black_box([0.999, 0.001]), &mut sums);
        let elapsed = seconds() - start;
        black_box(sums);
        best = best.max(operations / elapsed / 1e9);
    }
    best
}

kernel! {
    fn chains(factors: [f32; 2], sums: &mut [f32; 16]) = chains_generic
}

#[inline(always)]
fn chains_generic<S: Simd>(simd: S, [a, b]: [f32; 2], sums: &mut [f32; 16]) {
    let (a, b) = (Lanes::splat(simd, a), Lanes::splat(simd, b));
    let mut values = [Lanes::splat(simd, 1.0); CHAINS];
    for _ in 0..ROUNDS {
        for value in &mut values {
            // A chain of sums, because NEON overwrites the term.
            *value = a.mul_add(b, *value);
        }
    }
    let sum = values.into_iter().fold(Lanes::splat(simd, 0.0), |sum, value| sum + value);
    // SAFETY: a vector has at most 16 values.
    unsafe { sum.store(sums.as_mut_ptr(), S::WIDTH) };
}
