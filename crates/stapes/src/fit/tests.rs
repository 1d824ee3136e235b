use super::*;

fn frames(count: usize) -> Vec<Features> {
    (0..count).map(|n| Features::new(2, vec![n as f32; 6])).collect()
}

#[test]
fn a_split_moves_the_fraction_of_each_class_and_keeps_pairs() {
    let labels = (0..40).map(|n| usize::from(n >= 30)).collect();
    let data = InMemoryDataset::from_frames(frames(40), labels, ["a", "b"]).unwrap();
    let (train, validation) = data.split(0.2, 3);
    assert_eq!((train.len(), validation.len()), (32, 8));
    assert_eq!(validation.labels.iter().filter(|&&label| label == 1).count(), 2);
    for part in [train, validation] {
        for (frames, label) in part.features.iter().zip(&part.labels) {
            assert_eq!(usize::from(frames.frame(0)[0] >= 30.0), *label);
        }
    }
}

#[test]
fn a_split_leaves_an_example_of_each_class() {
    let data = InMemoryDataset::from_frames(frames(3), vec![0, 0, 1], ["a", "b"]).unwrap();
    let (train, validation) = data.clone().split(0.9, 3);
    assert_eq!((train.len(), validation.len()), (2, 1));
    assert_eq!(data.split(1.0, 3).0.len(), 0);
}

#[test]
fn clips_of_a_fixed_length_train_a_model_that_needs_one() {
    let tone = |n: usize| Clip {
        samples: (0..800 + n).map(|t| (t as f32 * (0.1 + 0.2 * (n % 2) as f32)).sin()).collect(),
        sample_rate_hz: 8000,
    };
    let clips: Vec<Clip> = (0..12).map(tone).collect();
    let front_end = "sample_rate_hz = 8000\nfixed_length_samples = 800\n[front_end.waveform]";
    let labels = (0..12).map(|n| n % 2).collect();
    let data =
        InMemoryDataset::from_clips(&clips, labels, ["low", "high"], toml::from_str(front_end).unwrap());
    let (train, validation) = data.unwrap().split(0.2, 1);
    let model: ModelConfig = toml::from_str("[wave-cnn]").unwrap();
    let fitted = Trainer::new(model, TrainConfig { epochs: 1, ..Default::default() });
    let model = fitted.fit(&train, &validation).unwrap().model;
    assert_eq!(model.shape.length(), Some(800));
    assert_eq!(Model::from_bytes(&model.to_bytes().unwrap(), "model".as_ref()).unwrap(), model);
}

#[test]
fn a_stop_ends_the_computation_of_features() {
    let clips = vec![Clip { samples: vec![0.5; 800], sample_rate_hz: 8000 }; 12];
    let features: FeatureConfig = toml::from_str("sample_rate_hz = 8000\n[front_end.waveform]").unwrap();
    let stopped = |stop: bool| {
        let labels = (0..12).map(|n| n % 2).collect();
        let stop = AtomicBool::new(stop);
        InMemoryDataset::from_clips_with(&clips, labels, ["low", "high"], features.clone(), &stop)
    };
    let error = stopped(true).unwrap_err();
    assert!(error.is_stop() && error.to_string() == "stopped after 0 of 12 examples", "{error}");
    assert_eq!(stopped(false).unwrap().len(), 12);
}

#[test]
fn a_group_is_in_one_part_only() {
    let labels = (0..40).map(|n| n % 2).collect();
    let data = InMemoryDataset::from_frames(frames(40), labels, ["a", "b"]).unwrap();
    let groups: Vec<String> = (0..40).map(|n| format!("speaker {}", n / 5)).collect();
    for seed in 0..5 {
        let (train, validation) = data.clone().split_by_group(&groups, 0.3, seed).unwrap();
        assert_eq!((train.len(), validation.len()), (30, 10));
        let speakers = |part: &InMemoryDataset| -> BTreeSet<usize> {
            part.features.iter().map(|frames| frames.frame(0)[0] as usize / 5).collect()
        };
        assert!(speakers(&train).is_disjoint(&speakers(&validation)));
    }
    let one = vec!["one".to_owned(); 40];
    assert_eq!(data.clone().split_by_group(&one, 0.3, 1).unwrap().1.len(), 0);
    assert!(data.split_by_group(&one[1..], 0.3, 1).unwrap_err().to_string().contains("39 groups"));
}

#[test]
fn examples_that_do_not_fit_are_errors() {
    let error = |frames, labels, classes: &[&str]| {
        InMemoryDataset::from_frames(frames, labels, classes.iter().copied()).unwrap_err().to_string()
    };
    assert!(error(frames(3), vec![0, 1], &["a", "b"]).contains("3 examples and 2 labels"));
    assert!(error(frames(2), vec![0, 2], &["a", "b"]).contains("example 1 has the label 2"));
    assert!(error(frames(2), vec![0, 0], &["a"]).contains("1 classes"));
    let mixed = vec![Features::new(1, vec![0.0]), Features::new(2, vec![0.0; 2])];
    assert!(error(mixed, vec![0, 1], &["a", "b"]).contains("example 1 has 2 values per frame"));
}
