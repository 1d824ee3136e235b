//! Tests with the real data sets in the folder `STAPES_DATA`: published counts, predefined lists, all speakers.
//!
//! Longer than other files because all data sets are cases of one list.

mod rules;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use stapes_audio::Clip;
use stapes_data::{
    ArabicDigitsConfig, ConsonantVowelConfig, Counts, DataConfig, DataSet, FsddConfig, FsddSplit,
    HandwritingConfig, JapaneseVowelsConfig, Label, Progress, Source, SpeechCommandsConfig,
    SpeechCommandsSplit, Split, Subset, SubsetCount, UpcVadConfig, fingerprint, load,
};
use stapes_features::Features;
use stapes_testkit::fixture::Fixture;
use stapes_testkit::suite::{self, Case};

const SPEAKERS: [&str; 6] = ["george", "jackson", "lucas", "nicolas", "theo", "yweweler"];
const WORDS: [&str; 3] = ["bed", "cat", "happy"];

fn main() -> ExitCode {
    suite::run(Fixture::Data, |folder| {
        let case = |name: &str, check: fn(&Path) -> Result<(), String>| {
            let folder = folder.to_owned();
            Case::new(name, move || check(&folder))
        };
        Ok(vec![
            case("fsdd_has_its_published_counts_in_the_official_split", fsdd_official),
            case("fsdd_splits_at_random_by_class_speaker_and_seed", fsdd_random),
            case("fsdd_leaves_out_every_speaker_in_turn", fsdd_leave_speaker_out),
            case("fsdd_clips_load_whole_and_in_order", fsdd_loads),
            case("speech_commands_follow_the_official_lists", speech_commands_official),
            case("speech_commands_have_thirty_words_and_missing_clips", speech_commands_words),
            case("the_hash_rule_is_that_of_the_official_lists", speech_commands_hash),
            case("other_words_and_silence_are_classes_of_the_twelve_class_task", speech_commands_rest),
            case("upc_vad_is_labeled_from_start_to_end", upc_vad),
            case("handwriting_has_its_published_counts", handwriting),
            case("consonant_vowel_has_its_published_counts", consonant_vowel),
            case("arabic_digits_have_their_published_counts", arabic_digits),
            case("japanese_vowels_equal_the_text_files_to_the_bit", japanese_vowels_embedded),
        ])
    })
}

/// Examples by subset and class, and the minimum and maximum number of frames.
fn frames_of(
    config: &DataConfig,
    folder: &Path,
    validation: bool,
) -> Result<(Vec<[usize; 2]>, [usize; 2]), String> {
    let dataset = open(config, folder)?;
    let parts = split(config, &dataset, 1)?;
    equal("validation", !parts.validation.is_empty(), validation)?;
    let of_class = |part: &[usize], class: usize| {
        part.iter().filter(|&&index| dataset.examples[index].label == Label::Class(class)).count()
    };
    let training = [parts.train.as_slice(), &parts.validation].concat();
    let counts =
        (0..dataset.classes.len()).map(|class| [of_class(&training, class), of_class(&parts.test, class)]);
    let length = |example: &stapes_data::Example| match &example.source {
        Source::Frames(frames) => Ok(frames.frames()),
        other => Err(format!("{other:?} in a set of frames")),
    };
    let lengths = dataset.examples.iter().map(length).collect::<Result<Vec<usize>, String>>()?;
    let bounds = [lengths.iter().min(), lengths.iter().max()].map(|bound| bound.copied().unwrap_or(0));
    Ok((counts.collect(), bounds))
}

fn handwriting(folder: &Path) -> Result<(), String> {
    let config = DataConfig::Handwriting(HandwritingConfig::default());
    let (counts, lengths) = frames_of(&config, &folder.join("cs671_handwriting"), true)?;
    equal("training", counts.iter().map(|count| count[0]).sum(), 345)?;
    equal("test", counts.iter().map(|count| count[1]).collect(), vec![20; 5])?;
    equal("points", lengths, [19, 178])
}

fn consonant_vowel(folder: &Path) -> Result<(), String> {
    let config = DataConfig::ConsonantVowel(ConsonantVowelConfig { validation_fraction: 0.0 });
    let (counts, lengths) = frames_of(&config, &folder.join("cs671_cv"), false)?;
    equal("sa, ka, kaa, tA, ba", counts, vec![[343, 86], [383, 96], [510, 127], [408, 102], [290, 72]])?;
    equal("frames", lengths, [7, 79])
}

fn arabic_digits(folder: &Path) -> Result<(), String> {
    let config = DataConfig::ArabicDigits(ArabicDigitsConfig::default());
    let (counts, lengths) = frames_of(&config, &folder.join("spoken_arabic_digits"), true)?;
    equal("of each digit", counts, vec![[660, 220]; 10])?;
    equal("frames", lengths, [4, 93])
}

/// All existing recordings, and only those, are in the subset of their list.
fn speech_commands_hash(folder: &Path) -> Result<(), String> {
    let folder = folder.join("speech_commands");
    let entries = fs::read_dir(&folder).map_err(|error| error.to_string())?;
    let mut classes: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| !name.starts_with('_') && !name.contains('.'))
        .collect();
    classes.sort();
    equal("words", classes.len(), 30)?;
    let opened = |split| {
        let config =
            SpeechCommandsConfig { classes: classes.clone(), split, ..SpeechCommandsConfig::default() };
        open(&DataConfig::SpeechCommands(config), &folder)
    };
    let (lists, hash) = (opened(SpeechCommandsSplit::Lists)?, opened(SpeechCommandsSplit::Hash)?);
    let parts = |dataset: &DataSet| -> Vec<(String, Option<Subset>)> {
        dataset.examples.iter().map(|example| (example.id.clone(), example.predefined)).collect()
    };
    let (lists, hash) = (parts(&lists), parts(&hash));
    let agree = lists.iter().zip(&hash).filter(|(a, b)| a == b).count();
    equal("recordings, and those on which lists and hash agree", (lists.len(), agree), (3596, 3596))
}

fn speech_commands_rest(folder: &Path) -> Result<(), String> {
    let classes = WORDS.map(str::to_owned).to_vec();
    let split_by = SpeechCommandsSplit::Lists;
    let config = DataConfig::SpeechCommands(SpeechCommandsConfig {
        classes,
        unknown: true,
        silence: true,
        split: split_by,
    });
    let dataset = open(&config, &folder.join("speech_commands"))?;
    let split = split(&config, &dataset, 1)?;
    let counts = Counts::new(&dataset, &split);
    let words = &counts.classes[..3];
    let mean = |of: fn(&SubsetCount) -> usize| {
        (words.iter().map(|class| of(&class.examples)).sum::<usize>() as f64 / 3.0).round() as usize
    };
    let expected = part(mean(|c| c.train), mean(|c| c.validation), mean(|c| c.test));
    equal("silence", counts.classes[4].examples, expected)?;
    let unknown = counts.classes[3].examples;
    ensure(unknown.train <= expected.train && unknown.train > 100, || format!("unknown {unknown:?}"))?;
    ensure(unknown.test > 0 && unknown.validation > 0, || format!("unknown {unknown:?}"))?;
    // Every second of noise can be read.
    let lengths = || {
        |clip: &Clip| -> Result<Features, String> { Ok(Features::new(1, vec![clip.samples.len() as f32])) }
    };
    let noise: Vec<usize> = (0..dataset.examples.len())
        .filter(|&index| dataset.examples[index].label.class() == Some(4))
        .collect();
    let features =
        load(&dataset, &noise, lengths, &Progress::default()).map_err(|error| error.to_string())?;
    ensure(features.iter().all(|frames| frames.values() == [16_000.0]), || "not a second".to_owned())
}

fn ensure(holds: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what()) }
}

fn equal<T: PartialEq + std::fmt::Debug>(what: &str, got: T, expected: T) -> Result<(), String> {
    ensure(got == expected, || format!("{what}: {got:?}, expected {expected:?}"))
}

fn open(config: &DataConfig, folder: &Path) -> Result<DataSet, String> {
    config.open(Some(folder)).map_err(|error| error.to_string())
}

fn split(config: &DataConfig, dataset: &DataSet, seed: u64) -> Result<Split, String> {
    let split = config.split(dataset, seed).map_err(|error| error.to_string())?;
    rules::check(dataset, &split)?;
    Ok(split)
}

fn fsdd(config: FsddConfig) -> DataConfig {
    DataConfig::Fsdd(config)
}

fn part(train: usize, validation: usize, test: usize) -> SubsetCount {
    SubsetCount { train, validation, test }
}

fn fsdd_official(folder: &Path) -> Result<(), String> {
    let config = fsdd(FsddConfig::default());
    let dataset = open(&config, &folder.join("fsdd"))?;
    equal("recordings", dataset.examples.len(), 3000)?;
    equal("speakers", dataset.groups(), SPEAKERS.to_vec())?;
    let first = split(&config, &dataset, 1)?;
    let counts = Counts::new(&dataset, &first);
    equal("examples", counts.total, part(2430, 270, 300))?;
    for class in &counts.classes {
        equal(&class.class, class.examples, part(243, 27, 30))?;
    }
    for group in &counts.groups {
        equal(&group.group, group.examples.test, 50)?;
        equal(&group.group, group.examples.train + group.examples.validation, 450)?;
    }
    let tested = |index: &usize| {
        let name = &dataset.examples[*index].id;
        (0..5).any(|number| name.ends_with(&format!("_{number}.wav")))
    };
    ensure(first.test.iter().all(tested), || "another index than 0 to 4 is in the test".to_owned())?;
    equal("the same seed", split(&config, &dataset, 1)?, first.clone())?;
    let second = split(&config, &dataset, 2)?;
    equal("the predefined test under another seed", &second.test, &first.test)?;
    ensure(second.validation != first.validation, || "two seeds have the same validation subset".to_owned())?;
    let inside = open(&config, &folder.join("fsdd/recordings"))?;
    equal("the fingerprint from inside", fingerprint(&inside, &first), fingerprint(&dataset, &first))
}

fn fsdd_random(folder: &Path) -> Result<(), String> {
    let config = fsdd(FsddConfig { split: FsddSplit::Random, ..FsddConfig::default() });
    let dataset = open(&config, &folder.join("fsdd"))?;
    let first = split(&config, &dataset, 1)?;
    let counts = Counts::new(&dataset, &first);
    for class in &counts.classes {
        equal(&class.class, class.examples, part(180, 20, 100))?;
    }
    for group in &counts.groups {
        let (test, validation) = (group.examples.test, group.examples.validation);
        // A third of 50 recordings of each digit is 16 or 17, a tenth of the others 3 or 4.
        ensure((160..=170).contains(&test), || format!("{} has {test} in the test", group.group))?;
        ensure((30..=40).contains(&validation), || format!("{} has {validation}", group.group))?;
    }
    equal("the same seed", split(&config, &dataset, 1)?, first.clone())?;
    let shared = |other: &Split| other.test.iter().filter(|index| first.test.contains(index)).count();
    let shared = shared(&split(&config, &dataset, 2)?);
    // A third of 1,000, with a standard deviation of 15.
    ensure((270..=400).contains(&shared), || format!("two seeds share {shared} of 1,000 test recordings"))
}

fn fsdd_leave_speaker_out(folder: &Path) -> Result<(), String> {
    let dataset = open(&fsdd(FsddConfig::default()), &folder.join("fsdd"))?;
    for (place, speaker) in SPEAKERS.into_iter().enumerate() {
        let fraction = FsddConfig {
            split: FsddSplit::LeaveSpeakerOut,
            speaker: Some(speaker.to_owned()),
            ..FsddConfig::default()
        };
        let validation_speaker = SPEAKERS[(place + 1) % SPEAKERS.len()];
        let whole =
            FsddConfig { validation_speaker: Some(validation_speaker.to_owned()), ..fraction.clone() };
        let counts = Counts::new(&dataset, &split(&fsdd(fraction), &dataset, 1)?);
        equal(speaker, counts.total, part(2250, 250, 500))?;
        for group in &counts.groups {
            let out = group.group == speaker;
            let examples = group.examples;
            equal(&group.group, examples.test, if out { 500 } else { 0 })?;
            let (train, validation) = (examples.train, examples.validation);
            ensure(out != (train > 0 && validation > 0), || format!("{}: {examples:?}", group.group))?;
        }
        for class in &counts.classes {
            equal(&class.class, class.examples, part(225, 25, 50))?;
        }
        let counts = Counts::new(&dataset, &split(&fsdd(whole), &dataset, 1)?);
        equal(speaker, counts.total, part(2000, 500, 500))?;
        for group in counts.groups {
            let expected = match group.group.as_str() {
                name if name == speaker => part(0, 0, 500),
                name if name == validation_speaker => part(0, 500, 0),
                _ => part(500, 0, 0),
            };
            equal(&group.group, group.examples, expected)?;
        }
    }
    Ok(())
}

fn fsdd_loads(folder: &Path) -> Result<(), String> {
    let config = fsdd(FsddConfig::default());
    let dataset = open(&config, &folder.join("fsdd"))?;
    let split = split(&config, &dataset, 1)?;
    let length = || {
        |clip: &Clip| -> Result<Features, String> {
            equal("samples per second", clip.sample_rate_hz, 8000)?;
            Ok(Features::new(1, vec![clip.samples.len() as f32]))
        }
    };
    let features =
        load(&dataset, &split.test, length, &Progress::default()).map_err(|error| error.to_string())?;
    for (&index, features) in split.test.iter().zip(&features) {
        let Source::File(path) = &dataset.examples[index].source else {
            return Err("fsdd has frames".to_owned());
        };
        // Every file of the set has a header of 44 bytes and 16-bit samples.
        let bytes = fs::metadata(path).map_err(|error| error.to_string())?.len();
        equal(&dataset.examples[index].id, features.values(), &[(bytes - 44) as f32 / 2.0])?;
    }
    Ok(())
}

fn speech_commands(words: &[&str]) -> DataConfig {
    let classes = words.iter().map(|&word| word.to_owned()).collect();
    DataConfig::SpeechCommands(SpeechCommandsConfig { classes, ..SpeechCommandsConfig::default() })
}

fn speech_commands_official(folder: &Path) -> Result<(), String> {
    let folder = folder.join("speech_commands");
    let config = speech_commands(&WORDS);
    let dataset = open(&config, &folder)?;
    let split = split(&config, &dataset, 1)?;
    let counts = Counts::new(&dataset, &split);
    equal("training", counts.total.train, 2250)?;
    equal("missing", counts.missing, 0)?;
    for (list, subset) in [("validation_list.txt", Subset::Validation), ("testing_list.txt", Subset::Test)] {
        let text = fs::read_to_string(folder.join(list)).map_err(|error| error.to_string())?;
        let of_word = |line: &&str| WORDS.iter().any(|word| line.starts_with(&format!("{word}/")));
        let listed: BTreeSet<&str> = text.lines().filter(of_word).collect();
        let found: BTreeSet<&str> =
            split.subset(subset).iter().map(|&index| dataset.examples[index].id.as_str()).collect();
        equal(list, found, listed)?;
    }
    for (class, (validation, test)) in counts.classes.iter().zip([(197, 176), (168, 166), (189, 180)]) {
        equal(&class.class, class.examples, part(750, validation, test))?;
    }
    // The predefined lists keep the recordings of a speaker together.
    let both = counts.groups.iter().find(|group| {
        let SubsetCount { train, validation, test } = group.examples;
        [train, validation, test].into_iter().filter(|&count| count > 0).count() > 1
    });
    ensure(both.is_none(), || format!("{both:?} is in two subsets"))
}

fn speech_commands_words(folder: &Path) -> Result<(), String> {
    let folder = folder.join("speech_commands");
    let Err(error) = speech_commands(&["bed", "zebra"]).open(Some(&folder)) else {
        return Err("zebra was found".to_owned());
    };
    let error = error.to_string();
    let known = error.split("its classes are ").nth(1).unwrap_or_default().split(", ").count();
    ensure(known == 30 && !error.contains("_background_noise_"), || error.clone())?;
    // Only ten recordings of the other words exist here; the lists name many more.
    let dataset = open(&speech_commands(&["yes", "no"]), &folder)?;
    equal("recordings", dataset.examples.len(), 20)?;
    let lists: Vec<String> = ["validation_list.txt", "testing_list.txt"]
        .iter()
        .map(|list| fs::read_to_string(folder.join(list)).unwrap_or_default())
        .collect();
    let missing =
        |line: &&str| (line.starts_with("yes/") || line.starts_with("no/")) && !folder.join(line).exists();
    let missing = lists.iter().flat_map(|text| text.lines()).filter(missing).count();
    ensure(missing > 100, || format!("{missing} missing"))?;
    equal("missing", dataset.missing, missing)
}

fn upc_vad(folder: &Path) -> Result<(), String> {
    let config = |fold| DataConfig::UpcVad(UpcVadConfig { fold, ..UpcVadConfig::default() });
    let dataset = open(&config(0), &folder.join("upc_vad"))?;
    equal("recordings", (dataset.examples.len(), dataset.missing), (101, 0))?;
    let (mut rows, mut voice, mut all) = (0, 0.0, 0.0);
    for example in &dataset.examples {
        let Label::Segments(segments) = &example.label else { return Err("one class".to_owned()) };
        rows += segments.list().len();
        all += segments.end_seconds();
        voice += segments
            .list()
            .iter()
            .filter(|segment| segment.class == 1)
            .map(|segment| segment.end_seconds - segment.start_seconds)
            .sum::<f64>();
    }
    // 501 lines end in S and 403 in V.
    equal("segments", rows, 904)?;
    ensure((816.0..818.0).contains(&all), || format!("{all} s are labeled"))?;
    ensure((voice / all - 0.61).abs() < 0.01, || format!("{voice} s of {all} s are voice"))?;
    let mut tested = 0;
    for fold in 0..5 {
        let split = split(&config(fold), &dataset, 1)?;
        let total = Counts::new(&dataset, &split).total;
        ensure((20..=21).contains(&total.test), || format!("fold {fold}: {total:?}"))?;
        equal("validation", total.validation, 8)?;
        tested += total.test;
    }
    equal("tested recordings", tested, 101)?;
    // Every recording has the length of its labels, or loading would fail.
    let length = || {
        |clip: &Clip| -> Result<Features, String> {
            equal("samples per second", clip.sample_rate_hz, 16_000)?;
            Ok(Features::new(1, vec![clip.samples.len() as f32 / 16_000.0]))
        }
    };
    let everything: Vec<usize> = (0..101).collect();
    let lengths =
        load(&dataset, &everything, length, &Progress::default()).map_err(|error| error.to_string())?;
    let seconds: f32 = lengths.iter().map(|features| features.values()[0]).sum();
    ensure((816.5..817.5).contains(&seconds), || format!("{seconds} s"))
}

fn japanese_vowels_embedded(folder: &Path) -> Result<(), String> {
    let folder: PathBuf = folder.join("japanese_vowels");
    let config = DataConfig::JapaneseVowels(JapaneseVowelsConfig::default());
    let embedded = config.open(None).map_err(|error| error.to_string())?;
    let mut examples = embedded.examples.iter();
    for file in ["JapaneseVowels_TRAIN.ts", "JapaneseVowels_TEST.ts"] {
        let text = fs::read_to_string(folder.join(file)).map_err(|error| error.to_string())?;
        let cases = text.lines().skip_while(|line| !line.starts_with("@data")).skip(1);
        for line in cases.filter(|line| !line.trim().is_empty()) {
            let example = examples.next().ok_or("too few utterances are embedded")?;
            let Source::Frames(frames) = &example.source else { return Err("not frames".to_owned()) };
            let fields: Vec<&str> = line.trim().split(':').collect();
            equal(
                &example.id,
                format!("speaker {}", fields[12]),
                embedded.classes[example.label.class().unwrap_or(0)].clone(),
            )?;
            for (coefficient, row) in fields[..12].iter().enumerate() {
                let row: Vec<u32> =
                    row.split(',').map(|text| text.parse::<f32>().unwrap_or(f32::NAN).to_bits()).collect();
                let got: Vec<u32> =
                    (0..frames.frames()).map(|t| frames.frame(t)[coefficient].to_bits()).collect();
                equal(&format!("{} coefficient {coefficient}", example.id), got, row)?;
            }
        }
    }
    equal("utterances left over", examples.count(), 0)?;
    ensure(open(&config, &folder)? == embedded, || "the text files read otherwise".to_owned())
}
