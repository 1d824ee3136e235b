//! Vectorized decibels of f32 numbers.
//!
//! The standard library's logarithm needs one call per number and a fifth of a front end's time. This one is
//! a dozen operations without branches, which the compiler vectorizes.

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

#[cfg(test)]
mod tests {
    use super::*;

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
