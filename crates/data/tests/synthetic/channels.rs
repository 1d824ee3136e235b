//! Channels of recordings.

use std::fs;
use std::path::Path;

use stapes_audio::Clip;
use stapes_data::{
    Channel, DataConfig, DataSet, DataStatistics, FrameCache, LoadOptions, Progress, Subset, fingerprint,
    load_with_options,
};
use stapes_features::Features;
use tempfile::TempDir;

/// Returns a WAV file of 16 bits with this number of channels.
pub(crate) fn with_channels(channels: u16, samples: &[i16]) -> Vec<u8> {
    let data: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    let length = data.len() as u32;
    let mut bytes = b"RIFF".to_vec();
    bytes.extend((36 + length).to_le_bytes());
    bytes.extend(b"WAVEfmt \x10\0\0\0\x01\0");
    bytes.extend(channels.to_le_bytes());
    bytes.extend(8000u32.to_le_bytes());
    bytes.extend((16_000 * u32::from(channels)).to_le_bytes());
    bytes.extend((2 * channels).to_le_bytes());
    bytes.extend(b"\x10\0data");
    bytes.extend(length.to_le_bytes());
    bytes.extend(data);
    bytes
}

/// Two classes of stereo recordings: x in channel 0, 3 x in channel 1.
fn stereo() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (number, name) in
        ["a/0.wav", "a/1.wav", "a/2.wav", "b/0.wav", "b/1.wav", "b/2.wav"].iter().enumerate()
    {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let samples: Vec<i16> = (0..160).map(|n| (1000 + 10 * number as i16) * (1 + 2 * (n % 2))).collect();
        fs::write(path, with_channels(2, &samples)).unwrap();
    }
    folder
}

fn config(channel: &str) -> DataConfig {
    toml::from_str(&format!("[folders]\n{channel}")).unwrap()
}

fn open(channel: &str, folder: &Path) -> DataSet {
    config(channel).open(Some(folder)).unwrap()
}

/// Returns the first sample of each recording, and loads with a cache.
fn first_samples(dataset: &DataSet, cache: Option<&FrameCache>) -> Vec<f32> {
    let extract = || |clip: &Clip| -> Result<Features, String> { Ok(Features::new(1, clip.samples.clone())) };
    let indices: Vec<usize> = (0..dataset.examples.len()).collect();
    let options = LoadOptions { cache, ..LoadOptions::default() };
    let loaded = load_with_options(dataset, &indices, options, extract, &Progress::default()).unwrap();
    loaded.features.iter().map(|features| features.values()[0] * 32768.0).collect()
}

#[test]
fn the_channel_of_a_recipe_is_read_everywhere() {
    let folder = stereo();
    let cache = tempfile::tempdir().unwrap();
    let cache = FrameCache::open(cache.path(), "front end".into()).unwrap();
    for (keys, channel, factor) in [
        ("", Channel::Mean, 2.0),
        ("channel = 'mean'", Channel::Mean, 2.0),
        ("channel = 0", Channel::Index(0), 1.0),
        ("channel = 1", Channel::Index(1), 3.0),
    ] {
        let dataset = open(keys, folder.path());
        assert!(dataset.examples.iter().all(|example| example.channel == channel), "{keys}");
        let expected: Vec<f32> = (0..6).map(|number| factor * (1000 + 10 * number) as f32).collect();
        // The second time with cached frames.
        for cache in [None, Some(&cache), Some(&cache)] {
            assert_eq!(first_samples(&dataset, cache), expected, "{keys}");
        }
        let start = dataset.examples[0].read_start(0.005).unwrap().unwrap();
        assert_eq!((start.samples.len(), start.samples[0] * 32768.0), (40, expected[0]), "{keys}");
    }
    let csv = "path,label,start,end\na/0.wav,a,0,0.005\nb/0.wav,b,0.005,\n";
    fs::write(folder.path().join("manifest.csv"), csv).unwrap();
    let manifest: DataConfig = toml::from_str("[manifest]\nchannel = 1").unwrap();
    let segments = manifest.open(Some(folder.path())).unwrap();
    assert_eq!(first_samples(&segments, Some(&cache)), [3000.0, 3090.0]);
}

#[test]
fn the_fingerprint_depends_on_the_channel_unless_it_is_the_mean() {
    let folder = stereo();
    let of = |keys: &str| {
        let config = config(keys);
        let dataset = config.open(Some(folder.path())).unwrap();
        let split = config.split(&dataset, 1).unwrap();
        assert!(!split.subset(Subset::Test).is_empty());
        fingerprint(&dataset, &split)
    };
    // Recorded before there was a choice of the channel.
    assert_eq!(of("validation_fraction = 0.5"), MEAN);
    assert_eq!(of("validation_fraction = 0.5\nchannel = 'mean'"), MEAN);
    let [first, second] =
        [0, 1].map(|channel| of(&format!("validation_fraction = 0.5\nchannel = {channel}")));
    assert!(first != MEAN && second != MEAN && first != second);
}

const MEAN: &str = "aeda6690fdd16204";

#[test]
fn a_file_without_the_channel_is_unreadable() {
    let folder = stereo();
    fs::write(folder.path().join("b/1.wav"), with_channels(1, &[7; 80])).unwrap();
    let dataset = open("channel = 1", folder.path());
    let statistics = DataStatistics::new(&dataset, &Progress::default()).unwrap();
    assert_eq!(statistics.unreadable.len(), 1);
    let (index, reason) = &statistics.unreadable[0];
    assert_eq!(dataset.examples[*index].id, "b/1.wav");
    assert!(reason.starts_with("channel 1 does not exist: the file has 1 channel, and"), "{reason}");
    let extract = || |clip: &Clip| -> Result<Features, String> { Ok(Features::new(1, clip.samples.clone())) };
    let indices: Vec<usize> = (0..6).collect();
    let error = load_with_options(&dataset, &indices, LoadOptions::default(), extract, &Progress::default());
    let error = error.unwrap_err().to_string();
    assert!(error.contains("b/1.wav: channel 1 does not exist: the file has 1 channel"), "{error}");
}

#[test]
fn a_channel_is_written_to_a_recipe_and_another_value_is_rejected() {
    for keys in ["channel = 0", "channel = 3"] {
        let text = toml::to_string(&config(keys)).unwrap();
        assert!(text.contains(keys), "{text}");
        assert_eq!(toml::from_str::<DataConfig>(&text).unwrap(), config(keys));
    }
    assert_eq!(config("channel = 'mean'"), config(""));
    assert!(!toml::to_string(&config("")).unwrap().contains("channel"));
    for value in ["'left'", "-1", "1.5", "true", "[0]"] {
        let error = toml::from_str::<DataConfig>(&format!("[folders]\nchannel = {value}")).unwrap_err();
        assert!(error.message().contains("expected \"mean\", or the number of a channel"), "{error}");
    }
}

#[test]
fn silence_of_one_channel_is_described_by_that_channel() {
    let folder = stereo();
    let write = |name: &str, frame: [i16; 2]| {
        fs::write(folder.path().join(name), with_channels(2, frame.repeat(80).as_slice())).unwrap();
    };
    write("a/dead.wav", [4000, 0]);
    write("a/opposite.wav", [4000, -4000]);
    let silent = |keys: &str| {
        let dataset = open(keys, folder.path());
        let statistics = DataStatistics::new(&dataset, &Progress::default()).unwrap();
        assert_eq!(statistics.channels, [(2, 8)].into());
        let names = |list: &[usize]| -> Vec<String> {
            list.iter().map(|&index| dataset.examples[index].id.clone()).collect()
        };
        [&statistics.silent, &statistics.canceled, &statistics.dead_channel].map(|list| names(list))
    };
    let [dead, opposite] = ["a/dead.wav", "a/opposite.wav"].map(|name| vec![name.to_owned()]);
    assert_eq!(silent(""), [opposite.clone(), opposite, dead.clone()]);
    assert_eq!(silent("channel = 0"), [vec![], vec![], dead.clone()]);
    assert_eq!(silent("channel = 1"), [dead.clone(), vec![], dead]);
}
