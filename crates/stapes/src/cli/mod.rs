//! The command line: one definition of flags, help and errors.

mod attention;
mod batches;
mod channel_arg;
mod compare;
mod completions;
mod console;
mod data;
mod eval;
mod eval_data;
mod export;
mod features;
mod folds;
mod formats;
mod gradients;
mod input_files;
mod inspect;
mod keyword_args;
mod listen;
mod listener;
mod models;
mod new;
mod paths;
mod predict;
mod processes;
mod progress;
mod quickstart;
mod recipe_argument;
mod recipes;
mod report;
mod run_options;
mod search;
#[cfg(feature = "serve")]
mod serve;
mod speech_args;
mod standard_input;
mod stream;
mod summary;
mod train;
mod vad;

use std::borrow::Cow;
use std::ffi::OsString;
use std::io::Write;
use std::sync::{Mutex, OnceLock, PoisonError};

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use console::{Console, Verbosity};
use stapes::report::{visible, visible_lines};
use stapes_kernels::InstructionSet;

/// Trains, evaluates and runs small sequence classifiers for speech.
#[derive(Parser)]
#[command(name = "stapes", version, max_term_width = 100, after_help = "Example:\n  stapes quickstart")]
struct Arguments {
    #[command(subcommand)]
    command: Command,

    /// Print JSON lines to standard output, the last with the results; all text goes to standard error
    #[arg(long, global = true)]
    json: bool,

    /// Print results, warnings and errors only
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,

    /// Print more: the version, the instruction set and the number of threads
    #[arg(short, long, global = true)]
    verbose: bool,

    /// Use colors: auto means on a terminal, unless NO_COLOR is set
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t = Color::Auto, hide_default_value = true)]
    color: Color,

    /// Number of threads [default: one per core]; does not affect results
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
}

#[derive(Subcommand)]
enum Command {
    Quickstart(quickstart::Quickstart),
    New(new::New),
    Train(train::Train),
    Eval(eval::Eval),
    Predict(predict::Predict),
    Vad(vad::Vad),
    Stream(stream::Stream),
    Listen(listen::Listen),
    #[cfg(feature = "serve")]
    Serve(serve::Serve),
    Export(export::Export),
    Models(models::Models),
    Summary(summary::Summary),
    Gradients(gradients::Gradients),
    Features(features::Features),
    Attention(attention::Attention),
    Inspect(inspect::Inspect),
    Compare(compare::Compare),
    Search(search::Search),
    Report(report::Report),
    Data(data::Data),
    Formats(formats::Formats),
    Recipes(recipes::Recipes),
    Completions(completions::Completions),
    Man(completions::Man),
}

/// Use of colors.
#[derive(Clone, Copy, clap::ValueEnum)]
enum Color {
    Auto,
    Always,
    Never,
}

impl Color {
    /// Applies the choice to all output of the program.
    fn apply(self) {
        // The library knows terminals, NO_COLOR and CLICOLOR; an earlier call may have changed its answer.
        static AUTO: OnceLock<[bool; 2]> = OnceLock::new();
        let auto = AUTO.get_or_init(|| [::console::colors_enabled(), ::console::colors_enabled_stderr()]);
        let [out, err] = match self {
            Color::Auto => *auto,
            Color::Always => [true; 2],
            Color::Never => [false; 2],
        };
        ::console::set_colors_enabled(out);
        ::console::set_colors_enabled_stderr(err);
    }
}

/// Exit code of success.
const DONE: u8 = 0;
/// Exit code when some inputs failed and the others were processed.
const SOME_FAILED: u8 = 1;
/// Exit code when nothing could be done.
const NOTHING_DONE: u8 = 2;

/// Arguments of the last call of [`run`], the program first.
static ARGUMENTS: Mutex<Vec<OsString>> = Mutex::new(Vec::new());

/// Returns the arguments of the last call of [`run`], the program first; without any before.
fn process_arguments() -> Vec<OsString> {
    ARGUMENTS.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Reads the arguments, of which the first is the program, runs the command and returns the exit code.
///
/// It is the whole program: it prints and handles interrupts. A process may call it several times, one call after the other.
pub fn run(arguments: Vec<OsString>) -> u8 {
    ARGUMENTS.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&arguments);
    let matches = with_negative_numbers(Arguments::command()).try_get_matches_from(arguments);
    let arguments = match matches.and_then(|matches| Arguments::from_arg_matches(&matches)) {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are not errors. A failure to print them cannot be reported either.
            let text = visible_arguments(error.render().to_string());
            let _ = match error.use_stderr() {
                true => write!(std::io::stderr().lock(), "{text}"),
                false => write!(std::io::stdout().lock(), "{text}"),
            };
            if error.use_stderr() && process_arguments().iter().any(|argument| argument == "--json") {
                let reason = error.render().to_string();
                Console::new(true).json_error(reason.trim_start_matches("error: ").trim_end());
            }
            return if error.use_stderr() { NOTHING_DONE } else { DONE };
        }
    };
    arguments.color.apply();
    let console = Console::new(arguments.json).with_verbosity(match (arguments.quiet, arguments.verbose) {
        (true, _) => Verbosity::Quiet,
        (_, true) => Verbosity::Verbose,
        _ => Verbosity::Normal,
    });
    progress::set_hidden(arguments.quiet);
    progress::end_on_interrupt();
    if let Err(error) = InstructionSet::requested() {
        console.error(&error.to_string());
        return NOTHING_DONE;
    }
    let Some(threads) = arguments.threads else { return execute(arguments.command, &console) };
    if rayon::ThreadPoolBuilder::new().num_threads(threads.into()).build_global().is_ok() {
        return execute(arguments.command, &console);
    }
    // An earlier call has started the threads of the process; this one gets its own.
    match rayon::ThreadPoolBuilder::new().num_threads(threads.into()).build() {
        Ok(pool) => pool.install(|| execute(arguments.command, &console)),
        Err(error) => {
            console.error(&format!("--threads {threads}: the threads cannot be started: {error}"));
            NOTHING_DONE
        }
    }
}

/// Reads `--window -1` as an option with a value, whose own check explains what is wrong.
fn with_negative_numbers(command: clap::Command) -> clap::Command {
    let allow = |argument: clap::Arg| {
        let takes_value = argument.get_action().takes_values() && !argument.is_positional();
        argument.allow_negative_numbers(takes_value)
    };
    command.mut_args(allow).mut_subcommands(with_negative_numbers)
}

/// Runs a command and returns the exit code.
fn execute(command: Command, console: &Console) -> u8 {
    console.details(&format!(
        "stapes {}, {} instructions, {} threads",
        env!("CARGO_PKG_VERSION"),
        InstructionSet::best(),
        rayon::current_num_threads()
    ));
    let outcome = match command {
        Command::Quickstart(command) => command.run(console),
        Command::New(command) => command.run(console),
        Command::Train(command) => command.run(console),
        Command::Eval(command) => command.run(console),
        Command::Predict(command) => command.run(console),
        Command::Vad(command) => command.run(console),
        Command::Stream(command) => command.run(console),
        Command::Listen(command) => command.run(console),
        #[cfg(feature = "serve")]
        Command::Serve(command) => command.run(console),
        Command::Export(command) => command.run(console),
        Command::Models(command) => command.run(console),
        Command::Summary(command) => command.run(console),
        Command::Gradients(command) => command.run(console),
        Command::Features(command) => command.run(console),
        Command::Attention(command) => command.run(console),
        Command::Inspect(command) => command.run(console),
        Command::Compare(command) => command.run(console),
        Command::Search(command) => command.run(console),
        Command::Report(command) => command.run(console),
        Command::Data(command) => command.run(console),
        Command::Formats(command) => command.run(console),
        Command::Recipes(command) => command.run(console),
        Command::Completions(command) => command.run(),
        Command::Man(command) => command.run(console),
    };
    match outcome {
        Ok(code) => match console.failed() {
            None => code,
            Some(error) => {
                console.error(&format!("cannot write to standard output: {error}"));
                NOTHING_DONE
            }
        },
        Err(error) => {
            print_error(console, &error);
            NOTHING_DONE
        }
    }
}

/// Prints an error with its causes.
fn print_error(console: &Console, error: &anyhow::Error) {
    let reason = message(error);
    console.error(&visible_arguments(reason.clone()));
    console.json_error(&reason);
}

/// Escapes command-line arguments that the text quotes with [`visible`], and the rest with [`visible_lines`].
fn visible_arguments(mut text: String) -> String {
    for argument in process_arguments().iter().skip(1) {
        let argument = argument.to_string_lossy();
        if let Cow::Owned(shown) = visible(&argument) {
            text = text.replace(&*argument, &shown);
        }
    }
    visible_lines(&text).into_owned()
}

/// Returns an error with its causes, without causes that its text already names.
fn message(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}
