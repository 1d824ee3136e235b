//! Arithmetic of integers as real numbers. C computes the same bits: every operation is on 32 or 64 bits, and a right
//! shift of a negative number rounds down.
//!
//! Qn is a number with n bits after the point: the integer divided by 2^n. A value of a network is an int16 with a scale, the real
//! number of the integer 1.

/// Largest value of a network; the smallest is its negative.
pub const MAX_VALUE: i32 = 32767;

/// Bits after the point of the sums before an activation function.
pub const SUM_BITS: u32 = 16;

/// Bits after the point of gates and of states in [-1, 1].
pub const UNIT_BITS: u32 = 15;

/// Bound of a rescaled number, so that sums of a few of them fit 32 bits.
const MAX_RESCALED: i64 = 1 << 29;

/// Bits of the step between two values of [`TANH`]: 1/32 in Q16.
const TANH_STEP: u32 = 11;

/// Bits of the step between two values of [`POWER`]: 1/64 in Q16.
const POWER_STEP: u32 = 10;

/// log2(e), Q16.
pub const LOG2_E: i64 = 94548;

/// Returns x / 2^bits, rounded, halves up.
pub fn shift_rounded(x: i32, bits: u32) -> i32 {
    if bits == 0 { x } else { (x + (1 << (bits - 1))) >> bits }
}

/// Returns x clamped to the range of a value.
pub fn saturate(x: i32) -> i16 {
    x.clamp(-MAX_VALUE, MAX_VALUE) as i16
}

/// Returns sum / count, rounded, halves away from zero.
pub fn mean(sum: i64, count: i64) -> i32 {
    let half = if sum < 0 { -(count / 2) } else { count / 2 };
    ((sum + half) / count) as i32
}

/// Returns the value nearest to `x / scale`, halves away from zero; `inverse` is 1 / scale.
pub fn quantize(x: f32, inverse: f32) -> i16 {
    let scaled = (x * inverse).clamp(-(MAX_VALUE as f32), MAX_VALUE as f32);
    (scaled + 0.5f32.copysign(scaled)) as i16
}

/// Factors between two scales, one per channel: x multipliers\[channel\] / 2^shift.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rescale {
    /// Factors as integers below 2^31.
    pub multipliers: Vec<i32>,
    /// Bits after the point of the factors, 1 to 61.
    pub shift: u32,
}

impl Rescale {
    /// Returns the integers of these factors.
    pub fn new(factors: &[f64]) -> Rescale {
        let largest = factors.iter().fold(f64::MIN_POSITIVE, |largest, factor| largest.max(factor.abs()));
        // The largest factor has 31 bits.
        let shift = (30.0 - largest.log2().floor()).clamp(1.0, 61.0) as u32;
        let multiplier = |factor: &f64| (factor * 2f64.powi(shift as i32)).round() as i32;
        Rescale { multipliers: factors.iter().map(multiplier).collect(), shift }
    }

    /// Returns x times the factor of a channel, rounded, halves up, and clamped to +-2^29.
    pub fn apply(&self, x: i32, channel: usize) -> i32 {
        let product = i64::from(x) * i64::from(self.multipliers[channel]) + (1 << (self.shift - 1));
        (product >> self.shift).clamp(-MAX_RESCALED, MAX_RESCALED) as i32
    }
}

/// tanh(i / 32), Q15, for 0 <= i <= 256.
pub fn tanh_table() -> Vec<i16> {
    let value = |i: i32| (f64::from(i) / 32.0).tanh() * 32768.0;
    (0..=256).map(|i| value(i).round().min(32767.0) as i16).collect()
}

/// 2^(-i / 64), Q15, for 0 <= i <= 64.
pub fn power_table() -> Vec<i16> {
    let value = |i: i32| (-f64::from(i) / 64.0).exp2() * 32768.0;
    (0..=64).map(|i| value(i).round().min(32767.0) as i16).collect()
}

/// Tables of the functions.
#[derive(Clone, Debug)]
pub struct Functions {
    tanh: Vec<i16>,
    power: Vec<i16>,
}

impl Default for Functions {
    fn default() -> Functions {
        Functions { tanh: tanh_table(), power: power_table() }
    }
}

/// Returns the value of a table at `x`, in steps of 2^step, with linear interpolation.
fn interpolate(table: &[i16], x: i32, step: u32) -> i32 {
    let at = (x >> step) as usize;
    let [low, high] = [table[at], table[at + 1]].map(i32::from);
    low + shift_rounded((high - low) * (x & ((1 << step) - 1)), step)
}

impl Functions {
    /// Returns tanh(x), Q16 -> Q15.
    pub fn tanh(&self, x: i32) -> i32 {
        // 8 and above are 1.
        let size = x.abs().min((256 << TANH_STEP) - 1);
        let value = interpolate(&self.tanh, size, TANH_STEP);
        if x < 0 { -value } else { value }
    }

    /// Returns 1 / (1 + exp(-x)), Q16 -> Q15.
    pub fn sigmoid(&self, x: i32) -> i32 {
        (32768 + self.tanh(x >> 1)) >> 1
    }

    /// Returns exp(-x) for x >= 0, Q16 -> Q15.
    pub fn exp_negative(&self, x: i32) -> i32 {
        let power = (i64::from(x) * LOG2_E) >> 16;
        let whole = power >> 16;
        if whole > 15 {
            return 0;
        }
        interpolate(&self.power, (power & 0xffff) as i32, POWER_STEP) >> whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_within_a_few_units_of_the_exact_values() {
        let functions = Functions::default();
        let (mut tanh, mut sigmoid, mut exp) = (0f64, 0f64, 0f64);
        for x in (-900_000..900_000).step_by(37) {
            let real = f64::from(x) / 65536.0;
            tanh = tanh.max((f64::from(functions.tanh(x)) - real.tanh() * 32768.0).abs());
            let exact = 32768.0 / (1.0 + (-real).exp());
            sigmoid = sigmoid.max((f64::from(functions.sigmoid(x)) - exact).abs());
            if x >= 0 {
                exp = exp.max((f64::from(functions.exp_negative(x)) - (-real).exp() * 32768.0).abs());
            }
        }
        assert!(tanh < 4.5 && sigmoid < 3.5 && exp < 2.5, "{tanh} {sigmoid} {exp}");
        assert_eq!(functions.tanh(i32::MAX), 32767);
        assert_eq!(functions.tanh(-(1 << 29)), -32767);
        assert_eq!(functions.exp_negative(i32::MAX), 0);
    }

    #[test]
    fn factors_keep_thirty_bits_and_round_halves_up() {
        let rescale = Rescale::new(&[0.5, -0.25, 1e-6, 0.0]);
        assert_eq!(rescale.shift, 31);
        assert_eq!([5, -5, -4].map(|x| rescale.apply(x, 0)), [3, -2, -2]);
        assert_eq!(rescale.apply(10, 1), -2);
        assert_eq!(rescale.apply(1_000_000_000, 2), 1000);
        assert_eq!(rescale.apply(i32::MAX, 3), 0);
        let large = Rescale::new(&[3000.0]);
        assert_eq!(large.apply(i32::MAX, 0), 1 << 29);
        assert_eq!(large.apply(-70, 0), -210_000);
    }

    #[test]
    fn values_round_to_the_nearest_and_saturate() {
        let values = [0.5, -0.5, 1.49, 40_000.0, -40_000.0, f32::INFINITY].map(|x| quantize(x, 1.0));
        assert_eq!(values, [1, -1, 1, 32767, -32767, 32767]);
        assert_eq!([mean(7, 2), mean(-7, 2), mean(1, 3), mean(-5, 3)], [4, -4, 0, -2]);
        assert_eq!([shift_rounded(5, 1), shift_rounded(-5, 1), shift_rounded(7, 0)], [3, -2, 7]);
    }
}
