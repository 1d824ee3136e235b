//! Vectors of eight values in two vectors of a WebAssembly module.
//!
//! The order of all sums is that of the portable set, so both give the same bits.

use std::arch::wasm32::*;

use super::Simd;

/// Token of the path for modules with simd128. A module with these instructions is not loaded where they are missing.
#[derive(Clone, Copy)]
pub(crate) struct Simd128;

/// Implements methods by one operation on both halves.
macro_rules! halves {
    ($($name:ident($($argument:ident),*) = $operation:expr;)*) => {$(
        #[inline(always)]
        fn $name(self, $($argument: [v128; 2]),*) -> [v128; 2] {
            [$operation($($argument[0]),*), $operation($($argument[1]),*)]
        }
    )*};
}

impl Simd for Simd128 {
    type Vector = [v128; 2];

    const WIDTH: usize = 8;
    const TILE_ROWS: usize = 2;

    #[inline(always)]
    fn splat(self, value: f32) -> [v128; 2] {
        [f32x4_splat(value); 2]
    }

    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> [v128; 2] {
        // SAFETY: the caller guarantees eight numbers; loads need no alignment.
        unsafe { [v128_load(from.cast()), v128_load(from.add(4).cast())] }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32, vector: [v128; 2]) {
        // SAFETY: the caller guarantees room for eight numbers; stores need no alignment.
        unsafe {
            v128_store(to.cast(), vector[0]);
            v128_store(to.add(4).cast(), vector[1]);
        }
    }

    #[inline(always)]
    unsafe fn load_part(self, from: *const f32, count: usize) -> [v128; 2] {
        let mut values = [0.0f32; 8];
        // SAFETY: the caller guarantees `count` numbers, and `count` is below eight.
        unsafe {
            std::ptr::copy_nonoverlapping(from, values.as_mut_ptr(), count);
            self.load(values.as_ptr())
        }
    }

    #[inline(always)]
    unsafe fn store_part(self, to: *mut f32, vector: [v128; 2], count: usize) {
        let mut values = [0.0f32; 8];
        // SAFETY: the caller guarantees room for `count` numbers, and `count` is below eight.
        unsafe {
            self.store(values.as_mut_ptr(), vector);
            std::ptr::copy_nonoverlapping(values.as_ptr(), to, count);
        }
    }

    halves! {
        add(a, b) = f32x4_add;
        sub(a, b) = f32x4_sub;
        mul(a, b) = f32x4_mul;
        div(a, b) = f32x4_div;
        sqrt(a) = f32x4_sqrt;
        mul_add(a, b, c) = |a, b, c| f32x4_add(f32x4_mul(a, b), c);
        // The smaller one, and the first if one is NaN.
        at_most(value, bound) = f32x4_pmin;
        at_least(value, bound) = f32x4_pmax;
        select_greater(a, b, yes, no) = |a, b, yes, no| v128_bitselect(yes, no, f32x4_gt(a, b));
        add_exponent(value, exponent) = |value, exponent| i32x4_add(value, i32x4_shl(exponent, 23));
    }
}
