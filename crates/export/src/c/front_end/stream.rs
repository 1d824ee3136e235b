//! Samples and frames of a stream.

use stapes_features::{Edges, FrameStage, FramingStage};
use stapes_nn::layer::Shape;

use super::FrontEndWriter;
use crate::c::network::{Length, Outlet};
use crate::c::refused;
use crate::error::ExportError;

impl FrontEndWriter<'_> {
    /// Writes the functions from samples of a stream to normalized frames, `next_frame` and `add_sample`.
    pub(super) fn stream(&mut self, base: usize, scaler: Option<[&[f32]; 2]>) -> Result<Outlet, ExportError> {
        let FramingStage { length, hop, edges } = self.stages.framing;
        let zeros = match edges {
            Edges::Padded { zeros, reflected: 0 } if zeros < length => zeros,
            Edges::Padded { reflected: 0, .. } => {
                return Err(refused("the front end", "pad must be below n_fft; reduce it, in training too"));
            }
            Edges::Completed => 0,
            Edges::Padded { .. } | Edges::Mirrored => {
                let reason = "frames that are mirrored at the start of a recording need later samples; use center = false or \
                              snip_edges = true, in training too, or export a clip";
                return Err(refused("the front end", reason));
            }
        };
        self.code.field(format!("float base[{base}]; /* frame of the front end */"));
        self.code.field("int has_base;");
        self.code.field("int ended;");
        self.samples_of_stream([length, hop, zeros]);
        let name = self.name;
        self.function(&format!(
            "/* Returns 1 with the next frame of the front end. */\n\
             static int next_frame0({name}_model *model, float *frame)\n{{\n    if (!model->has_base)\n        return 0;\n    \
             model->has_base = 0;\n    memcpy(frame, model->base, sizeof model->base);\n    return 1;\n}}\n"
        ));
        let mut width = base;
        for (at, stage) in self.stages.frames.iter().enumerate() {
            width = self.stream_stage(stage, at + 1, width)?;
        }
        let value = self.memory.add(width, 0);
        if let Some(scaler) = scaler {
            self.standardize(scaler);
        }
        let last = self.stages.frames.len();
        let normalize = if scaler.is_some() {
            format!("\n    standardize({}, 1);", self.memory.address(value))
        } else {
            String::new()
        };
        let input = self.memory.address(value);
        self.function(&format!(
            "/* Returns 1 with the next input of the network. */\n\
             static int next_frame({name}_model *model)\n{{\n    if (!next_frame{last}(model, {input}))\n        \
             return 0;{normalize}\n    return 1;\n}}\n"
        ));
        Ok(Outlet::new(value, Shape::frames(width), Length::fixed(1)))
    }

    /// Writes the function of a stage of the frames of a stream, and returns the width of its frames.
    fn stream_stage(&mut self, stage: &FrameStage, step: usize, input: usize) -> Result<usize, ExportError> {
        let (width, push, pop, end) = match stage {
            FrameStage::Deltas(deltas) => {
                let stage = self.deltas(deltas, input, step)?;
                let state = format!("&model->{stage}");
                (
                    input * (deltas.filters.len() + 1),
                    format!(
                        "{stage}_push({state}, model->input{step});\n        {stage}_advance({state}, 0);"
                    ),
                    format!("{stage}_pop({state}, frame)"),
                    format!("{stage}_advance({state}, 1);\n            return {stage}_pop({state}, frame);"),
                )
            }
            FrameStage::Stacking(stacking) => {
                let state = format!("&model->{}", self.stacking(stacking, input));
                (
                    input * (stacking.left + 1 + stacking.right),
                    format!("stack_push({state}, model->input{step});"),
                    format!("stack_pop({state}, 0, frame)"),
                    format!("return stack_pop({state}, 1, frame);"),
                )
            }
            FrameStage::Normalization(normalization) => {
                let reason =
                    "it needs the whole clip; use normalization = \"per-coefficient\", or export a clip";
                return Err(refused(format!("normalization = {:?}", normalization.name()), reason));
            }
        };
        let (name, before) = (self.name, step - 1);
        self.code.field(format!("float input{step}[{input}];"));
        self.function(&format!(
            "/* Returns 1 with the next frame after stage {step}. */\n\
             static int next_frame{step}({name}_model *model, float *frame)\n{{\n    while (!{pop}) {{\n        \
             if (!next_frame{before}(model, model->input{step})) {{\n            if (!model->ended)\n                return 0;\n            {end}\n        }}\n        \
             {push}\n    }}\n    return 1;\n}}\n"
        ));
        Ok(width)
    }

    /// Writes `add_sample`.
    fn samples_of_stream(&mut self, [length, hop, zeros]: [usize; 3]) {
        let before = usize::from(self.stages.preemphasis != 0.0);
        let size = length + before;
        let name = self.name;
        self.code.field(format!("float samples[{size}]; /* of the next frame */"));
        self.code.field("int filled;");
        if hop > length {
            self.code.field("int skip; /* samples between frames */");
        }
        self.compute_frame(before);
        let kept = length.saturating_sub(hop);
        let shift = match kept + before {
            0 => "    model->filled = 0;\n".to_owned(),
            rest => format!(
                "    memmove(model->samples, model->samples + {}, sizeof(float) * {rest});\n    model->filled = {rest};\n",
                size - rest
            ),
        };
        let (mut skip, mut between) = (String::new(), String::new());
        if hop > length {
            let keep = if before == 1 { "        model->samples[0] = sample;\n" } else { "" };
            skip = format!(
                "    if (model->skip > 0) {{\n        model->skip--;\n{keep}        return 0;\n    }}\n"
            );
            between = format!("    model->skip = {};\n", hop - length);
        }
        if self.stages.framing.edges == Edges::Completed {
            self.code.field("int fresh; /* samples after the last frame */");
            skip.insert_str(0, "    model->fresh++;\n");
            between += "    model->fresh = 0;\n";
        }
        self.function(&format!(
            "/* Adds a sample at the scale of the front end; returns 1 if it completes a frame. */\n\
             static int add_sample({name}_model *model, float sample)\n{{\n{skip}    model->samples[model->filled++] = sample;\n    \
             if (model->filled < {size})\n        return 0;\n    compute_frame(model, {length});\n{shift}{between}    return 1;\n}}\n"
        ));
        // Zeros before the first sample.
        let start = before + zeros;
        if start > 0 {
            self.code.init += &format!("    model->filled = {start};\n");
        }
    }

    /// Writes `compute_frame`; `before` is the number of samples that are kept before a frame.
    fn compute_frame(&mut self, before: usize) {
        let ([offset, window], name) = (self.window(), self.name);
        let preemphasis = self.stages.preemphasis;
        let analyze = match self.stages.spectrum {
            Some(_) => {
                let read = match before {
                    0 => "x[n]".to_owned(),
                    _ => format!("n < valid ? (real)x[n + 1] - (real){preemphasis:e} * (real)x[n] : 0"),
                };
                let valid = if before == 0 { "    (void)valid;\n" } else { "" };
                format!(
                    "    const float *x = model->samples;\n{valid}    for (int n = {offset}; n < {}; n++)\n        \
                     model->spectrum[n] = {read};\n    analyze(model->spectrum, model->bins, model->base);\n",
                    offset + window
                )
            }
            None => {
                "    (void)valid;\n    memcpy(model->base, model->samples, sizeof model->base);\n".to_owned()
            }
        };
        self.function(&format!(
            "/* Computes the frame of the latest samples, of which the first `valid` belong to the recording. */\n\
             static void compute_frame({name}_model *model, int valid)\n{{\n{analyze}    model->has_base = 1;\n}}\n"
        ));
    }
}
