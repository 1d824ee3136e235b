//! Processing of the frames of a clip: deltas, stacking and normalization; the functions of the first two also run on a stream.

use stapes_features::{DeltaMode, DeltaStage, FrameStage, Normalization, StackingConfig};
use stapes_nn::layer::Shape;

use super::FrontEndWriter;
use crate::c::network::{Length, Outlet};
use crate::c::refused;
use crate::error::ExportError;

impl FrontEndWriter<'_> {
    /// Writes a stage of the frames of a clip.
    pub(super) fn clip_stage(
        &mut self,
        stage: &FrameStage,
        input: Outlet,
        step: usize,
    ) -> Result<Outlet, ExportError> {
        match stage {
            FrameStage::Normalization(normalization) => {
                self.clip_normalization(*normalization, &input);
                Ok(input)
            }
            FrameStage::Deltas(deltas) => self.clip_deltas(deltas, &input, step),
            FrameStage::Stacking(stacking) => Ok(self.clip_stacking(stacking, &input, step)),
        }
    }

    /// Writes a normalization over a clip.
    fn clip_normalization(&mut self, normalization: Normalization, input: &Outlet) {
        let (function, text, variance) = match normalization {
            Normalization::PerUtterance => ("normalize_utterance", include_str!("../pieces/utterance.c"), 1),
            Normalization::PerUtteranceMean => {
                ("normalize_utterance", include_str!("../pieces/utterance.c"), 0)
            }
            Normalization::Cmvn => ("cmvn", include_str!("../pieces/cmvn.c"), 1),
            Normalization::CmvnMean => ("cmvn", include_str!("../pieces/cmvn.c"), 0),
            _ => return,
        };
        if !self.functions.contains(text) {
            self.function(text);
        }
        let (x, frames, width) =
            (self.memory.address(input.value), &input.length.text, input.shape.features());
        self.body += &format!("    {function}({x}, {frames}, {width}, {variance});\n");
    }

    /// Writes the deltas of a clip.
    fn clip_deltas(
        &mut self,
        deltas: &DeltaStage,
        input: &Outlet,
        step: usize,
    ) -> Result<Outlet, ExportError> {
        let (x, frames, width) =
            (self.memory.address(input.value), &input.length.text, input.shape.features());
        let name = self.deltas(deltas, width, step)?;
        let output_width = width * (deltas.filters.len() + 1);
        let output = self.stage_output(output_width, input.length.clone(), step);
        let state = format!("&model->{name}");
        let pop =
            format!("{name}_pop({state}, {} + done * {output_width})", self.memory.address(output.value));
        self.body += &format!(
            "    {{\n        int done = 0;\n        memset({state}, 0, sizeof model->{name});\n        \
             for (int t = 0; t < {frames}; t++) {{\n            {name}_push({state}, {x} + t * {width});\n            \
             {name}_advance({state}, 0);\n            while ({pop})\n                done++;\n        }}\n        \
             {name}_advance({state}, 1);\n        while ({pop})\n            done++;\n    }}\n"
        );
        Ok(output)
    }

    /// Writes the stacking of a clip.
    fn clip_stacking(&mut self, stacking: &StackingConfig, input: &Outlet, step: usize) -> Outlet {
        let (x, frames, width) =
            (self.memory.address(input.value), &input.length.text, input.shape.features());
        let name = self.stacking(stacking, width);
        let output_width = width * (stacking.left + 1 + stacking.right);
        let max = input.length.max.div_ceil(stacking.every);
        let length = match input.shape.length() {
            Some(_) => Length::fixed(max),
            None => Length { text: "frames".into(), max },
        };
        let output = self.stage_output(output_width, length, step);
        let state = format!("&model->{name}");
        let pop = |ended: u8| {
            format!(
                "stack_pop({state}, {ended}, {} + stacked * {output_width})",
                self.memory.address(output.value)
            )
        };
        let (next, last) = (pop(0), pop(1));
        self.body += &format!(
            "    int stacked = 0;\n    memset({state}, 0, sizeof model->{name});\n    for (int t = 0; t < {frames}; t++) {{\n        \
             stack_push({state}, {x} + t * {width});\n        while ({next})\n            stacked++;\n    }}\n    \
             while ({last})\n        stacked++;\n"
        );
        if output.length.text == "frames" {
            self.body += "    frames = stacked;\n";
        }
        output
    }

    fn stage_output(&mut self, width: usize, length: Length, step: usize) -> Outlet {
        let value = self.memory.add(width * length.max, step);
        let frames = (length.text == length.max.to_string()).then_some(length.max);
        Outlet::new(value, Shape::Sequence { features: width, frames }, length)
    }

    /// Writes the functions of deltas, and returns the name of their state.
    pub(super) fn deltas(
        &mut self,
        stage: &DeltaStage,
        width: usize,
        step: usize,
    ) -> Result<String, ExportError> {
        let name = format!("deltas{step}");
        let reach = |filter: &stapes_features::DeltaFilter| filter.weights.len() / 2;
        let slots = 2 * stage.filters.iter().map(reach).sum::<usize>() + 2;
        let count = stage.filters.len();
        let center = "center = center < reach ? reach : center;\n            const int final = ended ? last - reach : last;\n            center = center > final && final >= reach ? final : center;";
        let nearest = "at = at < 0 ? 0 : at > last ? last : at;";
        let (center, edge) = match stage.edges {
            DeltaMode::Interp => (center, nearest),
            DeltaMode::Nearest => ("", nearest),
            DeltaMode::Constant => ("", "if (at < 0 || at > last)\n                        continue;"),
            DeltaMode::Mirror => (
                "",
                "while (last > 0 && (at < 0 || at > last))\n                        at = at < 0 ? -at : 2 * last - at;\n                    at = last > 0 ? at : 0;",
            ),
            DeltaMode::Wrap => {
                let reason = "mode = \"wrap\" reads the end of a clip before its start; use mode = \"nearest\", in training too";
                return Err(refused("deltas", reason));
            }
        };
        let state = format!("{}_{name}", self.name);
        let mut rows = String::new();
        for (at, filter) in stage.filters.iter().enumerate() {
            let table = format!("{name}_weights{}", at + 1);
            self.code.floats("double", &table, "in time order", &filter.weights);
            rows += &format!("    {{{table}, {}, {}}},\n", reach(filter), filter.source);
        }
        self.function(&format!(
            "/* Delta filters: weights in time order, neighbors on each side, input (0 for the features). */\n\
             static const struct {{\n    const double *weights;\n    int reach, source;\n}} {name}_filters[{count}] = {{\n{rows}}};\n"
        ));
        self.code.structs += &format!(
            "typedef struct {{\n    float rows[{}][{slots}][{width}]; /* latest frames, then their deltas */\n    int counts[{}], emitted;\n}} {state};\n\n",
            count + 1,
            count + 1
        );
        self.code.field(format!("{state} {name};"));
        let text = include_str!("../pieces/deltas.c");
        let words = [
            ("DELTAS", name.clone()),
            ("TYPE", state),
            ("WIDTH", width.to_string()),
            ("SLOTS", slots.to_string()),
            ("FILTERS", count.to_string()),
            (
                "            CENTER\n",
                if center.is_empty() { String::new() } else { format!("            {center}\n") },
            ),
            ("EDGE", edge.to_owned()),
        ];
        self.function(&words.iter().fold(text.to_owned(), |text, (word, by)| text.replace(word, by)));
        Ok(name)
    }

    /// Writes the functions of stacking, and returns the name of its state.
    pub(super) fn stacking(&mut self, stage: &StackingConfig, width: usize) -> String {
        let (name, slots) = ("stack".to_owned(), stage.left + 1 + stage.right);
        let state = format!("{}_stack", self.name);
        self.code.structs += &format!(
            "typedef struct {{\n    float rows[{slots}][{width}]; /* latest frames */\n    int count, emitted;\n}} {state};\n\n"
        );
        self.code.field(format!("{state} {name};"));
        let words = [
            ("TYPE", state),
            ("WIDTH", width.to_string()),
            ("SLOTS", slots.to_string()),
            ("EVERY", stage.every.to_string()),
            ("RIGHT", stage.right.to_string()),
            ("LEFT", stage.left.to_string()),
        ];
        let text = include_str!("../pieces/stack.c");
        self.function(&words.iter().fold(text.to_owned(), |text, (word, by)| text.replace(word, by)));
        name
    }
}
