//! From the samples of a frame to its energies, logarithms or cepstra.

use std::f64::consts::TAU;
use std::fmt::Write;

use stapes_features::{EnergySource, FrameEnergy, Logarithm, Reference, SpectrumStage};

use super::FrontEndWriter;

impl FrontEndWriter<'_> {
    /// Writes the functions of a frame, and returns the number of its values.
    pub(super) fn analysis(&mut self) -> usize {
        let Some(spectrum) = self.stages.spectrum.as_ref() else { return self.stages.framing.length };
        self.transform(spectrum);
        self.bands(spectrum);
        let put_before = usize::from(spectrum.energy.is_some_and(|energy| !energy.replaces_first));
        let values = spectrum.cepstra.as_ref().map_or(spectrum.bands.len(), Vec::len) + put_before;
        if let Some(cepstra) = &spectrum.cepstra {
            let rows: Vec<f64> = cepstra.concat();
            let shape = format!("[{}, {}], with the lifter", cepstra.len(), spectrum.bands.len());
            self.number_table("cepstra", &shape, &rows);
        }
        self.analyze(spectrum);
        if self.needs_peak() {
            self.finish_frame(spectrum);
        }
        values
    }

    /// Adds a table of the type of energies.
    fn number_table(&mut self, name: &str, shape: &str, values: &[f64]) {
        if self.types[1] == "double" {
            return self.code.floats("number", name, shape, values);
        }
        let values: Vec<f32> = values.iter().map(|&value| value as f32).collect();
        self.code.floats("float", name, shape, &values);
    }

    /// Writes the Fourier transform and the magnitudes.
    fn transform(&mut self, spectrum: &SpectrumStage) {
        let points = spectrum.points;
        let is_even = points.is_multiple_of(2);
        let complex = if is_even { points / 2 } else { points };
        let is_power = complex.is_power_of_two() && is_even;
        let count = if is_power { points / 2 } else { points };
        let roots: Vec<f64> = (0..count.max(1))
            .flat_map(|k| {
                let angle = TAU * k as f64 / points as f64;
                [angle.cos(), -angle.sin()]
            })
            .collect();
        self.code.floats("real", "roots", &format!("[{count}, 2]"), &roots);
        let points_text = points.to_string();
        if is_power {
            self.function(&include_str!("../pieces/fft.c").replace("POINTS", &points_text));
        } else {
            let factors = factors(complex);
            self.code.integers("int", "fft_factors", "prime factors", &factors);
            let largest = factors.iter().max().copied().unwrap_or(1).to_string();
            let text = include_str!("../pieces/mixed_fft.c").replace("MAX_FACTOR", &largest);
            self.function(&text.replace("POINTS", &points_text));
        }
        // The transform in place, or after the frame.
        let (transform, room) = match (is_power, is_even) {
            (true, _) => ("real *const z = x;\n    fft(x);".to_owned(), points),
            (false, true) => {
                let call =
                    format!("real *const z = x + {points};\n    fft_parts(x, 1, z, {complex}, fft_factors);");
                (call, 2 * points)
            }
            (false, false) => (String::new(), 4 * points),
        };
        self.code.field(format!("{}_REAL spectrum[{room}];", self.name.to_uppercase()));
        self.code.field(format!("{} bins[{}];", self.types[1], points / 2 + 1));
        let is_double = self.types[1] == "double";
        let suffix = if is_double { "" } else { "f" };
        let power = match spectrum.exponent {
            2.0 => "a * a + b * b".to_owned(),
            1.0 => format!("sqrt{suffix}(a * a + b * b)"),
            exponent => format!("pow{suffix}(a * a + b * b, {:e}{suffix})", exponent / 2.0),
        };
        let text = include_str!("../pieces/power.c").replace("EXPONENT", &spectrum.exponent.to_string());
        self.function(&text.replace("POWER", &power));
        let text = match is_even {
            true => include_str!("../pieces/powers.c").replace("TRANSFORM", &transform),
            false => include_str!("../pieces/odd_powers.c").to_owned(),
        };
        self.function(&text.replace("POINTS", &points_text));
    }

    /// Adds the weights of the bands, which cover consecutive bins.
    fn bands(&mut self, spectrum: &SpectrumStage) {
        let (mut first, mut counts, mut weights) = (Vec::new(), Vec::new(), Vec::new());
        for row in &spectrum.bands {
            let start = row.iter().position(|&weight| weight != 0.0).unwrap_or(0);
            let end = row.iter().rposition(|&weight| weight != 0.0).map_or(start, |last| last + 1);
            first.push(start);
            counts.push(end - start);
            weights.extend_from_slice(&row[start..end]);
        }
        let shape = format!("[{}]", first.len());
        self.code.integers(
            "unsigned short",
            "band_first",
            &format!("{shape}: first bin of each band"),
            &first,
        );
        self.code.integers("unsigned short", "band_count", &format!("{shape}: number of its bins"), &counts);
        if weights.is_empty() {
            weights.push(0.0);
        }
        self.number_table("band_weights", "weights of the bins of all bands", &weights);
    }

    /// Returns the lines from the samples of a frame to the magnitudes of its bins, and to its energy.
    fn samples_lines(&mut self, spectrum: &SpectrumStage) -> String {
        let SpectrumStage { window, offset, points, .. } = spectrum;
        let (count, end) = (window.len(), offset + window.len());
        let mut body = String::new();
        let mut line = |text: &str| {
            let _ = writeln!(body, "    {text}");
        };
        if *offset > 0 {
            line(&format!("for (int n = 0; n < {offset}; n++)\n        x[n] = 0;"));
        }
        if spectrum.remove_mean {
            line(&format!(
                "real mean = 0;\n    for (int n = {offset}; n < {end}; n++)\n        mean += x[n];\n    mean /= {count};"
            ));
            line(&format!("for (int n = {offset}; n < {end}; n++)\n        x[n] -= mean;"));
        }
        let sum =
            format!("for (int n = {offset}; n < {end}; n++)\n        energy += (number)x[n] * (number)x[n];");
        let energy_of = |source: EnergySource| spectrum.energy.filter(|energy| energy.source == source);
        if spectrum.energy.is_some() {
            line("number energy = 0;");
        }
        if energy_of(EnergySource::Samples).is_some() {
            line(&sum);
        }
        if spectrum.preemphasis != 0.0 {
            let a = format!("(real){:e}", spectrum.preemphasis);
            line(&format!(
                "for (int n = {}; n > {offset}; n--)\n        x[n] -= {a} * x[n - 1];\n    x[{offset}] -= {a} * x[{offset}];",
                end - 1
            ));
        }
        if window.iter().any(|&weight| weight != 1.0) {
            if self.types[0] == "double" {
                self.code.floats("real", "window", &format!("[{count}]"), window);
            } else {
                let window: Vec<f32> = window.iter().map(|&weight| weight as f32).collect();
                self.code.floats("float", "window", &format!("[{count}]"), &window);
            }
            let at = if *offset == 0 { "n".to_owned() } else { format!("n - {offset}") };
            line(&format!("for (int n = {offset}; n < {end}; n++)\n        x[n] *= window[{at}];"));
        }
        if energy_of(EnergySource::Windowed).is_some() {
            line(&sum);
        }
        if end < *points {
            line(&format!("for (int n = {end}; n < {points}; n++)\n        x[n] = 0;"));
        }
        line("magnitudes(x, bins);");
        if energy_of(EnergySource::Spectrum).is_some() {
            line(&format!(
                "for (int k = 0; k < {}; k++)\n        energy += bins[k];\n    energy /= {points};",
                points / 2 + 1
            ));
        }
        body
    }

    /// Writes the function from samples to values; with a floor that depends on the clip, to decibels.
    fn analyze(&mut self, spectrum: &SpectrumStage) {
        let SpectrumStage { window, offset, bands, .. } = spectrum;
        let (end, bands) = (offset + window.len(), bands.len());
        let mut body = self.samples_lines(spectrum);
        let mut line = |text: &str| {
            let _ = writeln!(body, "    {text}");
        };
        let is_last = spectrum.cepstra.is_none();
        let values = self.analyzed_values(spectrum);
        if !is_last && !self.needs_peak() {
            line(&format!("number bands[{bands}];"));
        }
        line("const number *w = band_weights;");
        line(&format!(
            "for (int m = 0; m < {bands}; m++) {{\n        number sum = 0;\n        for (int k = 0; k < band_count[m]; k++)\n            sum += *w++ * bins[band_first[m] + k];"
        ));
        let target =
            if is_last || self.needs_peak() { format!("values[m{}]", values.0) } else { "bands[m]".into() };
        line(&format!("    {target} = {};\n    }}", self.cast(&values.1)));
        if !self.needs_peak() {
            self.cepstra_lines(spectrum, "bands", &mut body);
            self.energy_lines(spectrum, &mut body);
        }
        self.function(&format!(
            "/* Computes the values of a frame from its samples x[{offset}..{end}); x and bins are overwritten. */\n\
             static void analyze(real *x, number *bins, float *values)\n{{\n{body}}}\n"
        ));
    }

    /// Returns a number as the type of values.
    fn cast(&self, text: &str) -> String {
        if self.types[1] == "double" { format!("(float)({text})") } else { text.to_owned() }
    }

    /// Returns the index of the first band in the values, and the logarithm of `sum`.
    fn analyzed_values(&self, spectrum: &SpectrumStage) -> (&'static str, String) {
        let first = match spectrum.energy {
            Some(energy) if !energy.replaces_first && spectrum.cepstra.is_none() => " + 1",
            _ => "",
        };
        let double = self.types[1] == "double";
        let f = if double { "" } else { "f" };
        let number = |value: f64| if double { format!("{value:e}") } else { format!("{:e}f", value as f32) };
        let logarithm = match spectrum.logarithm {
            Logarithm::None { zero: 0.0 } => "sum".into(),
            Logarithm::None { zero } => format!("sum == 0 ? {} : sum", number(zero)),
            Logarithm::NaturalOfNonzero { zero } => format!("log{f}(sum == 0 ? {} : sum)", number(zero)),
            Logarithm::NaturalFloored { floor } => {
                format!("log{f}(sum > {0} ? sum : {0})", number(floor))
            }
            Logarithm::NaturalOffset { offset } => format!("log{f}(sum + {})", number(offset)),
            Logarithm::Decibels { reference, min_power, .. } => {
                let decibels = format!("10 * log10{f}(sum > {0} ? sum : {0})", number(min_power));
                match reference {
                    Reference::Power(power) if !self.needs_peak() && power.abs().max(min_power) != 1.0 => {
                        format!("{decibels} - {}", number(10.0 * power.abs().max(min_power).log10()))
                    }
                    _ => decibels,
                }
            }
        };
        (first, logarithm)
    }

    /// Writes the cosine transform of an array.
    fn cepstra_lines(&self, spectrum: &SpectrumStage, from: &str, body: &mut String) {
        let Some(cepstra) = &spectrum.cepstra else { return };
        let (rows, bands) = (cepstra.len(), spectrum.bands.len());
        let _ = writeln!(
            body,
            "    for (int c = 0; c < {rows}; c++) {{\n        number sum = 0;\n        for (int m = 0; m < {bands}; m++)\n            \
             sum += cepstra[c * {bands} + m] * {from}[m];\n        values[c] = {};\n    }}",
            self.cast("sum")
        );
    }

    /// Writes the energy of the frame to its place.
    fn energy_lines(&self, spectrum: &SpectrumStage, body: &mut String) {
        let values = spectrum.cepstra.as_ref().map_or(spectrum.bands.len(), Vec::len);
        let double = self.types[1] == "double";
        let f = if double { "" } else { "f" };
        let number = |value: f64| if double { format!("{value:e}") } else { format!("{:e}f", value as f32) };
        let mut count = values;
        if let Some(FrameEnergy { floor, only_zero, min_logarithm, replaces_first, .. }) = spectrum.energy {
            let condition =
                if only_zero { "energy == 0".into() } else { format!("energy < {}", number(floor)) };
            let _ = writeln!(body, "    energy = log{f}({condition} ? {} : energy);", number(floor));
            if min_logarithm.is_finite() {
                let minimum = number(min_logarithm);
                let _ = writeln!(body, "    if (energy < {minimum})\n        energy = {minimum};");
            }
            count += usize::from(!replaces_first);
            let _ = writeln!(body, "    values[0] = {};", self.cast("energy"));
        }
        if spectrum.first_value_last {
            let _ = writeln!(
                body,
                "    const float first = values[0];\n    for (int i = 0; i < {0}; i++)\n        values[i] = values[i + 1];\n    values[{0}] = first;",
                count - 1
            );
        }
    }

    /// Writes the function from the decibels of a frame to its values, once the peak of the clip is known.
    fn finish_frame(&mut self, spectrum: &SpectrumStage) {
        let Logarithm::Decibels { reference, min_power, top_db } = spectrum.logarithm else { return };
        let bands = spectrum.bands.len();
        let silence = 10.0 * min_power.log10();
        self.function(&format!(
            "/* Decibels of silence. */\nstatic float silence(void)\n{{\n    return {:e}f;\n}}\n",
            silence as f32
        ));
        let reference = match reference {
            Reference::Max => "peak".to_owned(),
            Reference::Power(power) => format!("{:e}f", (10.0 * power.abs().max(min_power).log10()) as f32),
        };
        let floor = top_db.map_or(String::new(), |top_db| {
            format!("        if (decibels[m] < peak - reference - {0:e}f)\n            decibels[m] = peak - reference - {0:e}f;\n", top_db as f32)
        });
        let mut body = format!(
            "    const float reference = {reference};\n    float decibels[{bands}];\n    for (int m = 0; m < {bands}; m++) {{\n        \
             decibels[m] = values[m] - reference;\n{floor}    }}\n"
        );
        match spectrum.cepstra {
            Some(_) => {
                body = body.replace("values[m]", "from[m]");
                self.cepstra_lines(spectrum, "decibels", &mut body);
            }
            None => {
                body = body.replace("values[m]", "from[m]");
                let _ = writeln!(body, "    memcpy(values, decibels, sizeof decibels);");
            }
        }
        let unused = if body.contains("peak") { "" } else { "    (void)peak;\n" };
        self.function(&format!(
            "/* Decibels of a frame relative to the reference and the peak of the clip -> values; `from` may overlap them. */\n\
             static void finish_frame(const float *from, float *values, float peak)\n{{\n{unused}{body}}}\n"
        ));
    }
}

/// Returns the prime factors of a number.
fn factors(mut n: usize) -> Vec<usize> {
    let mut factors = Vec::new();
    let mut factor = 2;
    while n > 1 {
        while n.is_multiple_of(factor) {
            factors.push(factor);
            n /= factor;
        }
        factor += 1;
    }
    if factors.is_empty() { vec![1] } else { factors }
}
