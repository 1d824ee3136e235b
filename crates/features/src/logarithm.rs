//! Vectorized logarithms: decibels of f32 numbers, natural logarithms of f64 numbers.
//!
//! The standard library's logarithm needs one call per number and a fifth of a front end's time. These are
//! one or two dozen operations without branches, which the compiler vectorizes.

use crate::simd::with_simd;

/// log10(2) split in two: the first part has eleven bits, so its multiples by an exponent are exact in f32.
const LOG10_2_HIGH: f32 = 1233.0 / 4096.0;
const LOG10_2_LOW: f32 = (std::f64::consts::LOG10_2 - LOG10_2_HIGH as f64) as f32;
/// Bits of sqrt(1/2), the smallest mantissa.
const SQRT_HALF: u32 = 0x3f35_04f3;
const MANTISSA_BITS: u32 = 23;

/// Replaces each finite value x by 10 log10(max(min, x)), `min` > 0.
///
/// The error is at most 1.5 units in the last place of the result, or 1e-6 where the result is below 8.
#[inline(always)]
pub(crate) fn decibels(values: &mut [f32], min: f32) {
    if min < f32::MIN_POSITIVE {
        // The bits of a subnormal number are not those of an exponent and a mantissa.
        for value in values {
            *value = 10.0 * value.max(min).log10();
        }
        return;
    }
    for value in values {
        let x = if *value > min { *value } else { min };
        *value = decibels_of_normal(x);
    }
}

/// Returns 10 log10(x) of a positive normal number.
///
/// With x = 2^e m, sqrt(1/2) <= m < sqrt(2), and s = (m - 1) / (m + 1): ln m = 2 (s + s^3/3 + s^5/5 + ..).
/// |s| < 0.172, so the terms from s^11 on are below 1e-9 s.
#[inline(always)]
fn decibels_of_normal(x: f32) -> f32 {
    let above = x.to_bits().wrapping_sub(SQRT_HALF);
    let exponent = (above as i32 >> MANTISSA_BITS) as f32;
    let mantissa = f32::from_bits((above & ((1 << MANTISSA_BITS) - 1)).wrapping_add(SQRT_HALF));
    let s = (mantissa - 1.0) / (mantissa + 1.0);
    let square = s * s;
    let series = square * (1.0 / 3.0 + square * (1.0 / 5.0 + square * (1.0 / 7.0 + square * (1.0 / 9.0))));
    let double = 2.0 * std::f32::consts::LOG10_E * s;
    // Sums the small terms first.
    10.0 * (exponent * LOG10_2_HIGH + (double + (double * series + exponent * LOG10_2_LOW)))
}

/// ln(2) split in two: the first part has 32 bits, so its multiples by an exponent are exact in f64.
const LN_2_HIGH: f64 = f64::from_bits(0x3fe6_2e42_fee0_0000);
/// ln(2) - LN_2_HIGH.
const LN_2_LOW: f64 = f64::from_bits(0x3dea_39ef_3579_3c76);
/// Bits of sqrt(1/2), the smallest mantissa, in f64.
const SQRT_HALF_F64: u64 = 0x3fe6_a09e_667f_3bcd;
const MANTISSA_BITS_F64: u32 = 52;
/// Bias of the exponents of f64.
const BIAS: u64 = 1023;
/// 2^52: its bits combined with those of a whole number below are the sum of both.
const TWO_52: f64 = (1u64 << 52) as f64;

/// Coefficients 1/21, 1/19, .., 1/3 of the series of ln.
const SERIES: [f64; 10] = [
    1.0 / 21.0,
    1.0 / 19.0,
    1.0 / 17.0,
    1.0 / 15.0,
    1.0 / 13.0,
    1.0 / 11.0,
    1.0 / 9.0,
    1.0 / 7.0,
    1.0 / 5.0,
    1.0 / 3.0,
];

/// Number of logarithms computed at once.
const LANES: usize = 8;

/// Replaces each value by its natural logarithm.
///
/// The error is at most 2 units in the last place for positive normal numbers. Other numbers have the standard library's
/// results.
pub(crate) fn natural_logarithms(values: &mut [f64]) {
    let normal = f64::MIN_POSITIVE..=f64::MAX;
    // Without an early exit the compiler vectorizes the test.
    if !values.iter().fold(true, |all, value| all & normal.contains(value)) {
        values.iter_mut().for_each(|value| *value = value.ln());
        return;
    }
    with_simd(
        #[inline(always)]
        || {
            let (blocks, rest) = values.as_chunks_mut::<LANES>();
            for block in blocks {
                ln_of_block(block);
            }
            let mut block = [1.0; LANES];
            block[..rest.len()].copy_from_slice(rest);
            ln_of_block(&mut block);
            rest.copy_from_slice(&block[..rest.len()]);
        },
    );
}

/// Replaces positive normal numbers by their logarithms.
#[inline(always)]
fn ln_of_block(block: &mut [f64; LANES]) {
    // A map of the array would not be inlined, and so not vectorized.
    for value in block {
        *value = ln_of_normal(*value);
    }
}

/// Returns ln(x) of a positive normal number, with the series of [`decibels_of_normal`].
///
/// The terms from s^23 on are below 1e-18 s.
#[inline(always)]
fn ln_of_normal(x: f64) -> f64 {
    let above = x.to_bits().wrapping_sub(SQRT_HALF_F64);
    let biased = above.wrapping_add(BIAS << MANTISSA_BITS_F64) >> MANTISSA_BITS_F64;
    let exponent = f64::from_bits(TWO_52.to_bits() | biased) - (TWO_52 + BIAS as f64);
    let mantissa = f64::from_bits((above & ((1 << MANTISSA_BITS_F64) - 1)).wrapping_add(SQRT_HALF_F64));
    let s = (mantissa - 1.0) / (mantissa + 1.0);
    let square = s * s;
    let mut series = 0.0;
    for coefficient in SERIES {
        series = square * (coefficient + series);
    }
    let double = 2.0 * s;
    // Sums the small terms first.
    exponent * LN_2_HIGH + (double + (double * series + exponent * LN_2_LOW))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the difference from the standard library's logarithm, in units of the last place.
    fn error_of_ln(x: f64) -> f64 {
        let mut values = [1.0, x];
        natural_logarithms(&mut values);
        assert_eq!(values[0], 0.0);
        let exact = x.ln();
        match exact == 0.0 {
            true => (values[1] - exact).abs() / f64::MIN_POSITIVE,
            false => (values[1] - exact).abs() / (exact.abs().next_up() - exact.abs()),
        }
    }

    #[test]
    fn natural_logarithms_equal_the_standard_library_s() {
        let mut worst: f64 = 0.0;
        // About half a million positive normal numbers.
        for bits in (f64::MIN_POSITIVE.to_bits()..=f64::MAX.to_bits()).step_by((1 << 44) + 12_345_677) {
            worst = worst.max(error_of_ln(f64::from_bits(bits)));
        }
        for center in
            [1.0, std::f64::consts::SQRT_2, std::f64::consts::FRAC_1_SQRT_2, f64::EPSILON, 1e9, 1e300]
        {
            for step in 1..20_000u64 {
                // Neighbors, and numbers up to 1e-3 away.
                for distance in [step, step << 20, step << 32] {
                    worst = worst.max(error_of_ln(f64::from_bits(center.to_bits() + distance)));
                    worst = worst.max(error_of_ln(f64::from_bits(center.to_bits() - distance)));
                }
            }
        }
        worst = worst.max(error_of_ln(f64::MIN_POSITIVE)).max(error_of_ln(f64::MAX));
        println!("largest difference {worst:.3} units in the last place");
        assert!(worst <= 3.0, "{worst}");
    }

    #[test]
    fn every_lane_and_every_rest_has_its_logarithm() {
        for length in 0..40 {
            let values: Vec<f64> = (0..length).map(|n| 0.01 + f64::from(n * n)).collect();
            let mut logarithms = values.clone();
            natural_logarithms(&mut logarithms);
            for (logarithm, value) in logarithms.iter().zip(&values) {
                assert!((logarithm - value.ln()).abs() <= 1e-15 * value.ln().abs(), "{value}");
            }
        }
    }

    #[test]
    fn numbers_that_are_not_positive_and_normal_have_the_standard_library_s_logarithms() {
        for special in [0.0, -1.0, f64::INFINITY, f64::NAN, 5e-324] {
            let mut values = [2.0, special];
            natural_logarithms(&mut values);
            assert_eq!(values[0], 2f64.ln());
            assert!(values[1] == special.ln() || values[1].is_nan() && special.ln().is_nan(), "{special}");
        }
    }

    /// Returns the error relative to f64, in units of the last place of the result (of 8 dB where that is
    /// smaller).
    fn error(x: f32) -> f64 {
        let mut values = [x];
        decibels(&mut values, f32::MIN_POSITIVE);
        let exact = 10.0 * f64::from(x).log10();
        let unit = 2f64.powi(exact.abs().max(8.0).log2().floor() as i32 - 23);
        (f64::from(values[0]) - exact).abs() / unit
    }

    #[test]
    fn error_is_bounded_over_all_exponents() {
        let mut worst = (0.0, 0.0);
        // Every 1,009th positive normal number: two million of them.
        for bits in (f32::MIN_POSITIVE.to_bits()..=f32::MAX.to_bits()).step_by(1009) {
            let x = f32::from_bits(bits);
            if error(x) > worst.0 {
                worst = (error(x), x);
            }
        }
        println!("worst error {:.3} units in the last place, at {:e}", worst.0, worst.1);
        assert!(worst.0 <= 1.5, "{worst:?}");
    }

    #[test]
    fn error_is_bounded_around_one_and_at_mantissa_limits() {
        for center in [1.0f32, std::f32::consts::SQRT_2, std::f32::consts::FRAC_1_SQRT_2, 1e-10, 1e10] {
            for bits in center.to_bits() - 50_000..center.to_bits() + 50_000 {
                let x = f32::from_bits(bits);
                assert!(error(x) <= 1.5, "{x:e}: {}", error(x));
            }
        }
        let mut one = [1.0];
        decibels(&mut one, 1e-10);
        assert_eq!(one, [0.0]);
    }

    #[test]
    fn values_below_the_minimum_are_clamped() {
        let mut values = [0.0, 1e-20, -1.0, 1e-10, 1e-9];
        decibels(&mut values, 1e-10);
        assert_eq!(values[..4], [-100.0; 4]);
        assert!((values[4] + 90.0).abs() < 1e-5);
        let mut subnormal = [0.0f32, 1.0];
        decibels(&mut subnormal, 1e-40);
        assert!((subnormal[0] + 400.0).abs() < 1e-3, "{subnormal:?}");
        assert_eq!(subnormal[1], 0.0);
    }
}
