//! Program, machine and settings that results depend on, in addition to the recipe and the data.

use std::fs;
use std::time::SystemTime;

/// Returns the current time in UTC, to the second.
pub fn now() -> String {
    humantime::format_rfc3339_seconds(SystemTime::now()).to_string()
}

/// Returns the program, machine and settings that results depend on, as names and values.
pub fn versions(threads: usize, processes: usize, shards: usize) -> Vec<(String, String)> {
    let pair = |name: &str, value: String| (name.to_string(), value);
    vec![
        pair("stapes", env!("CARGO_PKG_VERSION").into()),
        pair("system", format!("{} {}", std::env::consts::OS, std::env::consts::ARCH)),
        pair("processor", processor()),
        pair("instructions", stapes_kernels::InstructionSet::best().to_string()),
        pair("threads", threads.to_string()),
        pair("processes", processes.to_string()),
        pair("shards", shards.to_string()),
    ]
}

fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    name.map_or_else(|| "unknown".into(), |(_, name)| name.trim().into())
}
