//! What the shards of one batch tell each other in the middle of a pass.

use stapes_kernels::norm::{GradientSums, Moments};

/// Sums over a batch or a part of it, channel by channel.
///
/// # Example
/// ```
/// use stapes_kernels::norm::Moments;
/// use stapes_nn::BatchSums;
///
/// let moments = |mean| vec![Moments { count: 2, mean, squares: 0.0 }];
/// let mut all = BatchSums { moments: moments(1.0), gradients: Vec::new() };
/// all.add(&BatchSums { moments: moments(3.0), gradients: Vec::new() });
/// assert_eq!((all.moments[0].mean, all.moments[0].variance()), (2.0, 1.0));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BatchSums {
    /// Of the forward pass.
    pub moments: Vec<Moments>,
    /// Of the backward pass; empty before it.
    pub gradients: Vec<GradientSums>,
}

impl BatchSums {
    /// Takes in the sums of another part of the batch; the order of the parts counts in the last digits.
    ///
    /// # Panics
    /// If the other part has other channels.
    pub fn add(&mut self, other: &BatchSums) {
        let counts = |sums: &BatchSums| [sums.moments.len(), sums.gradients.len()];
        assert_eq!(counts(self), counts(other), "channels");
        self.moments.iter_mut().zip(&other.moments).for_each(|(all, one)| all.add(one));
        self.gradients.iter_mut().zip(&other.gradients).for_each(|(all, one)| all.add(one));
    }
}
