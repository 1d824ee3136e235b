//! f32 vectors whose width depends on the instruction set, and the macro that compiles a kernel for each set.
//!
//! A kernel is a generic function over [`Simd`], marked `#[inline(always)]`. [`crate::simd::kernel`] turns it into
//! one function that selects the instruction set at run time. [`Lanes`] has arithmetic operators, so that formulas
//! read like formulas.
//!
//! Everything that a kernel calls must be inlined into it, because the compiler may use the set's instructions only
//! there. A function or closure that is passed to the standard library, as in `lanes.map(Lanes::sqrt)`, is not
//! inlined: each of its operations becomes a call. Use loops instead.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "aarch64")]
mod neon;
#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
mod portable;
// A WebAssembly module has one set: a module with simd128 is not loaded where the instructions are missing.
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod simd128;

use std::ops::{Add, Div, Mul, Sub};

#[cfg(target_arch = "x86_64")]
pub(crate) use avx2::Avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) use avx512::Avx512;
#[cfg(target_arch = "aarch64")]
pub(crate) use neon::Neon;
#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
pub(crate) use portable::Portable;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
pub(crate) use simd128::Simd128 as Portable;

/// Vector operations of one instruction set.
///
/// The implementing type is a token: a value of it exists only if the processor has the instructions. Therefore its
/// methods are safe to call.
pub(crate) trait Simd: Copy {
    /// A vector of [`Simd::WIDTH`] values.
    type Vector: Copy;

    /// Number of values in a vector.
    const WIDTH: usize;

    /// Rows of the largest tile of a product. A tile is two vectors wide and must fit into the registers.
    const TILE_ROWS: usize;

    /// Number of vectors that the registers hold.
    const REGISTERS: usize = 16;

    /// True if part of a vector is read and written by one instruction.
    const HAS_MASKS: bool = false;

    fn splat(self, value: f32) -> Self::Vector;

    /// Reads a vector.
    ///
    /// # Safety
    /// `from` is valid for reads of `WIDTH` values.
    unsafe fn load(self, from: *const f32) -> Self::Vector;

    /// Writes a vector.
    ///
    /// # Safety
    /// `to` is valid for writes of `WIDTH` values.
    unsafe fn store(self, to: *mut f32, vector: Self::Vector);

    /// Reads the first `count < WIDTH` values of a vector; the others are zero.
    ///
    /// # Safety
    /// `from` is valid for reads of `count` values.
    unsafe fn load_part(self, from: *const f32, count: usize) -> Self::Vector;

    /// Writes the first `count < WIDTH` values of a vector.
    ///
    /// # Safety
    /// `to` is valid for writes of `count` values.
    unsafe fn store_part(self, to: *mut f32, vector: Self::Vector, count: usize);

    /// Writes the transpose of eight rows of eight values; the strides are between rows.
    ///
    /// # Safety
    /// `from` is valid for reads and `to` for writes of such rows.
    #[inline(always)]
    unsafe fn transpose8(self, from: *const f32, from_stride: usize, to: *mut f32, to_stride: usize) {
        for row in 0..8 {
            for column in 0..8 {
                // SAFETY: guaranteed by the caller.
                unsafe { *to.add(column * to_stride + row) = *from.add(row * from_stride + column) };
            }
        }
    }

    fn add(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    fn sub(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    fn mul(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    fn div(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    fn sqrt(self, a: Self::Vector) -> Self::Vector;

    /// a b + c, with one rounding if the instruction set can.
    fn mul_add(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector;

    /// Minimum of value and bound; a NaN value stays NaN.
    fn at_most(self, value: Self::Vector, bound: Self::Vector) -> Self::Vector;

    /// Maximum of value and bound; a NaN value stays NaN.
    fn at_least(self, value: Self::Vector, bound: Self::Vector) -> Self::Vector;

    /// `yes` where a > b, else `no`; NaN is not greater.
    fn select_greater(
        self,
        a: Self::Vector,
        b: Self::Vector,
        yes: Self::Vector,
        no: Self::Vector,
    ) -> Self::Vector;

    /// Adds the low nine bits of the pattern of `exponent` to the exponent field of `value`.
    fn add_exponent(self, value: Self::Vector, exponent: Self::Vector) -> Self::Vector;
}

/// Implements methods of [`Simd`] by one instruction each.
#[cfg(target_arch = "x86_64")]
macro_rules! instructions {
    ($($name:ident($($argument:ident),*) = $instruction:ident;)*) => {$(
        #[inline(always)]
        fn $name(self, $($argument: Self::Vector),*) -> Self::Vector {
            // SAFETY: the token proves that the processor has the instruction.
            unsafe { $instruction($($argument),*) }
        }
    )*};
}

#[cfg(target_arch = "x86_64")]
use instructions;

/// A vector with arithmetic operators.
#[derive(Clone, Copy)]
pub(crate) struct Lanes<S: Simd> {
    simd: S,
    vector: S::Vector,
}

impl<S: Simd> Lanes<S> {
    #[inline(always)]
    pub(crate) fn splat(simd: S, value: f32) -> Self {
        Lanes { simd, vector: simd.splat(value) }
    }

    /// Vector with this value in all lanes.
    #[inline(always)]
    pub(crate) fn all(self, value: f32) -> Self {
        Self::splat(self.simd, value)
    }

    /// Reads `count` values, at most a vector; the other lanes are zero.
    ///
    /// # Safety
    /// `from` is valid for reads of `count` values, and `count <= S::WIDTH`.
    #[inline(always)]
    pub(crate) unsafe fn load(simd: S, from: *const f32, count: usize) -> Self {
        // SAFETY: guaranteed by the caller.
        let vector = unsafe { if count == S::WIDTH { simd.load(from) } else { simd.load_part(from, count) } };
        Lanes { simd, vector }
    }

    /// Writes the first `count` values, at most a vector.
    ///
    /// # Safety
    /// `to` is valid for writes of `count` values, and `count <= S::WIDTH`.
    #[inline(always)]
    pub(crate) unsafe fn store(self, to: *mut f32, count: usize) {
        // SAFETY: guaranteed by the caller.
        unsafe {
            if count == S::WIDTH {
                self.simd.store(to, self.vector);
            } else {
                self.simd.store_part(to, self.vector, count);
            }
        }
    }

    /// self b + c.
    #[inline(always)]
    pub(crate) fn mul_add(self, b: Self, c: Self) -> Self {
        Lanes { simd: self.simd, vector: self.simd.mul_add(self.vector, b.vector, c.vector) }
    }

    #[inline(always)]
    pub(crate) fn sqrt(self) -> Self {
        Lanes { simd: self.simd, vector: self.simd.sqrt(self.vector) }
    }

    /// The value clamped to [low, high]; NaN stays NaN.
    #[inline(always)]
    pub(crate) fn clamp(self, low: f32, high: f32) -> Self {
        let s = self.simd;
        let below = s.at_most(self.vector, s.splat(high));
        Lanes { simd: s, vector: s.at_least(below, s.splat(low)) }
    }

    /// `yes` where the value is greater than `bound`, else `no`; NaN is not greater.
    #[inline(always)]
    pub(crate) fn select_greater(self, bound: Self, yes: Self, no: Self) -> Self {
        let vector = self.simd.select_greater(self.vector, bound.vector, yes.vector, no.vector);
        Lanes { simd: self.simd, vector }
    }

    /// The value, or 0 if its magnitude is below 1e-30; NaN stays NaN.
    ///
    /// Values that decay over many frames would become denormal, which makes processors about 100 times slower.
    #[inline(always)]
    pub(crate) fn flush_to_zero(self) -> Self {
        let not_above = self.all(1e-30).select_greater(self, self.all(0.0), self);
        self.select_greater(self.all(-1e-30), not_above, self)
    }

    /// See [`Simd::add_exponent`].
    #[inline(always)]
    pub(crate) fn add_exponent(self, exponent: Self) -> Self {
        Lanes { simd: self.simd, vector: self.simd.add_exponent(self.vector, exponent.vector) }
    }
}

macro_rules! operator {
    ($trait:ident, $method:ident) => {
        impl<S: Simd> $trait for Lanes<S> {
            type Output = Self;

            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                Lanes { simd: self.simd, vector: self.simd.$method(self.vector, other.vector) }
            }
        }
    };
}

operator!(Add, add);
operator!(Sub, sub);
operator!(Mul, mul);
operator!(Div, div);

/// Calls a macro with the vector instruction sets, one line for each, the slowest of a processor first: the token, the
/// name, where it is compiled, and the instructions that it proves. The first argument is passed on in front of them.
macro_rules! with_sets {
    ([$($callback:tt)+], $first:tt) => {
        $($callback)+! {
            $first
            Avx2, "avx2", target_arch = "x86_64", "avx2,fma";
            Avx512, "avx512", target_arch = "x86_64", "avx512f";
            Neon, "neon", target_arch = "aarch64", "neon";
        }
    };
}

/// Defines `name(set, arguments)` from a generic, always inlined `name(simd, arguments)`: it is compiled once for
/// each instruction set and selected by the first argument.
macro_rules! kernel {
    (
        $(#[$attribute:meta])*
        $visibility:vis fn $name:ident $(<$($generic:ident: $bound:path),+>)? ($($argument:ident: $type:ty),* $(,)?) = $generic_path:expr
    ) => {
        $(#[$attribute])*
        $visibility fn $name $(<$($generic: $bound),+>)? (set: $crate::InstructionSet, $($argument: $type),*) {
            $crate::simd::with_sets!([$crate::simd::select], {
                set, { $(<$($generic: $bound),+>)? ($($argument: $type),*) = $generic_path }
            })
        }
    };
}

/// Calls a kernel with the token of the selected set.
macro_rules! select {
    (
        { $selected:ident, $kernel:tt }
        $($set:ident, $name:literal, $compiled:meta, $features:literal;)*
    ) => {
        match $selected.token() {
            $crate::instruction_set::Token::Portable(simd) => $crate::simd::call!(simd, $kernel),
            $(
                #[cfg($compiled)]
                $crate::instruction_set::Token::$set(simd) => {
                    $crate::simd::call!(simd, $kernel, $crate::simd::$set, $features)
                }
            )*
        }
    };
}

/// Calls a kernel with this token, compiled for the token's instructions if they are named.
macro_rules! call {
    ($simd:ident, { $(<$($generic:ident: $bound:path),+>)? ($($argument:ident: $type:ty),*) = $generic_path:expr }) => {
        $generic_path($simd, $($argument),*)
    };
    (
        $simd:ident,
        { $(<$($generic:ident: $bound:path),+>)? ($($argument:ident: $type:ty),*) = $generic_path:expr },
        $set:path,
        $features:literal
    ) => {{
        #[target_feature(enable = $features)]
        fn compiled $(<$($generic: $bound),+>)? ($simd: $set, $($argument: $type),*) {
            $generic_path($simd, $($argument),*)
        }
        // SAFETY: a token exists only where the processor has the instructions that it proves.
        unsafe { compiled $(::<$($generic),+>)? ($simd, $($argument),*) }
    }};
}

pub(crate) use {call, kernel, select, with_sets};
