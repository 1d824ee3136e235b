//! `stapes compare`: a sweep becomes runs, and these a table.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::Args;
use indicatif::ProgressBar;
use serde_json::json;
use stapes::Error;
use stapes::compare::{Candidate, Compared, candidates, check_column, in_words, page, table};
use stapes::eval::comparison::Table;
use stapes::eval::report::{comparison_pictures, render_comparison};
use stapes::eval::{counted, visible};
use stapes::run::{REPORT, Standing};
use stapes::sweep::{Conduct, Conducted, Ended, Job, Sweep, Timing, Watcher};

use super::console::{Console, duration, percent, place, share};
use super::features::create_folder;
use super::progress;
use super::train::{absolute, command_line, seconds};

/// Train every cell of a sweep with several seeds, and compare what they come to in a table and a page
///
/// Runs that are complete stay as they are, and those that were killed or stopped go on: give the same command again, or
/// give it on several machines with --shard and put their folders together.
#[derive(Args)]
#[command(
    after_help = "Example:\n  stapes compare recipes/results/heads.toml --data ../speech_commands --out runs/heads"
)]
pub(crate) struct Compare {
    /// The sweep, a TOML file
    sweep: PathBuf,
    /// The folder of the data set
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The folder for the runs, the table and the page
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Train part I of N of the runs; the other parts are for other machines
    #[arg(long, value_name = "I/N", value_parser = shard, default_value = "1/1", hide_default_value = true)]
    shard: (usize, usize),
    #[command(flatten)]
    conduct: RunnerArgs,
    /// Then time the training steps and the models of all cells, one by one with nothing else running
    #[arg(long)]
    time: bool,
    /// Train nothing: only make the table of what is there
    #[arg(long, conflicts_with_all = ["time", "shard", "hours", "at_once"])]
    table: bool,
    /// Sort the table by a column, the better end first [default: the order of the sweep]
    #[arg(long, value_name = "COLUMN")]
    sort: Option<String>,
}

/// How runs are trained side by side.
#[derive(Args)]
pub(crate) struct RunnerArgs {
    /// Train so many runs at a time, each with its part of the threads [default: one a thread]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    at_once: Option<u16>,
    /// Begin no run after so many hours [default: budget_hours of the sweep]
    #[arg(long, value_name = "HOURS", value_parser = parse_time)]
    hours: Option<f64>,
    /// Keep the frames of recordings in this folder, where all runs of one front end share them
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,
    /// Write a checkpoint of a run after so many seconds of training [default: 30]
    #[arg(long, value_name = "SECONDS", default_value_t = 30.0, hide_default_value = true, value_parser = parse_time)]
    checkpoint_every: f64,
}

impl RunnerArgs {
    /// With the runs in a folder; `hours` is the budget of the file.
    pub(super) fn conduct<'a>(
        &self,
        data: Option<PathBuf>,
        out: &'a Path,
        hours: Option<f64>,
        stop: &'a AtomicBool,
    ) -> Conduct<'a> {
        let until =
            self.hours.or(hours).map(|hours| Instant::now() + Duration::from_secs_f64(3600.0 * hours));
        Conduct {
            data,
            cache: self.cache.clone(),
            out,
            at_once: self.at_once.map_or(rayon::current_num_threads(), usize::from),
            shard: (1, 1),
            tested: true,
            until,
            checkpoint_every: Duration::from_secs_f64(self.checkpoint_every),
            command: command_line(),
            stop,
        }
    }
}

/// Part I of N, from 1.
fn shard(text: &str) -> Result<(usize, usize), String> {
    let parts = text.split_once('/').and_then(|(own, of)| Some((own.parse().ok()?, of.parse().ok()?)));
    parts
        .filter(|(own, of)| (1..=*of).contains(own))
        .ok_or_else(|| "expected I/N, such as 1/4, 2/4, 3/4 and 4/4".into())
}

impl Compare {
    pub(crate) fn run(self, console: &Console) -> Result<u8> {
        let stop = progress::stop_on_interrupt();
        let sweep = Sweep::read(&self.sweep)?;
        let data = absolute(self.data.as_deref())?;
        if self.table && !self.out.is_dir() {
            bail!("{}: no such folder, so there are no runs to compare", self.out.display());
        }
        if let Some(column) = &self.sort {
            check_column(&sweep.axes(), column)?;
        }
        let mut code = super::DONE;
        if !self.table {
            sweep.check_data(data.as_deref())?;
            create_folder(&self.out)?;
            let conduct = self.runner.runner(data.clone(), &self.out, sweep.config.budget_hours, &stop);
            let conduct = Conduct { shard: self.shard, ..conduct };
            let jobs = sweep.jobs(data.as_deref())?;
            code = conducted(&conduct.run(jobs, &Lines::new(console)), console);
        }
        if self.time && !stop.load(Ordering::Relaxed) {
            code = code.max(time(&sweep, data.as_deref(), &self.out, (&stop, console))?);
        }
        let compared = candidates(&sweep, data.as_deref(), &self.out)?;
        let sort = self.sort.as_deref();
        Ok(code.max(told(&sweep.config.title, &compared, sort, &self.out, console)?))
    }
}

/// Prints what is compared, writes it as a table and as a page, says what was left out, and gives the exit code.
pub(super) fn told(
    title: &str,
    compared: &Compared,
    sort: Option<&str>,
    out: &Path,
    console: &Console,
) -> Result<u8> {
    let mut table = table(&compared.candidates)?;
    if let Some(Err(error)) = sort.map(|column| table.sort(column)) {
        console.eprint(&format!("not sorted: {error}"));
    }
    tell(title, &table, out, "table", console)?;
    let all = [&compared.left_out[..], &compared.notes].concat();
    all.iter().for_each(|note| console.eprint(&visible(note)));
    write_page(title, &[("Results", &table)], (&compared.candidates, &all), out, console)?;
    let trained = compared.candidates.iter().any(|candidate| !candidate.repetitions.is_empty());
    Ok(match (compared.left_out.is_empty(), trained) {
        (true, _) => super::DONE,
        (false, true) => super::SOME_FAILED,
        (false, false) => super::NOTHING_DONE,
    })
}

/// Prints a table, and writes it as CSV and Markdown under this name.
pub(super) fn tell(title: &str, table: &Table, out: &Path, name: &str, console: &Console) -> Result<()> {
    console.print(&format!("\n{}\n\n{}", visible(title), table.text(console.width())));
    console.json(&json!({ "title": title, "table": table }));
    let path_of = |extension: &str| out.join(format!("{name}.{extension}"));
    for (extension, text) in [("csv", table.csv()), ("md", table.markdown())] {
        let path = path_of(extension);
        stapes_files::write_atomic(&path, text.as_bytes()).map_err(|source| Error::File {
            path,
            action: "write the table",
            source,
        })?;
    }
    console.print(&format!("\ntable in {} and {}", place(&path_of("csv")), place(&path_of("md"))));
    Ok(())
}

/// Writes the page of candidates, with tables under their headings and notes, and its figures as files.
pub(super) fn write_page(
    title: &str,
    tables: &[(&str, &Table)],
    (candidates, notes): (&[Candidate], &[String]),
    out: &Path,
    console: &Console,
) -> Result<()> {
    let mut comparison = page(title, tables, candidates, out)?;
    comparison.notes.extend_from_slice(notes);
    let write = |path: &Path, bytes: &[u8]| {
        stapes_files::write_atomic(path, bytes).map_err(|source| Error::File {
            path: path.into(),
            action: "write the page and its figures",
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
    remove_old_costs(&figures, &kept);
    let path = out.join(REPORT);
    write(&path, render_comparison(&comparison)?.as_bytes())?;
    console.print(&format!("page in {}, its figures in {}", place(&path), place(&figures)));
    Ok(())
}

/// Removes figures against costs that the page has no more, as those of trainings once steps are timed.
fn remove_old_costs(figures: &Path, kept: &[String]) {
    for entry in std::fs::read_dir(figures).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let figure = name.strip_suffix(".svg").or(name.strip_suffix(".png"));
        let old =
            figure.is_some_and(|name| name.starts_with("against-") && !kept.iter().any(|kept| kept == name));
        if old {
            // An old figure that stays is no harm.
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// Says how many runs there are now, and gives the exit code.
pub(super) fn conducted(conducted: &Conducted, console: &Console) -> u8 {
    let Conducted { asked, complete, failed } = *conducted;
    let runs = counted(asked as u64, "run");
    if failed > 0 {
        console.eprint(&format!("{failed} of {runs} failed"));
    }
    let left = asked - complete - failed;
    if left > 0 {
        console.eprint(&format!("{left} of {runs} left: the same command goes on with them"));
    }
    match (complete, failed + left) {
        (_, 0) => super::DONE,
        (0, _) if failed > 0 => super::NOTHING_DONE,
        _ => super::SOME_FAILED,
    }
}

/// Times the cells that are trained and not timed yet, and gives the exit code: that of some failed where some are left.
fn time(
    sweep: &Sweep,
    data: Option<&Path>,
    out: &Path,
    (stop, console): (&AtomicBool, &Console),
) -> Result<u8> {
    let jobs = sweep.jobs(data)?;
    let bar = progress::bar(sweep.cells.len(), "times");
    let mut code = super::DONE;
    for (at, cell) in sweep.cells.iter().enumerate() {
        if stop.load(Ordering::Relaxed) {
            console.eprint("stopped: the same command goes on with the cells that are not timed");
            code = super::SOME_FAILED;
            break;
        }
        bar.set_position(at as u64);
        let folder = out.join(&cell.name);
        let mut runs = jobs.iter().filter(|job| job.cell == at).map(|job| (job, out.join(&job.folder)));
        let trained = runs.find(|(_, run)| matches!(Standing::of(run), Ok(Standing::Complete)));
        let Some((job, run)) = trained else { continue };
        let timed = || match Timing::read(&folder)? {
            Some(_) => Ok(()),
            None => Timing::measure(&job.recipe, data, &run)?.write(&folder),
        };
        if let Err(error) = timed() {
            bar.suspend(|| console.eprint(&format!("not timed: {}", visible(&in_words(&error)))));
            code = super::SOME_FAILED;
        }
    }
    bar.finish_and_clear();
    Ok(code)
}

/// A line for each run.
pub(super) struct Lines<'a> {
    console: &'a Console,
    bar: ProgressBar,
}

impl<'a> Lines<'a> {
    pub(super) fn new(console: &'a Console) -> Lines<'a> {
        Lines { console, bar: progress::bar(0, "runs") }
    }
}

impl Drop for Lines<'_> {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

impl Watcher for Lines<'_> {
    fn ended(&self, job: &Job, ended: &Ended, done: usize, of: usize) {
        self.bar.set_length(of as u64);
        self.bar.set_position(done as u64);
        let words = match ended {
            // Told by the table.
            Ended::Before => return,
            Ended::TrainingResult(record) => {
                let test =
                    record.test_accuracy.map_or_else(String::new, |test| format!("test {}, ", percent(test)));
                let validation = share(record.validation_accuracy);
                let diverged = record.divergence().map_or_else(String::new, |words| format!("; {words}"));
                format!("{test}validation {validation}, {}{diverged}", duration(record.seconds))
            }
            Ended::Stopped => "stopped".into(),
            Ended::Elsewhere => "is being made by another process".into(),
            Ended::Failed(error) => format!("error: {}", in_words(error)),
        };
        let folder = job.folder.display();
        let line = format!("[{done}/{of}] {folder}  {words}");
        self.bar.suspend(|| self.console.eprint(&visible(&line)));
        let error = match ended {
            Ended::Failed(error) => Some(in_words(error)),
            _ => None,
        };
        self.console.json(&json!({
            "event": "run", "run": folder.to_string(), "done": done, "of": of, "error": error,
            "test_accuracy": match ended { Ended::TrainingResult(record) => record.test_accuracy, _ => None },
            "diverged_loss": match ended { Ended::TrainingResult(record) => record.diverged_loss, _ => None },
        }));
    }
}
