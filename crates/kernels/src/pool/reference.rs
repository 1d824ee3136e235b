//! Naive reference of pooling: plain loops over one channel, for f32 and f64.

use crate::real::Real;

/// Returns, for each window, the positions of its values in a channel [H, W].
pub fn windows(window: [usize; 2], stride: [usize; 2], [height, width]: [usize; 2]) -> Vec<Vec<usize>> {
    let mut all = Vec::new();
    for row in (0..).map(|i| i * stride[0]).take_while(|row| row + window[0] <= height) {
        for column in (0..).map(|i| i * stride[1]).take_while(|column| column + window[1] <= width) {
            let position = |number: usize| (row + number / window[1]) * width + column + number % window[1];
            all.push((0..window[0] * window[1]).map(position).collect());
        }
    }
    all
}

/// Returns the mean of each window, and the gradient w.r.t. the channel given the gradient `d` w.r.t. the means.
pub fn average<R: Real>(windows: &[Vec<usize>], channel: &[R], d: &[R]) -> [Vec<R>; 2] {
    let mut d_channel = vec![R::default(); channel.len()];
    let mut means = Vec::new();
    for (positions, &d) in windows.iter().zip(d) {
        let (mut sum, mut count) = (R::default(), R::default());
        for &position in positions {
            sum += channel[position];
            count += R::ONE;
        }
        means.push(sum / count);
        positions.iter().for_each(|&position| d_channel[position] += d / count);
    }
    [means, d_channel]
}

/// Returns the maximum of each window (the first of equals), and the gradient w.r.t. the channel given `d`.
pub fn max<R: Real>(windows: &[Vec<usize>], channel: &[R], d: &[R]) -> [Vec<R>; 2] {
    let mut d_channel = vec![R::default(); channel.len()];
    let mut values = Vec::new();
    for (positions, &d) in windows.iter().zip(d) {
        let mut best = positions[0];
        for &position in positions {
            if (channel[position] - channel[best]).positive() {
                best = position;
            }
        }
        values.push(channel[best]);
        d_channel[best] += d;
    }
    [values, d_channel]
}

#[cfg(test)]
mod tests {
    use stapes_testkit::finite_difference::finite_difference;

    use super::*;

    #[test]
    fn gradients_match_finite_differences() {
        let windows = windows([2, 3], [1, 2], [4, 7]);
        let channel: Vec<f64> = (0..28).map(|index| (1.7 * f64::from(index)).sin()).collect();
        let d: Vec<f64> = (0..windows.len()).map(|index| (0.9 * index as f64).cos()).collect();
        assert_eq!(d.len(), 9);
        for pool in [average::<f64>, max::<f64>] {
            let [_, d_channel] = pool(&windows, &channel, &d);
            for (index, &got) in d_channel.iter().enumerate() {
                let loss = |offset: f64| -> f64 {
                    let mut moved = channel.clone();
                    moved[index] += offset;
                    let [values, _] = pool(&windows, &moved, &d);
                    values.iter().zip(&d).map(|(y, d)| y * d).sum()
                };
                // No two values are so close that a maximum changes.
                let slope = finite_difference(1e-4, loss);
                assert!((got - slope).abs() < 1e-9, "{index}: {got}, slope {slope}");
            }
        }
    }
}
