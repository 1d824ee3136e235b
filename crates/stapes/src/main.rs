//! The command line: `stapes --help`.

fn main() -> std::process::ExitCode {
    stapes::cli::run(std::env::args_os().collect()).into()
}
