//! Speech segments from the speech probabilities of frames.

/// Options of speech segments, with the names, defaults and meaning of silero-vad's `get_speech_timestamps`.
///
/// # Example
/// ```
/// use stapes_infer::SpeechOptions;
///
/// let options = SpeechOptions { threshold: 0.6, ..SpeechOptions::default() };
/// assert_eq!(options.min_silence_duration_ms, 100.0);
/// assert_eq!(SpeechOptions::preset("faster-whisper").unwrap().speech_pad_ms, 400.0);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct SpeechOptions {
    /// Probability from which a frame is speech.
    pub threshold: f64,
    /// Probability below which a frame ends speech; by default 0.15 below `threshold`, at least 0.01.
    pub neg_threshold: Option<f64>,
    /// Speech of at most this duration is dropped.
    pub min_speech_duration_ms: f64,
    /// Maximum duration of a segment; a longer one is cut, at a silence if there is one.
    pub max_speech_duration_s: f64,
    /// Silence that ends a segment.
    pub min_silence_duration_ms: f64,
    /// Time added to both ends of a segment, at most half of the silence between two segments.
    pub speech_pad_ms: f64,
    /// Silence longer than this is a place to cut a segment of the maximum duration.
    pub min_silence_at_max_speech_ms: f64,
    /// A segment of the maximum duration is cut at its longest silence; else at the last one.
    pub cut_at_longest_silence: bool,
}

impl Default for SpeechOptions {
    /// Returns the defaults of silero-vad.
    fn default() -> SpeechOptions {
        SpeechOptions {
            threshold: 0.5,
            neg_threshold: None,
            min_speech_duration_ms: 250.0,
            max_speech_duration_s: f64::INFINITY,
            min_silence_duration_ms: 100.0,
            speech_pad_ms: 30.0,
            min_silence_at_max_speech_ms: 98.0,
            cut_at_longest_silence: true,
        }
    }
}

impl SpeechOptions {
    /// Checks that probabilities are from 0 to 1, and durations numbers of at least 0; returns the name of the option and its
    /// fault.
    ///
    /// # Errors
    /// The name under which silero-vad has the option, and the fault with the value.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        for (name, value, max) in [
            ("threshold", self.threshold, 1.0),
            ("neg_threshold", self.neg_threshold.unwrap_or(0.0), 1.0),
            ("min_speech_duration_ms", self.min_speech_duration_ms, 1e9),
            ("max_speech_duration_s", self.max_speech_duration_s, f64::INFINITY),
            ("min_silence_duration_ms", self.min_silence_duration_ms, 1e9),
            ("speech_pad_ms", self.speech_pad_ms, 1e9),
            ("min_silence_at_max_speech", self.min_silence_at_max_speech_ms, 1e9),
        ] {
            if !(0.0..=max).contains(&value) {
                return Err((name, format!("{value}: must be from 0 to {max}")));
            }
        }
        Ok(())
    }

    /// Sets the option of this name, one of those of silero-vad; returns false if there is none. [`SpeechOptions::check`] checks its value.
    ///
    /// # Example
    /// ```
    /// # use stapes_infer::SpeechOptions;
    /// let mut options = SpeechOptions::default();
    /// assert!(options.set("speech_pad_ms", 100.0) && !options.set("speech_pad", 100.0));
    /// assert_eq!(options.speech_pad_ms, 100.0);
    /// ```
    pub fn set(&mut self, name: &str, value: f64) -> bool {
        match name {
            "threshold" => self.threshold = value,
            "neg_threshold" => self.neg_threshold = Some(value),
            "min_speech_duration_ms" => self.min_speech_duration_ms = value,
            "max_speech_duration_s" => self.max_speech_duration_s = value,
            "min_silence_duration_ms" => self.min_silence_duration_ms = value,
            "speech_pad_ms" => self.speech_pad_ms = value,
            "min_silence_at_max_speech" => self.min_silence_at_max_speech_ms = value,
            _ => return false,
        }
        true
    }

    /// Names of the presets.
    pub const PRESETS: [&str; 2] = ["silero", "faster-whisper"];

    /// Returns the options of a preset: the defaults of silero-vad, or those of faster-whisper's `VadOptions`.
    pub fn preset(name: &str) -> Option<SpeechOptions> {
        match name {
            "silero" => Some(SpeechOptions::default()),
            "faster-whisper" => Some(SpeechOptions {
                min_speech_duration_ms: 0.0,
                min_silence_duration_ms: 2000.0,
                speech_pad_ms: 400.0,
                ..SpeechOptions::default()
            }),
            _ => None,
        }
    }
}

/// Part of a recording with speech.
///
/// # Units
/// samples
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpeechSegment {
    /// First sample.
    pub start: u64,
    /// Sample after the last one.
    pub end: u64,
}

/// Start or end of a speech segment, at a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpeechEvent {
    /// Speech starts at this sample.
    Start(u64),
    /// Speech ends before this sample.
    End(u64),
}

/// Speech segments while the probabilities arrive.
///
/// An event is reported as soon as later frames cannot change it: a start when the speech is longer than
/// `min_speech_duration_ms`, an end after `min_silence_duration_ms`, and after twice `speech_pad_ms`, because two close segments
/// share the silence between them.
///
/// # Source
/// silero-vad 6, `get_speech_timestamps_from_probs`.
///
/// # Example
/// ```
/// use stapes_infer::{SpeechEvent, SpeechOptions, SpeechSegmenter};
///
/// let mut segmenter = SpeechSegmenter::new(&SpeechOptions::default(), 16_000, 160);
/// let mut events = Vec::new();
/// for frame in 0..200 {
///     let probability = if (50..120).contains(&frame) { 0.9 } else { 0.1 };
///     segmenter.push(probability, |event| events.push(event));
/// }
/// segmenter.finish(200 * 160, |event| events.push(event));
/// assert_eq!(events, [SpeechEvent::Start(50 * 160 - 480), SpeechEvent::End(120 * 160 + 480)]);
/// ```
#[derive(Clone, Debug)]
pub struct SpeechSegmenter {
    threshold: f64,
    neg_threshold: f64,
    /// In samples, as all durations here; fractions are possible.
    min_speech: f64,
    max_speech: f64,
    min_silence: f64,
    min_silence_at_max_speech: f64,
    pad: f64,
    cut_at_longest_silence: bool,
    hop: u64,
    /// First sample of the next frame.
    now: u64,
    speech: Option<Speech>,
    /// End of the last segment, which may still change.
    pending: Option<u64>,
}

/// Speech that has started and not ended.
#[derive(Clone, Debug, Default)]
struct Speech {
    start: u64,
    /// True if its start was reported.
    is_reported: bool,
    /// First sample of the silence at the end.
    silence: Option<u64>,
    /// Places to cut: first sample and duration of silences.
    silences: Vec<(u64, u64)>,
    /// Last place to cut, and the sample where speech continued after it.
    last_silence: Option<u64>,
    continued: Option<u64>,
}

impl Speech {
    fn starting_at(start: u64) -> Speech {
        Speech { start, ..Speech::default() }
    }
}

impl SpeechSegmenter {
    /// Creates a segmenter for frames every `hop` samples.
    pub fn new(options: &SpeechOptions, sample_rate_hz: u32, hop: u64) -> SpeechSegmenter {
        let samples = |milliseconds: f64| f64::from(sample_rate_hz) * milliseconds / 1000.0;
        let pad = samples(options.speech_pad_ms);
        SpeechSegmenter {
            threshold: options.threshold,
            neg_threshold: options.neg_threshold.unwrap_or_else(|| (options.threshold - 0.15).max(0.01)),
            min_speech: samples(options.min_speech_duration_ms),
            max_speech: f64::from(sample_rate_hz) * options.max_speech_duration_s - hop as f64 - 2.0 * pad,
            min_silence: samples(options.min_silence_duration_ms),
            min_silence_at_max_speech: samples(options.min_silence_at_max_speech_ms),
            pad,
            cut_at_longest_silence: options.cut_at_longest_silence,
            hop,
            now: 0,
            speech: None,
            pending: None,
        }
    }

    /// Adds the speech probability of the next frame and reports the events that are certain now.
    pub fn push(&mut self, probability: f32, mut report: impl FnMut(SpeechEvent)) {
        let (now, probability) = (self.now, f64::from(probability));
        self.now += self.hop;
        let is_speech = probability >= self.threshold;
        match &mut self.speech {
            None if is_speech => self.speech = Some(Speech::starting_at(now)),
            None => {}
            Some(speech) => {
                if is_speech && let Some(silence) = speech.silence.take() {
                    let duration = now - silence;
                    // Without a maximum the list would grow without end.
                    if duration as f64 > self.min_silence_at_max_speech && self.max_speech.is_finite() {
                        speech.silences.push((silence, duration));
                    }
                    if speech.last_silence > speech.continued {
                        speech.continued = Some(now);
                    }
                }
                self.continue_speech(now, probability, &mut report);
            }
        }
        self.report_certain(&mut report);
    }

    /// Ends the recording, which has this number of samples, and reports the remaining events.
    pub fn finish(mut self, samples: u64, mut report: impl FnMut(SpeechEvent)) {
        if let Some(speech) = self.speech.take()
            && samples.saturating_sub(speech.start) as f64 > self.min_speech
        {
            self.end_speech(speech, samples, &mut report);
        }
        if let Some(end) = self.pending {
            report(SpeechEvent::End(((end as f64 + self.pad) as u64).min(samples)));
        }
    }

    /// Cuts or ends speech at a frame that does not start it.
    fn continue_speech(&mut self, now: u64, probability: f64, report: &mut impl FnMut(SpeechEvent)) {
        let Some(speech) = &self.speech else { return };
        if (now - speech.start) as f64 > self.max_speech {
            let longest = if self.cut_at_longest_silence { longest(&speech.silences) } else { None };
            let (end, next) = match (longest, speech.last_silence) {
                (Some((silence, duration)), _) => {
                    (silence, Some(silence + duration).filter(|next| *next < silence + now))
                }
                (None, Some(silence)) => (silence, speech.continued.filter(|next| *next >= silence)),
                (None, None) => (now, None),
            };
            let is_in_silence = longest.is_some() || speech.last_silence.is_some();
            let speech = self.speech.take().unwrap_or_default();
            self.end_speech(speech, end, report);
            self.speech = next.map(Speech::starting_at);
            if !is_in_silence {
                return;
            }
        }
        let Some(speech) = &mut self.speech else { return };
        if probability >= self.neg_threshold {
            return;
        }
        let silence = *speech.silence.get_or_insert(now);
        let duration = (now - silence) as f64;
        if !self.cut_at_longest_silence && duration > self.min_silence_at_max_speech {
            speech.last_silence = Some(silence);
        }
        if duration < self.min_silence {
            return;
        }
        let speech = self.speech.take().unwrap_or_default();
        if (silence - speech.start) as f64 > self.min_speech {
            self.end_speech(speech, silence, report);
        }
    }

    /// Ends a segment that is kept.
    fn end_speech(&mut self, speech: Speech, end: u64, report: &mut impl FnMut(SpeechEvent)) {
        if !speech.is_reported {
            self.report_start(speech.start, report);
        }
        self.pending = Some(end);
    }

    /// Reports the end of the last segment and the start of this one.
    fn report_start(&mut self, start: u64, report: &mut impl FnMut(SpeechEvent)) {
        let padded = (start as f64 - self.pad).max(0.0) as u64;
        let Some(end) = self.pending.take() else { return report(SpeechEvent::Start(padded)) };
        let silence = start - end;
        match (silence as f64) < 2.0 * self.pad {
            true => {
                report(SpeechEvent::End(end + silence / 2));
                report(SpeechEvent::Start(start - silence / 2));
            }
            false => {
                report(SpeechEvent::End((end as f64 + self.pad) as u64));
                report(SpeechEvent::Start(padded));
            }
        }
    }

    /// Reports what later frames cannot change.
    fn report_certain(&mut self, report: &mut impl FnMut(SpeechEvent)) {
        let last = self.now - self.hop;
        // Where the next segment can start at the earliest.
        let next =
            self.speech.as_ref().filter(|speech| !speech.is_reported).map_or(self.now, |speech| speech.start);
        // The recording has the sample `last`; the last frame may be longer than what remains of the recording.
        let is_final =
            |end: &u64| (next - end) as f64 >= 2.0 * self.pad && (*end as f64 + self.pad) as u64 <= last;
        if let Some(end) = self.pending.filter(is_final) {
            self.pending = None;
            report(SpeechEvent::End((end as f64 + self.pad) as u64));
        }
        let is_certain = |speech: &&mut Speech| {
            !speech.is_reported && speech.silence.is_none() && (last - speech.start) as f64 > self.min_speech
        };
        if let Some(speech) = self.speech.as_mut().filter(is_certain) {
            speech.is_reported = true;
            let start = speech.start;
            self.report_start(start, report);
        }
    }
}

/// Returns the longest silence, the first of equal ones.
fn longest(silences: &[(u64, u64)]) -> Option<(u64, u64)> {
    silences.iter().copied().reduce(|best, silence| if silence.1 > best.1 { silence } else { best })
}

/// Returns the speech segments of a recording of `samples` samples, from the probabilities of its frames every `hop` samples.
///
/// The segments are those of a [`SpeechSegmenter`].
pub fn speech_segments(
    probabilities: &[f32],
    options: &SpeechOptions,
    sample_rate_hz: u32,
    hop: u64,
    samples: u64,
) -> Vec<SpeechSegment> {
    let (mut segments, mut start) = (Vec::new(), 0);
    let mut collect = |event| match event {
        SpeechEvent::Start(sample) => start = sample,
        SpeechEvent::End(end) => segments.push(SpeechSegment { start, end }),
    };
    let mut segmenter = SpeechSegmenter::new(options, sample_rate_hz, hop);
    probabilities.iter().for_each(|&probability| segmenter.push(probability, &mut collect));
    segmenter.finish(samples, &mut collect);
    segments
}
