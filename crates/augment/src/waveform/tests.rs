//! Tests of the augmentation of waveforms through the public interface.

use std::f64::consts::TAU;

use rayon::prelude::*;
use stapes_audio::{Clip, write_wav};

use super::*;

const RATE_HZ: u32 = 16_000;

fn augmenter(text: &str) -> WaveformAugmenter {
    WaveformAugmenter::new(&toml::from_str(text).unwrap(), Path::new("."), RATE_HZ).unwrap()
}

fn refused(text: &str, folder: &Path) -> String {
    let config = toml::from_str(text).unwrap();
    WaveformAugmenter::new(&config, folder, RATE_HZ).err().unwrap().to_string()
}

fn applied(augmenter: &WaveformAugmenter, samples: &[f32], numbers: [u64; 2]) -> Vec<f32> {
    let mut samples = samples.to_vec();
    augmenter.apply(&mut samples, 1, numbers);
    samples
}

fn tone(hz: f64, length: usize) -> Vec<f32> {
    (0..length).map(|n| 0.3 * (TAU * hz * n as f64 / f64::from(RATE_HZ)).sin() as f32).collect()
}

fn power(samples: impl Iterator<Item = f64>) -> f64 {
    samples.map(|sample| sample * sample).sum()
}

fn power_of(samples: &[f32]) -> f64 {
    power(samples.iter().map(|&sample| f64::from(sample)))
}

/// Returns the ratio of a clip to the added signal, in dB.
fn snr_db(clip: &[f32], noisy: &[f32]) -> f64 {
    let added = noisy.iter().zip(clip).map(|(noisy, clip)| f64::from(*noisy) - f64::from(*clip));
    10.0 * (power_of(clip) / power(added)).log10()
}

/// Configuration with one augmentation of each kind.
const ALL: &str = "[speed]\nprobability = 0.5\nfactor = [0.9, 1.1]\n[shift]\nprobability = 0.5\nseconds = 0.1\n[reverb]\n\
                   probability = 0.5\nrt60_seconds = [0.2, 0.5]\ndirect_to_reverberant_db = [0.0, 10.0]\n[gain]\n\
                   probability = 0.5\ndb = [-10.0, 6.0]\n[noise]\nprobability = 0.5\nsnr_db = [0.0, 20.0]\ncolor = \
                   'pink'\n[clipping]\nprobability = 0.5\nthreshold = [0.3, 0.9]\n[codec]\nprobability = 0.5\nlow_hz = \
                   [200.0, 400.0]\nhigh_hz = [3000.0, 3800.0]\nmu_law = true";

#[test]
fn noise_has_the_requested_ratio() {
    let clip = tone(440.0, 16_000);
    for color in ["white", "pink"] {
        for db in [-5.0, 0.0, 12.5, 30.0] {
            let noise = augmenter(&format!("[noise]\nsnr_db = [{db:.1}, {db:.1}]\ncolor = '{color}'"));
            let noisy = applied(&noise, &clip, [1, 2]);
            assert!((snr_db(&clip, &noisy) - db).abs() < 1e-3, "{color}: {} for {db}", snr_db(&clip, &noisy));
            assert_ne!(noisy, applied(&noise, &clip, [2, 2]));
        }
    }
    let noise = augmenter("[noise]\nsnr_db = [-3.0, 9.0]\ncolor = 'white'");
    let ratios: Vec<f64> = (0..300).map(|pass| snr_db(&clip, &applied(&noise, &clip, [pass, 0]))).collect();
    let (least, greatest) = ratios.iter().fold((99.0f64, -99.0f64), |(a, b), &x| (a.min(x), b.max(x)));
    assert!((-3.001..-2.8).contains(&least) && (8.8..9.001).contains(&greatest), "{least} {greatest}");
    assert_eq!(applied(&noise, &[0.0; 100], [1, 1]), [0.0; 100]);
}

#[test]
fn noise_recordings_are_cut_resampled_and_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("noise/street");
    std::fs::create_dir_all(&inner).unwrap();
    // 0.5 s of 1 kHz at half the rate, a whole number of periods.
    let hum = (0..4000).map(|n| (TAU * f64::from(n) / 8.0).sin() as f32).collect();
    write_wav(&inner.join("hum.wav"), &Clip { samples: hum, sample_rate_hz: 8000 }).unwrap();
    let config = toml::from_str("[noise]\nsnr_db = [10.0, 10.0]\nfolder = 'noise'").unwrap();
    let noise = WaveformAugmenter::new(&config, folder.path(), RATE_HZ).unwrap();
    for length in [1000, 20_000] {
        let clip = tone(440.0, length);
        let (one, other) = (applied(&noise, &clip, [1, 1]), applied(&noise, &clip, [1, 2]));
        assert!((snr_db(&clip, &one) - 10.0).abs() < 1e-3);
        assert_ne!(one, other);
        // The added noise is 1 kHz: each sample is the negative of that half a period before, except at the ends of
        // the recording, where the resampler rings.
        let added: Vec<f64> = one.iter().zip(&clip).map(|(a, b)| f64::from(*a) - f64::from(*b)).collect();
        let sums = power((8..length).map(|n| added[n] + added[n - 8]));
        assert!(sums < 0.01 * power(added.iter().copied()), "{length}: {sums}");
    }
    // The same folder gives the same digits, another recording changes them.
    let digits = noise.fingerprint().unwrap();
    let again = || WaveformAugmenter::new(&config, folder.path(), RATE_HZ).unwrap().fingerprint();
    assert_eq!((digits.len(), again()), (16, Some(digits.clone())));
    let hum = Clip { samples: tone(50.0, 100), sample_rate_hz: RATE_HZ };
    write_wav(&folder.path().join("noise/hum.wav"), &hum).unwrap();
    assert_ne!(again().unwrap(), digits);
    std::fs::remove_file(folder.path().join("noise/hum.wav")).unwrap();
    assert_eq!(augmenter(ALL).fingerprint(), None);
    std::fs::write(folder.path().join("noise/broken.wav"), "RIFF").unwrap();
    let silence = Clip { samples: vec![0.0; 9], sample_rate_hz: 8000 };
    write_wav(&folder.path().join("noise/silence.wav"), &silence).unwrap();
    let error = refused("[noise]\nsnr_db = [10.0, 10.0]\nfolder = 'noise'", folder.path());
    assert!(error.starts_with("2 of 3 files cannot be used:"), "{error}");
    assert!(error.contains("broken.wav: ") && error.contains("silence.wav: is silent"), "{error}");
}

#[test]
fn recordings_of_every_format_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let config = toml::from_str("[noise]\nsnr_db = [10.0, 10.0]\nfolder = 'noise'").unwrap();
    let hum = Clip { samples: tone(50.0, 100), sample_rate_hz: RATE_HZ };
    std::fs::create_dir(folder.path().join("noise")).unwrap();
    let mut path = folder.path().join("noise/hum.wav");
    write_wav(&path, &hum).unwrap();
    // The content determines the format.
    for name in ["hum.FLAC", "hum.aiff", "hum.Ogg", "hum.m4a"] {
        let renamed = folder.path().join("noise").join(name);
        std::fs::rename(&path, &renamed).unwrap();
        assert!(WaveformAugmenter::new(&config, folder.path(), RATE_HZ).is_ok(), "{name}");
        path = renamed;
    }
    std::fs::rename(&path, folder.path().join("noise/hum.txt")).unwrap();
    let error = refused("[noise]\nsnr_db = [10.0, 10.0]\nfolder = 'noise'", folder.path());
    assert!(error.contains("contains no recordings"), "{error}");
}

#[test]
fn a_gain_is_exact() {
    let clip = tone(440.0, 999);
    for (db, factor) in [(-20.0, 0.1f32), (0.0, 1.0), (20.0, 10.0)] {
        let louder = applied(&augmenter(&format!("[gain]\ndb = [{db:.1}, {db:.1}]")), &clip, [0, 0]);
        assert!(louder.iter().zip(&clip).all(|(new, old)| *new == old * factor), "{db}");
    }
    let gain = augmenter("[gain]\ndb = [-6.0, 12.0]");
    for pass in 0..100 {
        let louder = applied(&gain, &clip, [pass, 0]);
        let db = 10.0 * (power_of(&louder) / power_of(&clip)).log10();
        assert!((-6.0..12.0).contains(&db), "{db}");
    }
}

#[test]
fn a_shift_fills_with_zeros_and_reaches_its_limits() {
    let clip: Vec<f32> = (1..=1000).map(|n| n as f32).collect();
    let shift = augmenter("[shift]\nseconds = 0.001");
    let mut shifts = Vec::new();
    for pass in 0..500 {
        let shifted = applied(&shift, &clip, [pass, 0]);
        let by = 500 - shifted[500] as i64 + 1;
        for (n, value) in shifted.iter().enumerate() {
            let from = n as i64 - by;
            let expected = if (0..1000).contains(&from) { (from + 1) as f32 } else { 0.0 };
            assert_eq!(*value, expected, "{by} at {n}");
        }
        shifts.push(by);
    }
    shifts.sort_unstable();
    shifts.dedup();
    assert_eq!(shifts, (-16..=16).collect::<Vec<_>>());
    // A shift beyond the length of the clip leaves silence.
    assert!(
        (0..50).all(|pass| applied(&augmenter("[shift]\nseconds = 9.0"), &[1.0, 2.0], [pass, 0]).len() == 2)
    );
}

#[test]
fn speed_2_doubles_the_frequency_of_a_tone_and_halves_its_length() {
    let fast = applied(&augmenter("[speed]\nfactor = [2.0, 2.0]"), &tone(440.0, 16_000), [0, 0]);
    assert_eq!(fast.len(), 8000);
    let max_shift = |range: std::ops::Range<usize>| {
        let expected = tone(880.0, 8000);
        range.map(|n| (fast[n] - expected[n]).abs()).fold(0.0, f32::max)
    };
    assert!(max_shift(100..7900) < 1e-3, "{}", max_shift(100..7900));
    let mut lengths: Vec<usize> = (0..300)
        .map(|pass| {
            applied(&augmenter("[speed]\nfactor = [0.98, 1.02]"), &tone(440.0, 1000), [pass, 0]).len()
        })
        .collect();
    lengths.sort_unstable();
    lengths.dedup();
    assert_eq!(lengths, [981, 991, 1000, 1011, 1021]);
}

#[test]
fn the_reverberation_of_an_impulse_decays_by_60_db_within_rt60() {
    for rt60 in [0.2, 0.5, 0.9] {
        let text =
            format!("[reverb]\nrt60_seconds = [{rt60}, {rt60}]\ndirect_to_reverberant_db = [0.0, 0.0]");
        let room = augmenter(&text);
        let mut impulse = vec![0.0; 16_000];
        impulse[0] = 1.0;
        for pass in 0..5 {
            let response = applied(&room, &impulse, [pass, 0]);
            assert!((power_of(&response) - 1.0).abs() < 1e-4);
            // Half of the energy is that of the direct sound.
            assert!((response[0].powi(2) - 0.5).abs() < 1e-3, "{}", response[0]);
            // Schroeder 1965: the remaining energy decays linearly in dB. The slope is measured from -5 to -35 dB.
            let tail: Vec<f64> = response
                .iter()
                .rev()
                .scan(0.0, |sum, &sample| {
                    *sum += f64::from(sample).powi(2);
                    Some(*sum)
                })
                .collect();
            let reaches = |db: f64| {
                let limit = tail[tail.len() - 2] * 10.0f64.powf(-db / 10.0);
                tail.len() - tail.partition_point(|&rest| rest < limit)
            };
            let measured = 2.0 * (reaches(35.0) - reaches(5.0)) as f64 / f64::from(RATE_HZ);
            assert!((measured / rt60 - 1.0).abs() < 0.1, "{measured} s for {rt60}");
        }
    }
}

#[test]
fn reverberation_keeps_length_power_and_time() {
    let room = "[reverb]\nrt60_seconds = [0.1, 0.8]\ndirect_to_reverberant_db = [-3.0, 10.0]";
    let room = augmenter(room);
    let clip = tone(440.0, 9001);
    for pass in 0..10 {
        let reverberant = applied(&room, &clip, [pass, 0]);
        assert_eq!(reverberant.len(), 9001);
        assert!((power_of(&reverberant) / power_of(&clip) - 1.0).abs() < 1e-4);
    }
    assert_ne!(applied(&room, &clip, [0, 0]), applied(&room, &clip, [1, 0]));
    assert_eq!(applied(&room, &[0.0; 50], [0, 0]), [0.0; 50]);
    // A recorded response whose direct sound is late and inverted, with one echo.
    let folder = tempfile::tempdir().unwrap();
    let mut samples = vec![0.0; 300];
    (samples[100], samples[150]) = (-0.8, 0.4);
    write_wav(&folder.path().join("room.wav"), &Clip { samples, sample_rate_hz: RATE_HZ }).unwrap();
    let config = toml::from_str("[reverb]\nfolder = '.'").unwrap();
    let recorded = WaveformAugmenter::new(&config, folder.path(), RATE_HZ).unwrap();
    let mut impulse = vec![0.0; 80];
    impulse[10] = 1.0;
    let response = applied(&recorded, &impulse, [0, 0]);
    let expected = |n| match n {
        10 => -0.8f32.sqrt(),
        60 => 0.2f32.sqrt(),
        _ => 0.0,
    };
    assert!((0..80).all(|n| (response[n] - expected(n)).abs() < 1e-4), "{response:?}");
}

#[test]
fn no_sample_is_above_the_threshold_of_clipping() {
    let clip = tone(440.0, 16_000);
    let peak = clip.iter().fold(0.0f32, |peak, sample| peak.max(sample.abs()));
    let clipping = augmenter("[clipping]\nthreshold = [0.25, 0.75]");
    let mut limits = Vec::new();
    for pass in 0..300 {
        let clipped = applied(&clipping, &clip, [pass, 0]);
        let limit = clipped.iter().fold(0.0f32, |peak, sample| peak.max(sample.abs()));
        assert!(clipped.iter().zip(&clip).all(|(new, old)| *new == old.clamp(-limit, limit)));
        limits.push(limit / peak);
    }
    limits.sort_by(f32::total_cmp);
    assert!((0.25..0.26).contains(&limits[0]) && (0.74..=0.75).contains(&limits[299]), "{limits:?}");
}

#[test]
fn results_are_equal_bit_for_bit_on_any_number_of_threads_and_differ_by_example() {
    let all = augmenter(ALL);
    let clip = tone(440.0, 4000);
    let bits = |numbers| applied(&all, &clip, numbers).into_iter().map(f32::to_bits).collect::<Vec<u32>>();
    let one: Vec<_> = (0..40).map(|example| bits([3, example])).collect();
    // Prepared again, and first used by several threads at once.
    let other = augmenter(ALL);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(4).build().unwrap();
    let many: Vec<Vec<u32>> = pool.install(|| {
        let samples = (0..40u64).into_par_iter().map(|example| applied(&other, &clip, [3, example]));
        samples.map(|samples| samples.into_iter().map(f32::to_bits).collect()).collect()
    });
    assert_eq!(one, many);
    let mut distinct = one.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert!(distinct.len() >= 39, "{}", distinct.len());
    let mut other_seed = clip.clone();
    (0..5).for_each(|example| all.apply(&mut other_seed, 2, [3, example]));
    assert_ne!(other_seed, clip);
}

#[test]
fn an_augmentation_applies_with_its_probability_and_does_not_affect_others() {
    let clip = tone(440.0, 64);
    for entry in [
        "[gain]\nprobability = 0.3\ndb = [3.0, 3.0]",
        "[clipping]\nprobability = 0.3\nthreshold = [0.5, 0.5]",
    ] {
        let entry = augmenter(entry);
        let times = (0..5000).filter(|&pass| applied(&entry, &clip, [pass, 1]) != clip).count();
        // Standard deviation: 32.
        assert!((1_370..1_630).contains(&times), "{times}");
    }
    let noise = "[noise]\nprobability = 0.5\nsnr_db = [0.0, 20.0]\ncolor = 'white'";
    let (alone, after) = (augmenter(noise), augmenter(&format!("[gain]\ndb = [0.0, 0.0]\n{noise}")));
    for pass in 0..50 {
        assert_eq!(applied(&alone, &clip, [pass, 1]), applied(&after, &clip, [pass, 1]));
    }
}

#[test]
fn the_shortest_clips_pass_all_augmentations() {
    let all = augmenter(ALL);
    for length in [0, 1, 2, 5] {
        for pass in 0..40 {
            let samples = applied(&all, &tone(440.0, length), [pass, 0]);
            assert!(samples.iter().all(|sample| sample.is_finite()) && samples.is_empty() == (length == 0));
        }
    }
}

#[test]
fn impossible_values_of_every_augmentation_are_rejected_by_key() {
    let config: WaveformAugmentConfig = toml::from_str(ALL).unwrap();
    assert!(config.check().is_ok());
    assert_eq!(toml::from_str::<WaveformAugmentConfig>(&toml::to_string(&config).unwrap()).unwrap(), config);
    for (text, message) in [
        ("[speed]\nfactor = [0.1, 1.0]", "speed.factor = [0.1, 1]: must be two numbers from 0.5 to 2"),
        ("[shift]\nseconds = -1.0", "shift.seconds = -1: must be a number of at least 0"),
        ("[reverb]\nrt60_seconds = [0.1, 0.2]", "reverb.folder = none: set either folder, or both"),
        (
            "[reverb]\nfolder = 'x'\nrt60_seconds = [0.1, 0.2]",
            "reverb.folder = x: set either folder, or both",
        ),
        ("[reverb]\nrt60_seconds = [0.0, 0.2]", "reverb.rt60_seconds = [0, 0.2]: must be two numbers"),
        ("[gain]\ndb = [3.0, -3.0]", "gain.db = [3, -3]: must be two numbers"),
        ("[noise]\nsnr_db = [0.0, 5.0]", "noise.folder = none: set either folder or color"),
        ("[noise]\nsnr_db = [0.0, 5.0]\ncolor = 'pink'\nfolder = 'x'", "noise.folder = x: set either"),
        ("[clipping]\nthreshold = [0.0, 0.5]", "clipping.threshold = [0, 0.5]: must be two numbers"),
        (
            "[codec]\nlow_hz = [0.0, 300.0]\nhigh_hz = [3000.0, 3400.0]",
            "codec.low_hz = [0, 300]: must be two",
        ),
    ] {
        let error = refused(text, Path::new("."));
        assert!(error.starts_with(&format!("augment.waveform.{message}")), "{error}");
    }
    for section in ALL.trim_start_matches('[').split("\n[") {
        let text = format!("[{}", section.replace("probability = 0.5", "probability = -0.5"));
        let name = section.split(']').next().unwrap();
        let error = refused(&text, Path::new("."));
        assert_eq!(error, format!("augment.waveform.{name}.probability = -0.5: must be from 0 to 1"));
    }
    let folder = tempfile::tempdir().unwrap();
    let error = refused("[noise]\nsnr_db = [0.0, 5.0]\nfolder = 'absent'", folder.path());
    assert!(error.contains("noise.folder = ") && error.contains("this folder does not exist"), "{error}");
    let error = refused("[reverb]\nfolder = '.'", folder.path());
    assert!(error.contains("reverb.folder = ") && error.contains("contains no recordings"), "{error}");
}

#[cfg(unix)]
#[test]
fn recordings_of_noise_and_rooms_are_regular_files() {
    use stapes_testkit::hang::{fifo, finishes};
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    write_wav(&path("tone.wav"), &Clip { samples: tone(440.0, 100), sample_rate_hz: RATE_HZ }).unwrap();
    fifo(&path("pipe.wav"));
    std::os::unix::fs::symlink("/dev/zero", path("zero.wav")).unwrap();
    std::fs::create_dir(path("folder.wav")).unwrap();
    for text in ["[noise]\nsnr_db = [0.0, 10.0]\nfolder = '.'", "[reverb]\nfolder = '.'"] {
        let folder = folder.path().to_owned();
        let message = finishes(move || refused(text, &folder));
        assert!(message.starts_with("3 of 4 files cannot be used:"), "{message}");
        for part in ["pipe.wav: is a pipe,", "zero.wav: is a device,", "folder.wav: is a folder,"] {
            assert!(message.contains(part), "{message}");
        }
    }
}
