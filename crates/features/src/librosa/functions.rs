//! Functions of librosa on spectrograms instead of samples.

use super::check::check_decibels;
use super::{LibrosaMelConfig, LibrosaMfccConfig};
use crate::cepstra::Cepstra;
use crate::check::{MAX_BANDS, require_within};
use crate::dct::Dct;
use crate::decibel::{Decibels, Reference};
use crate::mel::MelBank;
use crate::sample::Sample;
use crate::{FeatureError, Features, lifter};

/// Replaces powers by 10 log10(max(amin, S)) - 10 log10(max(amin, |ref|)), clipped at `top_db` below the largest value.
///
/// # Units
/// power -> dB
///
/// # Errors
/// [`FeatureError::Setting`] for an `amin`, `reference` or `top_db` that is impossible; [`FeatureError::Overflow`] if a power
/// is not finite.
///
/// # Example
/// ```
/// use stapes_features::{Reference, power_to_db};
///
/// let mut values = [1.0, 100.0, 0.0];
/// power_to_db(&mut values, Reference::Power(1.0), 1e-10, Some(80.0))?;
/// assert_eq!(values, [0.0, 20.0, -60.0]);
/// # Ok::<(), stapes_features::FeatureError>(())
/// ```
///
/// # Source
/// librosa.power_to_db.
pub fn power_to_db<S: Sample>(
    powers: &mut [S],
    reference: Reference,
    amin: f64,
    top_db: Option<f64>,
) -> Result<(), FeatureError> {
    let decibels = Decibels { reference, min_power: amin, top_db };
    check_decibels(&decibels)?;
    let mut peak = decibels.silence();
    if !decibels.convert(powers, &mut peak) {
        return Err(FeatureError::Overflow { frame: 0 });
    }
    decibels.finish(powers, peak);
    Ok(())
}

impl LibrosaMelConfig {
    /// Returns the weights of the mel filter bank.
    ///
    /// # Shapes
    /// \[n_mels, n_fft / 2 + 1\]
    ///
    /// # Errors
    /// [`FeatureError::Setting`], see [`LibrosaMelConfig::check`].
    ///
    /// # Source
    /// librosa.filters.mel.
    pub fn filter_bank(&self, sample_rate_hz: u32) -> Result<Features<f32>, FeatureError> {
        self.check(sample_rate_hz)?;
        let bins = self.n_fft / 2 + 1;
        let bin_hz = f64::from(sample_rate_hz) / self.n_fft as f64;
        let edges_hz = self.edges_hz(sample_rate_hz);
        let rows = MelBank::<f32>::triangle_rows(&edges_hz, bins, bin_hz, self.norm);
        Ok(Features::new(bins, rows.flatten().collect()))
    }
}

impl LibrosaMfccConfig {
    /// Returns the cepstral coefficients of a log-mel spectrogram, which may have any number of bands.
    ///
    /// # Shapes
    /// \[T, M\] -> \[T, min(n_mfcc, M)\]
    ///
    /// # Units
    /// dB
    ///
    /// # Errors
    /// [`FeatureError::Setting`] if n_mfcc or the lifter is impossible.
    ///
    /// # Source
    /// librosa.feature.mfcc with `S`.
    pub fn cepstra<S: Sample>(&self, decibels: &Features<S>) -> Result<Features<S>, FeatureError> {
        let bands = decibels.width();
        require_within("n_mels", bands, 1, MAX_BANDS)?;
        self.check_cepstra()?;
        let coefficients = self.n_mfcc.min(bands);
        let dct = Dct::new(bands, coefficients, self.norm);
        let mut cepstra = Cepstra::new(dct, lifter::librosa(self.lifter, coefficients));
        let mut values = Vec::new();
        cepstra.apply_to_clip((decibels.values(), bands), &mut values, |_| false);
        Ok(Features::new(coefficients, values))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Extractor, LibrosaMelDbConfig};

    #[test]
    fn decibels_then_cepstra_equal_the_front_end() {
        let samples: Vec<f32> = (0..6000).map(|n| (n as f32 * 0.05).sin() * 0.3).collect();
        let mfcc = LibrosaMfccConfig { n_mfcc: 13, lifter: 22.0, n_mels: 40, ..Default::default() };
        let mut mel = mfcc.mel().init::<f32>(16_000).unwrap().extract(&samples).unwrap();
        power_to_db(mel.values_mut(), mfcc.reference, mfcc.amin, mfcc.top_db).unwrap();
        let config = LibrosaMelDbConfig { n_mels: 40, ..Default::default() };
        assert_eq!(mel, config.init(16_000).unwrap().extract(&samples).unwrap());
        let expected = mfcc.init(16_000).unwrap().extract(&samples).unwrap();
        assert_eq!(mfcc.cepstra(&mel).unwrap(), expected);
    }

    #[test]
    fn filter_bank_gives_the_energies_of_the_front_end() {
        let config = LibrosaMelConfig { n_fft: 256, n_mels: 20, ..Default::default() };
        let bank = config.filter_bank(8000).unwrap();
        assert_eq!((bank.frames(), bank.width()), (20, 129));
        let samples: Vec<f64> = (0..4000).map(|n| f64::from(n * n % 101) / 101.0).collect();
        let power = config.stft().init().unwrap().extract(&samples).unwrap();
        let mel = config.init(8000).unwrap().extract(&samples).unwrap();
        for t in 0..mel.frames() {
            for band in 0..20 {
                let terms = bank.frame(band).iter().zip(power.frame(t));
                let energy: f64 = terms.map(|(weight, power)| f64::from(*weight) * power * power).sum();
                assert!((energy - mel.frame(t)[band]).abs() <= 1e-9 * energy.max(1.0));
            }
        }
    }

    #[test]
    fn impossible_values_are_errors() {
        let mut powers = [1.0f32, f32::NAN];
        assert!(power_to_db(&mut powers, Reference::Max, 1e-10, None).is_err());
        assert!(power_to_db(&mut [1.0f32], Reference::Max, 0.0, None).is_err());
        let config = LibrosaMfccConfig { n_mfcc: 0, ..Default::default() };
        assert!(config.cepstra(&Features::new(4, vec![0.0f32; 8])).is_err());
    }
}
