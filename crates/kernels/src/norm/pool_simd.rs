//! Vector operations of average pooling and ReLU signs.

#[cfg(target_arch = "aarch64")]
use crate::simd::Neon;
#[cfg(target_arch = "x86_64")]
use crate::simd::{Avx2, Avx512};
use crate::simd::{Portable, Simd};

/// Vector operations on adjacent lanes and on sign bits.
pub(crate) trait PoolSimd: Simd {
    /// Sums of adjacent lanes: a0 + a1, a2 + a3, ... of a, then of b.
    fn pair_sums(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;

    /// Each lane twice, v0, v0, v1, v1, ...: the lower and the upper half of the result.
    fn repeat_each(self, v: Self::Vector) -> [Self::Vector; 2];

    /// Bit mask of the lanes that are greater than those of the bound; NaN is not.
    fn mask_above(self, v: Self::Vector, bound: Self::Vector) -> u16;

    /// The lanes whose bit is set; the others are zero.
    fn masked(self, v: Self::Vector, bits: u16) -> Self::Vector;
}

#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
impl PoolSimd for Portable {
    #[inline(always)]
    fn pair_sums(self, a: [f32; 8], b: [f32; 8]) -> [f32; 8] {
        std::array::from_fn(|lane| {
            let from = if lane < 4 { &a } else { &b };
            from[2 * lane % 8] + from[2 * lane % 8 + 1]
        })
    }

    #[inline(always)]
    fn repeat_each(self, v: [f32; 8]) -> [[f32; 8]; 2] {
        [std::array::from_fn(|lane| v[lane / 2]), std::array::from_fn(|lane| v[4 + lane / 2])]
    }

    #[inline(always)]
    fn mask_above(self, v: [f32; 8], bound: [f32; 8]) -> u16 {
        (0..8).fold(0, |bits, lane| bits | u16::from(v[lane] > bound[lane]) << lane)
    }

    #[inline(always)]
    fn masked(self, v: [f32; 8], bits: u16) -> [f32; 8] {
        std::array::from_fn(|lane| if bits >> lane & 1 == 1 { v[lane] } else { 0.0 })
    }
}

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

// The tokens prove that the processor has the instructions.
#[cfg(target_arch = "x86_64")]
impl PoolSimd for Avx2 {
    #[inline(always)]
    fn pair_sums(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: the token proves AVX2.
        unsafe {
            let sums = _mm256_castps_pd(_mm256_hadd_ps(a, b));
            // The instruction sums within 128-bit halves: restore the order of the quarters.
            _mm256_castpd_ps(_mm256_permute4x64_pd::<0b11_01_10_00>(sums))
        }
    }

    #[inline(always)]
    fn repeat_each(self, v: __m256) -> [__m256; 2] {
        // SAFETY: the token proves AVX2.
        unsafe {
            let (low, high) = (_mm256_unpacklo_ps(v, v), _mm256_unpackhi_ps(v, v));
            [_mm256_permute2f128_ps::<0x20>(low, high), _mm256_permute2f128_ps::<0x31>(low, high)]
        }
    }

    #[inline(always)]
    fn mask_above(self, v: __m256, bound: __m256) -> u16 {
        // SAFETY: the token proves AVX2.
        unsafe { _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_GT_OQ>(v, bound)) as u16 }
    }

    #[inline(always)]
    fn masked(self, v: __m256, bits: u16) -> __m256 {
        // SAFETY: the token proves AVX2.
        unsafe {
            let lane = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
            let own = _mm256_and_si256(_mm256_set1_epi32(i32::from(bits)), lane);
            _mm256_and_ps(v, _mm256_castsi256_ps(_mm256_cmpeq_epi32(own, lane)))
        }
    }
}

#[cfg(target_arch = "x86_64")]
impl PoolSimd for Avx512 {
    #[inline(always)]
    fn pair_sums(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: the token proves AVX-512F.
        unsafe {
            let even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
            let odd = _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
            _mm512_add_ps(_mm512_permutex2var_ps(a, even, b), _mm512_permutex2var_ps(a, odd, b))
        }
    }

    #[inline(always)]
    fn repeat_each(self, v: __m512) -> [__m512; 2] {
        // SAFETY: the token proves AVX-512F.
        unsafe {
            let low = _mm512_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7);
            let high = _mm512_setr_epi32(8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13, 14, 14, 15, 15);
            [_mm512_permutexvar_ps(low, v), _mm512_permutexvar_ps(high, v)]
        }
    }

    #[inline(always)]
    fn mask_above(self, v: __m512, bound: __m512) -> u16 {
        // SAFETY: the token proves AVX-512F.
        unsafe { _mm512_cmp_ps_mask::<_CMP_GT_OQ>(v, bound) }
    }

    #[inline(always)]
    fn masked(self, v: __m512, bits: u16) -> __m512 {
        // SAFETY: the token proves AVX-512F.
        unsafe { _mm512_maskz_mov_ps(bits, v) }
    }
}

#[cfg(target_arch = "aarch64")]
use std::arch::aarch64::*;

/// Bits of the lanes of both halves.
#[cfg(target_arch = "aarch64")]
const LANES: [[u32; 4]; 2] = [[1, 2, 4, 8], [16, 32, 64, 128]];

// The token proves that the processor has the instructions.
#[cfg(target_arch = "aarch64")]
impl PoolSimd for Neon {
    #[inline(always)]
    fn pair_sums(self, a: [float32x4_t; 2], b: [float32x4_t; 2]) -> [float32x4_t; 2] {
        // SAFETY: the token proves NEON.
        unsafe { [vpaddq_f32(a[0], a[1]), vpaddq_f32(b[0], b[1])] }
    }

    #[inline(always)]
    fn repeat_each(self, v: [float32x4_t; 2]) -> [[float32x4_t; 2]; 2] {
        // SAFETY: the token proves NEON.
        let twice = |half: float32x4_t| unsafe { [vzip1q_f32(half, half), vzip2q_f32(half, half)] };
        [twice(v[0]), twice(v[1])]
    }

    #[inline(always)]
    fn mask_above(self, v: [float32x4_t; 2], bound: [float32x4_t; 2]) -> u16 {
        // SAFETY: the token proves NEON.
        unsafe {
            let low = vandq_u32(vcgtq_f32(v[0], bound[0]), vld1q_u32(LANES[0].as_ptr()));
            let high = vandq_u32(vcgtq_f32(v[1], bound[1]), vld1q_u32(LANES[1].as_ptr()));
            vaddvq_u32(vorrq_u32(low, high)) as u16
        }
    }

    #[inline(always)]
    fn masked(self, v: [float32x4_t; 2], bits: u16) -> [float32x4_t; 2] {
        // SAFETY: the token proves NEON.
        let half = |at: usize| unsafe {
            let set = vtstq_u32(vdupq_n_u32(bits.into()), vld1q_u32(LANES[at].as_ptr()));
            vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(v[at]), set))
        };
        [half(0), half(1)]
    }
}

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
use std::arch::wasm32::*;

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
impl PoolSimd for Portable {
    #[inline(always)]
    fn pair_sums(self, a: [v128; 2], b: [v128; 2]) -> [v128; 2] {
        let sums = |[low, high]: [v128; 2]| {
            f32x4_add(i32x4_shuffle::<0, 2, 4, 6>(low, high), i32x4_shuffle::<1, 3, 5, 7>(low, high))
        };
        [sums(a), sums(b)]
    }

    #[inline(always)]
    fn repeat_each(self, v: [v128; 2]) -> [[v128; 2]; 2] {
        v.map(|half| [i32x4_shuffle::<0, 0, 1, 1>(half, half), i32x4_shuffle::<2, 2, 3, 3>(half, half)])
    }

    #[inline(always)]
    fn mask_above(self, v: [v128; 2], bound: [v128; 2]) -> u16 {
        let bits = |half: usize| u16::from(i32x4_bitmask(f32x4_gt(v[half], bound[half])));
        bits(0) | bits(1) << 4
    }

    #[inline(always)]
    fn masked(self, v: [v128; 2], bits: u16) -> [v128; 2] {
        let all = i32x4_splat(i32::from(bits));
        let keep = |half: v128, lanes: v128| v128_and(half, i32x4_eq(v128_and(all, lanes), lanes));
        [keep(v[0], i32x4(1, 2, 4, 8)), keep(v[1], i32x4(16, 32, 64, 128))]
    }
}
