//! Front ends as calls of the toolkits that they reproduce.

use stapes_features::{
    DctNorm, FeatureConfig, FrontEndConfig, KaldiDialect, KaldiFbankConfig, KaldiFrameConfig,
    KaldiMfccConfig, KaldiWindow, LibrosaMelConfig, LibrosaMelDbConfig, LibrosaMfccConfig, MelNorm, MelScale,
    PadMode, PsfFbankConfig, PsfMfccConfig, PsfWindow, Reference, SpectrumNorm, Stages, TorchaudioMelConfig,
    TorchaudioMelDbConfig, TorchaudioMfccConfig, WaveformConfig, Window,
};

use super::python::{INDENT, argument, call, flag, number, optional, quoted};
use crate::error::ExportError;

/// Lines that compute `frames` from `samples`.
pub(super) struct Toolkit {
    /// Name of the package, as pip installs it; `None` if NumPy is enough.
    pub package: Option<&'static str>,
    /// Name of the module to import.
    pub import: Option<&'static str>,
    /// Statements.
    pub lines: String,
}

/// Returns the calls for a front end.
///
/// # Errors
/// [`ExportError::Setting`] if the toolkit has no such setting, [`ExportError::Input`] for an unknown front end.
pub(super) fn toolkit(config: &FeatureConfig, stages: &Stages) -> Result<Toolkit, ExportError> {
    let of = |name: &'static str, lines: String| Toolkit { package: Some(name), import: Some(name), lines };
    let psf = |lines| of("python_speech_features", lines);
    let kaldi = |dialect, lines| match dialect {
        KaldiDialect::Torchaudio => {
            Toolkit { package: Some("torchaudio"), import: Some("torchaudio.compliance.kaldi"), lines }
        }
        _ => Toolkit { package: Some("kaldi-native-fbank"), import: Some("kaldi_native_fbank"), lines },
    };
    Ok(match &config.front_end {
        FrontEndConfig::LibrosaMfcc(mfcc) => of("librosa", librosa_mfcc(mfcc)),
        FrontEndConfig::LibrosaMelDb(mel) => of("librosa", librosa_mel_db(mel, "frames", ".T")),
        FrontEndConfig::PsfMfcc(mfcc) => psf(psf_mfcc(mfcc, points(stages))),
        FrontEndConfig::PsfLogFbank(log) => psf(psf_log_fbank(&log.fbank, points(stages))),
        FrontEndConfig::PsfFbank(fbank) => psf(psf_fbank(fbank, points(stages))),
        FrontEndConfig::KaldiMfcc(mfcc) => kaldi(mfcc.dialect, kaldi_mfcc(mfcc)),
        FrontEndConfig::KaldiFbank(fbank) => kaldi(fbank.dialect, kaldi_fbank(fbank)?),
        FrontEndConfig::TorchaudioMfcc(mfcc) => of("torchaudio", torchaudio_mfcc(mfcc)),
        FrontEndConfig::TorchaudioMelDb(mel) => of("torchaudio", torchaudio_mel_db(mel)),
        FrontEndConfig::Waveform(frames) => Toolkit { package: None, import: None, lines: waveform(frames) },
        _ => return Err(ExportError::Input("the front end is not one of a toolkit in Python")),
    })
}

/// Returns the length of the transform.
fn points(stages: &Stages) -> usize {
    stages.spectrum.as_ref().map_or(0, |spectrum| spectrum.points)
}

fn dct_norm(norm: DctNorm) -> &'static str {
    match norm {
        DctNorm::Ortho => "\"ortho\"",
        DctNorm::None => "None",
    }
}

fn mel_norm(norm: MelNorm) -> String {
    match norm {
        MelNorm::Slaney => quoted("slaney"),
        MelNorm::None => "None".into(),
        MelNorm::P(p) => number(p),
    }
}

fn pad_mode(mode: PadMode) -> &'static str {
    match mode {
        PadMode::Constant => "\"constant\"",
        PadMode::Reflect => "\"reflect\"",
    }
}

fn length(length: Option<usize>) -> String {
    length.map_or("None".into(), |length| length.to_string())
}

fn librosa_mel(mel: &LibrosaMelConfig) -> String {
    let window = match mel.window {
        Window::Hamming => "hamming",
        Window::Blackman => "blackman",
        Window::Rectangular => "boxcar",
        _ => "hann",
    };
    let arguments = [
        "y=samples".into(),
        "sr=SAMPLE_RATE".into(),
        argument("n_fft", mel.n_fft),
        argument("hop_length", mel.hop_length),
        argument("win_length", length(mel.win_length)),
        argument("window", quoted(window)),
        argument("center", flag(mel.center)),
        argument("pad_mode", pad_mode(mel.pad_mode)),
        argument("power", number(mel.power)),
        argument("n_mels", mel.n_mels),
        argument("fmin", number(mel.fmin)),
        argument("fmax", optional(mel.fmax)),
        argument("htk", flag(mel.htk)),
        argument("norm", mel_norm(mel.norm)),
    ];
    call("mel = librosa.feature.melspectrogram", &arguments, "")
}

/// Returns the lines of power_to_db.
fn power_to_db((reference, amin, top_db): (Reference, f64, Option<f64>), name: &str, after: &str) -> String {
    let reference = match reference {
        Reference::Power(power) => number(power),
        Reference::Max => "np.max".into(),
    };
    let arguments = [
        "mel".into(),
        argument("ref", reference),
        argument("amin", number(amin)),
        argument("top_db", optional(top_db)),
    ];
    call(&format!("{name} = librosa.power_to_db"), &arguments, after)
}

fn librosa_mel_db(config: &LibrosaMelDbConfig, name: &str, after: &str) -> String {
    let decibels = (config.reference, config.amin, config.top_db);
    librosa_mel(&config.mel()) + &power_to_db(decibels, name, after)
}

fn librosa_mfcc(config: &LibrosaMfccConfig) -> String {
    let decibels = (config.reference, config.amin, config.top_db);
    let arguments = [
        "S=decibels".into(),
        argument("n_mfcc", config.n_mfcc),
        argument("norm", dct_norm(config.norm)),
        argument("lifter", number(config.lifter)),
    ];
    let mfcc = call("frames = librosa.feature.mfcc", &arguments, ".T");
    librosa_mel(&config.mel()) + &power_to_db(decibels, "decibels", "") + &mfcc
}

/// Returns the arguments of python_speech_features.fbank without the window.
fn psf_arguments(fbank: &PsfFbankConfig, points: usize) -> Vec<String> {
    vec![
        // Of 32-bit samples, the toolkit would compute the pre-emphasis in 32 bits.
        "samples.astype(np.float64)".into(),
        "SAMPLE_RATE".into(),
        argument("winlen", number(fbank.winlen)),
        argument("winstep", number(fbank.winstep)),
        argument("nfilt", fbank.nfilt),
        argument("nfft", points),
        argument("lowfreq", number(fbank.lowfreq)),
        argument("highfreq", optional(fbank.highfreq)),
        argument("preemph", number(fbank.preemph)),
    ]
}

fn psf_window(window: PsfWindow) -> String {
    let name = match window {
        PsfWindow::Hamming => "hamming",
        PsfWindow::Hanning => "hanning",
        PsfWindow::Blackman => "blackman",
        PsfWindow::Bartlett => "bartlett",
        _ => "ones",
    };
    argument("winfunc", format!("np.{name}"))
}

fn psf_mfcc(mfcc: &PsfMfccConfig, points: usize) -> String {
    let mut arguments = psf_arguments(&mfcc.fbank(), points);
    arguments.extend([
        argument("numcep", mfcc.numcep),
        argument("ceplifter", number(mfcc.ceplifter)),
        argument("appendEnergy", flag(mfcc.append_energy)),
        psf_window(mfcc.winfunc),
    ]);
    call("frames = python_speech_features.mfcc", &arguments, "")
}

fn psf_fbank(fbank: &PsfFbankConfig, points: usize) -> String {
    let mut arguments = psf_arguments(fbank, points);
    arguments.push(psf_window(fbank.winfunc));
    call("frames, _ = python_speech_features.fbank", &arguments, "")
}

fn psf_log_fbank(fbank: &PsfFbankConfig, points: usize) -> String {
    match fbank.winfunc {
        PsfWindow::Rectangular => {
            call("frames = python_speech_features.logfbank", &psf_arguments(fbank, points), "")
        }
        // logfbank of version 0.6 has no window.
        _ => psf_fbank(fbank, points) + &format!("{INDENT}frames = np.log(frames)\n"),
    }
}

fn kaldi_window(window: KaldiWindow) -> String {
    quoted(match window {
        KaldiWindow::Hanning => "hanning",
        KaldiWindow::Hamming => "hamming",
        KaldiWindow::Hann => "hann",
        KaldiWindow::Rectangular => "rectangular",
        KaldiWindow::Sine => "sine",
        KaldiWindow::Blackman => "blackman",
        _ => "povey",
    })
}

/// Settings of frames, bands and the energy: the name in kaldi_native_fbank, the name in torchaudio, the value.
type KaldiSettings = Vec<(&'static str, &'static str, String)>;

fn kaldi_settings(fbank: &KaldiFbankConfig) -> KaldiSettings {
    let KaldiFrameConfig {
        frame_shift_ms,
        frame_length_ms,
        dither,
        preemph_coeff,
        remove_dc_offset,
        window_type,
        ..
    } = fbank.frame_opts;
    let (frame, mel) = (&fbank.frame_opts, &fbank.mel_opts);
    // Defaults of the two dialects.
    let floor = if fbank.dialect == KaldiDialect::Torchaudio { 1.0 } else { 0.0 };
    let mut settings = vec![
        ("frame_opts.samp_freq", "sample_frequency", "SAMPLE_RATE".into()),
        ("frame_opts.dither", "dither", number(dither)),
        ("frame_opts.frame_length_ms", "frame_length", number(frame_length_ms)),
        ("frame_opts.frame_shift_ms", "frame_shift", number(frame_shift_ms)),
        ("frame_opts.preemph_coeff", "preemphasis_coefficient", number(preemph_coeff)),
        ("frame_opts.remove_dc_offset", "remove_dc_offset", flag(remove_dc_offset).into()),
        ("frame_opts.window_type", "window_type", kaldi_window(window_type)),
        (
            "frame_opts.round_to_power_of_two",
            "round_to_power_of_two",
            flag(frame.round_to_power_of_two).into(),
        ),
        ("frame_opts.snip_edges", "snip_edges", flag(frame.snip_edges).into()),
        ("mel_opts.num_bins", "num_mel_bins", mel.num_bins.to_string()),
        ("mel_opts.low_freq", "low_freq", number(mel.low_freq)),
        ("mel_opts.high_freq", "high_freq", number(mel.high_freq)),
        ("use_energy", "use_energy", flag(fbank.use_energy).into()),
        ("energy_floor", "energy_floor", number(fbank.energy_floor.unwrap_or(floor))),
        ("raw_energy", "raw_energy", flag(fbank.raw_energy).into()),
        ("htk_compat", "htk_compat", flag(fbank.htk_compat).into()),
    ];
    if window_type == KaldiWindow::Blackman {
        settings.push(("frame_opts.blackman_coeff", "blackman_coeff", number(frame.blackman_coeff)));
    }
    settings
}

fn kaldi_mfcc(mfcc: &KaldiMfccConfig) -> String {
    let mut settings = kaldi_settings(&mfcc.fbank());
    settings.extend([
        ("num_ceps", "num_ceps", mfcc.num_ceps.to_string()),
        ("cepstral_lifter", "cepstral_lifter", number(mfcc.cepstral_lifter)),
    ]);
    match mfcc.dialect {
        KaldiDialect::Torchaudio => compliance_lines("mfcc", &settings),
        _ => native_lines("mfcc", "Mfcc", &settings),
    }
}

fn kaldi_fbank(fbank: &KaldiFbankConfig) -> Result<String, ExportError> {
    let mut settings = kaldi_settings(fbank);
    settings.extend([
        ("use_log_fbank", "use_log_fbank", flag(fbank.use_log_fbank).into()),
        ("use_power", "use_power", flag(fbank.use_power).into()),
    ]);
    if fbank.dialect != KaldiDialect::Torchaudio {
        settings.push(("use_log_floor", "", flag(fbank.use_log_floor).into()));
        settings.push(("eps", "", number(fbank.eps)));
        return Ok(native_lines("fbank", "Fbank", &settings));
    }
    let missing = |setting: String, advice| {
        Err(ExportError::Setting { toolkit: "torchaudio.compliance.kaldi", setting, advice })
    };
    if fbank.use_log_fbank && !fbank.use_log_floor {
        return missing("use_log_floor = false".into(), "use true, or dialect = \"kaldi-native-fbank\"");
    }
    if fbank.use_log_fbank && fbank.eps as f32 != f32::EPSILON {
        let advice = "use 1.1920929e-7, or dialect = \"kaldi-native-fbank\"";
        return missing(format!("eps = {:?}", fbank.eps), advice);
    }
    Ok(compliance_lines("fbank", &settings))
}

fn native_lines(name: &str, class: &str, settings: &KaldiSettings) -> String {
    let mut lines = format!("{INDENT}options = kaldi_native_fbank.{class}Options()\n");
    for (option, _, value) in settings {
        lines += &format!("{INDENT}options.{option} = {value}\n");
    }
    lines
        + &format!(
            "{INDENT}{name} = kaldi_native_fbank.Online{class}(options)\n\
             {INDENT}{name}.accept_waveform(SAMPLE_RATE, samples.tolist())\n\
             {INDENT}{name}.input_finished()\n\
             {INDENT}if {name}.num_frames_ready == 0:\n\
             {INDENT}{INDENT}raise ValueError(f\"{{len(samples)}} samples are too few for a frame\")\n\
             {INDENT}frames = np.stack([{name}.get_frame(t) for t in range({name}.num_frames_ready)])\n"
        )
}

fn compliance_lines(name: &str, settings: &KaldiSettings) -> String {
    let mut arguments = vec!["torch.from_numpy(samples)[None]".to_owned()];
    arguments.extend(settings.iter().map(|(_, name, value)| argument(name, value)));
    call(&format!("frames = torchaudio.compliance.kaldi.{name}"), &arguments, ".numpy()")
}

/// Returns the arguments of torchaudio.transforms.MelSpectrogram without the sample rate.
fn torchaudio_mel(mel: &TorchaudioMelConfig) -> Vec<String> {
    let window = match mel.window {
        Window::Hamming => "torch.hamming_window",
        Window::Blackman => "torch.blackman_window",
        Window::Rectangular => "torch.ones",
        _ => "torch.hann_window",
    };
    let normalized = match mel.normalized {
        SpectrumNorm::None => "False",
        SpectrumNorm::Window => "True",
        SpectrumNorm::FrameLength => "\"frame_length\"",
    };
    vec![
        argument("n_fft", mel.n_fft),
        argument("win_length", length(mel.win_length)),
        argument("hop_length", length(mel.hop_length)),
        argument("f_min", number(mel.f_min)),
        argument("f_max", optional(mel.f_max)),
        argument("pad", mel.pad),
        argument("n_mels", mel.n_mels),
        argument("window_fn", window),
        argument("power", number(mel.power)),
        argument("normalized", normalized),
        argument("center", flag(mel.center)),
        argument("pad_mode", pad_mode(mel.pad_mode)),
        argument("norm", mel_norm(mel.norm)),
        argument("mel_scale", quoted(if mel.mel_scale == MelScale::Slaney { "slaney" } else { "htk" })),
    ]
}

fn to_decibels(top_db: Option<f64>) -> String {
    format!("torchaudio.transforms.AmplitudeToDB(\"power\", top_db={})", optional(top_db))
}

fn torchaudio_mel_db(config: &TorchaudioMelDbConfig) -> String {
    let mut arguments = vec!["sample_rate=SAMPLE_RATE".to_owned()];
    arguments.extend(torchaudio_mel(&config.mel()));
    call("mel = torchaudio.transforms.MelSpectrogram", &arguments, "")
        + &format!(
            "{INDENT}to_decibels = {}\n{INDENT}frames = to_decibels(mel(torch.from_numpy(samples))).T.numpy()\n",
            to_decibels(config.top_db)
        )
}

/// Range of torchaudio's MFCC below the maximum, which is not an argument, dB.
const MFCC_TOP_DB: Option<f64> = Some(80.0);

fn torchaudio_mfcc(config: &TorchaudioMfccConfig) -> String {
    let arguments = [
        "sample_rate=SAMPLE_RATE".to_owned(),
        argument("n_mfcc", config.n_mfcc),
        argument("norm", dct_norm(config.norm)),
        argument("log_mels", flag(config.log_mels)),
        "melkwargs=mel".to_owned(),
    ];
    let mut lines = call("mel = dict", &torchaudio_mel(&config.melkwargs), "");
    lines += &call("mfcc = torchaudio.transforms.MFCC", &arguments, "");
    if !config.log_mels && config.top_db != MFCC_TOP_DB {
        lines += &format!("{INDENT}mfcc.amplitude_to_DB = {}\n", to_decibels(config.top_db));
    }
    lines + &format!("{INDENT}frames = mfcc(torch.from_numpy(samples)).T.numpy()\n")
}

fn waveform(config: &WaveformConfig) -> String {
    let WaveformConfig { frame_length, hop_length } = config;
    format!(
        "{INDENT}frames = np.lib.stride_tricks.sliding_window_view(samples, {frame_length})[::{hop_length}]\n"
    )
}
