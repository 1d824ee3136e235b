//! Checks that training steps reach a fraction of the peak of multiply-adds, so that slow code is noticed whose results are right.
//!
//! `cargo bench -p stapes-kernels --bench floor -- [--set=avx2]` measures the peak of one core and the training steps of S, G, M
//! and V (PERFORMANCE.md) in turn, for each instruction set of the processor or for one. A step below its floor is measured
//! again, up to [`ROUNDS`] times; if it never reaches the floor, the exit code is 1.
//!
//! Times are processor times, and a step is compared with the peak measured directly before and after it, so other work on the
//! machine has less influence.

mod stack;
mod stopwatch;

use std::process::ExitCode;
use std::time::Duration;

use stack::{CONFIGURATIONS, Configuration, Stack};
use stapes_kernels::{InstructionSet, Sequences, peak};
use stopwatch::{numbers, processor_seconds, times};

/// Lowest accepted percentage of the peak. Gates that are not inlined reach 15 to 24 % with AVX2; good code
/// reached 63 to 78 % on idle processors of Intel and AMD, and 48 % in a run on a shared processor.
const FLOOR: f64 = 40.0;

/// Instruction sets with a floor. NEON has none, because it has not been measured; plain loops have none, because the compiler does not
/// turn their peak into vector instructions.
const SETS: [&str; 2] = ["avx2", "avx512"];

/// Number of measurements before a step counts as slow.
const ROUNDS: usize = 5;

/// Duration of a measurement.
const LINE: Duration = Duration::from_millis(500);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let named = arguments.iter().find_map(|word| word.strip_prefix("--set="));
    let mut slow = 0;
    for set in InstructionSet::available() {
        let name = set.to_string();
        if named.is_some_and(|named| named != name) {
            continue;
        }
        let floor = SETS.contains(&&*name).then_some(FLOOR);
        for configuration in &CONFIGURATIONS {
            slow += usize::from(!reaches(set, configuration, floor));
        }
    }
    match slow {
        0 => ExitCode::SUCCESS,
        _ => {
            println!(
                "{slow} training steps are below their floor; find the change that made them slow with `git bisect`"
            );
            ExitCode::FAILURE
        }
    }
}

/// Measures a training step until it reaches the floor, and prints the best result.
fn reaches(set: InstructionSet, configuration: &Configuration, floor: Option<f64>) -> bool {
    let Configuration { name, inputs, time, batch, .. } = *configuration;
    let mut stack = Stack::new(configuration, set);
    let sequences = Sequences::new(&vec![time; batch]).expect("positive lengths");
    let input = numbers(sequences.frames() * inputs);
    let operations = stack.training_operations(sequences.frames());
    let mut best = 0.0f64;
    for round in 1..=ROUNDS {
        let before = peak::fma_throughput(set, processor_seconds);
        let times = times(LINE, || stack.train(&sequences, &input));
        let peak = before.max(peak::fma_throughput(set, processor_seconds));
        // The tenth percentile.
        let rate = operations / times[times.len() / 10] / 1e6;
        best = best.max(100.0 * rate / peak);
        let line = format!("{name} with {set}: {best:.0} % of the peak of {peak:.1} GFLOP/s");
        match floor {
            None => {
                println!("{line}; no floor is known for this processor family");
                return true;
            }
            Some(floor) if best >= floor => {
                println!("{line}, floor {floor:.0} %");
                return true;
            }
            Some(floor) if round == ROUNDS => {
                println!("{line} in the best of {ROUNDS} rounds: BELOW the floor of {floor:.0} %")
            }
            Some(_) => {}
        }
    }
    false
}
