//! The description of a front end, computed by its definition in f64, gives the front end's values.

use std::f64::consts::TAU;

use stapes_features::{
    DeltaMode, DeltaStage, Edges, EnergySource, FeatureConfig, FrameEnergy, FrameStage, FramingStage,
    Logarithm, Normalization, PRESETS, Reference, SpectrumStage, StackingConfig, Stages,
};

/// Frames [T][F].
type Frames = Vec<Vec<f64>>;

fn clip(stages: &Stages, samples: &[f32]) -> Vec<f64> {
    let mut clip: Vec<f64> = samples.iter().map(|&sample| f64::from(sample * stages.scale)).collect();
    if let Some(length) = stages.fixed_length_samples {
        clip.resize(length, 0.0);
    }
    let before = |n: usize| if n == 0 { 0.0 } else { clip[n - 1] };
    (0..clip.len()).map(|n| clip[n] - stages.preemphasis * before(n)).collect()
}

fn frames(framing: &FramingStage, clip: &[f64]) -> Frames {
    let (hop, length, samples) = (framing.hop as isize, framing.length as isize, clip.len() as isize);
    let (count, first) = match framing.edges {
        Edges::Padded { zeros, reflected } => {
            let pad = (zeros + reflected) as isize;
            ((samples + 2 * pad - length).div_euclid(hop) + 1, -pad)
        }
        Edges::Completed => (1 + ((samples - length).max(0) + hop - 1) / hop, 0),
        Edges::Mirrored => ((samples + hop / 2) / hop, hop / 2 - length / 2),
    };
    let sample = |at: isize| match framing.edges {
        Edges::Padded { zeros, reflected } if reflected > 0 => {
            let padded = samples + 2 * zeros as isize;
            let within = (at + zeros as isize).rem_euclid((2 * padded - 2).max(1));
            within.min(2 * padded - 2 - within) - zeros as isize
        }
        Edges::Mirrored => {
            let within = at.rem_euclid(2 * samples);
            within.min(2 * samples - 1 - within)
        }
        _ => at,
    };
    let value =
        |at: isize| usize::try_from(sample(at)).ok().and_then(|at| clip.get(at)).copied().unwrap_or(0.0);
    (0..count.max(0)).map(|t| (0..length).map(|n| value(t * hop + first + n)).collect()).collect()
}

fn powers(windowed: &[f64], points: usize) -> Vec<f64> {
    let part = |k: usize, wave: fn(f64) -> f64| -> f64 {
        windowed
            .iter()
            .enumerate()
            .map(|(n, x)| x * wave(TAU * ((k * n) % points) as f64 / points as f64))
            .sum()
    };
    (0..=points / 2).map(|k| part(k, f64::cos).powi(2) + part(k, f64::sin).powi(2)).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn energy(settings: &FrameEnergy, centered: &[f64], windowed: &[f64], powers: &[f64], points: usize) -> f64 {
    let energy = match settings.source {
        EnergySource::Samples => dot(centered, centered),
        EnergySource::Windowed => dot(windowed, windowed),
        EnergySource::Spectrum => powers.iter().sum::<f64>() / points as f64,
    };
    let floored = match settings.only_zero {
        true if energy == 0.0 => settings.floor,
        true => energy,
        false => energy.max(settings.floor),
    };
    floored.ln().max(settings.min_logarithm)
}

fn logarithm(logarithm: Logarithm, energy: f64) -> f64 {
    let nonzero = |zero: f64| if energy == 0.0 { zero } else { energy };
    match logarithm {
        Logarithm::None { zero } => nonzero(zero),
        Logarithm::NaturalOfNonzero { zero } => nonzero(zero).ln(),
        Logarithm::NaturalFloored { floor } => energy.max(floor).ln(),
        Logarithm::NaturalOffset { offset } => (energy + offset).ln(),
        Logarithm::Decibels { min_power, .. } => 10.0 * energy.max(min_power).log10(),
    }
}

/// Subtracts the reference and applies the floor below the maximum of the clip.
fn relative(stage: Logarithm, frames: &mut Frames) {
    let Logarithm::Decibels { reference, min_power, top_db } = stage else { return };
    let peak = frames.iter().flatten().copied().fold(f64::NEG_INFINITY, f64::max);
    let zero_db = match reference {
        Reference::Power(power) => 10.0 * power.abs().max(min_power).log10(),
        Reference::Max => peak,
    };
    let floor = top_db.map_or(f64::NEG_INFINITY, |top_db| peak - zero_db - top_db);
    frames.iter_mut().flatten().for_each(|value| *value = (*value - zero_db).max(floor));
}

fn spectrum(stage: &SpectrumStage, frames: &Frames) -> Frames {
    let (mut values, mut energies) = (Frames::new(), Vec::new());
    for frame in frames {
        let mean = if stage.remove_mean { frame.iter().sum::<f64>() / frame.len() as f64 } else { 0.0 };
        let centered: Vec<f64> = frame.iter().map(|x| x - mean).collect();
        let filtered = |n: usize| centered[n] - stage.preemphasis * centered[n.saturating_sub(1)];
        let windowed: Vec<f64> =
            stage.window.iter().enumerate().map(|(n, weight)| filtered(stage.offset + n) * weight).collect();
        let powers = powers(&windowed, stage.points);
        let raised: Vec<f64> = powers.iter().map(|power| power.powf(stage.exponent / 2.0)).collect();
        values.push(stage.bands.iter().map(|band| logarithm(stage.logarithm, dot(band, &raised))).collect());
        energies.push(
            stage.energy.map(|settings| energy(&settings, &centered, &windowed, &powers, stage.points)),
        );
    }
    relative(stage.logarithm, &mut values);
    if let Some(matrix) = &stage.cepstra {
        values.iter_mut().for_each(|frame| *frame = matrix.iter().map(|row| dot(row, frame)).collect());
    }
    for (frame, energy) in values.iter_mut().zip(energies) {
        match (energy, stage.energy) {
            (Some(energy), Some(FrameEnergy { replaces_first: true, .. })) => frame[0] = energy,
            (Some(energy), _) => frame.insert(0, energy),
            (None, _) => {}
        }
        if stage.first_value_last {
            frame.rotate_left(1);
        }
    }
    values
}

fn deltas(stage: &DeltaStage, frames: Frames) -> Frames {
    let (count, width) = (frames.len() as isize, frames[0].len());
    let mut blocks = vec![frames];
    for filter in &stage.filters {
        let half = filter.weights.len() as isize / 2;
        let source = &blocks[filter.source];
        let value = |at: isize, column: usize| {
            let at = match stage.edges {
                DeltaMode::Constant if !(0..count).contains(&at) => return 0.0,
                DeltaMode::Wrap => at.rem_euclid(count),
                DeltaMode::Mirror if count > 1 => {
                    let within = at.rem_euclid(2 * count - 2);
                    within.min(2 * count - 2 - within)
                }
                _ => at.clamp(0, count - 1),
            };
            source[at as usize][column]
        };
        let row = |t: isize| {
            let center = if stage.edges == DeltaMode::Interp { t.clamp(half, count - 1 - half) } else { t };
            let delta = |column| {
                let taps = filter.weights.iter().zip(center - half..);
                taps.map(|(weight, at)| weight * value(at, column)).sum()
            };
            (0..width).map(delta).collect()
        };
        blocks.push((0..count).map(row).collect());
    }
    (0..count as usize).map(|t| blocks.iter().flat_map(|block| block[t].clone()).collect()).collect()
}

fn normalize(normalization: Normalization, frames: &mut Frames) {
    let count = frames.len() as f64;
    for column in 0..frames[0].len() {
        let mean = frames.iter().map(|frame| frame[column]).sum::<f64>() / count;
        let variance = frames.iter().map(|frame| (frame[column] - mean).powi(2)).sum::<f64>() / count;
        let scale = match normalization {
            Normalization::PerUtterance if variance < 1e-20 => 1.0,
            Normalization::PerUtterance => variance.sqrt(),
            Normalization::Cmvn => variance.max(1e-20).sqrt(),
            _ => 1.0,
        };
        frames.iter_mut().for_each(|frame| frame[column] = (frame[column] - mean) / scale);
    }
}

fn stack(config: StackingConfig, frames: &Frames) -> Frames {
    let last = frames.len() as isize - 1;
    let near = |t: isize| {
        let places = t - config.left as isize..=t + config.right as isize;
        places.flat_map(|at| frames[at.clamp(0, last) as usize].clone()).collect()
    };
    (0..=last).step_by(config.every).map(near).collect()
}

fn values(stages: &Stages, samples: &[f32]) -> Frames {
    let mut frames = frames(&stages.framing, &clip(stages, samples));
    if let Some(stage) = &stages.spectrum {
        frames = spectrum(stage, &frames);
    }
    for stage in &stages.frames {
        match stage {
            FrameStage::Deltas(stage) => frames = deltas(stage, frames),
            FrameStage::Normalization(normalization) => normalize(*normalization, &mut frames),
            FrameStage::Stacking(config) => frames = stack(*config, &frames),
        }
    }
    frames
}

const VARIANTS: &[&str] = &[
    "[front_end.librosa-mfcc]\nn_mfcc = 13\nn_fft = 400\nhop_length = 160\nwin_length = 300\nlifter = 22\npad_mode = 'reflect'\nref = 'max'",
    "[front_end.librosa-mel-db]\nn_mels = 40\nn_fft = 400\nhop_length = 160\ncenter = false\ntop_db = 'none'\npower = 1.0",
    "[front_end.librosa-mel-db]\nn_mels = 20\nn_fft = 256\nhop_length = 100\npower = 1.5\nref = 0.5\n[deltas]\norder = 2",
    "scale = 'int16'\n[front_end.psf-mfcc]\nwinfunc = 'hamming'\ndeltas = 2",
    "scale = 'int16'\n[front_end.psf-mfcc]\nappendEnergy = false\nnfft = 256\nceplifter = 0",
    "[front_end.psf-logfbank]\nnfilt = 20\n[deltas]\nkind = 'psf'\norder = 2\n[stacking]\nleft = 2\nright = 1\nevery = 3",
    "normalization = 'per-utterance-mean'\n[front_end.psf-fbank]\npreemph = 0.0",
    "[front_end.kaldi-mfcc]\ndialect = 'torchaudio'\nuse_energy = true\nraw_energy = false\nhtk_compat = true",
    "[front_end.kaldi-mfcc]\nuse_energy = false\nhtk_compat = true\ncmvn = 'meanvar'\ndeltas = 2",
    "[front_end.kaldi-mfcc]\nframe_opts = { snip_edges = false, window_type = 'hamming', round_to_power_of_two = false }",
    "[front_end.kaldi-fbank]\nuse_energy = true\nuse_log_floor = false\neps = 1e-4\nuse_power = false\nmel_opts = { num_bins = 30 }",
    "[front_end.kaldi-fbank]\nuse_log_fbank = false\nframe_opts = { remove_dc_offset = false, preemph_coeff = 0.0 }\nhtk_compat = true",
    "fixed_length_samples = 9000\n[front_end.torchaudio-mfcc]\nlog_mels = true\nmelkwargs = { n_mels = 40, pad = 10, normalized = true }",
    "normalization = 'cmvn'\n[front_end.torchaudio-mel-db]\nn_mels = 30\ntop_db = 40.0\npad_mode = 'constant'\npad = 7\nnorm = 'slaney'",
    "fixed_length_samples = 3000\nnormalization = 'per-utterance'\n[front_end.torchaudio-mel-db]\nn_mels = 30\npower = 1.0\ncenter = false",
    "[front_end.waveform]\nframe_length = 40\nhop_length = 30\n[deltas]\nwidth = 5\nmode = 'mirror'",
    "[front_end.waveform]\nframe_length = 160\nhop_length = 160\n[deltas]\nmode = 'wrap'",
    "[front_end.waveform]\nframe_length = 160\nhop_length = 160\n[deltas]\nmode = 'constant'\nwidth = 3",
];

#[test]
fn stages_give_the_values_of_every_front_end() {
    let presets = PRESETS.iter().map(|preset| preset.at(8000));
    let variants = VARIANTS.iter().map(|text| {
        let text = format!("sample_rate_hz = 8000\n{text}");
        toml::from_str(&text).unwrap_or_else(|error| panic!("{text}: {error}"))
    });
    let sample = |n: i32| ((n * n * 7 + n * 31) % 601 - 300) as f32 / 900.0 + 0.3 * (n as f32 * 0.05).sin();
    let samples: Vec<f32> = (0..5211).map(sample).chain([0.0; 900]).collect();
    for config in presets.chain(variants) {
        let config: FeatureConfig = config;
        let stages = config.stages().unwrap().unwrap();
        let features = config.init().unwrap().extract(&samples).unwrap();
        let expected = values(&stages, &samples);
        assert_eq!((features.frames(), features.width()), (expected.len(), expected[0].len()), "{config:?}");
        for (t, expected) in expected.iter().enumerate() {
            for (got, expected) in features.frame(t).iter().zip(expected) {
                let difference = (f64::from(*got) - expected).abs();
                assert!(difference <= 2e-4 + 2e-4 * expected.abs(), "{config:?} {t}: {got} {expected}");
            }
        }
    }
}
