//! Configuration in a recipe.

use stapes_data::{
    DataConfig, FsddConfig, FsddSplit, JapaneseVowelsConfig, SpeechCommandsConfig, UpcVadConfig,
};

#[test]
fn every_configuration_is_written_and_read_back() {
    let configs = [
        DataConfig::Fsdd(FsddConfig {
            split: FsddSplit::LeaveSpeakerOut,
            speaker: Some("theo".to_owned()),
            validation_speaker: Some("lucas".to_owned()),
            ..FsddConfig::default()
        }),
        DataConfig::SpeechCommands(SpeechCommandsConfig {
            classes: vec!["bed".to_owned(), "cat".to_owned()],
            ..SpeechCommandsConfig::default()
        }),
        DataConfig::JapaneseVowels(JapaneseVowelsConfig { validation_fraction: 0.25 }),
        DataConfig::UpcVad(UpcVadConfig { folds: 4, fold: 3, validation_fraction: 0.25 }),
    ];
    for config in configs {
        let text = toml::to_string(&config).unwrap();
        assert!(text.starts_with(&format!("[{}]", config.name())), "{text}");
        assert_eq!(toml::from_str::<DataConfig>(&text).unwrap(), config);
    }
}

#[test]
fn missing_keys_have_defaults() {
    let config: DataConfig = toml::from_str("[fsdd]").unwrap();
    assert_eq!(config, DataConfig::Fsdd(FsddConfig::default()));
    let config: DataConfig = toml::from_str("[japanese-vowels]").unwrap();
    assert_eq!(config, DataConfig::JapaneseVowels(JapaneseVowelsConfig { validation_fraction: 0.1 }));
    let config: DataConfig = toml::from_str("fsdd = { split = \"random\", test_fraction = 0.5 }").unwrap();
    let expected = FsddConfig { split: FsddSplit::Random, test_fraction: Some(0.5), ..FsddConfig::default() };
    assert_eq!(config, DataConfig::Fsdd(expected));
}

#[test]
fn unknown_keys_and_names_are_rejected() {
    for text in [
        "[fsdd]\nspeeker = \"theo\"",
        "[fsdd]\nsplit = \"by-speaker\"",
        "[fsdd]\nvalidation_fraction = \"a tenth\"",
        "[speech-commands]\n",
        "[speech-commands]\nclasses = [\"bed\", \"cat\"]\nwords = 3",
        "[japanese-vowels]\nvalidation = 0.1",
        "[upc-vad]\nfold = -1",
        "[upc-vad]\nspeaker = 3",
        "[digits]",
    ] {
        assert!(toml::from_str::<DataConfig>(text).is_err(), "{text}");
    }
}
