//! The command line: `stapes --help`.

mod cli;

fn main() -> std::process::ExitCode {
    cli::run()
}
