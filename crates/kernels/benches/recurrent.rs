//! Times matrix products and training steps of recurrent stacks on one core.
//!
//! `cargo bench -p stapes-kernels --bench recurrent -- [--set=avx2] [WORD...]` prints a line for each measurement
//! whose name contains one of the words: median and tenth percentile of the processor time, throughput at the latter
//! (a multiplication and an addition count as two operations; only products count), and the fraction of the measured
//! peak throughput.

mod stack;
mod stopwatch;

use stack::{CONFIGURATIONS, Configuration, Stack};
use stapes_kernels::product::{Matrix, MatrixMut, Packed, Products, Start};
use stapes_kernels::{Sequences, activation};
use stopwatch::{Bench, numbers};

fn main() {
    let bench = Bench::new();
    bench.activations();
    bench.products();
    for configuration in CONFIGURATIONS {
        bench.configuration(configuration);
    }
}

impl Bench {
    fn activations(&self) {
        let inputs: Vec<f32> = numbers(4096).iter().map(|value| value * 8.0).collect();
        let mut values = inputs.clone();
        self.time("activation: 4096 tanh", 0.0, || {
            values.copy_from_slice(&inputs);
            activation::tanh_in_place(self.set, &mut values);
        });
        self.time("activation: 4096 sigmoid", 0.0, || {
            values.copy_from_slice(&inputs);
            activation::sigmoid_in_place(self.set, &mut values);
        });
    }

    fn products(&self) {
        let shapes = [
            ("S input projection", 640, 256, 64),
            ("S recurrent", 20, 256, 64),
            ("S recurrent back", 20, 64, 256),
            ("M recurrent", 64, 512, 128),
            ("M first projection", 256, 512, 40),
            ("M second projection", 256, 512, 256),
            ("M second input gradient", 256, 256, 512),
            ("V first projection", 128, 1024, 20),
            ("V recurrent", 51, 1024, 256),
            ("V recurrent back", 51, 256, 1024),
            ("one row", 1, 1024, 256),
        ];
        for (name, m, n, k) in shapes {
            let (a, b, mut c) = (numbers(m * k), numbers(n * k), vec![0.0; m * n]);
            let mut packed = Packed::new(self.set);
            packed.pack(Matrix::new(&b, n, k).transposed());
            self.time(&format!("packed: {name}, {m} x {n} x {k}"), 2.0 * (m * n * k) as f64, || {
                packed.multiply(Matrix::new(&a, m, k), MatrixMut::new(&mut c, m, n), Start::Keep);
            });
        }
        let mut products = Products::new(self.set);
        let shapes = [
            ("S", 256, 64, 512),
            ("S first", 256, 20, 512),
            ("M", 512, 256, 256),
            ("V", 1024, 256, 128),
            ("V first", 1024, 20, 128),
        ];
        for (name, m, n, k) in shapes {
            let (a, b, mut c) = (numbers(m * k), numbers(n * k), vec![0.0; m * n]);
            self.time(&format!("gradient: {name}, {m} x {n} x {k}"), 2.0 * (m * n * k) as f64, || {
                let a = Matrix::new(&a, k, m).transposed();
                products.multiply(a, Matrix::new(&b, k, n), MatrixMut::new(&mut c, m, n), Start::Keep);
            });
        }
        for (name, n, k) in [("S", 256, 64), ("V", 1024, 256)] {
            let b = numbers(n * k);
            let mut packed = Packed::new(self.set);
            self.time(&format!("packing: {name}, {n} x {k}"), 0.0, || packed.pack(Matrix::new(&b, n, k)));
            self.time(&format!("packing: {name}, {n} x {k} transposed"), 0.0, || {
                packed.pack(Matrix::new(&b, n, k).transposed());
            });
        }
    }

    fn configuration(&self, configuration: Configuration) {
        let Configuration { name, inputs, time, batch, .. } = configuration;
        let mut stack = Stack::new(&configuration, self.set);
        let sequences = Sequences::new(&vec![time; batch]).expect("positive lengths");
        let ragged: Vec<usize> =
            (0..batch).map(|index| (time * (10 + 90 * index / batch)).div_ceil(100)).collect();
        let ragged = Sequences::new(&ragged).expect("positive lengths");
        let one = Sequences::new(&[time]).expect("a positive length");
        let input = numbers(sequences.frames() * inputs);
        let [full, part] = [&sequences, &ragged].map(|of| stack.training_operations(of.frames()));
        let [forward, single] = [sequences.frames(), time].map(|frames| stack.forward_operations(frames));
        self.time(&format!("{name}: forward"), forward, || stack.forward(&sequences, &input, true));
        self.time(&format!("{name}: training step"), full, || stack.train(&sequences, &input));
        self.time(&format!("{name}: training step, lengths 10..100 %"), part, || {
            stack.train(&ragged, &input[..ragged.frames() * inputs]);
        });
        self.time(&format!("{name}: one clip"), single, || {
            stack.forward(&one, &input[..time * inputs], false);
        });
        if configuration.directions == 1 {
            let mut states = vec![vec![0.1; stack.hidden * 2]; stack.layers];
            for state in &mut states {
                state.truncate(stack.hidden * configuration.kind.states());
            }
            self.time(&format!("{name}: one frame"), 0.0, || stack.step(&input[..inputs], &mut states));
        }
    }
}
