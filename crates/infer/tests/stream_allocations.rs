//! A stream allocates nothing once it runs.

use allocation_counter::measure;
use stapes_features::FeatureConfig;
use stapes_infer::{Model, StreamClassifier};
use stapes_nn::ModelConfig;

#[test]
fn a_stream_allocates_nothing_after_its_first_second() {
    let front_ends = [
        "[front_end.librosa-mfcc]\nn_mfcc = 20\nn_fft = 512\nhop_length = 160\ncenter = false\ntop_db = 'none'",
        "[front_end.kaldi-fbank]",
        "[front_end.kaldi-mfcc]\n[deltas]\norder = 1\nkind = 'kaldi'",
    ];
    let networks = ["cell = 'lstm'", "cell = 'gru'\nnum_layers = 2", "cell = 'rnn_tanh'"];
    for (front_end, network) in
        front_ends.iter().flat_map(|front_end| networks.map(|network| (front_end, network)))
    {
        let features: FeatureConfig = toml::from_str(front_end).unwrap();
        let config = format!("[recurrent]\nhidden_size = 64\nhead = 'per_frame_binary'\n{network}");
        let config: ModelConfig = toml::from_str(&config).unwrap();
        let model = Model::untrained(features, config, vec!["silence".into(), "speech".into()], 1).unwrap();
        let samples: Vec<f32> = (0..16_000).map(|n| 0.3 * (n as f32 * 0.05).sin()).collect();
        let mut stream = StreamClassifier::new(&model).unwrap();
        let mut frames = 0;
        let mut second = |frames: &mut usize| {
            for chunk in samples.chunks(160) {
                stream.push(chunk, |_| *frames += 1).unwrap();
            }
        };
        let first = measure(|| second(&mut frames));
        let before = frames;
        let later = measure(|| second(&mut frames));
        assert!(first.count_total > 0, "{front_end} {network}");
        assert_eq!(frames - before, 100, "{front_end} {network}");
        assert_eq!(later.count_total, 0, "{front_end} {network}");
    }
}
