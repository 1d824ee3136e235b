//! Vectors of sixteen values: AVX-512.

use std::arch::x86_64::*;

use super::{Simd, instructions};

/// Token of the AVX-512 path: a value exists only if the processor has AVX-512F.
#[derive(Clone, Copy)]
pub(crate) struct Avx512(());

impl Avx512 {
    /// Returns the token if the processor has the instructions.
    pub(crate) fn detect() -> Option<Avx512> {
        std::arch::is_x86_feature_detected!("avx512f").then_some(Avx512(()))
    }
}

/// Mask of the first `count` lanes.
#[inline(always)]
fn mask(count: usize) -> __mmask16 {
    ((1u32 << count.min(16)) - 1) as __mmask16
}

// In all methods the token proves that the processor has the instruction; the caller guarantees the pointers.
impl Simd for Avx512 {
    type Vector = __m512;

    const WIDTH: usize = 16;
    const TILE_ROWS: usize = 14;
    const REGISTERS: usize = 32;
    const HAS_MASKS: bool = true;

    #[inline(always)]
    fn splat(self, value: f32) -> __m512 {
        // SAFETY: the token proves AVX-512F.
        unsafe { _mm512_set1_ps(value) }
    }

    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> __m512 {
        // SAFETY: the token proves AVX-512F; the caller guarantees sixteen numbers.
        unsafe { _mm512_loadu_ps(from) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32, vector: __m512) {
        // SAFETY: the token proves AVX-512F; the caller guarantees room for sixteen numbers.
        unsafe { _mm512_storeu_ps(to, vector) }
    }

    #[inline(always)]
    unsafe fn load_part(self, from: *const f32, count: usize) -> __m512 {
        // SAFETY: the token proves AVX-512F; masked lanes are not read, and the caller guarantees the others.
        unsafe { _mm512_maskz_loadu_ps(mask(count), from) }
    }

    #[inline(always)]
    unsafe fn store_part(self, to: *mut f32, vector: __m512, count: usize) {
        // SAFETY: the token proves AVX-512F; masked lanes are not written, and the caller guarantees the others.
        unsafe { _mm512_mask_storeu_ps(to, mask(count), vector) }
    }

    #[inline(always)]
    unsafe fn transpose8(self, from: *const f32, from_stride: usize, to: *mut f32, to_stride: usize) {
        // SAFETY: the token proves AVX-512F, and with it AVX2; the caller guarantees the rows.
        unsafe { super::avx2::transpose8(from, from_stride, to, to_stride) }
    }

    instructions! {
        add(a, b) = _mm512_add_ps;
        sub(a, b) = _mm512_sub_ps;
        mul(a, b) = _mm512_mul_ps;
        div(a, b) = _mm512_div_ps;
        sqrt(a) = _mm512_sqrt_ps;
        mul_add(a, b, c) = _mm512_fmadd_ps;
    }

    // If one operand is NaN, the instruction returns the second operand, which must be the value.
    #[inline(always)]
    fn at_most(self, value: __m512, bound: __m512) -> __m512 {
        // SAFETY: the token proves AVX-512F.
        unsafe { _mm512_min_ps(bound, value) }
    }

    #[inline(always)]
    fn at_least(self, value: __m512, bound: __m512) -> __m512 {
        // SAFETY: the token proves AVX-512F.
        unsafe { _mm512_max_ps(bound, value) }
    }

    #[inline(always)]
    fn select_greater(self, a: __m512, b: __m512, yes: __m512, no: __m512) -> __m512 {
        // SAFETY: the token proves AVX-512F.
        unsafe { _mm512_mask_blend_ps(_mm512_cmp_ps_mask::<_CMP_GT_OQ>(a, b), no, yes) }
    }

    #[inline(always)]
    fn add_exponent(self, value: __m512, exponent: __m512) -> __m512 {
        // SAFETY: the token proves AVX-512F.
        unsafe {
            let shifted = _mm512_slli_epi32::<23>(_mm512_castps_si512(exponent));
            _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(value), shifted))
        }
    }
}
