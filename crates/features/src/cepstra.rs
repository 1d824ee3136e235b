//! Cepstral coefficients of log band energies.

use std::sync::Arc;

use crate::dct::Dct;
use crate::sample::Sample;

/// First rows of a cosine transform, liftered.
#[derive(Clone, Debug)]
pub(crate) struct Cepstra<S> {
    dct: Dct,
    /// Weight of each coefficient; empty without a lifter.
    lifter: Arc<[S]>,
}

impl<S: Sample> Cepstra<S> {
    /// Builds it from a transform and a lifter, which may be empty.
    pub(crate) fn new(dct: Dct, lifter: Vec<f64>) -> Cepstra<S> {
        Cepstra { dct, lifter: lifter.into_iter().map(S::narrow).collect() }
    }

    /// Returns C, the number of coefficients.
    pub(crate) fn width(&self) -> usize {
        self.dct.rows()
    }

    /// Returns the weights of each coefficient over the bands, lifter included.
    ///
    /// # Shapes
    /// -> \[C\]\[M\]
    pub(crate) fn matrix(&self, bands: usize) -> Vec<Vec<f64>> {
        let mut dct = self.dct.clone();
        let mut matrix = vec![vec![0.0; bands]; self.width()];
        for band in 0..bands {
            let (mut unit, mut column) = (vec![0.0; bands], vec![0.0; self.width()]);
            unit[band] = 1.0;
            dct.apply(&unit, &mut column);
            for (row, coefficient) in column.iter().enumerate() {
                matrix[row][band] = coefficient * self.lifter.get(row).map_or(1.0, |weight| weight.widen());
            }
        }
        matrix
    }

    /// Computes the coefficients of a frame.
    ///
    /// # Shapes
    /// logarithms \[M\] -> coefficients \[C\]
    pub(crate) fn apply(&mut self, logarithms: &[S], coefficients: &mut [S]) {
        self.dct.apply(logarithms, coefficients);
        for (coefficient, &weight) in coefficients.iter_mut().zip(&*self.lifter) {
            *coefficient = *coefficient * weight;
        }
    }

    /// Replaces the content of `values` with the coefficients of a clip; those of silent frames are equal and
    /// computed once.
    ///
    /// # Shapes
    /// logarithms \[T, bands\] -> values \[T, C\]
    pub(crate) fn apply_to_clip(
        &mut self,
        (logarithms, bands): (&[S], usize),
        values: &mut Vec<S>,
        is_silent: impl Fn(usize) -> bool,
    ) {
        let width = self.width();
        values.clear();
        values.resize(logarithms.len() / bands * width, S::default());
        let mut silent: Option<usize> = None;
        for (t, frame) in logarithms.chunks_exact(bands).enumerate() {
            let here = t * width..(t + 1) * width;
            match silent.filter(|_| is_silent(t)) {
                Some(earlier) => values.copy_within(earlier * width..(earlier + 1) * width, here.start),
                None => self.apply(frame, &mut values[here]),
            }
            silent = silent.or_else(|| is_silent(t).then_some(t));
        }
    }
}
