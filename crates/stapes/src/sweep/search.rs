//! A search: settings drawn at random, of which the better go on to longer trainings (successive halving).
//!
//! Trials are judged by validation examples alone. The test examples are heard once, by the winner, when all is decided.

use std::path::{Path, PathBuf};

use stapes_report::table::{Better, Column, Shown, Table, Value};
use stapes_random::Rng;

use super::{
    Configuration, SweepRunner, SweepSummary, Job, SearchConfig, Sweep, SweepConfig, SweepProgress, check_data, check_names, jobs,
    read, refused, rows,
};
use crate::overrides::changed;
use crate::error::Error;
use crate::recipe::Recipe;
use crate::run::{Run, RunState};

/// A search with all its trials drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Search {
    /// What the file says.
    pub config: SweepConfig,
    /// Its `[search]`.
    pub settings: SearchConfig,
    /// What was drawn; their recipes are those of the last rung.
    pub trials: Vec<Configuration>,
}

/// One trial, as far as it came.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// What was drawn.
    pub trial: Configuration,
    /// Its mean validation accuracy on each rung that it reached.
    pub scores: Vec<f64>,
    /// Trainable numbers.
    pub parameters: usize,
}

/// What a search came to.
#[derive(Clone, Debug, PartialEq)]
pub struct SearchResult {
    /// All trials, in the order in which they were drawn.
    pub tried: Vec<Trial>,
    /// Which of them is best, when all rungs are done; its folder is [`BEST`].
    pub winner: Option<usize>,
    /// The runs of all rungs, and those of the winner.
    pub conducted: SweepSummary,
}

/// The folder of the winner's runs.
pub const BEST: &str = "winner";

/// Draws of a setting that was drawn before are drawn again, so many times.
const REDRAWS: u64 = 100;

impl Search {
    /// Reads a search and draws its trials.
    ///
    /// # Errors
    /// [`Error::Recipe`] names the file, the key or the trial, and what is expected there.
    pub fn read(path: &Path) -> Result<Search, Error> {
        let (config, folder) = read(path)?;
        Search::of(config, folder).map_err(|reason| refused(path, reason))
    }

    fn of(config: SweepConfig, folder: &Path) -> Result<Search, String> {
        config.check()?;
        let Some(settings) = config.search.clone() else {
            return Err("no [search]: say how many trials there are to be, or use `stapes compare`".into());
        };
        if config.axes.is_empty() && config.rows.is_empty() {
            return Err("no axes and no rows: there is nothing to draw".into());
        }
        check_names(&config)?;
        let starts = rows(&config);
        let (mut trials, mut seen): (Vec<Configuration>, Vec<Vec<(String, String)>>) = (Vec::new(), Vec::new());
        for number in 1..=settings.trials as u64 {
            for redraw in 0..REDRAWS {
                let mut stream = Rng::numbered(settings.seed, "search", [number, redraw]);
                let mut start = starts[stream.below(starts.len())].clone();
                for axis in &config.axes {
                    let drawn = axis.drawn(f64::from(stream.uniform()))?;
                    start = start.with(&axis.name, &[drawn]).swap_remove(0);
                }
                if seen.contains(&start.settings) {
                    continue;
                }
                seen.push(start.settings.clone());
                trials.push(start.cell(&config, folder)?.called(format!("trial-{number:03}"), &config));
                break;
            }
        }
        let search = Search { config, settings, trials };
        search.trials.iter().try_for_each(|trial| search.on_rung(trial, 0).map(|_| ()))?;
        Ok(search)
    }

    /// Whether the data of all trials is there.
    ///
    /// # Errors
    /// [`Error::Data`] if it is not.
    pub fn check_data(&self, data: Option<&Path>) -> Result<(), Error> {
        check_data(self.trials.iter().map(|trial| &trial.recipe), data)
    }

    /// Trains rung after rung, and in the end tests the winner. What is complete is not trained again.
    ///
    /// # Errors
    /// [`Error::Data`] if the data set is not there; [`Error::NoValidation`] if a run has no validation examples.
    pub fn run(&self, conduct: &SweepRunner<'_>, watcher: &dyn SweepProgress) -> Result<SearchResult, Error> {
        let data = conduct.data.as_deref();
        let mut tried = Vec::new();
        for trial in &self.trials {
            let parameters = trial.recipe.clone().resolved(data)?.network()?.parameter_count();
            tried.push(Trial { trial: trial.clone(), scores: Vec::new(), parameters });
        }
        let mut all = SweepSummary::default();
        let mut left: Vec<usize> = (0..tried.len()).collect();
        for rung in 0..self.settings.rungs {
            let cells: Vec<Configuration> = left
                .iter()
                .map(|&at| self.on_rung(&self.trials[at], rung))
                .collect::<Result<_, String>>()
                .map_err(|reason| Error::Recipe { name: "search".into(), reason })?;
            let jobs = jobs(&cells, (self.config.folds, self.settings.splits), data)?;
            let conducted = SweepRunner { tested: false, ..conduct.clone() }.run(jobs.clone(), watcher);
            all = all.and(conducted);
            for (cell, &at) in left.iter().enumerate() {
                let of_cell = jobs.iter().filter(|job| job.cell == cell);
                tried[at].scores.extend(score(of_cell, conduct.out)?);
            }
            if conducted.complete + conducted.failed < conducted.asked {
                return Ok(SearchResult { tried, winner: None, conducted: all });
            }
            // What went wrong has no score here and goes no further.
            left.retain(|&at| tried[at].scores.len() == rung + 1);
            left.sort_by(|&a, &b| tried[b].scores[rung].total_cmp(&tried[a].scores[rung]).then(a.cmp(&b)));
            if rung + 1 < self.settings.rungs {
                left.truncate(left.len().div_ceil(self.settings.reduction_factor));
            }
        }
        let winner = left.first().copied();
        if let Some(winner) = winner {
            let cell = self.trials[winner].clone().called(BEST.into(), &self.config);
            let jobs = jobs(&[cell], (self.config.folds, self.config.seeds), data)?;
            all = all.and(conduct.run(jobs, watcher));
        }
        Ok(SearchResult { tried, winner, conducted: all })
    }

    /// The winner's runs as a sweep of one cell.
    pub fn winner(&self, searched: &SearchResult) -> Option<Sweep> {
        let cell = self.trials[searched.winner?].clone().called(BEST.into(), &self.config);
        Some(Sweep { config: self.config.clone(), cells: vec![cell] })
    }

    /// A trial with trainings as long as those of a rung are.
    fn on_rung(&self, trial: &Configuration, rung: usize) -> Result<Configuration, String> {
        let SearchConfig { reduction_factor, rungs, length, set, .. } = &self.settings;
        let table: toml::Table =
            toml::from_str(&trial.recipe.to_toml()).map_err(|error| error.to_string())?;
        let mut parts = length.split('.');
        let first = parts.next().and_then(|key| table.get(key));
        let value = parts.fold(first, |value, key| value.and_then(|value| value.get(key)));
        let Some(whole) = value.and_then(toml::Value::as_integer).filter(|whole| *whole > 0) else {
            return Err(format!("search.length = {length}: must be a key of the recipe with a whole number"));
        };
        let shorter = (*reduction_factor as f64).powi((rungs - 1 - rung) as i32);
        let short = (whole as f64 / shorter).round().max(1.0);
        let changes = [&set[..], &[format!("{length}={short}")]].concat();
        let recipe = changed(trial.recipe.clone(), &changes)?;
        let name = format!("rung-{}/{}", rung + 1, trial.name);
        Ok(Configuration { name, recipe, ..trial.clone() })
    }
}

impl Configuration {
    /// The same under another name.
    fn called(self, name: String, config: &SweepConfig) -> Configuration {
        let recipe = Recipe { title: format!("{name} ({})", config.title), ..self.recipe };
        Configuration { name, recipe, ..self }
    }
}

/// The mean validation accuracy of runs; None if one of them went wrong or diverged.
fn score<'j>(runs: impl Iterator<Item = &'j Job>, out: &Path) -> Result<Option<f64>, Error> {
    let (mut sum, mut count) = (0.0, 0.0);
    for job in runs {
        let folder: PathBuf = out.join(&job.folder);
        if RunState::of(&folder)? != RunState::Complete {
            return Ok(None);
        }
        let record = Run::record(&folder)?;
        if record.diverged_loss.is_some() {
            return Ok(None);
        }
        sum += record.validation_accuracy.ok_or(Error::NoValidation(folder))?;
        count += 1.0;
    }
    Ok(Some(sum / count))
}

impl SearchResult {
    /// What was tried: the settings of each trial, its validation accuracy on each rung that it reached, and its size; the
    /// trials that came furthest first.
    pub fn table(&self, rungs: usize) -> Table {
        let column = |key: String, title: String, better, scale, digits| Column {
            key,
            title,
            better,
            shown: Shown { scale, digits },
        };
        let mut columns = vec![column("trial".into(), "trial".into(), None, 1.0, 0)];
        let axes = self.tried.first().map_or(&[][..], |tried| &tried.trial.settings);
        columns.extend(axes.iter().map(|(axis, _)| column(axis.clone(), axis.clone(), None, 1.0, 0)));
        columns.extend((1..=rungs).map(|rung| {
            let title = format!("validation {rung}, %");
            column(format!("validation_{rung}"), title, Some(Better::High), 100.0, 2)
        }));
        columns.push(column("parameters".into(), "parameters".into(), Some(Better::Low), 1.0, 0));
        let mut order: Vec<&Trial> = self.tried.iter().collect();
        order.sort_by(|a, b| {
            let last = |tried: &Trial| tried.scores.last().copied().unwrap_or(0.0);
            b.scores.len().cmp(&a.scores.len()).then(last(b).total_cmp(&last(a)))
        });
        let rows = order.into_iter().map(|Trial { trial, scores, parameters }| {
            let mut row = vec![Value::Text(trial.name.clone())];
            row.extend(trial.settings.iter().map(|(_, value)| Value::Text(value.clone())));
            row.extend((0..rungs).map(|rung| Value::of(scores.get(rung).copied())));
            row.push(Value::Number(*parameters as f64));
            row
        });
        Table::new(columns, rows.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search(text: &str) -> Result<Search, String> {
        let recipes = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../recipes");
        Search::of(toml::from_str(text).map_err(|error| error.to_string())?, &recipes)
    }

    const SPACE: &str = "
        title = 'Space'
        recipe = 'quickstart.toml'
        [search]
        trials = 40
        rungs = 3
        [[axes]]
        name = 'cell'
        key = 'model.recurrent.cell'
        values = ['gru', 'lstm']
        [[axes]]
        name = 'rate'
        key = 'train.learning_rate'
        between = { low = 1e-4, high = 1e-1, scale = 'log' }
        [[axes]]
        name = 'hidden'
        key = 'model.recurrent.hidden_size'
        between = { low = 4, high = 8 }
    ";

    #[test]
    fn trials_are_drawn_from_all_of_the_space_and_always_alike() {
        let found = search(SPACE).unwrap();
        assert_eq!(found, search(SPACE).unwrap());
        assert_eq!(found.trials.len(), 40);
        let values = |axis: usize| -> Vec<&str> {
            found.trials.iter().map(|trial| &*trial.settings[axis].1).collect()
        };
        assert!(values(0).contains(&"gru") && values(0).contains(&"lstm"));
        let rates: Vec<f64> = values(1).iter().map(|rate| rate.parse().unwrap()).collect();
        assert!(rates.iter().all(|rate| (1e-4..=1e-1).contains(rate)));
        // A third of the draws in each decade.
        for decade in [1e-4, 1e-3, 1e-2] {
            let within = rates.iter().filter(|rate| (decade..10.0 * decade).contains(*rate)).count();
            assert!(within >= 5, "{within} from {decade}");
        }
        for hidden in ["4", "5", "6", "7", "8"] {
            assert!(values(2).contains(&hidden), "{hidden}");
        }
    }

    #[test]
    fn a_small_space_is_drawn_once_each() {
        let few = "title = 'Few'\nrecipe = 'quickstart.toml'\nsearch = { trials = 9 }\n\
                   axes = [{ name = 'cell', key = 'model.recurrent.cell', values = ['gru', 'lstm', 'rnn_tanh'] }]";
        assert_eq!(search(few).unwrap().trials.len(), 3);
    }

    #[test]
    fn rungs_are_shorter_by_the_same_factor() {
        let found = search(&SPACE.replace("[search]", "set = ['train.epochs=30']\n[search]")).unwrap();
        let epochs =
            |rung| found.on_rung(&found.trials[0], rung).map(|cell| cell.recipe.train.epochs).unwrap();
        assert_eq!([epochs(0), epochs(1), epochs(2)], [3, 10, 30]);
        assert_eq!(found.on_rung(&found.trials[4], 1).unwrap().name, "rung-2/trial-005");
    }

    #[test]
    fn mistakes_say_where_and_what_to_do() {
        for (from, to, part) in [
            ("trials = 40", "trials = 0", "search.trials = 0: must be 1 to 100,000"),
            ("rungs = 3", "reduction_factor = 1", "search.reduction_factor = 1: must be 2"),
            ("rungs = 3", "length = 'train.epoch'", "search.length = train.epoch: must be a key"),
            ("low = 4, high = 8", "low = 8, high = 4", "axes.hidden: between 8 and 4"),
            ("low = 1e-4", "low = 0.0", "> 0 on a log scale"),
        ] {
            let error = search(&SPACE.replace(from, to)).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
        assert!(search("title = 'a'\nrecipe = 'quickstart.toml'").unwrap_err().contains("no [search]"));
    }
}
