//! Vectors of eight values, each in two registers: NEON, available on 64-bit ARM processors.
//!
//! NEON has 32 registers of four values, and AVX2 has 16 registers of eight: with two registers per vector, the tiles of
//! AVX2 fit. A product's tile of 6 rows by 16 columns needs 24 registers for the sums, 4 for B and at least 1 for A. It
//! loads 10 times per 24 multiply-adds; a tile of 12 rows by 8 columns, with as many sums, would load 14 times.

use std::arch::aarch64::*;

use super::Simd;

/// Token of the NEON path: a value exists only if the processor has NEON.
#[derive(Clone, Copy)]
pub(crate) struct Neon(());

impl Neon {
    /// Returns the token if the processor has the instructions.
    pub(crate) fn detect() -> Option<Neon> {
        std::arch::is_aarch64_feature_detected!("neon").then_some(Neon(()))
    }
}

/// Reads the first `count` values, fewer than four; the others are zero.
///
/// # Safety
/// The processor has NEON; `from` is valid for reads of `count` values.
#[inline(always)]
unsafe fn load_part4(from: *const f32, count: usize) -> float32x4_t {
    // SAFETY: guaranteed by the caller; only the first `count` values are read.
    unsafe {
        let zero = vdupq_n_f32(0.0);
        match count {
            0 => zero,
            1 => vld1q_lane_f32::<0>(from, zero),
            2 => vcombine_f32(vld1_f32(from), vget_low_f32(zero)),
            _ => vld1q_lane_f32::<2>(from.add(2), vcombine_f32(vld1_f32(from), vget_low_f32(zero))),
        }
    }
}

/// Writes the first `count` values, fewer than four.
///
/// # Safety
/// The processor has NEON; `to` is valid for writes of `count` values.
#[inline(always)]
unsafe fn store_part4(to: *mut f32, vector: float32x4_t, count: usize) {
    // SAFETY: guaranteed by the caller; only the first `count` values are written.
    unsafe {
        match count {
            0 => {}
            1 => vst1q_lane_f32::<0>(to, vector),
            2 => vst1_f32(to, vget_low_f32(vector)),
            _ => {
                vst1_f32(to, vget_low_f32(vector));
                vst1q_lane_f32::<2>(to.add(2), vector);
            }
        }
    }
}

/// Returns the columns of four rows of four values: pairs, then halves of the rows are exchanged.
///
/// # Safety
/// The processor has NEON.
#[inline(always)]
unsafe fn transpose4([a, b, c, d]: [float32x4_t; 4]) -> [float32x4_t; 4] {
    // SAFETY: guaranteed by the caller.
    unsafe {
        let even01 = vreinterpretq_f64_f32(vtrn1q_f32(a, b));
        let odd01 = vreinterpretq_f64_f32(vtrn2q_f32(a, b));
        let even23 = vreinterpretq_f64_f32(vtrn1q_f32(c, d));
        let odd23 = vreinterpretq_f64_f32(vtrn2q_f32(c, d));
        [
            vreinterpretq_f32_f64(vtrn1q_f64(even01, even23)),
            vreinterpretq_f32_f64(vtrn1q_f64(odd01, odd23)),
            vreinterpretq_f32_f64(vtrn2q_f64(even01, even23)),
            vreinterpretq_f32_f64(vtrn2q_f64(odd01, odd23)),
        ]
    }
}

/// Implements methods of [`Simd`] by one instruction for each half.
macro_rules! halves {
    ($($name:ident($($argument:ident),*) = $instruction:ident($($operand:ident),*);)*) => {$(
        #[inline(always)]
        fn $name(self, $($argument: Self::Vector),*) -> Self::Vector {
            // SAFETY: the token proves NEON.
            unsafe { [$instruction($($operand[0]),*), $instruction($($operand[1]),*)] }
        }
    )*};
}

// In all methods the token proves that the processor has the instructions; the caller guarantees the pointers.
impl Simd for Neon {
    type Vector = [float32x4_t; 2];

    const WIDTH: usize = 8;
    const TILE_ROWS: usize = 6;

    #[inline(always)]
    fn splat(self, value: f32) -> Self::Vector {
        // SAFETY: the token proves NEON.
        unsafe { [vdupq_n_f32(value); 2] }
    }

    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> Self::Vector {
        // SAFETY: the token proves NEON; the caller guarantees eight numbers.
        unsafe { [vld1q_f32(from), vld1q_f32(from.add(4))] }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32, vector: Self::Vector) {
        // SAFETY: the token proves NEON; the caller guarantees room for eight numbers.
        unsafe {
            vst1q_f32(to, vector[0]);
            vst1q_f32(to.add(4), vector[1]);
        }
    }

    #[inline(always)]
    unsafe fn load_part(self, from: *const f32, count: usize) -> Self::Vector {
        // SAFETY: the token proves NEON; the caller guarantees `count` numbers, fewer than eight.
        unsafe {
            let part = load_part4(from.add(count & 4), count & 3);
            if count < 4 { [part, vdupq_n_f32(0.0)] } else { [vld1q_f32(from), part] }
        }
    }

    #[inline(always)]
    unsafe fn store_part(self, to: *mut f32, vector: Self::Vector, count: usize) {
        // SAFETY: the token proves NEON; the caller guarantees room for `count` numbers, fewer than eight.
        unsafe {
            if count >= 4 {
                vst1q_f32(to, vector[0]);
            }
            let part = if count < 4 { vector[0] } else { vector[1] };
            store_part4(to.add(count & 4), part, count & 3);
        }
    }

    #[inline(always)]
    unsafe fn transpose8(self, from: *const f32, from_stride: usize, to: *mut f32, to_stride: usize) {
        for row in [0, 4] {
            for column in [0, 4] {
                // SAFETY: the token proves NEON; the rows and columns are within those that the caller guarantees.
                unsafe {
                    let mut rows = [vdupq_n_f32(0.0); 4];
                    for (index, values) in rows.iter_mut().enumerate() {
                        *values = vld1q_f32(from.add((row + index) * from_stride + column));
                    }
                    for (index, values) in transpose4(rows).into_iter().enumerate() {
                        vst1q_f32(to.add((column + index) * to_stride + row), values);
                    }
                }
            }
        }
    }

    halves! {
        add(a, b) = vaddq_f32(a, b);
        sub(a, b) = vsubq_f32(a, b);
        mul(a, b) = vmulq_f32(a, b);
        div(a, b) = vdivq_f32(a, b);
        sqrt(a) = vsqrtq_f32(a);
        mul_add(a, b, c) = vfmaq_f32(c, a, b);
    }

    // By comparison: the instruction for the minimum would return a NaN bound and change the sign of zero.
    #[inline(always)]
    fn at_most(self, value: Self::Vector, bound: Self::Vector) -> Self::Vector {
        self.select_greater(value, bound, bound, value)
    }

    #[inline(always)]
    fn at_least(self, value: Self::Vector, bound: Self::Vector) -> Self::Vector {
        self.select_greater(bound, value, bound, value)
    }

    #[inline(always)]
    fn select_greater(
        self,
        a: Self::Vector,
        b: Self::Vector,
        yes: Self::Vector,
        no: Self::Vector,
    ) -> Self::Vector {
        // SAFETY: the token proves NEON.
        let half = |at: usize| unsafe { vbslq_f32(vcgtq_f32(a[at], b[at]), yes[at], no[at]) };
        [half(0), half(1)]
    }

    #[inline(always)]
    fn add_exponent(self, value: Self::Vector, exponent: Self::Vector) -> Self::Vector {
        // SAFETY: the token proves NEON.
        let half = |at: usize| unsafe {
            let shifted = vshlq_n_s32::<23>(vreinterpretq_s32_f32(exponent[at]));
            vreinterpretq_f32_s32(vaddq_s32(vreinterpretq_s32_f32(value[at]), shifted))
        };
        [half(0), half(1)]
    }
}
