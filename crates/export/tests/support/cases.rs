//! Networks of all kinds, small, with cheap front ends.

/// A model for a test.
pub(crate) struct Case {
    pub(crate) features: String,
    pub(crate) network: &'static str,
    pub(crate) classes: usize,
    /// Longest clip; `None` for a stream, or recordings of a fixed length.
    pub(crate) max_seconds: Option<f64>,
}

fn case((features, network, classes, max_seconds): (&str, &'static str, usize, Option<f64>)) -> Case {
    Case { features: features.to_owned(), network, classes, max_seconds }
}

/// Front end whose frames are cheap, and a stream.
pub(crate) const SMALL: &str = "sample_rate_hz = 8000\nnormalization = 'per-coefficient'\n[front_end.kaldi-fbank]\nmel_opts = { num_bins = 12 }";

/// Recurrent networks: all cells, directions and heads.
pub(crate) fn recurrent() -> Vec<Case> {
    let fixed = format!("fixed_length_samples = 1200\n{SMALL}");
    let cases: [(&str, &'static str, usize, Option<f64>); 11] = [
        (SMALL, "[recurrent]\ncell = 'rnn_tanh'\nhidden_size = 5\nhead = 'mean'", 3, None),
        (SMALL, "[recurrent]\ncell = 'rnn_relu'\nhidden_size = 5\nhead = 'max'\nbias = false", 3, None),
        (SMALL, "[recurrent]\ncell = 'gru_reset_before'\nhidden_size = 5\nhead = 'vote'", 3, None),
        (SMALL, "[recurrent]\ncell = 'lstm'\nhidden_size = 5\nhead = 'vote'", 3, Some(0.5)),
        (
            SMALL,
            "[recurrent]\ncell = 'lstm'\nhidden_size = 6\nnum_layers = 3\nbidirectional = true\ndropout = 0.1",
            3,
            Some(0.5),
        ),
        (
            SMALL,
            "[recurrent]\ncell = 'gru'\nhidden_size = 5\nnum_layers = 2\nbidirectional = true\nbidirectional_mode = 'independent'\nhead = 'attention'",
            3,
            Some(0.5),
        ),
        (
            SMALL,
            "[recurrent]\ncell = 'gru'\nhidden_size = 5\nbidirectional = true\nbidirectional_mode = 'shared'\nhead = 'max'\nhead_dropout = 0.2",
            3,
            Some(0.5),
        ),
        (
            SMALL,
            "[recurrent]\ncell = 'gru'\nhidden_size = 5\nbidirectional = true\nhead = 'per_frame'",
            3,
            Some(0.5),
        ),
        (
            SMALL,
            "[recurrent]\ncell = 'gru_reset_before'\nhidden_size = 5\nbidirectional = true\nhead = 'per_frame_binary'",
            2,
            Some(0.5),
        ),
        (&fixed, "[recurrent]\ncell = 'lstm'\nhidden_size = 5\nhead = 'frame_ensemble'", 3, None),
        (
            &fixed,
            "[recurrent]\ncell = 'lstm'\nhidden_size = 5\nbidirectional = true\nhead = 'concatenate'",
            3,
            None,
        ),
    ];
    cases.map(case).into()
}

/// Convolutional networks, also with recurrent layers.
pub(crate) fn convolutional() -> Vec<Case> {
    let mel = |frames: &str| {
        format!(
            "sample_rate_hz = 8000\nnormalization = 'per-coefficient'\n{frames}[front_end.librosa-mfcc]\nn_fft = 256\nhop_length = 80\nn_mfcc = 40\nn_mels = 40"
        )
    };
    let cases: [(&str, &'static str, usize, Option<f64>); 12] = [
        (SMALL, "[cdnn]\nfilters = 3\nhidden_size = 4", 2, None),
        (SMALL, "[cdnn]\nfilters = 3\nhidden_size = 4", 2, Some(0.5)),
        (
            "sample_rate_hz = 8000\nnormalization = 'per-utterance'\n[front_end.waveform]\nframe_length = 240\nhop_length = 80",
            "[cdnn-raw]\nwindow_samples = 201",
            2,
            Some(0.5),
        ),
        (
            "sample_rate_hz = 8000\nfixed_length_samples = 1500\n[front_end.waveform]\nframe_length = 1500\nhop_length = 1500",
            "[wave-cnn]\nbatch_norm = true",
            3,
            None,
        ),
        ("sample_rate_hz = 8000\nfixed_length_samples = 1500\n[front_end.waveform]", "[wave-cnn]", 3, None),
        (&mel("fixed_length_samples = 4000\n"), "[mfcc-cnn]", 3, None),
        (&mel(""), "[ds-cnn]", 3, Some(0.5)),
        (&mel(""), "[tc-resnet]", 3, Some(0.5)),
        (&mel(""), "[bc-resnet]", 3, Some(0.5)),
        (&mel(""), "[attention-rnn]", 3, Some(0.5)),
        (&mel(""), "[crnn]\nfilters = 4\nhidden_size = 5\nfc_size = 16", 3, Some(0.5)),
        (SMALL, "[crnn]\nfilters = 4\nhidden_size = 5\nfc_size = 16", 3, None),
    ];
    cases.map(case).into()
}

/// Settings of all front ends, normalized; true for those that need the whole clip.
pub(crate) fn front_ends() -> Vec<(String, bool)> {
    let cases: [(&str, bool); 21] = [
        ("[front_end.librosa-mel-db]\nn_fft = 512\nhop_length = 160\nref = 'max'\nn_mels = 30", true),
        (
            "[front_end.librosa-mel-db]\nn_fft = 512\nhop_length = 160\nref = 0.01\npower = 1\ntop_db = 'none'\ncenter = false",
            false,
        ),
        (
            "[front_end.librosa-mfcc]\nn_fft = 400\nhop_length = 160\npad_mode = 'reflect'\nlifter = 22\nhtk = true",
            true,
        ),
        ("scale = 'int16'\n[front_end.psf-mfcc]\ndeltas = 2", false),
        (
            "scale = 'int16'\n[front_end.psf-mfcc]\nwinfunc = 'hamming'\nappendEnergy = false\nnfft = 'auto'\nwinstep = 0.03",
            false,
        ),
        ("[front_end.psf-logfbank]\n[deltas]\nkind = 'psf'\norder = 2", true),
        ("[front_end.psf-fbank]\nnfft = 300", true),
        (
            "scale = 'int16'\n[front_end.kaldi-fbank]\nframe_opts = { snip_edges = false }\nuse_energy = true",
            true,
        ),
        ("scale = 'int16'\n[front_end.kaldi-mfcc]\nhtk_compat = true\ndeltas = 2\nraw_energy = false", false),
        (
            "scale = 'int16'\n[front_end.kaldi-mfcc]\ndialect = 'torchaudio'\ncmvn = 'meanvar'\ndeltas = 1",
            true,
        ),
        ("[front_end.kaldi-fbank]\nuse_power = false\nuse_log_floor = false\n[deltas]\norder = 2", false),
        ("[front_end.torchaudio-mfcc]\nn_mfcc = 13\nmelkwargs = { n_mels = 40 }", true),
        (
            "[front_end.torchaudio-mfcc]\nn_mfcc = 13\nlog_mels = true\nmelkwargs = { n_mels = 40, center = false, pad = 50, power = 1.5 }",
            false,
        ),
        ("[front_end.torchaudio-mel-db]\nn_fft = 401\nn_mels = 20\nnormalized = true", true),
        ("[front_end.kaldi-fbank]\n[stacking]\nleft = 2\nright = 1\nevery = 3", false),
        ("[front_end.kaldi-fbank]\n[stacking]\nleft = 2\nright = 1\nevery = 3", true),
        ("[front_end.kaldi-fbank]\n[deltas]\nmode = 'mirror'\n[stacking]\nleft = 1", true),
        ("normalization = 'per-utterance-mean'\n[front_end.kaldi-fbank]\n[deltas]\nmode = 'constant'", true),
        ("normalization = 'cmvn'\n[front_end.librosa-mfcc]", true),
        ("fixed_length_samples = 9000\n[front_end.kaldi-fbank]", false),
        ("fixed_length_samples = 9000\n[front_end.psf-mfcc]", true),
    ];
    let normalized = |features: &str| match features.contains("normalization") {
        true => features.to_owned(),
        false => format!("normalization = 'per-coefficient'\n{features}"),
    };
    cases.map(|(features, clip)| (normalized(features), clip)).into()
}
