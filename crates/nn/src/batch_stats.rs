//! Batch statistics that the shards of a batch exchange during a pass.

use stapes_kernels::norm::{GradientSums, Moments};

/// Sums over a batch or a shard of it, per channel.
///
/// # Example
/// ```
/// use stapes_kernels::norm::Moments;
/// use stapes_nn::BatchStats;
///
/// let moments = |mean| vec![Moments { count: 2, mean, squares: 0.0 }];
/// let mut all = BatchStats { moments: moments(1.0), gradients: Vec::new() };
/// all.add(&BatchStats { moments: moments(3.0), gradients: Vec::new() });
/// assert_eq!((all.moments[0].mean, all.moments[0].variance()), (2.0, 1.0));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BatchStats {
    /// Moments of the forward pass.
    pub moments: Vec<Moments>,
    /// Sums of the backward pass; empty before it.
    pub gradients: Vec<GradientSums>,
}

impl BatchStats {
    /// Adds the sums of another shard; rounding depends on the order of the shards.
    ///
    /// # Panics
    /// If the number of channels differs.
    pub fn add(&mut self, other: &BatchStats) {
        let counts = |stats: &BatchStats| [stats.moments.len(), stats.gradients.len()];
        assert_eq!(counts(self), counts(other), "channels");
        self.moments.iter_mut().zip(&other.moments).for_each(|(all, one)| all.merge(one));
        self.gradients.iter_mut().zip(&other.gradients).for_each(|(all, one)| all.add(one));
    }
}
