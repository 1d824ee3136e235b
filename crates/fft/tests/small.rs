//! The transforms of WebAssembly modules against those of rustfft. The file is included, because compiling the crate with its
//! unit tests would compile rustfft again.

#[path = "../src/small.rs"]
mod small;

use rustfft::FftDirection;
use stapes_fft::{Complex, Number};

fn largest_difference<T: Number + Into<f64>>(length: usize, direction: FftDirection) -> f64 {
    let number = |n: usize| T::from_f64((n * 7919 % 1009) as f64 / 1009.0 - 0.5).unwrap();
    let input: Vec<Complex<T>> = (0..length).map(|n| Complex::new(number(n), number(3 * n + 1))).collect();
    let (mut found, mut expected) = (input.clone(), input);
    small::plan(length, direction).process(&mut found);
    let library = match direction {
        FftDirection::Forward => T::forward(length),
        FftDirection::Inverse => T::inverse(length),
    };
    library.process(&mut expected);
    let norm = |z: Complex<T>| z.re.into().hypot(z.im.into());
    let scale = (length as f64).sqrt();
    found.iter().zip(&expected).map(|(&a, &b)| norm(a - b) / scale).fold(0.0, f64::max)
}

#[test]
fn transforms_of_every_kind_of_length_equal_those_of_rustfft() {
    let lengths = (1..=70).chain([97, 100, 128, 200, 201, 240, 256, 275, 441, 512, 1000, 1024, 1102, 4410]);
    for length in lengths {
        for direction in [FftDirection::Forward, FftDirection::Inverse] {
            let (single, double) =
                (largest_difference::<f32>(length, direction), largest_difference::<f64>(length, direction));
            assert!(single < 2e-6 && double < 2e-14, "{length}, {direction:?}: {single:e} {double:e}");
        }
    }
}

#[test]
fn a_buffer_of_several_transforms_is_transformed_part_by_part() {
    let one: Vec<Complex<f64>> = (0..12).map(|n| Complex::new(n as f64, 1.0)).collect();
    let mut two = [one.clone(), one.clone()].concat();
    let fft = small::plan(12, FftDirection::Forward);
    fft.process(&mut two);
    let mut expected = one;
    fft.process(&mut expected);
    assert!(two[..12] == expected && two[12..] == expected);
}
