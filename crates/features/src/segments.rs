//! Segments: runs of frames with the same class, as start, end and class.

use crate::FrameTimes;

/// Part of a recording with a class: from its start up to, and without, its end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Segment {
    /// Start, s.
    pub start_seconds: f64,
    /// End, s.
    pub end_seconds: f64,
    /// Class.
    pub class: usize,
}

impl FrameTimes {
    /// Converts the classes of all frames to segments that cover a recording of `seconds` without gaps.
    ///
    /// The boundary between two frames of different classes is halfway between their centers. The first segment starts at
    /// 0, and the last one ends at the end of the recording.
    ///
    /// # Example
    /// ```
    /// let times = stapes_features::preset("kaldi-mfcc-39")?.frame_times()?;
    /// let segments = times.segments(&[0, 0, 1], 0.05);
    /// assert_eq!((segments[0].start_seconds, segments[0].class), (0.0, 0));
    /// // The centers are at 12.5, 22.5 and 32.5 ms.
    /// assert!((segments[0].end_seconds - 0.0275).abs() < 1e-12);
    /// assert_eq!((segments[1].end_seconds, segments[1].class), (0.05, 1));
    /// # Ok::<(), stapes_features::FeatureError>(())
    /// ```
    pub fn segments(&self, classes: &[usize], seconds: f64) -> Vec<Segment> {
        let mut segments: Vec<Segment> = Vec::new();
        for (frame, &class) in classes.iter().enumerate() {
            let start_seconds = match segments.last() {
                Some(last) if last.class == class => continue,
                Some(_) => (self.center_seconds(frame) - self.hop_seconds() / 2.0).clamp(0.0, seconds),
                None => 0.0,
            };
            if let Some(last) = segments.last_mut() {
                last.end_seconds = start_seconds;
            }
            segments.push(Segment { start_seconds, end_seconds: seconds, class });
        }
        // Segments of frames after the end of the recording are empty.
        segments.retain(|segment| segment.end_seconds > segment.start_seconds);
        segments
    }
}

#[cfg(test)]
mod tests {
    use crate::FeatureConfig;

    #[test]
    fn segments_cover_the_recording_and_are_not_empty() {
        let config: FeatureConfig =
            toml::from_str("[front_end.librosa-mel-db]\nn_fft = 512\nhop_length = 160").unwrap();
        let times = config.frame_times().unwrap();
        assert_eq!(times.segments(&[], 1.0), []);
        // Centers at 0, 10, 20, 30 ms. The recording ends at 24 ms, before the boundary at 25 ms.
        let segments = times.segments(&[1, 0, 0, 1], 0.024);
        assert_eq!(segments.iter().map(|segment| segment.class).collect::<Vec<_>>(), [1, 0]);
        assert_eq!((segments[0].start_seconds, segments[1].end_seconds), (0.0, 0.024));
        assert_eq!(segments[0].end_seconds, segments[1].start_seconds);
        assert!((segments[0].end_seconds - 0.005).abs() < 1e-12);
    }
}
