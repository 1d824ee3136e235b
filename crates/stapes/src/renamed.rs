//! Recipe and sweep keys of earlier versions: an old key is an error that names the new one.

/// Old key and new name. `*` stands for any one part of a key.
const RENAMED: &[(&str, &str)] = &[
    ("data.*.validation_share", "validation_fraction"),
    ("data.*.test_share", "test_fraction"),
    ("data.*.unreadable_share", "max_unreadable_fraction"),
    ("data.manifest.moments", "frame_labels"),
    ("features.normalisation", "normalization"),
    ("frames.normalisation", "normalization"),
    ("augment.drop.share", "fraction"),
    ("augment.jitter.deviation", "std"),
    ("augment.waveform.noise.colour", "color"),
    ("augment.waveform.clipping.share", "threshold"),
    ("model.recurrent.hidden", "hidden_size"),
    ("model.recurrent.layers", "num_layers"),
    ("model.recurrent.wiring", "bidirectional, and for the old parallel and tied bidirectional_mode"),
    ("model.recurrent.initialisation", "initialization"),
    ("model.recurrent.truncate_frames", "truncated_bptt_frames"),
    ("model.*.cells", "hidden_size"),
    ("model.cdnn.layers", "num_layers"),
    ("model.cdnn-raw.layers", "num_layers"),
    ("model.crnn.hidden", "fc_size"),
    ("train.batch", "batch_size"),
    ("train.optimiser", "optimizer"),
    ("train.clip_norm", "max_grad_norm"),
    ("train.average_decay", "ema_decay"),
    ("train.accumulate", "accumulation_steps"),
    ("rows", "configurations"),
    ("search.keep_one_in", "reduction_factor"),
    ("search.length", "resource"),
    ("search.splits", "seeds"),
];

/// The message for a dotted key that was renamed, if it was.
pub(crate) fn renamed(key: &str) -> Option<String> {
    let matches = |pattern: &str| {
        pattern.split('.').count() == key.split('.').count()
            && pattern.split('.').zip(key.split('.')).all(|(part, found)| part == "*" || part == found)
    };
    let (_, new) = RENAMED.iter().find(|(old, _)| matches(old))?;
    let section = key.rfind('.').map_or("", |dot| &key[..=dot]);
    Some(format!("{key} was renamed: write {section}{new}"))
}

/// The message for the first renamed key of a table, if it has one.
pub(crate) fn renamed_key(table: &toml::Table) -> Option<String> {
    first(table, "")
}

fn first(table: &toml::Table, section: &str) -> Option<String> {
    table.iter().find_map(|(key, value)| {
        let key = format!("{section}{key}");
        renamed(&key).or_else(|| first(value.as_table()?, &format!("{key}.")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_key_is_found_at_any_depth_with_its_new_name() {
        let found = |text: &str| renamed_key(&toml::from_str(text).unwrap());
        assert_eq!(found("[train]\nbatch = 3").unwrap(), "train.batch was renamed: write train.batch_size");
        assert_eq!(
            found("[augment.waveform.noise]\ncolour = \"pink\"").unwrap(),
            "augment.waveform.noise.colour was renamed: write augment.waveform.noise.color"
        );
        assert_eq!(
            found("[data.fsdd]\nvalidation_share = 0.1").unwrap(),
            "data.fsdd.validation_share was renamed: write data.fsdd.validation_fraction"
        );
        assert_eq!(found("[train]\nbatch_size = 3\n[model.tc-resnet]\nchannels = [1]"), None);
    }

    #[test]
    fn every_new_name_differs_from_every_old_one() {
        for (_, new) in RENAMED {
            assert!(RENAMED.iter().all(|(old, _)| !old.ends_with(&format!(".{new}"))), "{new}");
        }
    }
}
