//! Vectors as arrays: plain loops that the compiler vectorizes for the target.

use super::Simd;

/// Token of the portable path, which every processor can run.
#[derive(Clone, Copy)]
pub(crate) struct Portable;

const WIDTH: usize = 8;

#[inline(always)]
fn each(f: impl Fn(usize) -> f32) -> [f32; WIDTH] {
    std::array::from_fn(f)
}

impl Simd for Portable {
    type Vector = [f32; WIDTH];

    const WIDTH: usize = WIDTH;
    const TILE_ROWS: usize = 2;

    #[inline(always)]
    fn splat(self, value: f32) -> Self::Vector {
        [value; WIDTH]
    }

    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> Self::Vector {
        // SAFETY: valid for reads of `WIDTH` values, as guaranteed by the caller.
        unsafe { from.cast::<[f32; WIDTH]>().read() }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32, vector: Self::Vector) {
        // SAFETY: valid for writes of `WIDTH` values, as guaranteed by the caller.
        unsafe { to.cast::<[f32; WIDTH]>().write(vector) }
    }

    #[inline(always)]
    unsafe fn load_part(self, from: *const f32, count: usize) -> Self::Vector {
        // SAFETY: only the first `count` values are read, valid as guaranteed by the caller.
        each(|lane| if lane < count { unsafe { *from.add(lane) } } else { 0.0 })
    }

    #[inline(always)]
    unsafe fn store_part(self, to: *mut f32, vector: Self::Vector, count: usize) {
        for (lane, &value) in vector.iter().enumerate().take(count) {
            // SAFETY: only the first `count` values are written, valid as guaranteed by the caller.
            unsafe { *to.add(lane) = value };
        }
    }

    #[inline(always)]
    fn add(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        each(|lane| a[lane] + b[lane])
    }

    #[inline(always)]
    fn sub(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        each(|lane| a[lane] - b[lane])
    }

    #[inline(always)]
    fn mul(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        each(|lane| a[lane] * b[lane])
    }

    #[inline(always)]
    fn div(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        each(|lane| a[lane] / b[lane])
    }

    #[inline(always)]
    fn sqrt(self, a: Self::Vector) -> Self::Vector {
        each(|lane| a[lane].sqrt())
    }

    // Rounds twice: without the instruction, a fused operation would be a function call for each lane.
    #[inline(always)]
    fn mul_add(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector {
        each(|lane| a[lane] * b[lane] + c[lane])
    }

    #[inline(always)]
    fn at_most(self, value: Self::Vector, bound: Self::Vector) -> Self::Vector {
        each(|lane| if value[lane] > bound[lane] { bound[lane] } else { value[lane] })
    }

    #[inline(always)]
    fn at_least(self, value: Self::Vector, bound: Self::Vector) -> Self::Vector {
        each(|lane| if value[lane] < bound[lane] { bound[lane] } else { value[lane] })
    }

    #[inline(always)]
    fn select_greater(
        self,
        a: Self::Vector,
        b: Self::Vector,
        yes: Self::Vector,
        no: Self::Vector,
    ) -> Self::Vector {
        each(|lane| if a[lane] > b[lane] { yes[lane] } else { no[lane] })
    }

    #[inline(always)]
    fn add_exponent(self, value: Self::Vector, exponent: Self::Vector) -> Self::Vector {
        each(|lane| f32::from_bits(value[lane].to_bits().wrapping_add(exponent[lane].to_bits() << 23)))
    }
}
