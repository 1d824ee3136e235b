//! Small data sets in temporary folders.

use std::fs;
use std::path::Path;

use stapes_audio::Clip;
use tempfile::TempDir;

/// Writes a mono WAV file of 16 bits at 8 kHz.
pub(crate) fn write_wav(path: &Path, samples: &[i16]) {
    let samples = samples.iter().map(|&sample| f32::from(sample) / 32768.0).collect();
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    stapes_audio::write_wav(path, &Clip { samples, sample_rate_hz: 8000 }).unwrap();
}

/// Spoken digits: ten digits per speaker, `count` recordings each, all of different length.
pub(crate) fn digits(speakers: &[&str], count: usize) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut length = 0;
    for digit in 0..10 {
        for speaker in speakers {
            for index in 0..count {
                length += 1;
                let name = format!("recordings/{digit}_{speaker}_{index}.wav");
                write_wav(&folder.path().join(name), &vec![digit as i16; length]);
            }
        }
    }
    folder
}

/// Speech commands: four recordings per word, `0_nohash_0.wav` for validation, `1_nohash_0.wav` for testing.
pub(crate) fn words(words: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let (mut validation, mut test) = (String::new(), String::new());
    for word in words {
        for speaker in 0..4 {
            write_wav(&folder.path().join(format!("{word}/{speaker}_nohash_0.wav")), &[1, 2, 3]);
        }
        validation += &format!("{word}/0_nohash_0.wav\n");
        test += &format!("{word}/1_nohash_0.wav\n");
    }
    write_wav(&folder.path().join("_background_noise_/white.wav"), &[5; 100]);
    fs::write(folder.path().join("validation_list.txt"), validation).unwrap();
    fs::write(folder.path().join("testing_list.txt"), test).unwrap();
    folder
}
