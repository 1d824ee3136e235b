//! Speech segments equal those of silero-vad, recorded by `speech_segments.py` for random probabilities and options.

use serde_json::Value;
use stapes_infer::{SpeechEvent, SpeechOptions, SpeechSegmenter, speech_segments};

struct Case {
    rate_hz: u32,
    hop: u64,
    samples: u64,
    options: SpeechOptions,
    probabilities: Vec<f32>,
    expected: Vec<[u64; 2]>,
}

fn cases() -> Vec<Case> {
    include_str!("speech_segments.jsonl")
        .lines()
        .map(|line| case(&serde_json::from_str(line).unwrap()))
        .collect()
}

fn case(line: &Value) -> Case {
    let number = |key: &str| line[key].as_f64().unwrap();
    let bytes = line["probabilities"].as_str().unwrap();
    let byte = |at: usize| u8::from_str_radix(&bytes[2 * at..2 * at + 2], 16).unwrap();
    let rate_hz = number("rate") as u32;
    Case {
        rate_hz,
        hop: if rate_hz == 16_000 { 512 } else { 256 },
        samples: number("samples") as u64,
        options: SpeechOptions {
            threshold: number("threshold"),
            neg_threshold: line["neg_threshold"].as_f64(),
            min_speech_duration_ms: number("min_speech_duration_ms"),
            max_speech_duration_s: line["max_speech_duration_s"].as_f64().unwrap_or(f64::INFINITY),
            min_silence_duration_ms: number("min_silence_duration_ms"),
            speech_pad_ms: number("speech_pad_ms"),
            min_silence_at_max_speech_ms: number("min_silence_at_max_speech"),
            cut_at_longest_silence: line["use_max_poss_sil_at_max_speech"].as_bool().unwrap(),
        },
        probabilities: (0..bytes.len() / 2).map(|at| f32::from(byte(at)) / 255.0).collect(),
        expected: serde_json::from_value(line["segments"].clone()).unwrap(),
    }
}

#[test]
fn segments_are_those_of_silero() {
    let cases = cases();
    assert_eq!(cases.len(), 200);
    assert!(cases.iter().map(|case| case.expected.len()).sum::<usize>() > 500, "few segments were recorded");
    for (number, case) in cases.iter().enumerate() {
        let Case { rate_hz, hop, samples, options, probabilities, expected } = case;
        let found = speech_segments(probabilities, options, *rate_hz, *hop, *samples);
        let found: Vec<[u64; 2]> = found.iter().map(|segment| [segment.start, segment.end]).collect();
        assert_eq!(&found, expected, "case {number}: {options:?}");
    }
}

#[test]
fn events_alternate_in_order_and_are_reported_soon() {
    for Case { rate_hz, hop, samples, options, probabilities, .. } in cases() {
        let mut segmenter = SpeechSegmenter::new(&options, rate_hz, hop);
        // Events with the end of the frame after which they were reported.
        let mut events: Vec<(SpeechEvent, u64)> = Vec::new();
        for (frame, &probability) in probabilities.iter().enumerate() {
            segmenter.push(probability, |event| events.push((event, (frame as u64 + 1) * hop)));
        }
        segmenter.finish(samples, |event| events.push((event, samples)));
        let mut last = 0;
        for (number, (event, now)) in events.into_iter().enumerate() {
            let (sample, is_start) = match event {
                SpeechEvent::Start(sample) => (sample, true),
                SpeechEvent::End(sample) => (sample, false),
            };
            assert_eq!(is_start, number % 2 == 0, "{options:?}");
            assert!(sample >= last && sample <= samples.max(now), "{options:?}");
            last = sample;
        }
    }
}
