//! Vectors of eight values: AVX2 with fused multiply-add, available on x86 processors since 2013.

use std::arch::x86_64::*;

use super::{Simd, instructions};

/// Token of the AVX2 path: a value exists only if the processor has AVX2 and FMA.
#[derive(Clone, Copy)]
pub(crate) struct Avx2(());

impl Avx2 {
    /// Returns the token if the processor has the instructions.
    pub(crate) fn detect() -> Option<Avx2> {
        let there = std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma");
        there.then_some(Avx2(()))
    }
}

/// Mask of the first `count` lanes: a window into eight ones and eight zeros.
#[inline(always)]
fn mask(count: usize) -> __m256i {
    const WINDOW: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];
    let from = &WINDOW[8 - count.min(8)..];
    // SAFETY: at least eight values follow; AVX is available because the callers hold the token.
    unsafe { _mm256_loadu_si256(from.as_ptr().cast()) }
}

// In all methods the token proves that the processor has the instruction; the caller guarantees the pointers.
impl Simd for Avx2 {
    type Vector = __m256;

    const WIDTH: usize = 8;
    const TILE_ROWS: usize = 6;
    const HAS_MASKS: bool = true;

    #[inline(always)]
    fn splat(self, value: f32) -> __m256 {
        // SAFETY: the token proves AVX2.
        unsafe { _mm256_set1_ps(value) }
    }

    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> __m256 {
        // SAFETY: the token proves AVX2; the caller guarantees eight numbers.
        unsafe { _mm256_loadu_ps(from) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32, vector: __m256) {
        // SAFETY: the token proves AVX2; the caller guarantees room for eight numbers.
        unsafe { _mm256_storeu_ps(to, vector) }
    }

    #[inline(always)]
    unsafe fn load_part(self, from: *const f32, count: usize) -> __m256 {
        // SAFETY: the token proves AVX2; masked lanes are not read, and the caller guarantees the others.
        unsafe { _mm256_maskload_ps(from, mask(count)) }
    }

    #[inline(always)]
    unsafe fn store_part(self, to: *mut f32, vector: __m256, count: usize) {
        // SAFETY: the token proves AVX2; masked lanes are not written, and the caller guarantees the others.
        unsafe { _mm256_maskstore_ps(to, mask(count), vector) }
    }

    #[inline(always)]
    unsafe fn transpose8(self, from: *const f32, from_stride: usize, to: *mut f32, to_stride: usize) {
        // SAFETY: the token proves AVX2; the caller guarantees the rows.
        unsafe { transpose8(from, from_stride, to, to_stride) }
    }

    instructions! {
        add(a, b) = _mm256_add_ps;
        sub(a, b) = _mm256_sub_ps;
        mul(a, b) = _mm256_mul_ps;
        div(a, b) = _mm256_div_ps;
        sqrt(a) = _mm256_sqrt_ps;
        mul_add(a, b, c) = _mm256_fmadd_ps;
    }

    // If one operand is NaN, the instruction returns the second operand, which must be the value.
    #[inline(always)]
    fn at_most(self, value: __m256, bound: __m256) -> __m256 {
        // SAFETY: the token proves AVX2.
        unsafe { _mm256_min_ps(bound, value) }
    }

    #[inline(always)]
    fn at_least(self, value: __m256, bound: __m256) -> __m256 {
        // SAFETY: the token proves AVX2.
        unsafe { _mm256_max_ps(bound, value) }
    }

    #[inline(always)]
    fn select_greater(self, a: __m256, b: __m256, yes: __m256, no: __m256) -> __m256 {
        // SAFETY: the token proves AVX2.
        unsafe { _mm256_blendv_ps(no, yes, _mm256_cmp_ps::<_CMP_GT_OQ>(a, b)) }
    }

    #[inline(always)]
    fn add_exponent(self, value: __m256, exponent: __m256) -> __m256 {
        // SAFETY: the token proves AVX2.
        unsafe {
            let shifted = _mm256_slli_epi32::<23>(_mm256_castps_si256(exponent));
            _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(value), shifted))
        }
    }
}

/// See [`Simd::transpose8`]: pairs, then quarters, then halves of the rows are exchanged.
///
/// # Safety
/// The processor has AVX2; `from` is valid for reads and `to` for writes of eight rows of eight values.
#[inline(always)]
pub(super) unsafe fn transpose8(from: *const f32, from_stride: usize, to: *mut f32, to_stride: usize) {
    // SAFETY: guaranteed by the caller.
    unsafe {
        let mut rows = [_mm256_setzero_ps(); 8];
        for (index, row) in rows.iter_mut().enumerate() {
            *row = _mm256_loadu_ps(from.add(index * from_stride));
        }
        let mut columns = [_mm256_setzero_ps(); 8];
        for half in 0..2 {
            // Rows 0..4 and 4..8, a pair of values of each after the other.
            let first = 4 * half;
            let low01 = _mm256_unpacklo_ps(rows[first], rows[first + 1]);
            let high01 = _mm256_unpackhi_ps(rows[first], rows[first + 1]);
            let low23 = _mm256_unpacklo_ps(rows[first + 2], rows[first + 3]);
            let high23 = _mm256_unpackhi_ps(rows[first + 2], rows[first + 3]);
            columns[first] = _mm256_shuffle_ps::<0x44>(low01, low23);
            columns[first + 1] = _mm256_shuffle_ps::<0xee>(low01, low23);
            columns[first + 2] = _mm256_shuffle_ps::<0x44>(high01, high23);
            columns[first + 3] = _mm256_shuffle_ps::<0xee>(high01, high23);
        }
        for column in 0..4 {
            let (above, below) = (columns[column], columns[column + 4]);
            let to = to.add(column * to_stride);
            _mm256_storeu_ps(to, _mm256_permute2f128_ps::<0x20>(above, below));
            _mm256_storeu_ps(to.add(4 * to_stride), _mm256_permute2f128_ps::<0x31>(above, below));
        }
    }
}
