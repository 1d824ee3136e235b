//! `stapes compare`: trains a sweep and compares its runs.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::Args;
use indicatif::ProgressBar;
use serde_json::json;
use stapes::compare::{
    Candidate, CandidateSet, DATA_SET, check_column, data_set_heading, describe_error, load_candidates, page,
    table,
};
use stapes::report::table::{Table, escape_markdown};
use stapes::report::{comparison_pictures, pluralize, render_comparison, visible};
use stapes::run::{REPORT, RunState};
use stapes::sweep::{RunStatus, Shard, Sweep, SweepRunner, SweepSummary, Timing};
use stapes::{Error, Event};

use super::console::{Console, duration, percent, percent_or_dash, visible_path};
use super::paths::{absolute, create_folder};
use super::progress;
use super::run_options::{command_line, parse_time};

/// Train every configuration of a sweep with several seeds and compare the results
///
/// Running the same command again continues: complete runs are kept, others are resumed. To use several machines, run it on
/// each with another --shard and copy the folders into one.
#[derive(Args)]
#[command(after_help = "Example:\n  stapes compare recipes/results/heads.toml --data ../speech_commands")]
pub(crate) struct Compare {
    /// Sweep, a TOML file
    sweep: PathBuf,
    /// Folder of the data set
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Output folder for runs, tables and the report [default: runs/SWEEP]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Train shard I of N of the runs, to distribute them over machines
    #[arg(long, value_name = "I/N", value_parser = parse_shard, default_value = "1/1", hide_default_value = true)]
    shard: Shard,
    #[command(flatten)]
    runner: RunnerArgs,
    /// After training, time a training step and inference of every configuration, with nothing else running
    #[arg(long)]
    time: bool,
    /// Train nothing; only write the table and the report of existing runs
    #[arg(long, conflicts_with_all = ["time", "shard", "hours", "jobs"])]
    table: bool,
    #[command(flatten)]
    view: TableView,
}

/// Rows and columns of a comparison table.
#[derive(Args)]
pub(super) struct TableView {
    /// Sort the table by a column, best first [default: the order of the sweep or of the runs]
    #[arg(long, value_name = "COLUMN")]
    sort: Option<String>,
    /// Columns to print, separated by commas; the files have all [default: those that fit into the terminal]
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',')]
    columns: Vec<String>,
}

/// Options of parallel runs.
#[derive(Args)]
pub(crate) struct RunnerArgs {
    /// Number of parallel runs, which share the threads [default: one run per thread]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
    /// Time budget: start no run after this many hours [default: budget_hours of the sweep]
    #[arg(long, value_name = "HOURS", value_parser = parse_time)]
    hours: Option<f64>,
    /// Folder of the feature cache, which all runs share
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,
    /// Seconds of training between checkpoints of a run; 0: after every step [default: 30]
    #[arg(long, value_name = "SECONDS", default_value_t = 30.0, hide_default_value = true, value_parser = parse_time)]
    checkpoint_every: f64,
}

impl RunnerArgs {
    /// Returns a runner that writes to `out`; `budget_hours` is the default of `--hours`.
    pub(super) fn runner<'a>(
        &self,
        data: Option<PathBuf>,
        out: &'a Path,
        budget_hours: Option<f64>,
        stop: &'a AtomicBool,
    ) -> SweepRunner<'a> {
        let deadline =
            self.hours.or(budget_hours).map(|hours| Instant::now() + Duration::from_secs_f64(3600.0 * hours));
        SweepRunner {
            data,
            cache: self.cache.clone(),
            out,
            parallel_runs: self.jobs.map_or(rayon::current_num_threads(), usize::from),
            shard: Shard { number: 1, count: 1 },
            test: true,
            deadline,
            checkpoint_every: Duration::from_secs_f64(self.checkpoint_every),
            command: command_line(),
            stop,
        }
    }
}

/// Parses `I/N`, shard I of N, from 1.
fn parse_shard(text: &str) -> Result<Shard, String> {
    let shard = text
        .split_once('/')
        .and_then(|(number, count)| Some(Shard { number: number.parse().ok()?, count: count.parse().ok()? }));
    shard
        .filter(|shard| (1..=shard.count).contains(&shard.number))
        .ok_or_else(|| "expected I/N, such as 1/4, 2/4, 3/4 and 4/4".into())
}

impl Compare {
    pub(crate) fn run(self, console: &Console) -> Result<u8> {
        let stop = progress::stop_on_interrupt();
        let out = self
            .out
            .clone()
            .unwrap_or_else(|| Path::new("runs").join(self.sweep.file_stem().unwrap_or_default()));
        let sweep = Sweep::read(&self.sweep)?;
        let data = absolute(self.data.as_deref())?;
        if self.table && !out.is_dir() {
            bail!("{}: no such folder; give the --out of the runs", out.display());
        }
        for column in self.view.sort.iter().chain(&self.view.columns) {
            check_column(&sweep.axes(), column)?;
        }
        let mut code = super::DONE;
        if !self.table {
            sweep.check_data(data.as_deref())?;
            create_folder(&out)?;
            let runner = self.runner.runner(data.clone(), &out, sweep.config.budget_hours, &stop);
            let runner = SweepRunner { shard: self.shard, ..runner };
            let jobs = sweep.jobs(data.as_deref())?;
            progress::keep_on_interrupt();
            let lines = RunLines::new(console);
            let summary = runner.run(jobs, &|event| lines.on_event(&event));
            drop(lines);
            code = print_summary(&summary, console);
        }
        progress::end_on_interrupt();
        if self.time && !stop.load(Ordering::Relaxed) {
            code = code.max(measure_times(&sweep, data.as_deref(), &out, &stop, console)?);
        }
        let found = load_candidates(&sweep, data.as_deref(), &out)?;
        Ok(code.max(print_comparison(&sweep.config.title, &found, &self.view, &out, console)?))
    }
}

impl TableView {
    /// Checks that the columns exist.
    pub(super) fn check(&self, found: &CandidateSet) -> Result<()> {
        let table = table(&found.candidates)?;
        table.select(&self.columns)?;
        Ok(())
    }
}

/// Prints and writes the table, writes the report, prints notes and skipped runs, and returns the exit code.
pub(super) fn print_comparison(
    title: &str,
    found: &CandidateSet,
    view: &TableView,
    out: &Path,
    console: &Console,
) -> Result<u8> {
    let mut table = table(&found.candidates)?;
    if let Some(Err(error)) = view.sort.as_ref().map(|column| table.sort(column)) {
        console.eprint(&format!("not sorted: {error}"));
    }
    if view.sort.is_some() && table.columns().iter().any(|column| column.key == DATA_SET) {
        // Candidates are sorted within their data set.
        table.sort(DATA_SET)?;
    }
    print_table(title, &table, &view.columns, out, "table", console)?;
    let notes = [&found.skipped[..], &found.notes].concat();
    notes.iter().for_each(|note| console.eprint(&visible(note)));
    write_page(title, &[("Results", &table)], &found.candidates, &notes, out, console)?;
    let trained = found.candidates.iter().any(|candidate| !candidate.repetitions.is_empty());
    Ok(match (found.skipped.is_empty(), trained) {
        (true, _) => super::DONE,
        (false, true) => super::SOME_FAILED,
        (false, false) => super::NOTHING_DONE,
    })
}

/// Prints a table and writes it as `name`.csv and .md. Rows of different data sets are separate tables, except in the CSV file
/// and in JSON, which have a column for the data set.
pub(super) fn print_table(
    title: &str,
    table: &Table,
    columns: &[String],
    out: &Path,
    name: &str,
    console: &Console,
) -> Result<()> {
    let parts = table.split(DATA_SET);
    let (mut text, mut markdown) = (format!("\n{}", visible(title)), String::new());
    for (at, (data_set, part)) in parts.iter().enumerate() {
        if parts.len() > 1 {
            let heading = visible(data_set_heading(data_set)).into_owned();
            text += &format!("\n\n{heading}");
            markdown += &format!("{}## {}\n\n", if at > 0 { "\n" } else { "" }, escape_markdown(&heading));
        }
        let shown = if columns.is_empty() {
            part.text(console.width())
        } else {
            part.select(columns)?.text(usize::MAX)
        };
        text += &format!("\n\n{shown}");
        markdown += &part.markdown();
    }
    console.print(&text);
    console.json(&json!({ "title": title, "table": table }));
    let path_of = |extension: &str| out.join(format!("{name}.{extension}"));
    for (extension, text) in [("csv", table.csv()), ("md", markdown)] {
        let path = path_of(extension);
        stapes_files::write_atomic(&path, text.as_bytes()).map_err(|source| Error::File {
            path,
            action: "write the table",
            source,
        })?;
    }
    console.print(&format!(
        "\ntable in {} and {}",
        visible_path(&path_of("csv")),
        visible_path(&path_of("md"))
    ));
    Ok(())
}

/// Writes the report of candidates, with tables under their headings and notes, and its figures as files.
pub(super) fn write_page(
    title: &str,
    tables: &[(&str, &Table)],
    candidates: &[Candidate],
    notes: &[String],
    out: &Path,
    console: &Console,
) -> Result<()> {
    let mut comparison = page(title, tables, candidates, out)?;
    comparison.notes.extend_from_slice(notes);
    let write = |path: &Path, bytes: &[u8]| {
        stapes_files::write_atomic(path, bytes).map_err(|source| Error::File {
            path: path.into(),
            action: "write the report and its figures",
            source,
        })
    };
    let figures = out.join("figures");
    create_folder(&figures)?;
    let mut kept = Vec::new();
    for picture in comparison_pictures(&comparison)? {
        write(&figures.join(format!("{}.svg", picture.name)), picture.svg.as_bytes())?;
        write(&figures.join(format!("{}.png", picture.name)), &picture.png)?;
        kept.push(picture.name);
    }
    remove_old_cost_figures(&figures, &kept);
    let path = out.join(REPORT);
    write(&path, render_comparison(&comparison)?.as_bytes())?;
    console.print(&format!("report in {}, its figures in {}", visible_path(&path), visible_path(&figures)));
    Ok(())
}

/// Removes figures of accuracy against a cost that the report no longer has, such as training time once steps are timed.
fn remove_old_cost_figures(figures: &Path, kept: &[String]) {
    for entry in std::fs::read_dir(figures).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let figure = name.strip_suffix(".svg").or(name.strip_suffix(".png"));
        let old =
            figure.is_some_and(|name| name.starts_with("against-") && !kept.iter().any(|kept| kept == name));
        if old {
            // A failure leaves an old figure, which does no harm.
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// Prints the number of failed and remaining runs, and returns the exit code.
pub(super) fn print_summary(summary: &SweepSummary, console: &Console) -> u8 {
    let SweepSummary { requested, complete, failed } = *summary;
    let runs = pluralize(requested as u64, "run");
    if failed > 0 {
        console.eprint(&format!("{failed} of {runs} failed"));
    }
    let remaining = requested - complete - failed;
    if remaining > 0 {
        console.eprint(&format!("{remaining} of {runs} remaining; run the same command again to continue"));
    }
    match (complete, failed + remaining) {
        (_, 0) => super::DONE,
        (0, _) if failed > 0 => super::NOTHING_DONE,
        _ => super::SOME_FAILED,
    }
}

/// Times the trained configurations that have no times yet, and returns the exit code.
fn measure_times(
    sweep: &Sweep,
    data: Option<&Path>,
    out: &Path,
    stop: &AtomicBool,
    console: &Console,
) -> Result<u8> {
    let jobs = sweep.jobs(data)?;
    let bar = progress::bar(sweep.configurations.len(), "times");
    let mut code = super::DONE;
    for (at, configuration) in sweep.configurations.iter().enumerate() {
        if stop.load(Ordering::Relaxed) {
            console.eprint("stopped; run the same command again to time the remaining configurations");
            code = super::SOME_FAILED;
            break;
        }
        bar.set_position(at as u64);
        let folder = out.join(&configuration.name);
        let mut runs =
            jobs.iter().filter(|job| job.configuration == at).map(|job| (job, out.join(&job.folder)));
        let trained = runs.find(|(_, run)| matches!(RunState::of(run), Ok(RunState::Complete)));
        let Some((job, run)) = trained else { continue };
        let measure = || match Timing::read(&folder)? {
            Some(_) => Ok(()),
            None => Timing::measure(&job.recipe, data, &run)?.write(&folder),
        };
        if let Err(error) = measure() {
            bar.suspend(|| console.eprint(&format!("not timed: {}", visible(&describe_error(&error)))));
            code = super::SOME_FAILED;
        }
    }
    bar.finish_and_clear();
    Ok(code)
}

/// Prints one line per run.
pub(super) struct RunLines<'a> {
    console: &'a Console,
    bar: ProgressBar,
}

impl<'a> RunLines<'a> {
    /// Returns a printer with a progress bar.
    pub(super) fn new(console: &'a Console) -> RunLines<'a> {
        RunLines { console, bar: progress::bar(0, "runs") }
    }
}

impl Drop for RunLines<'_> {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

impl RunLines<'_> {
    /// Prints the line of a run that has ended.
    pub(super) fn on_event(&self, event: &Event<'_>) {
        let &Event::RunEnded { job, status, done, total } = event else { return };
        self.bar.set_length(total as u64);
        self.bar.set_position(done as u64);
        let text = match status {
            // The table has its results.
            RunStatus::AlreadyComplete => return,
            RunStatus::Trained(record) => {
                let test =
                    record.test_accuracy.map_or_else(String::new, |test| format!("test {}, ", percent(test)));
                let validation = percent_or_dash(record.validation_accuracy);
                let diverged = record.divergence().map_or_else(String::new, |text| format!("; {text}"));
                format!("{test}validation {validation}, {}{diverged}", duration(record.seconds))
            }
            RunStatus::Stopped => "stopped".into(),
            RunStatus::Busy => "another process is training it".into(),
            RunStatus::Failed(error) => format!("error: {}", describe_error(error)),
        };
        let folder = job.folder.display();
        let line = format!("[{done}/{total}] {folder}  {text}");
        self.bar.suspend(|| self.console.status(&visible(&line)));
        let error = match status {
            RunStatus::Failed(error) => Some(describe_error(error)),
            _ => None,
        };
        self.console.json(&json!({
            "event": "run", "run": folder.to_string(), "done": done, "total": total, "error": error,
            "test_accuracy": match status { RunStatus::Trained(record) => record.test_accuracy, _ => None },
            "diverged_loss": match status { RunStatus::Trained(record) => record.diverged_loss, _ => None },
        }));
    }
}
