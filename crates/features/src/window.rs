//! Analysis windows.

use std::f64::consts::TAU;

use crate::serde_scalar::words;

/// Window function that multiplies a frame before the Fourier transform.
///
/// All windows are sums of cosines a0 - a1 cos(x) + a2 cos(2x), x from 0 to 2 pi over the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Window {
    /// 0.5 - 0.5 cos(x).
    #[default]
    Hann,
    /// 0.54 - 0.46 cos(x).
    Hamming,
    /// 0.42 - 0.5 cos(x) + 0.08 cos(2x).
    Blackman,
    /// All ones; also called boxcar or ones.
    Rectangular,
}

words! {
    Window {
        Hann = "hann",
        Hamming = "hamming",
        Blackman = "blackman",
        Rectangular = "rectangular" | "boxcar" | "ones" | "rect" | "box",
    }
}

impl Window {
    /// Returns the periodic window of `length` points: x = 2 pi n / length, as in librosa and PyTorch.
    ///
    /// # Shapes
    /// -> \[length\]
    ///
    /// # Example
    /// ```
    /// use stapes_features::Window;
    ///
    /// let window = Window::Hann.periodic(4);
    /// assert_eq!((window[0], window[2]), (0.0, 1.0));
    /// assert!((window[1] - 0.5).abs() < 1e-15);
    /// ```
    ///
    /// # Source
    /// scipy.signal.get_window with fftbins=True (a single point is 1).
    pub fn periodic(self, length: usize) -> Vec<f64> {
        if length == 1 {
            return vec![1.0];
        }
        let [a0, a1, a2] = match self {
            Window::Hann => [0.5, 0.5, 0.0],
            Window::Hamming => [0.54, 0.46, 0.0],
            Window::Blackman => [0.42, 0.5, 0.08],
            Window::Rectangular => [1.0, 0.0, 0.0],
        };
        (0..length)
            .map(|n| {
                let x = TAU * n as f64 / length as f64;
                a0 - a1 * x.cos() + a2 * (2.0 * x).cos()
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(window: Window, length: usize, expected: &[f64]) {
        let got = window.periodic(length);
        assert_eq!(got.len(), expected.len());
        for (a, b) in got.iter().zip(expected) {
            assert!((a - b).abs() < 1e-15, "{window:?} {got:?}");
        }
    }

    #[test]
    fn windows_are_periodic() {
        // scipy.signal.get_window(name, 5)
        let hann = [0.0, 0.345_491_502_812_526_3, 0.904_508_497_187_473_7];
        close(Window::Hann, 5, &[hann[0], hann[1], hann[2], hann[2], hann[1]]);
        let hamming = [0.08, 0.397_852_182_587_524_2, 0.912_147_817_412_475_8];
        close(Window::Hamming, 5, &[hamming[0], hamming[1], hamming[2], hamming[2], hamming[1]]);
        let blackman = [0.0, 0.200_770_143_262_530_45, 0.849_229_856_737_469_5];
        close(Window::Blackman, 5, &[blackman[0], blackman[1], blackman[2], blackman[2], blackman[1]]);
        close(Window::Rectangular, 3, &[1.0; 3]);
    }

    #[test]
    fn window_of_one_point_is_one() {
        for window in [Window::Hann, Window::Hamming, Window::Blackman, Window::Rectangular] {
            assert_eq!(window.periodic(1), [1.0]);
            assert!(window.periodic(0).is_empty());
        }
    }
}
