//! Streams return the frames of the whole clip for every chunk size and allocate nothing.

use allocation_counter::measure;
use proptest::prelude::*;
use stapes_features::{
    Extractor, FeatureError, KaldiCmvn, KaldiDialect, KaldiFbankConfig, KaldiFrameConfig, KaldiMfccConfig,
    PsfFbankConfig, PsfFft, PsfLogFbankConfig, PsfMfccConfig, PsfWindow, Sample, StreamingExtractor,
};

fn clip(samples: usize) -> Vec<f32> {
    (0..samples).map(|n| (n as f32 * 0.37).sin() * 9000.0 + ((n * n) % 101) as f32).collect()
}

/// Returns the frames of a clip that arrives in chunks of these sizes, cycled.
fn streamed<S: Sample>(stream: &mut impl StreamingExtractor<S>, samples: &[S], sizes: &[usize]) -> Vec<S> {
    let mut frames = Vec::new();
    let (mut rest, mut emitted) = (samples, 0);
    for &size in sizes.iter().cycle() {
        let (chunk, tail) = rest.split_at(size.min(rest.len()));
        emitted += stream.push(chunk, &mut frames).unwrap();
        assert_eq!(emitted * stream.width(), frames.len());
        rest = tail;
        if rest.is_empty() {
            break;
        }
    }
    emitted += stream.finish(&mut frames).unwrap();
    assert_eq!((emitted, emitted * stream.width()), (stream.frames_for(samples.len()), frames.len()));
    frames
}

/// Asserts equal bits, also for the next clip and after an abandoned clip.
fn assert_same<S: Sample>(
    (mut whole, mut stream): (impl Extractor<S>, impl StreamingExtractor<S>),
    samples: &[S],
    sizes: &[usize],
) {
    let expected = whole.extract(samples).unwrap();
    for _ in 0..2 {
        assert!(streamed(&mut stream, samples, sizes) == expected.values(), "{} {sizes:?}", samples.len());
    }
    stream.push(&samples[..samples.len() / 2], &mut Vec::new()).unwrap();
    stream.reset();
    assert!(streamed(&mut stream, samples, sizes) == expected.values());
}

fn psf() -> impl Strategy<Value = PsfMfccConfig> {
    (
        (0.0002f64..0.04, 0.0002f64..0.03),
        (0usize..3, 1usize..4),
        prop::sample::select(vec![PsfFft::Auto, PsfFft::Points(512), PsfFft::Points(60), PsfFft::Points(61)]),
        prop::sample::select(vec![PsfWindow::Rectangular, PsfWindow::Hamming]),
        any::<bool>(),
    )
        .prop_map(|((winlen, winstep), (deltas, delta_reach), nfft, winfunc, append_energy)| {
            PsfMfccConfig {
                winlen,
                winstep,
                deltas,
                delta_reach,
                nfft,
                winfunc,
                append_energy,
                ..Default::default()
            }
        })
}

fn kaldi() -> impl Strategy<Value = KaldiMfccConfig> {
    (
        (4.0f64..40.0, 0.5f64..50.0, 0usize..3),
        any::<(bool, bool, bool, bool)>(),
        prop::sample::select(vec![None, Some(true), Some(false)]),
    )
        .prop_map(|((frame_length_ms, frame_shift_ms, deltas), flags, use_energy)| KaldiMfccConfig {
            // Short frames have bands without a bin, which are not an error in this dialect.
            dialect: KaldiDialect::Torchaudio,
            frame_opts: KaldiFrameConfig {
                frame_length_ms,
                frame_shift_ms,
                snip_edges: flags.0,
                remove_dc_offset: flags.1,
                ..Default::default()
            },
            raw_energy: flags.2,
            htk_compat: flags.3,
            use_energy,
            deltas,
            ..Default::default()
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn psf_streams_equal_whole_clips(
        config in psf(),
        length in 1usize..5000,
        sizes in prop::collection::vec(1usize..3000, 1..5),
    ) {
        let samples = clip(length);
       assert_same((config.init(8000).unwrap(), config.stream(8000).unwrap()), &samples, &sizes);
        let double: Vec<f64> = samples.iter().map(|&sample| f64::from(sample)).collect();
        let config = config.fbank();
       assert_same((config.init(8000).unwrap(), config.stream(8000).unwrap()), &double, &sizes);
    }

    #[test]
    fn kaldi_streams_equal_whole_clips(
        config in kaldi(),
        length in 320usize..5000,
        sizes in prop::collection::vec(1usize..3000, 1..5),
    ) {
        let samples = clip(length);
       assert_same((config.init(8000).unwrap(), config.stream(8000).unwrap()), &samples, &sizes);
        let config = KaldiFbankConfig { use_log_floor: false, use_power: false, ..config.fbank() };
       assert_same((config.init(8000).unwrap(), config.stream(8000).unwrap()), &samples, &sizes);
    }
}

#[test]
fn one_sample_at_a_time_gives_equal_frames() {
    for length in [1, 199, 200, 201, 279, 280, 281, 1000, 3000] {
        let samples = clip(length);
        for deltas in 0..3 {
            let psf = PsfMfccConfig { deltas, ..Default::default() };
            assert_same((psf.init(8000).unwrap(), psf.stream(8000).unwrap()), &samples, &[1]);
            for snip_edges in [true, false] {
                let frame_opts = KaldiFrameConfig { snip_edges, ..Default::default() };
                let kaldi = KaldiMfccConfig { deltas, frame_opts, ..Default::default() };
                assert_same((kaldi.init(8000).unwrap(), kaldi.stream(8000).unwrap()), &samples, &[1]);
            }
        }
    }
}

#[test]
fn frame_is_complete_with_its_last_sample_and_the_reach_of_its_deltas() {
    let samples = clip(4000);
    for (deltas, delay) in [(0, 0), (1, 2), (2, 4)] {
        let mut stream = KaldiMfccConfig { deltas, ..Default::default() }.stream(8000).unwrap();
        let mut frames = Vec::new();
        let before = 200 + delay * 80 - 1;
        assert_eq!(stream.push(&samples[..before], &mut frames), Ok(0));
        assert_eq!(stream.push(&samples[before..=before], &mut frames), Ok(1));
        assert_eq!(stream.push(&samples[before + 1..before + 161], &mut frames), Ok(2));
        assert_eq!(stream.finish(&mut frames), Ok(delay));
    }
}

#[test]
fn invalid_sample_is_located_and_its_chunk_ignored() {
    let samples = clip(1000);
    let mut bad = samples[300..400].to_vec();
    bad[77] = f32::NAN;
    let mut psf = PsfMfccConfig::default().stream(8000).unwrap();
    let mut kaldi = KaldiMfccConfig::default().stream(8000).unwrap();
    let mut both: [&mut dyn StreamingExtractor<f32>; 2] = [&mut psf, &mut kaldi];
    for stream in &mut both {
        let mut frames = Vec::new();
        stream.push(&samples[..300], &mut frames).unwrap();
        let error = stream.push(&bad, &mut frames).unwrap_err();
        assert!(matches!(error, FeatureError::NotFinite { sample: 377, .. }), "{error}");
        stream.push(&samples[300..], &mut frames).unwrap();
        stream.finish(&mut frames).unwrap();
        let mut whole = Vec::new();
        stream.push(&samples, &mut whole).unwrap();
        stream.finish(&mut whole).unwrap();
        assert!(frames == whole);
    }
}

#[test]
fn utterance_normalization_cannot_be_streamed() {
    let config = KaldiMfccConfig { cmvn: KaldiCmvn::Mean, ..Default::default() };
    let error = config.stream(8000).unwrap_err().to_string();
    assert!(
        error.contains("cmvn = mean needs the whole clip") && error.contains("per-coefficient"),
        "{error}"
    );
    assert!(config.init(8000).is_ok());
}

fn assert_no_allocation<S: Sample>(
    (mut whole, mut stream): (impl Extractor<S>, impl StreamingExtractor<S>),
    samples: &[S],
) {
    let mut frames = Vec::new();
    whole.extract_into(samples, &mut frames).unwrap();
    let clips = measure(|| {
        for length in [samples.len(), samples.len() / 2] {
            whole.extract_into(&samples[..length], &mut frames).unwrap();
        }
    });
    assert_eq!(clips.count_total, 0);
    frames.clear();
    stream.push(&samples[..1], &mut frames).unwrap();
    let chunks = measure(|| {
        samples[1..].chunks(80).for_each(|chunk| assert!(stream.push(chunk, &mut frames).is_ok()));
        stream.finish(&mut frames).unwrap();
    });
    assert_eq!(chunks.count_total, 0);
}

#[test]
fn nothing_is_allocated_after_the_first_clip_or_chunk() {
    let samples = clip(20_000);
    let kaldi = KaldiMfccConfig { deltas: 2, ..Default::default() };
    assert_no_allocation((kaldi.init(8000).unwrap(), kaldi.stream(8000).unwrap()), &samples);
    let frame_opts = KaldiFrameConfig { snip_edges: false, ..Default::default() };
    let fbank = KaldiFbankConfig { frame_opts, ..Default::default() };
    assert_no_allocation((fbank.init(8000).unwrap(), fbank.stream(8000).unwrap()), &samples);
    let psf = PsfMfccConfig { deltas: 2, ..Default::default() };
    assert_no_allocation((psf.init(8000).unwrap(), psf.stream(8000).unwrap()), &samples);
    let double: Vec<f64> = samples.iter().map(|&sample| f64::from(sample)).collect();
    let psf = PsfLogFbankConfig::default();
    assert_no_allocation((psf.init(8000).unwrap(), psf.stream(8000).unwrap()), &double);
    let psf = PsfFbankConfig { deltas: 1, ..Default::default() };
    assert_no_allocation((psf.init(8000).unwrap(), psf.stream(8000).unwrap()), &double);
}
