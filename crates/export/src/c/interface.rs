//! Functions of the header: those that read samples and return probabilities.

use stapes_features::{Edges, Stages};
use stapes_nn::objective::Objective;

use super::code::Code;
use super::refused;
use crate::error::ExportError;

/// From scores to probabilities.
pub(super) struct Decisions {
    /// Lines with `x` for the scores, `scores` for the probabilities.
    body: String,
    /// Number of rows of a clip, as C.
    rows: String,
    pub(super) frame_level: bool,
    pub(super) is_vote: bool,
    pub(super) classes: usize,
    /// True for a network on integers.
    quantized: bool,
}

impl Decisions {
    pub(super) fn new(
        code: &mut Code,
        objective: Objective,
        classes: usize,
        rows: String,
        scale: Option<f32>,
    ) -> Result<Decisions, ExportError> {
        let (frame_level, is_vote) = (objective.is_frame_level(), objective == Objective::Vote);
        let body = match objective {
            Objective::Classes | Objective::FrameClasses => {
                code.need(&["softmax"]);
                let copy = match scale {
                    Some(scale) => format!(
                        "for (int k = 0; k < {classes}; k++)\n@    scores[k] = (float)x[k] * {scale:e}f;"
                    ),
                    None => format!("memcpy(scores, x, sizeof(float) * {classes});"),
                };
                format!("{copy}\n@softmax(scores, {classes});")
            }
            Objective::FrameBinary => {
                code.need(&["sigmoid"]);
                let score = scale.map_or("x[0]".to_owned(), |scale| format!("(float)x[0] * {scale:e}f"));
                format!(
                    "const float score = {score};\n@scores[0] = sigmoid(-score);\n@scores[1] = sigmoid(score);"
                )
            }
            Objective::Vote => {
                match scale {
                    Some(_) => code.need_integer("argmax", &[]),
                    None => code.need(&["argmax"]),
                }
                format!("scores[argmax(x, {classes})] += 1;")
            }
            other => return Err(refused(format!("{other:?}"), "it is not known there")),
        };
        Ok(Decisions { body, rows, frame_level, is_vote, classes, quantized: scale.is_some() })
    }

    /// Returns the lines with this indentation.
    fn lines(&self, indent: &str) -> String {
        format!("{indent}{}\n", self.body.replace('@', indent))
    }

    /// Returns the lines that run the network.
    fn network(&self, indent: &str, argument: &str) -> String {
        let (quantize, ctype) = match self.quantized {
            true => (format!("{indent}quantize_frames(model{argument});\n"), "int16_t"),
            false => (String::new(), "float"),
        };
        format!("{quantize}{indent}const {ctype} *x = network(model{argument});\n")
    }

    /// Number of scores per row of the network.
    fn width(&self) -> usize {
        if self.body.contains("scores[1]") { 1 } else { self.classes }
    }
}

/// Functions of the interface.
pub(super) struct Api {
    /// Declarations.
    pub(super) header: String,
    /// Definitions.
    pub(super) source: String,
    /// Lines of a test that calls them.
    pub(super) test: String,
}

/// Returns the declarations of a stream.
fn stream_header(name: &str) -> String {
    let upper = name.to_uppercase();
    format!(
        "/* Starts a recording. */\nvoid {name}_init({name}_model *model);\n\n\
         /* Reads samples until the model has new probabilities, and returns the number of samples that it read. *scores points to\n \
         * the probabilities [{upper}_CLASSES], valid until the next call, or is NULL if the model needs further samples:\n *\n \
         *     while (count > 0) {{\n *         const float *scores;\n *         size_t used = {name}_push(&model, samples, count, &scores);\n \
         *         samples += used;\n *         count -= used;\n *         if (scores)\n *             ...\n *     }} */\n\
         size_t {name}_push({name}_model *model, const float *samples, size_t count, const float **scores);\n\n\
         /* Ends the recording: returns the probabilities of the next frame that was waiting for later samples; NULL after the last. */\n\
         const float *{name}_finish({name}_model *model);\n"
    )
}

/// Writes the functions of a stream.
pub(super) fn stream_api(name: &str, stages: &Stages, decisions: &Decisions, init: &str) -> Api {
    let classes = decisions.classes;
    let header = stream_header(name);
    let vote = match decisions.is_vote {
        true => format!(
            "            model->frames++;\n            for (int k = 0; k < {classes}; k++)\n                model->fractions[k] = model->scores[k] / (float)model->frames;\n            return model->fractions;\n"
        ),
        false => "            return model->scores;\n".to_owned(),
    };
    let end = stream_end(stages);
    let cut = stages.fixed_length_samples.map_or(String::new(), |length| {
        format!("        if (model->received == {length})\n            return count; /* recordings have a fixed length */\n        model->received++;\n")
    });
    let sample = if stages.scale == 1.0 {
        "samples[at++]".to_owned()
    } else {
        format!("samples[at++] * {:e}f", stages.scale)
    };
    let source = format!(
        "/* Returns the probabilities of the next complete frame. */\nstatic const float *next_scores({name}_model *model)\n{{\n    \
         float *const scores = model->scores;\n    while (next_frame(model)) {{\n{}        if (x) {{\n{}{vote}        }}\n    }}\n    \
         return NULL;\n}}\n\n\
         void {name}_init({name}_model *model)\n{{\n    memset(model, 0, sizeof *model);\n{init}}}\n\n\
         size_t {name}_push({name}_model *model, const float *samples, size_t count, const float **scores)\n{{\n    size_t at = 0;\n    \
         *scores = next_scores(model);\n    while (!*scores && at < count) {{\n{cut}        if (add_sample(model, {sample}))\n            \
         *scores = next_scores(model);\n    }}\n    return at;\n}}\n\n\
         const float *{name}_finish({name}_model *model)\n{{\n    const float *scores = next_scores(model);\n{end}    return scores;\n}}\n",
        decisions.network("        ", ""),
        decisions.lines("            ")
    );
    let test = format!(
        "    {name}_init(&model);\n    for (size_t at = 0; at < TEST_SAMPLES;) {{\n        const float *scores;\n        \
         size_t count = TEST_SAMPLES - at < 160 ? TEST_SAMPLES - at : 160;\n        at += {name}_push(&model, samples + at, count, &scores);\n        \
         if (scores)\n            compare(scores);\n    }}\n    for (const float *scores; (scores = {name}_finish(&model));)\n        compare(scores);\n"
    );
    Api { header, source, test }
}

/// Returns the lines that end a recording: zeros up to its fixed length, zeros after it, and the last frame.
fn stream_end(stages: &Stages) -> String {
    let add_zeros = |counter: &str, zeros: usize| {
        format!(
            "    while (!scores && model->{counter} < {zeros}) {{\n        model->{counter}++;\n        if (add_sample(model, 0))\n            \
             scores = next_scores(model);\n    }}\n"
        )
    };
    let fixed = stages.fixed_length_samples.map_or(String::new(), |length| add_zeros("received", length));
    let zeros = match stages.framing.edges {
        Edges::Padded { zeros: zeros @ 1.., .. } => add_zeros("padded", zeros),
        _ => String::new(),
    };
    let before = u8::from(stages.preemphasis != 0.0);
    let last = match stages.framing.edges {
        Edges::Completed => format!(
            "        if (model->fresh > 0)\n            compute_frame(model, model->filled - {before}); /* zeros complete the last frame */\n"
        ),
        _ => String::new(),
    };
    format!(
        "{fixed}{zeros}    if (!scores && !model->ended) {{\n        model->ended = 1;\n{last}        scores = next_scores(model);\n    }}\n"
    )
}

/// Writes the function of a clip.
pub(super) fn clip_api(
    name: &str,
    ([min, max], is_fixed): ([usize; 2], bool),
    (body, argument): (&str, &str),
    decisions: &Decisions,
) -> Api {
    let upper = name.to_uppercase();
    let classes = decisions.classes;
    let max_text = if is_fixed { "2147483647".to_owned() } else { max.to_string() };
    let (rows, meaning) = match decisions.frame_level {
        true => (decisions.rows.clone(), "probabilities of its T frames, [T, CLASSES], and returns T"),
        false => ("1".to_owned(), "probabilities, [CLASSES], and returns 1"),
    };
    let meaning = meaning.replace("CLASSES", &format!("{upper}_CLASSES"));
    let length = match is_fixed {
        true => format!("Recordings are cut or padded with zeros to {max} samples."),
        false => format!("Recordings have {min} to {max} samples; for others it returns 0."),
    };
    let header = format!(
        "/* Reads a recording, and writes the {meaning}.\n * {length} */\n\
         int {name}_classify({name}_model *model, const float *samples, int count, float *scores);\n"
    );
    let check = match is_fixed {
        true => "    if (count < 0)\n        return 0;\n".to_owned(),
        false => format!("    if (count < {min} || count > {max_text})\n        return 0;\n"),
    };
    let decide = match (decisions.is_vote, decisions.frame_level) {
        (true, _) => format!(
            "    for (int k = 0; k < {classes}; k++)\n        scores[k] = 0;\n    for (int t = 0; t < {0}; t++, x += {classes})\n{1}    \
             for (int k = 0; k < {classes}; k++)\n        scores[k] /= (float)({0});\n",
            decisions.rows,
            decisions.lines("        ")
        ),
        (_, true) => format!(
            "    for (int t = 0; t < {}; t++, x += {}, scores += {classes}) {{\n{}    }}\n",
            decisions.rows,
            decisions.width(),
            decisions.lines("        ")
        ),
        _ => decisions.lines("    "),
    };
    let source = format!(
        "int {name}_classify({name}_model *model, const float *samples, int count, float *scores)\n{{\n{check}{body}{}{decide}    \
         return {rows};\n}}\n",
        decisions.network("    ", argument)
    );
    let test = format!(
        "    static float scores[TEST_ROWS * {upper}_CLASSES];\n    int rows = {name}_classify(&model, samples, TEST_SAMPLES, scores);\n    \
         for (int t = 0; t < rows; t++)\n        compare(scores + t * {upper}_CLASSES);\n"
    );
    Api { header, source, test }
}
