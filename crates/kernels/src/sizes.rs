//! Sizes of slices, in arithmetic that cannot wrap.
//!
//! Kernels reach their slices by pointers, behind assertions about lengths. A product or a sum that wraps would
//! pass such an assertion, so each of them is computed here. A size that `usize` cannot hold is `usize::MAX`; no slice
//! is as long, so the assertion fails.

/// Number of elements of an array of these sizes.
#[inline]
pub(crate) fn count<const N: usize>(sizes: [usize; N]) -> usize {
    if sizes.contains(&0) {
        return 0;
    }
    sizes.iter().fold(1, |count: usize, &size| count.saturating_mul(size))
}

/// Number of elements from the first to the last one that axes of these (sizes, strides) reach; 0 if a size is 0.
#[inline]
pub(crate) fn extent<const N: usize>(axes: [(usize, usize); N]) -> usize {
    if axes.iter().any(|&(size, _)| size == 0) {
        return 0;
    }
    axes.iter()
        .fold(1, |extent: usize, &(size, stride)| extent.saturating_add((size - 1).saturating_mul(stride)))
}

/// Panics unless `count` rows or columns from `first` on are among `all`.
#[inline]
#[track_caller]
pub(crate) fn check_range(name: &str, (first, count): (usize, usize), all: usize) {
    assert!(first <= all && count <= all - first, "{count} {name} from {first} on, of {all}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_that_do_not_fit_are_longer_than_every_slice() {
        let half = 1usize << (usize::BITS - 1);
        assert_eq!((count([half + 1, 2]), count([half, 2, 0])), (usize::MAX, 0));
        assert_eq!(extent([(3, 10), (4, 1)]), 24);
        assert_eq!((extent([(half + 1, 2), (1, 1)]), extent([(half, half), (0, 1)])), (usize::MAX, 0));
    }
}
