//! Features, model and training of a first recipe.

use std::fmt::Write as _;

use stapes_data::Lengths;
use stapes_report::pluralize;

use super::{Facts, Task};

/// Number of optimizer steps of a training; the built-in recipes for few speakers have as many.
const STEPS: usize = 2400;
const BATCH_SIZE: usize = 32;

/// Sections of features, augmentation, model and training, with their reasons.
pub(super) struct ModelSection {
    pub(super) text: String,
    pub(super) features: String,
    pub(super) training: String,
}

impl Facts<'_> {
    /// Chooses the model for this number of training examples. The settings are those of the built-in recipes `fsdd-speakers`
    /// (new speakers), `fsdd-gru` (known speakers), `upc-vad` (labels per frame) and `handwriting` (arrays of frames).
    pub(super) fn model_section(&self, train: usize, has_speakers: bool) -> ModelSection {
        let steps = train.div_ceil(BATCH_SIZE).max(1);
        let epochs = STEPS.div_ceil(steps).clamp(20, 200);
        if let Some(lengths) = self.statistics.frames {
            return self.sequences_section(&lengths, steps, epochs);
        }
        let rate_hz = self.rate_hz();
        let rate = match self.statistics.rates_hz.keys().next_back() {
            Some(&highest) if highest > rate_hz => {
                format!("{rate_hz} Hz (the recordings have up to {highest} Hz)")
            }
            _ => format!("{rate_hz} Hz, the rate of the recordings"),
        };
        if self.task == Task::Frames {
            return self.frames_section(rate_hz, &rate);
        }
        let head = if self.task == Task::Sequences { "mean" } else { "max" };
        let (normalization, why) = match has_speakers {
            true => (
                "per-utterance",
                "normalized per recording, because new speakers have other levels and microphones",
            ),
            false => ("per-coefficient", "normalized over the training data"),
        };
        let mut text = format!(
            "[features]\npreset = \"log-mel\" # 40 bands in decibels, 25 ms windows every 10 ms\n\
             sample_rate_hz = {rate_hz}\nnormalization = \"{normalization}\"\n"
        );
        if has_speakers {
            text += "front_end.librosa-mel-db.top_db = 40.0 # floor below the maximum: hides room noise\n";
        } else {
            text += "\n[augment.spec_augment]\ntime_masks = 2\ntime_frames = 8\nfeature_masks = 2\nfeature_width = 7\n";
        }
        let dropout = if has_speakers { 0.5 } else { 0.3 };
        let _ = write!(
            text,
            "\n[model.recurrent]\ncell = \"gru\"\nhidden_size = 64\nnum_layers = 2\nbidirectional = true\n\
             dropout = {dropout}\nhead = \"{head}\"\nhead_dropout = {dropout}\n\n\
             [train]\nbatch_size = {BATCH_SIZE}\nepochs = {epochs}\noptimizer = \"adamw\"\nlearning_rate = 3e-3\n\
             schedule = \"cosine\"\nmax_grad_norm = 1.0\nweight_decay = 0.01\n"
        );
        if has_speakers {
            text += "mixup = 0.3\nlabel_smoothing = 0.1\n";
        }
        ModelSection {
            text,
            features: format!("40 log-mel bands every 10 ms at {rate}; {why}"),
            training: format!(
                "two bidirectional GRU layers of 64 units, {epochs} epochs of {}, as in the built-in recipe {}",
                pluralize(steps as u64, "step"),
                if has_speakers { "fsdd-speakers" } else { "fsdd-gru" }
            ),
        }
    }

    /// Chooses the model for arrays of frames of these lengths.
    fn sequences_section(&self, lengths: &Lengths, steps: usize, epochs: usize) -> ModelSection {
        let text = format!(
            "[frames]\nnormalization = \"per-coefficient\" # every value, over the training data\n\n\
             [model.recurrent]\ncell = \"gru\"\nhidden_size = 64\nnum_layers = 2\nbidirectional = true\n\
             dropout = 0.3\nhead = \"max\"\nhead_dropout = 0.3\n\n\
             [train]\nbatch_size = {BATCH_SIZE}\nepochs = {epochs}\noptimizer = \"adamw\"\nlearning_rate = 3e-3\n\
             schedule = \"cosine\"\nmax_grad_norm = 1.0\nweight_decay = 0.01\n"
        );
        let width = self.config.frame_width().unwrap_or_default();
        ModelSection {
            text,
            features: format!(
                "frames of {}, {} to {} per sequence; normalized over the training data",
                pluralize(width as u64, "value"),
                lengths.min,
                pluralize(lengths.max as u64, "frame"),
            ),
            training: format!(
                "two bidirectional GRU layers of 64 units, {epochs} epochs of {}, as in the built-in recipe handwriting",
                pluralize(steps as u64, "step")
            ),
        }
    }

    fn frames_section(&self, rate_hz: u32, rate: &str) -> ModelSection {
        let (head, what) = match self.dataset.classes.len() {
            2 => ("per_frame_binary", "two classes"),
            _ => ("per_frame", "several classes"),
        };
        let text = format!(
            "[features]\nsample_rate_hz = {rate_hz}\nscale = \"int16\"\nnormalization = \"per-coefficient\"\n\n\
             [features.front_end.kaldi-fbank] # 25 ms windows every 10 ms\nmel_opts = {{ num_bins = 40 }}\n\n\
             [augment.level] # in standard deviations; imitates other levels and microphones\noffset = 1.0\nslope = 0.3\n\n\
             [model.recurrent] # causal: runs on a stream\ncell = \"lstm\"\nhidden_size = 128\nhead = \"{head}\"\n\
             head_dropout = 0.3\n\n\
             [train]\nbatch_size = 8\nepochs = 20\nsegment_frames = 300 # 3 s\noptimizer = \"adamw\"\n\
             learning_rate = 2e-3\nschedule = \"cosine\"\nmax_grad_norm = 1.0\nweight_decay = 0.01\n"
        );
        ModelSection {
            text,
            features: format!(
                "40 log-mel bands (Kaldi) every 10 ms at {rate}; normalized over the training data"
            ),
            training: format!(
                "a causal LSTM of 128 units with a decision per frame ({what}), 20 epochs of segments of 3 s, as in the built-in \
                 recipe upc-vad"
            ),
        }
    }
}
