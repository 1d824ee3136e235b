//! Example of a new front end, compiled for tests only: this file and one line of the registry are all it needs.

use crate::check::require_within;
use crate::front_end_kind::{ClipExtractor, FrontEndKind, StreamExtractor};
use crate::settings_macro::config;
use crate::stream::{UncenteredFrames, check_finite};
use crate::{Extractor, FeatureError, Streaming};

config! {
    /// Mean magnitude of each frame.
    pub struct DummyConfig {
        /// Length of a frame, and hop between frames.
        length: usize = 80, "samples";
    }
}

impl FrontEndKind for DummyConfig {
    fn extractor(&self, _sample_rate_hz: u32) -> Result<Box<dyn ClipExtractor>, FeatureError> {
        require_within("length", self.length, 1, 1000)?;
        Ok(Box::new(Dummy { length: self.length }))
    }

    fn streaming_extractor(&self, _sample_rate_hz: u32) -> Result<Box<dyn StreamExtractor>, FeatureError> {
        let frames = UncenteredFrames { length: self.length, hop: self.length, pad: 0 };
        Ok(Box::new(Streaming::<_, f32>::new(Dummy { length: self.length }, frames)))
    }

    fn hop(&self, _sample_rate_hz: u32) -> usize {
        self.length
    }

    fn frame_length(&self, _sample_rate_hz: u32) -> usize {
        self.length
    }

    fn first_center(&self, _sample_rate_hz: u32) -> f64 {
        self.length as f64 / 2.0
    }

    fn quantity(&self) -> &'static str {
        "magnitude"
    }
}

#[derive(Clone, Debug)]
struct Dummy {
    length: usize,
}

impl Extractor<f32> for Dummy {
    fn width(&self) -> usize {
        1
    }

    fn frames_for(&self, samples: usize) -> usize {
        samples / self.length
    }

    fn extract_into(&mut self, samples: &[f32], values: &mut Vec<f32>) -> Result<usize, FeatureError> {
        check_finite(samples, 0)?;
        let mean = |frame: &[f32]| frame.iter().map(|x| x.abs()).sum::<f32>() / frame.len() as f32;
        values.clear();
        values.extend(samples.chunks_exact(self.length).map(mean));
        Ok(values.len())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::{DeltasConfig, FeatureConfig, Layout, StreamingExtractor};

    fn config(length: usize) -> FeatureConfig {
        let text = format!("sample_rate_hz = 8000\n[front_end.dummy]\nlength = {length}");
        FeatureConfig { deltas: Some(DeltasConfig { order: 1, ..Default::default() }), ..toml::from_str(&text).unwrap() }
    }

    #[test]
    fn a_registered_front_end_has_everything_that_the_others_have() {
        let config = config(4);
        let samples: Vec<f32> = (0..64).map(|n| if n % 2 == 0 { 0.25 } else { -0.75 }).collect();
        let mut front_end = config.init().unwrap();
        let features = front_end.extract(&samples).unwrap();
        assert_eq!((features.frames(), features.frame(3)), (16, &[0.5, 0.0][..]));
        let (mut stream, mut streamed) = (config.stream(None).unwrap(), Vec::new());
        samples.chunks(7).for_each(|chunk| {
            stream.push(chunk, &mut streamed).unwrap();
        });
        stream.finish(&mut streamed).unwrap();
        assert_eq!(streamed, features.values());
        let times = front_end.frame_times();
        assert_eq!((times.first_center_seconds(), times.hop_seconds()), (0.00025, 0.0005));
        assert_eq!((config.front_end.name(), config.front_end.layout()), ("dummy", Layout::FramesFirst));
        let settings = config.settings();
        let length = settings.iter().find(|setting| setting.key == "front_end.dummy.length").unwrap();
        assert_eq!((&*length.value, length.unit), ("4", "samples"));
        assert!(length.description.starts_with("Length of a frame"));
    }

    #[test]
    fn errors_name_the_key_in_the_recipe() {
        let error = config(0).check().unwrap_err().to_string();
        assert_eq!(error, "features.front_end.dummy.length = 0: must be within 1..=1000; use 1");
    }

    #[test]
    fn a_front_end_is_one_file_and_one_line_of_the_registry() {
        let mut places = Vec::new();
        let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if !path.ends_with("dummy.rs") {
                    let text = std::fs::read_to_string(&path).unwrap();
                    let lines = text.lines().filter(|line| line.to_lowercase().contains("dummy"));
                    places.extend(lines.map(|line| (path.file_name().unwrap().to_owned(), line.to_owned())));
                }
            }
        }
        assert_eq!(places.len(), 1, "{places:?}");
        assert_eq!(places[0].0, "front_ends.rs");
    }
}
