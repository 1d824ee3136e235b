//! tanh, sigmoid and exp, applied to many values at once.
//!
//! Each is a short polynomial or rational approximation, the same on every instruction set. The functions state the
//! bounds of their relative errors; tests check them over the whole range of f32. NaN stays NaN.

use crate::simd::{Lanes, Simd, kernel};

/// x P(x²) / Q(x²), a relative minimax fit on [0, 9.02] (error 6e-8 before rounding), so that small and denormal
/// values keep their relative precision. From 9.01 on, tanh rounds to 1.
#[inline(always)]
pub(crate) fn tanh<S: Simd>(x: Lanes<S>) -> Lanes<S> {
    const P: [f32; 6] =
        [0.999_999_94, 0.129_179_77, 2.919_417_4e-3, 9.255_181e-6, -1.274_396_3e-8, 1.816_279e-11];
    const Q: [f32; 4] = [1.0, 0.462_512_6, 2.375_766_2e-2, 2.279_145_2e-4];
    let x = x.clamp(-TANH_LIMIT, TANH_LIMIT);
    let square = x * x;
    // Rounding may exceed 1, where the derivative 1 - tanh² would change its sign.
    (x * polynomial(square, &P) / polynomial(square, &Q)).clamp(-1.0, 1.0)
}

/// Smallest value for which the approximation of tanh rounds to 1.
const TANH_LIMIT: f32 = 9.01;

/// 1 / (1 + e^-x), computed from the exponential so that small results keep their relative precision; 0 below 1e-18.
///
/// A closed gate is 0 instead of 1e-38: products with it would be denormal, which makes processors about 100 times
/// slower.
#[inline(always)]
pub(crate) fn sigmoid<S: Simd>(x: Lanes<S>) -> Lanes<S> {
    let x = x.clamp(-SIGMOID_LIMIT, SIGMOID_LIMIT);
    // 1, or NaN where x is NaN: the arithmetic on exponents may lose a NaN.
    let one = x.mul_add(x.all(0.0), x.all(1.0));
    let open = one / (one + exp_in_range(x.all(0.0) - x));
    x.select_greater(x.all(-SIGMOID_LIMIT), open, x.mul_add(x.all(0.0), x.all(0.0)))
}

/// Limit of the input: the sigmoid of its negative is 1e-18.
const SIGMOID_LIMIT: f32 = 41.446_53;

/// e^x.
#[inline(always)]
pub(crate) fn exp<S: Simd>(x: Lanes<S>) -> Lanes<S> {
    // ln of the smallest normal and of the largest value.
    const LOW: f32 = -87.336_54;
    const HIGH: f32 = 88.722_83;
    let result = exp_in_range(x.clamp(LOW, HIGH));
    let low = x.all(-87.336_53).select_greater(x, x.all(0.0), x);
    let result = x.select_greater(x.all(LOW), result, low);
    x.select_greater(x.all(HIGH), x.all(f32::INFINITY), result)
}

/// e^x = 2^n e^r with n = round(x / ln 2), for -87.3 < x < 88.7: relative minimax fit of (e^r - 1 - r) / r²
/// on |r| <= ln 2 / 2 (error 3e-9 before rounding).
#[inline(always)]
fn exp_in_range<S: Simd>(x: Lanes<S>) -> Lanes<S> {
    const P: [f32; 5] = [0.499_999_93, 0.166_665_2, 4.166_839e-2, 8.368_745e-3, 1.381_453_9e-3];
    // ln 2 in two parts: products of n and the first part are exact.
    const LN2_HIGH: f32 = 0.693_145_75;
    const LN2_LOW: f32 = 1.428_606_8e-6;
    // Adding 1.5 * 2^23 leaves the rounded sum in the low bits of the pattern.
    const ROUND: f32 = 12_582_912.0;
    let shifted = x.mul_add(x.all(std::f32::consts::LOG2_E), x.all(ROUND));
    let n = shifted - x.all(ROUND);
    let r = n.mul_add(x.all(-LN2_LOW), n.mul_add(x.all(-LN2_HIGH), x));
    let power = (r * r).mul_add(polynomial(r, &P), r) + x.all(1.0);
    power.add_exponent(shifted)
}

/// Sum of c_k x^k by Horner's rule.
#[inline(always)]
fn polynomial<S: Simd, const N: usize>(x: Lanes<S>, coefficients: &[f32; N]) -> Lanes<S> {
    let mut sum = x.all(coefficients[N - 1]);
    for &coefficient in coefficients[..N - 1].iter().rev() {
        sum = sum.mul_add(x, x.all(coefficient));
    }
    sum
}

/// Applies f to each value.
#[inline(always)]
fn map<S: Simd>(simd: S, values: &mut [f32], f: impl Fn(Lanes<S>) -> Lanes<S>) {
    for part in values.chunks_mut(S::WIDTH) {
        // SAFETY: a part has at most WIDTH values, all readable and writable.
        unsafe { f(Lanes::load(simd, part.as_ptr(), part.len())).store(part.as_mut_ptr(), part.len()) }
    }
}

#[inline(always)]
fn tanh_all<S: Simd>(simd: S, values: &mut [f32]) {
    map(simd, values, tanh);
}

#[inline(always)]
fn sigmoid_all<S: Simd>(simd: S, values: &mut [f32]) {
    map(simd, values, sigmoid);
}

#[inline(always)]
fn exp_all<S: Simd>(simd: S, values: &mut [f32]) {
    map(simd, values, exp);
}

kernel! {
    /// Replaces each value by its hyperbolic tangent, with a relative error of at most 4e-7.
    pub fn tanh_in_place(values: &mut [f32]) = tanh_all
}

kernel! {
    /// Replaces each value x by 1 / (1 + e^-x), with a relative error of at most 3e-7; results below 1e-18 become
    /// zero.
    pub fn sigmoid_in_place(values: &mut [f32]) = sigmoid_all
}

kernel! {
    /// Replaces each value x by e^x, with a relative error of at most 3e-7; results below the smallest normal value
    /// become zero.
    pub fn exp_in_place(values: &mut [f32]) = exp_all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::InstructionSet;

    /// Every 997th bit pattern of f32, both signs, and the special values.
    fn range() -> Vec<f32> {
        let mut values: Vec<f32> = (0..=u32::MAX / 997).map(|i| f32::from_bits(i * 997)).collect();
        values.extend((-90_000..90_000).map(|i| i as f32 * 1e-3));
        values.extend([0.0, -0.0, f32::INFINITY, f32::NEG_INFINITY, f32::MIN_POSITIVE, f32::MAX, f32::MIN]);
        values
    }

    fn largest_error(
        compute: fn(InstructionSet, &mut [f32]),
        exact: fn(f64) -> f64,
    ) -> Vec<(InstructionSet, f64)> {
        let inputs = range();
        let mut errors = Vec::new();
        for set in InstructionSet::available() {
            let mut outputs = inputs.clone();
            compute(set, &mut outputs);
            let mut largest = 0.0f64;
            for (&x, &y) in inputs.iter().zip(&outputs) {
                let expected = exact(f64::from(x));
                if x.is_nan() {
                    assert!(y.is_nan(), "{set}: f(NaN {:#x}) = {y}", x.to_bits());
                } else if expected.is_infinite() || expected as f32 == f32::INFINITY {
                    assert_eq!(y, f32::INFINITY, "{set}: f({x})");
                } else if expected.abs() < f64::from(f32::MIN_POSITIVE) && x.abs() > 1.0 {
                    assert!(y.abs() < 1e-37, "{set}: f({x}) = {y}");
                } else if expected != 0.0 {
                    let error = ((f64::from(y) - expected) / expected).abs();
                    // Denormal results are as exact as their spacing allows.
                    let spacing = f64::from(f32::from_bits(1)) / expected.abs();
                    assert!(error.is_finite(), "{set}: f({x}) = {y}, expected {expected}");
                    largest = largest.max(error - spacing);
                } else {
                    assert_eq!(y, 0.0, "{set}: f({x})");
                }
            }
            errors.push((set, largest));
        }
        errors
    }

    #[test]
    fn tanh_has_its_relative_precision_over_the_whole_range() {
        for (set, error) in largest_error(tanh_in_place, f64::tanh) {
            assert!(error < 4e-7, "{set}: {error:e}");
        }
    }

    #[test]
    fn sigmoid_has_its_relative_precision_over_the_whole_range() {
        let exact = |x: f64| match x <= f64::from(-SIGMOID_LIMIT) {
            true => 0.0,
            false => 1.0 / (1.0 + (-x).exp()),
        };
        for (set, error) in largest_error(sigmoid_in_place, exact) {
            assert!(error < 3e-7, "{set}: {error:e}");
        }
    }

    #[test]
    fn exp_has_its_relative_precision_over_the_whole_range() {
        for (set, error) in largest_error(exp_in_place, f64::exp) {
            assert!(error < 3e-7, "{set}: {error:e}");
        }
    }

    #[test]
    fn tanh_and_sigmoid_stay_within_their_limits_and_signs() {
        for set in InstructionSet::available() {
            let (mut tanh, mut sigmoid) = (range(), range());
            tanh_in_place(set, &mut tanh);
            sigmoid_in_place(set, &mut sigmoid);
            for ((x, t), s) in range().into_iter().zip(tanh).zip(sigmoid) {
                assert!(x.is_nan() || (t.abs() <= 1.0 && t * x >= 0.0), "{set}: tanh({x}) = {t}");
                assert!(x.is_nan() || (0.0..=1.0).contains(&s), "{set}: sigmoid({x}) = {s}");
            }
        }
    }

    #[test]
    fn a_value_has_the_same_result_in_every_lane() {
        for set in InstructionSet::available() {
            for function in [tanh_in_place, sigmoid_in_place, exp_in_place] {
                let inputs: Vec<f32> = (0..37).map(|i| i as f32 * 0.37 - 6.0).collect();
                let mut together = inputs.clone();
                function(set, &mut together);
                for (&input, &expected) in inputs.iter().zip(&together) {
                    let mut alone = [input];
                    function(set, &mut alone);
                    assert_eq!(alone[0].to_bits(), expected.to_bits());
                }
            }
        }
    }
}
