//! The command line: one definition feeds flags, help and errors.

mod attention;
mod compare;
mod console;
mod data;
mod eval;
mod features;
mod folds;
mod gradients;
mod inspect;
mod predict;
mod progress;
mod quickstart;
mod report;
mod search;
mod summary;
mod team;
mod train;

use std::borrow::Cow;
use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use console::Console;
use stapes::eval::{visible, visible_lines};
use stapes_kernels::InstructionSet;

/// Trains, evaluates and runs small sequence classifiers for speech.
#[derive(Parser)]
#[command(name = "stapes", version, max_term_width = 100, after_help = "Example:\n  stapes quickstart")]
struct Arguments {
    #[command(subcommand)]
    command: Command,

    /// Print JSON lines to standard output, the last one with the results; all other text goes to standard
    /// error
    #[arg(long, global = true)]
    json: bool,

    /// Threads to use [default: one a core]. Results do not depend on it
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
}

#[derive(Subcommand)]
enum Command {
    Quickstart(quickstart::Quickstart),
    Train(train::Train),
    Eval(eval::Eval),
    Predict(predict::Predict),
    Summary(summary::Summary),
    Gradients(gradients::Gradients),
    Features(features::Features),
    Attention(attention::Attention),
    Inspect(inspect::Inspect),
    Compare(compare::Compare),
    Search(search::Search),
    Report(report::Report),
    Data(data::Data),
}

/// Everything was done.
const DONE: u8 = 0;
/// Some inputs failed, each named; the rest was done.
const SOME_FAILED: u8 = 1;
/// Nothing could be done.
const NOTHING_DONE: u8 = 2;

/// Reads the arguments and runs the command.
pub(crate) fn run() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are no errors; if even they cannot be printed there is nobody to tell.
            let text = shown_arguments(error.render().to_string());
            let _ = match error.use_stderr() {
                true => write!(std::io::stderr().lock(), "{text}"),
                false => write!(std::io::stdout().lock(), "{text}"),
            };
            return ExitCode::from(if error.use_stderr() { NOTHING_DONE } else { DONE });
        }
    };
    let console = Console::new(arguments.json);
    if let Err(error) = InstructionSet::requested() {
        console.error(&error.to_string());
        return ExitCode::from(NOTHING_DONE);
    }
    if let Some(threads) = arguments.threads {
        // Fails only if the pool exists already, and nothing has used it yet.
        let _ = rayon::ThreadPoolBuilder::new().num_threads(threads.into()).build_global();
    }
    let outcome = match arguments.command {
        Command::Quickstart(command) => command.run(&console),
        Command::Train(command) => command.run(&console),
        Command::Eval(command) => command.run(&console),
        Command::Predict(command) => command.run(&console),
        Command::Summary(command) => command.run(&console),
        Command::Gradients(command) => command.run(&console),
        Command::Features(command) => command.run(&console),
        Command::Attention(command) => command.run(&console),
        Command::Inspect(command) => command.run(&console),
        Command::Compare(command) => command.run(&console),
        Command::Search(command) => command.run(&console),
        Command::Report(command) => command.run(&console),
        Command::Data(command) => command.run(&console),
    };
    match outcome {
        Ok(code) => match console.failed() {
            None => ExitCode::from(code),
            Some(error) => {
                console.error(&format!("cannot write to standard output: {error}"));
                ExitCode::from(NOTHING_DONE)
            }
        },
        Err(error) => {
            tell(&console, &error);
            ExitCode::from(NOTHING_DONE)
        }
    }
}

fn tell(console: &Console, error: &anyhow::Error) {
    console.error(&shown_arguments(message(error)));
}

/// The text with the arguments of the command line that it quotes as [`visible`] shows them, and nothing in it that acts.
fn shown_arguments(mut text: String) -> String {
    for argument in std::env::args_os().skip(1) {
        let argument = argument.to_string_lossy();
        if let Cow::Owned(shown) = visible(&argument) {
            text = text.replace(&*argument, &shown);
        }
    }
    visible_lines(&text).into_owned()
}

/// An error with its causes, each said once: many errors name their cause in their own text.
fn message(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}
