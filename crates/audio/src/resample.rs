//! Sample rate conversion.

use crate::stream_resampler::StreamResampler;
use crate::{AudioError, Clip};

impl Clip {
    /// Returns the recording at another sample rate, aligned in time.
    ///
    /// A windowed sinc (Blackman-Harris squared) is applied in the frequency domain, and its delay is removed: sample n of
    /// the result is at time n / rate, and there are ceil(len * new / old) samples. The clip is zero-padded. Frequencies above
    /// the new Nyquist frequency are removed. At the same rate the result is an equal clip,
    /// bit for bit.
    ///
    /// # Units
    /// Hz.
    ///
    /// # Errors
    /// [`AudioError::Resample`] for a rate below 100 Hz or above 1 MHz.
    ///
    /// # Example
    /// ```
    /// let tone: Vec<f32> = (0..800).map(|n| (n as f32 * 0.1).sin()).collect();
    /// let clip = stapes_audio::Clip { samples: tone, sample_rate_hz: 8000 };
    /// let twice = clip.resampled(16_000)?;
    /// assert_eq!(twice.samples.len(), 1600);
    /// assert!((twice.samples[801] - (400.5f32 * 0.1).sin()).abs() < 1e-4);
    /// # Ok::<(), stapes_audio::AudioError>(())
    /// ```
    pub fn resampled(&self, rate_hz: u32) -> Result<Clip, AudioError> {
        let mut resampler = StreamResampler::new(self.sample_rate_hz, rate_hz)?;
        let mut samples = Vec::new();
        resampler.push(&self.samples, &mut samples)?;
        resampler.finish(&mut samples)?;
        Ok(Clip { samples, sample_rate_hz: rate_hz })
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;
    use crate::stream_resampler::greatest_common_divisor;

    fn tone(frequency_hz: f64, sample_rate_hz: u32, length: usize) -> Clip {
        let sample = |n: usize| (TAU * frequency_hz * n as f64 / f64::from(sample_rate_hz)).sin() as f32;
        Clip { samples: (0..length).map(sample).collect(), sample_rate_hz }
    }

    fn largest_difference(a: &[f32], b: &[f32]) -> f64 {
        a.iter().zip(b).map(|(&a, &b)| f64::from((a - b).abs())).fold(0.0, f64::max)
    }

    fn decibels(amplitude: f64) -> f64 {
        20.0 * amplitude.log10()
    }

    const PAIRS: [(u32, u32); 8] = [
        (8000, 16_000),
        (16_000, 8000),
        (44_100, 16_000),
        (48_000, 16_000),
        (22_050, 16_000),
        (16_000, 44_100),
        (11_025, 8000),
        (44_101, 16_000),
    ];

    #[test]
    fn a_faded_tone_agrees_with_the_tone_at_the_other_rate_up_to_both_ends() {
        for (from_hz, to_hz) in PAIRS {
            for seconds in [0.25, 1.0 / 3.0] {
                // The fade avoids edges, which would ring.
                let fade = |clip: Clip| {
                    let time = |n: usize| n as f64 / f64::from(clip.sample_rate_hz);
                    let gain = |n| (std::f64::consts::PI * (time(n) / seconds).min(1.0)).sin().powi(2) as f32;
                    clip.samples.iter().enumerate().map(|(n, x)| x * gain(n)).collect::<Vec<f32>>()
                };
                let length = |rate_hz: u32| (seconds * f64::from(rate_hz)).ceil() as usize;
                let samples = fade(tone(440.0, from_hz, length(from_hz)));
                let resampled = Clip { samples, sample_rate_hz: from_hz }.resampled(to_hz).unwrap();
                let expected = fade(tone(440.0, to_hz, resampled.samples.len()));
                let level = decibels(largest_difference(&resampled.samples, &expected));
                assert!(level < -100.0, "{from_hz} -> {to_hz}, {seconds} s: differs by {level:.1} dB");
            }
        }
    }

    #[test]
    fn a_tone_agrees_away_from_its_ends() {
        for (from_hz, to_hz) in PAIRS {
            let resampled = tone(440.0, from_hz, from_hz as usize / 2).resampled(to_hz).unwrap();
            let expected = tone(440.0, to_hz, resampled.samples.len());
            // The edges have frequencies above the cutoff: they ring, most in the last samples.
            let level = decibels(largest_difference(&resampled.samples, &expected.samples));
            assert!(level < -26.0, "{from_hz} -> {to_hz}: the ends differ by {level:.1} dB");
            let edge = to_hz as usize / 10;
            let inner = edge..expected.samples.len() - edge;
            let level =
                decibels(largest_difference(&resampled.samples[inner.clone()], &expected.samples[inner]));
            assert!(level < -100.0, "{from_hz} -> {to_hz}: the inside differs by {level:.1} dB");
        }
    }

    #[test]
    fn an_impulse_stays_at_its_time() {
        for (from_hz, to_hz) in PAIRS {
            // A time at which both rates have a sample: a tenth of a second, if possible.
            let divisor = greatest_common_divisor(from_hz, to_hz);
            let periods = (divisor / 10).max(1);
            let (at, expected) =
                ((from_hz / divisor * periods) as usize, (to_hz / divisor * periods) as usize);
            let mut samples = vec![0.0; at * 2 + 1];
            samples[at] = 1.0;
            let resampled = Clip { samples, sample_rate_hz: from_hz }.resampled(to_hz).unwrap();
            let peak = (0..resampled.samples.len())
                .max_by(|&a, &b| resampled.samples[a].total_cmp(&resampled.samples[b]))
                .unwrap();
            assert_eq!(peak, expected, "{from_hz} -> {to_hz}");
            // Equal on both sides: there is no fractional delay.
            for offset in 1..100 {
                let (left, right) = (resampled.samples[peak - offset], resampled.samples[peak + offset]);
                assert!((left - right).abs() < 1e-6, "{from_hz} -> {to_hz} at {offset}: {left} {right}");
            }
        }
    }

    #[test]
    fn the_length_is_the_duration_rounded_up() {
        for (from_hz, to_hz) in PAIRS {
            for length in [0usize, 1, 2, 3, 160, 441, 1000, 2205, 4410] {
                let resampled = tone(300.0, from_hz, length).resampled(to_hz).unwrap();
                let expected = (length as u64 * u64::from(to_hz)).div_ceil(u64::from(from_hz));
                assert_eq!(resampled.samples.len() as u64, expected, "{from_hz} -> {to_hz}, {length}");
                assert_eq!(resampled.sample_rate_hz, to_hz);
            }
        }
    }

    #[test]
    fn the_same_rate_changes_nothing() {
        let clip = tone(440.0, 8000, 999);
        assert_eq!(clip.resampled(8000).unwrap(), clip);
    }

    #[test]
    fn frequencies_above_the_new_nyquist_frequency_are_removed() {
        let resampled = tone(5000.0, 16_000, 16_000).resampled(8000).unwrap();
        let inner = &resampled.samples[1000..7000];
        let loudest = inner.iter().fold(0.0f32, |loudest, sample| loudest.max(sample.abs()));
        assert!(decibels(f64::from(loudest)) < -100.0, "{loudest}");
    }

    #[test]
    fn impossible_rates_are_rejected() {
        let clip = tone(440.0, 8000, 100);
        assert!(clip.resampled(0).is_err());
        assert!(clip.resampled(u32::MAX).is_err());
        let broken = Clip { sample_rate_hz: 0, ..clip };
        let message = broken.resampled(8000).unwrap_err().to_string();
        assert_eq!(message, "resampling from 0 Hz to 8000 Hz: both rates must be within 100..=1000000 Hz");
    }

    #[test]
    fn chunks_of_any_size_give_the_bits_of_the_whole() {
        for (from_hz, to_hz) in [(8000, 16_000), (44_100, 16_000), (16_000, 44_100), (16_000, 16_000)] {
            for length in [0, 1, 700, 5000, 40_000] {
                let clip = tone(440.0, from_hz, length);
                let expected = clip.resampled(to_hz).unwrap().samples;
                for chunk in [1, 77, 4096] {
                    let mut resampler = StreamResampler::new(from_hz, to_hz).unwrap();
                    let mut found = Vec::new();
                    for chunk in clip.samples.chunks(chunk) {
                        resampler.push(chunk, &mut found).unwrap();
                    }
                    resampler.finish(&mut found).unwrap();
                    assert!(found == expected, "{from_hz} -> {to_hz}, {length} in {chunk}");
                }
            }
        }
    }

    fn noise(sample_rate_hz: u32) -> Clip {
        let samples = (0..20_000).map(|n| (n * 7919 % 1009) as f32 / 1009.0 - 0.5).collect();
        Clip { samples, sample_rate_hz }
    }

    /// Every 12th part of what rubato 5.0.1 returns (`Fft::<f64>` with `FixedSync::Both`, one part per block, the window
    /// `BlackmanHarris2`, and the blocks of this converter).
    #[test]
    fn results_are_those_of_rubato() {
        let recorded: [(u32, u32, [f32; 13]); 3] = [
            (
                44100,
                16000,
                [
                    -0.064418145,
                    0.13858148,
                    -0.25829297,
                    0.23597237,
                    -0.2539671,
                    0.32476342,
                    -0.27201468,
                    0.2831776,
                    -0.011454984,
                    -0.15732592,
                    0.18476586,
                    -0.22342162,
                    0.35834104,
                ],
            ),
            (
                8000,
                16000,
                [
                    -0.48740047,
                    -0.10789599,
                    0.102650166,
                    0.55439895,
                    -0.30204636,
                    -0.0009910914,
                    0.30016664,
                    -0.5565054,
                    -0.10463228,
                    0.10626591,
                    0.49139673,
                    -0.109877065,
                    0.101189755,
                ],
            ),
            (
                16000,
                44100,
                [
                    -0.48977223,
                    -0.09854413,
                    0.129457,
                    0.55776554,
                    -0.10696724,
                    0.08352531,
                    0.5820508,
                    -0.21576114,
                    0.04098775,
                    0.47924367,
                    -0.36727563,
                    -0.09572082,
                    0.3468745,
                ],
            ),
        ];
        for (from_hz, to_hz, expected) in recorded {
            let found = noise(from_hz).resampled(to_hz).unwrap().samples;
            for (part, expected) in expected.into_iter().enumerate() {
                let found = found[part * (found.len() / 12)];
                assert!((found - expected).abs() < 1e-7, "{from_hz} -> {to_hz}, {part}: {found} {expected}");
            }
        }
    }
}
