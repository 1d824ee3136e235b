//! Commands and a program that use a run, for its page.

use std::path::Path;

use stapes_infer::Input;
use stapes_report::{NextStep, shell_word};

use crate::run::MODEL;

/// Returns the commands for the run in `folder`, whose model reads `input` of frames of `width` values.
pub(super) fn next_steps(folder: &Path, input: &Input, width: usize, is_frame_level: bool) -> Vec<NextStep> {
    let run = shell_word(&folder.to_string_lossy());
    let step = |title: &str, code: String| NextStep { title: title.into(), code };
    let (title, file) = match (input, is_frame_level) {
        (Input::Recordings(_), false) => ("Classify recordings", "recording.wav"),
        (Input::Recordings(_), true) => ("Print the segments of recordings", "recording.wav"),
        (Input::Frames(_), _) => {
            ("Classify a text file of frames, one per line, values separated by commas", "frames.csv")
        }
    };
    let model = folder.join(MODEL);
    let load = format!(
        "use stapes::prelude::*;\n\nlet mut classifier = Classifier::load({:?}.as_ref())?;\n",
        model.to_string_lossy()
    );
    let read = "let clip = stapes::audio::read(\"recording.wav\".as_ref())?;\n";
    let program = match (input, is_frame_level) {
        (Input::Recordings(_), false) => format!(
            "{load}{read}let prediction = classifier.predict(&clip)?;\n\
             println!(\"{{}} {{:.1}} %\", prediction.label, 100.0 * prediction.probability);"
        ),
        (Input::Recordings(_), true) => format!(
            "{load}{read}for segment in classifier.segments(&clip)? {{\n    \
             let label = &classifier.model().labels[segment.class];\n    \
             println!(\"{{:.2}} {{:.2}} {{label}}\", segment.start_seconds, segment.end_seconds);\n}}"
        ),
        (Input::Frames(_), _) => format!(
            "{load}let values: Vec<f32> = vec![0.0; 20 * {width}]; // 20 frames of {width} values\n\
             let probabilities = classifier.classify_frames(&Features::new({width}, values))?;\n\
             println!(\"{{:?}} {{probabilities:?}}\", classifier.model().labels);"
        ),
    };
    let mut steps = vec![
        step(title, format!("stapes predict {run} {file}")),
        step("Evaluate again, on test or validation examples", format!("stapes eval {run} --split test")),
        step("Use the model from Rust", program),
    ];
    if let Input::Recordings(_) = input {
        let code = format!("stapes eval {run} --data DIR --split all");
        steps.insert(2, step("Evaluate on other recordings, in folders of the same classes", code));
    }
    steps
}

#[cfg(test)]
mod tests {
    use stapes_features::preset;

    use super::*;

    #[test]
    fn commands_and_program_have_the_path_of_the_run() {
        let input = Input::Recordings(preset("log-mel").unwrap());
        for is_frame_level in [false, true] {
            let steps = next_steps(Path::new("my runs/one"), &input, 40, is_frame_level);
            assert_eq!(steps[0].code, "stapes predict 'my runs/one' recording.wav");
            assert_eq!(steps[1].code, "stapes eval 'my runs/one' --split test");
            assert_eq!(steps[2].code, "stapes eval 'my runs/one' --data DIR --split all");
            assert!(steps[3].code.contains(r#"load("my runs/one/model.safetensors".as_ref())"#));
            assert_eq!(steps[3].code.contains("segments(&clip)"), is_frame_level);
        }
    }
}
