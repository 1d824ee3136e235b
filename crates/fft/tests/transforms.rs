//! The transforms against their definition.

use stapes_fft::{Complex, Number};

fn check<T: Number + Into<f64> + From<i16>>(tolerance: f64) {
    for length in [1, 2, 7, 12, 31, 64] {
        let input: Vec<i16> = (0..2 * length as i16).map(|n| n * 37 % 19 - 9).collect();
        let numbers: Vec<Complex<T>> =
            input.chunks(2).map(|pair| Complex::new(pair[0].into(), pair[1].into())).collect();
        let mut values = numbers.clone();
        T::forward(length).process(&mut values);
        for (k, value) in values.iter().enumerate() {
            let sum: Complex<f64> = (numbers.iter().enumerate())
                .map(|(n, z)| {
                    let angle = -std::f64::consts::TAU * (k * n) as f64 / length as f64;
                    Complex::new(z.re.into(), z.im.into()) * Complex::cis(angle)
                })
                .sum();
            assert!(
                (sum - Complex::new(value.re.into(), value.im.into())).norm() < tolerance,
                "{length}: {k}"
            );
        }
        T::inverse(length).process(&mut values);
        for (back, z) in values.iter().zip(&numbers) {
            let back = Complex::new(back.re.into(), back.im.into()) / length as f64;
            assert!((back - Complex::new(z.re.into(), z.im.into())).norm() < tolerance, "{length}");
        }
    }
}

#[test]
fn transforms_are_the_sums_that_define_them_and_each_other_s_inverse() {
    check::<f32>(1e-3);
    check::<f64>(1e-10);
}
