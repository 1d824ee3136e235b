//! The front end as C functions, from the stages of its description.

mod analysis;
mod frames;
mod stream;

use std::fmt::Write;

use stapes_features::{Edges, FrameStage, FramingStage, Stages};

use super::Form;
use super::code::Code;
use super::memory::Memory;
use super::network::{Length, Outlet};
use crate::error::ExportError;
use stapes_nn::layer::Shape;

/// Writes the functions of a front end.
pub(super) struct FrontEndWriter<'a> {
    code: &'a mut Code,
    memory: &'a mut Memory,
    stages: &'a Stages,
    /// Number types of spectra and of energies.
    types: [&'static str; 2],
    name: &'a str,
    /// Functions, and lines of the function that classifies.
    functions: String,
    body: String,
}

/// A written front end.
pub(super) struct FrontEnd {
    /// Functions.
    pub(super) functions: String,
    /// Lines from samples to the input of the network.
    pub(super) body: String,
    /// Input of the network.
    pub(super) output: Outlet,
}

impl<'a> FrontEndWriter<'a> {
    pub(super) fn new(
        code: &'a mut Code,
        memory: &'a mut Memory,
        (stages, front_end, name): (&'a Stages, &str, &'a str),
    ) -> FrontEndWriter<'a> {
        // The number types of the toolkits: librosa computes spectra in f64 and all that follows in f32.
        let types = match front_end.split('-').next() {
            Some("librosa") => ["double", "float"],
            Some("psf") => ["double", "double"],
            _ => ["float", "float"],
        };
        FrontEndWriter { code, memory, stages, types, name, functions: String::new(), body: String::new() }
    }

    /// Writes the front end.
    ///
    /// # Errors
    /// [`ExportError::Layer`] for a stage that C cannot run.
    pub(super) fn write(mut self, form: Form, scaler: Option<[&[f32]; 2]>) -> Result<FrontEnd, ExportError> {
        let upper = self.name.to_uppercase();
        let [real, number] = self.types;
        let _ = writeln!(
            self.code.structs,
            "/* Number type of samples and spectra: that of the toolkit of the features. On a processor without double, float is several\n \
             * times faster and needs half the memory, and scores differ by its rounding: compile with -D{upper}_REAL=float. */\n\
             #ifndef {upper}_REAL\n#define {upper}_REAL {real}\n#endif\n"
        );
        let _ = writeln!(
            self.code.types,
            "typedef {upper}_REAL real; /* samples and spectra */\ntypedef {number} number;     /* energies */\n"
        );
        let base = self.analysis();
        let output = match form {
            Form::Stream => self.stream(base, scaler)?,
            Form::Clip { max_samples } => self.clip(base, max_samples, scaler)?,
        };
        Ok(FrontEnd { functions: self.functions, body: self.body, output })
    }

    fn function(&mut self, text: &str) {
        self.functions += text;
        self.functions.push('\n');
    }

    /// Returns true if the decibels have a floor or a reference that depends on the whole clip.
    fn needs_peak(&self) -> bool {
        use stapes_features::{Logarithm, Reference};
        matches!(
            self.stages.spectrum.as_ref().map(|spectrum| spectrum.logarithm),
            Some(
                Logarithm::Decibels { top_db: Some(_), .. }
                    | Logarithm::Decibels { reference: Reference::Max, .. }
            )
        )
    }

    /// Returns the first sample of a frame that is used, and their number.
    fn window(&self) -> [usize; 2] {
        match &self.stages.spectrum {
            Some(spectrum) => [spectrum.offset, spectrum.window.len()],
            None => [0, self.stages.framing.length],
        }
    }

    /// Writes the function that reads a sample of a clip, and the one that reads a frame.
    fn load_from_clip(&mut self) {
        let Stages { scale, preemphasis, fixed_length_samples, framing, .. } = self.stages;
        let FramingStage { length, hop, edges } = *framing;
        let sample = match *scale == 1.0 {
            true => "samples[i]".to_owned(),
            false => format!("samples[i] * {scale:e}f"),
        };
        let real = if self.stages.spectrum.is_some() { "real" } else { "float" };
        let plain = format!("return i >= 0 && i < count ? ({real})({sample}) : 0;");
        self.function(&format!(
            "/* Sample i of a recording, 0 beyond its ends. */\n\
             static {real} plain_sample(const float *samples, int count, int i)\n{{\n    {plain}\n}}\n"
        ));
        let read = match *preemphasis == 0.0 {
            true => "plain_sample(samples, count, i)".to_owned(),
            false => format!(
                "plain_sample(samples, count, i) - (real){preemphasis:e} * plain_sample(samples, count, i - 1)"
            ),
        };
        // The end of the clip, whose zeros are part of it if its length is fixed.
        let end = fixed_length_samples.map_or("count".to_owned(), |length| length.to_string());
        let place = match edges {
            Edges::Padded { zeros, reflected: 0 } => {
                format!("int i = n - {zeros};\n    if (i < 0 || i >= {end})\n        return 0;")
            }
            Edges::Padded { zeros, reflected } => format!(
                "const int last = {end} + {} - 1;\n    int i = n - {reflected};\n    while (last > 0 && (i < 0 || i > last))\n        \
                 i = i < 0 ? -i : 2 * last - i;\n    i = last > 0 ? i - {zeros} : 0;\n    if (i < 0 || i >= {end})\n        return 0;",
                2 * zeros
            ),
            Edges::Completed => format!("int i = n;\n    if (i >= {end})\n        return 0;"),
            Edges::Mirrored => format!(
                "int i = n + {} - {};\n    while (i < 0 || i >= {end})\n        i = i < 0 ? -i - 1 : 2 * {end} - 1 - i;",
                hop / 2,
                length / 2
            ),
        };
        self.function(&format!(
            "/* Sample n of a recording with its padding. */\n\
             static {real} padded_sample(const float *samples, int count, int n)\n{{\n    {place}\n    return {read};\n}}\n"
        ));
        let [offset, window] = self.window();
        self.function(&format!(
            "/* Reads the samples of frame t to x + {offset}. */\n\
             static void load_frame(const float *samples, int count, int t, {real} *x)\n{{\n    \
             for (int n = {offset}; n < {}; n++)\n        x[n] = padded_sample(samples, count, t * {hop} + n);\n}}\n",
            offset + window
        ));
    }

    /// Writes the lines from the samples of a clip to normalized frames.
    fn clip(
        &mut self,
        base: usize,
        max_samples: usize,
        scaler: Option<[&[f32]; 2]>,
    ) -> Result<Outlet, ExportError> {
        self.load_from_clip();
        let Stages { fixed_length_samples, framing, .. } = self.stages;
        let fixed = *fixed_length_samples;
        let max = base_frames(framing, max_samples);
        let length = match fixed {
            Some(_) => Length::fixed(max),
            None => Length { text: "frames".into(), max },
        };
        if fixed.is_none() {
            self.body += &format!("    int frames = {};\n", base_frames_text(framing));
        }
        let bands = self.stages.spectrum.as_ref().map_or(0, |spectrum| spectrum.bands.len());
        let row = if self.needs_peak() { base.max(bands) } else { base };
        let value = self.memory.add(max * row, 0);
        self.base_frames(base, bands, value, &length);
        let mut outlet =
            Outlet::new(value, Shape::Sequence { features: base, frames: fixed.map(|_| max) }, length);
        for (at, stage) in self.stages.frames.iter().enumerate() {
            let step = at + 1;
            self.memory.keep(outlet.value, step);
            outlet = self.clip_stage(stage, outlet, step)?;
        }
        if let Some(scaler) = scaler {
            self.standardize(scaler);
            self.body +=
                &format!("    standardize({}, {});\n", self.memory.address(outlet.value), outlet.length.text);
        }
        Ok(outlet)
    }

    /// Writes the loop over the frames of a clip.
    fn base_frames(&mut self, base: usize, bands: usize, value: usize, length: &Length) {
        let frames = &length.text;
        let x = self.memory.address(value);
        if self.stages.spectrum.is_none() {
            self.body += &format!(
                "    for (int t = 0; t < {frames}; t++)\n        load_frame(samples, count, t, {x} + t * {base});\n"
            );
            return;
        }
        let call = "analyze(model->spectrum, model->bins, frame)";
        let (peak, width) = match self.needs_peak() {
            true => ("    float peak = silence();\n", bands),
            false => ("", base),
        };
        self.body += &format!(
            "{peak}    for (int t = 0; t < {frames}; t++) {{\n        float *frame = {x} + t * {width};\n        \
             load_frame(samples, count, t, model->spectrum);\n        {call};\n"
        );
        if self.needs_peak() {
            self.body += &format!(
                "        for (int i = 0; i < {bands}; i++)\n            if (frame[i] > peak)\n                peak = frame[i];\n    }}\n    \
                 for (int t = 0; t < {frames}; t++)\n        finish_frame({x} + t * {bands}, {x} + t * {base}, peak);\n"
            );
        } else {
            self.body += "    }\n";
        }
    }

    /// Adds mean and scale of the training frames.
    fn standardize(&mut self, [mean, scale]: [&[f32]; 2]) {
        let shape = format!("[{}]", mean.len());
        self.code.floats("float", "feature_mean", &shape, mean);
        self.code.floats("float", "feature_scale", &shape, scale);
        let text = include_str!("../pieces/standardize.c").replace("FEATURES", &mean.len().to_string());
        self.function(&text);
    }
}

/// Returns the number of frames of a recording, before stacking.
fn base_frames(framing: &FramingStage, samples: usize) -> usize {
    let FramingStage { length, hop, edges } = *framing;
    match edges {
        Edges::Padded { zeros, reflected } => {
            (samples + 2 * (zeros + reflected)).checked_sub(length).map_or(0, |room| 1 + room / hop)
        }
        Edges::Completed => 1 + samples.saturating_sub(length).div_ceil(hop),
        Edges::Mirrored => (samples + hop / 2) / hop,
    }
}

/// Returns [`base_frames`] as C.
fn base_frames_text(framing: &FramingStage) -> String {
    let FramingStage { length, hop, edges } = *framing;
    match edges {
        Edges::Padded { zeros, reflected } => match length as isize - 2 * (zeros + reflected) as isize {
            less @ 1.. => format!("1 + (count - {less}) / {hop}"),
            more => format!("1 + (count + {}) / {hop}", -more),
        },
        Edges::Completed => {
            format!("count <= {length} ? 1 : 1 + (count - {length} + {}) / {hop}", hop - 1)
        }
        Edges::Mirrored => format!("(count + {}) / {hop}", hop / 2),
    }
}

/// Returns the least number of samples of a recording; `frames_for` returns the number of its frames.
pub(super) fn min_samples(stages: &Stages, frames_for: impl Fn(usize) -> usize) -> usize {
    let enough = |stage: &FrameStage| match stage {
        FrameStage::Deltas(deltas) if deltas.edges == stapes_features::DeltaMode::Interp => {
            deltas.filters.iter().map(|filter| filter.weights.len()).max().unwrap_or(1)
        }
        _ => 1,
    };
    let frames = stages.frames.iter().map(enough).max().unwrap_or(1);
    let fits = |samples: &usize| frames_for(*samples) > 0 && base_frames(&stages.framing, *samples) >= frames;
    (1..).find(fits).unwrap_or(usize::MAX)
}
