//! Command line, clock and table of the benches of this crate.
//!
//! `-- [--set=avx2] [WORD...]` selects the instruction set, and the lines whose name contains one of the words.

#![allow(unsafe_code, reason = "the operating system's clock of processor time")]
#![allow(dead_code, reason = "each bench uses a part")]

use std::time::{Duration, Instant};

use stapes_kernels::{InstructionSet, peak};

/// Duration of each measurement.
const LINE: Duration = Duration::from_millis(1000);

/// Selected lines, instruction set, and its measured peak in GFLOP/s.
pub(crate) struct Bench {
    words: Vec<String>,
    pub(crate) set: InstructionSet,
    peak: f64,
}

/// Values in [-0.5, 0.5).
pub(crate) fn numbers(count: usize) -> Vec<f32> {
    let mut state = 88_172_645_463_325_252u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1u64 << 24) as f32 - 0.5
    };
    (0..count).map(|_| next()).collect()
}

/// Processor time of this thread; unaffected by other work on the machine.
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
pub(crate) fn processor_seconds() -> f64 {
    #[repr(C)]
    struct Time {
        seconds: i64,
        nanoseconds: i64,
    }
    unsafe extern "C" {
        fn clock_gettime(clock: i32, time: *mut Time) -> i32;
    }
    const THREAD: i32 = 3;
    let mut time = Time { seconds: 0, nanoseconds: 0 };
    // SAFETY: `time` has the layout of a timespec on 64-bit Linux and is valid for writing.
    unsafe { clock_gettime(THREAD, &mut time) };
    time.seconds as f64 + time.nanoseconds as f64 * 1e-9
}

/// Time since the first call.
#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
pub(crate) fn processor_seconds() -> f64 {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_secs_f64()
}

/// Returns the sorted times of a work that is repeated for a duration, in ms of processor time.
pub(crate) fn times(duration: Duration, mut work: impl FnMut()) -> Vec<f64> {
    work();
    let mut times = Vec::new();
    let start = Instant::now();
    while times.len() < 5 || (start.elapsed() < duration && times.len() < 20_000) {
        let begin = processor_seconds();
        work();
        times.push((processor_seconds() - begin) * 1e3);
    }
    times.sort_by(f64::total_cmp);
    times
}

impl Bench {
    /// Reads the command line, measures the peak and prints the header.
    pub(crate) fn new() -> Bench {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let words = arguments.iter().filter(|word| !word.starts_with('-')).cloned().collect();
        let named = arguments.iter().find_map(|word| word.strip_prefix("--set="));
        let mut sets = InstructionSet::available().into_iter();
        let set = match named {
            Some(name) => sets.find(|set| set.to_string() == name).expect("a set that this processor has"),
            None => InstructionSet::best(),
        };
        let bench = Bench { words, set, peak: peak::fma_throughput(set, processor_seconds) };
        println!("{set}: {:.1} GFLOP/s from registers", bench.peak);
        println!("{:45} {:>10} {:>10} {:>8} {:>6}", "", "median ms", "p10 ms", "GFLOP/s", "peak");
        bench
    }

    /// Runs `work` repeatedly and prints its line; `operations` is 0 if a throughput makes no sense.
    pub(crate) fn time(&self, name: &str, operations: f64, work: impl FnMut()) {
        if !self.words.is_empty() && !self.words.iter().any(|word| name.contains(word.as_str())) {
            return;
        }
        let times = times(LINE, work);
        let (median, fast) = (times[times.len() / 2], times[times.len() / 10]);
        if operations > 0.0 {
            let rate = operations / fast / 1e6;
            println!("{name:45} {median:10.4} {fast:10.4} {rate:8.1} {:5.0} %", 100.0 * rate / self.peak);
        } else {
            println!("{name:45} {median:10.4} {fast:10.4}");
        }
    }
}
