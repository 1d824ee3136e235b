//! Random search with successive halving: the best trials continue with longer trainings.
//!
//! Trials are scored on validation examples only. The test examples are used once, by the best configuration, at the end.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use stapes_random::Rng;
use stapes_report::table::{Better, Column, NumberFormat, Table, Value};

use super::{
    Configuration, Job, Repeats, SearchConfig, Sweep, SweepConfig, SweepRunner, SweepSummary, check_data,
    check_names, drafts, invalid, jobs, read,
};
use crate::error::Error;
use crate::event::OnEvent;
use crate::overrides::apply_overrides;
use crate::recipe::Recipe;
use crate::run::{Run, RunState};

/// Search with all its trials drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Search {
    /// Content of the file.
    pub config: SweepConfig,
    /// Section `[search]` of the file.
    pub settings: SearchConfig,
    /// Configurations of the trials, with the recipes of the last rung.
    pub trials: Vec<Configuration>,
}

/// Trial with its scores.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// Configuration that was drawn.
    pub configuration: Configuration,
    /// Mean validation accuracy on each rung that the trial reached.
    pub scores: Vec<f64>,
    /// Number of trainable parameters.
    pub parameters: usize,
}

/// Result of a search.
#[derive(Clone, Debug, PartialEq)]
pub struct SearchResult {
    /// All trials, in the order of the draws.
    pub trials: Vec<Trial>,
    /// Index of the best trial, if all rungs are complete; its runs are in the folder [`BEST`].
    pub best: Option<usize>,
    /// Numbers of runs of all rungs and of the best configuration.
    pub summary: SweepSummary,
}

/// Folder of the runs of the best configuration.
pub const BEST: &str = "best";

/// Maximum number of draws to find a configuration that was not drawn before.
const REDRAWS: u64 = 100;

impl Search {
    /// Reads a search and draws its trials.
    ///
    /// # Errors
    /// [`Error::Recipe`] with the file, the key or trial, and the expected content.
    pub fn read(path: &Path) -> Result<Search, Error> {
        let (config, folder) = read(path)?;
        Search::from_config(config, folder).map_err(|reason| invalid(path, reason))
    }

    fn from_config(config: SweepConfig, folder: &Path) -> Result<Search, String> {
        config.check()?;
        let Some(settings) = config.search.clone() else {
            return Err("no [search]; add it with the number of trials, or use `stapes compare`".into());
        };
        if config.axes.is_empty() && config.configurations.is_empty() {
            return Err("no axes and no configurations; add what the search should vary".into());
        }
        check_names(&config)?;
        let drafts = drafts(&config);
        let (mut trials, mut seen) = (Vec::new(), HashSet::new());
        let combinations = config
            .axes
            .iter()
            .try_fold(drafts.len(), |count, axis| Ok::<_, String>(count.saturating_mul(axis.count()?)))?;
        for number in 1..=settings.trials as u64 {
            if seen.len() == combinations {
                break;
            }
            for redraw in 0..REDRAWS {
                let mut rng = Rng::numbered(settings.seed, "search", [number, redraw]);
                let mut draft = drafts[rng.below(drafts.len())].clone();
                for axis in &config.axes {
                    draft = draft.with(&axis.name, &axis.draw(f64::from(rng.uniform()))?);
                }
                if !seen.insert(draft.settings.clone()) {
                    continue;
                }
                trials.push(draft.build(&config, folder)?.renamed(format!("trial-{number:03}"), &config));
                break;
            }
        }
        let search = Search { config, settings, trials };
        search.trials.iter().try_for_each(|trial| search.on_rung(trial, 0).map(|_| ()))?;
        Ok(search)
    }

    /// Checks that the data of all trials exists.
    ///
    /// # Errors
    /// [`Error::Data`] if it does not.
    pub fn check_data(&self, data: Option<&Path>) -> Result<(), Error> {
        check_data(self.trials.iter().map(|trial| &trial.recipe), data)
    }

    /// Trains rung after rung, and finally trains and tests the best configuration. Complete runs are not trained again.
    ///
    /// # Errors
    /// [`Error::Data`] if the data set is missing; [`Error::NoValidation`] if a run has no validation examples.
    pub fn run(&self, runner: &SweepRunner<'_>, on_event: OnEvent<'_>) -> Result<SearchResult, Error> {
        let data = runner.data.as_deref();
        let SweepConfig { folds, seeds, .. } = self.config;
        let mut trials = Vec::new();
        for configuration in &self.trials {
            let parameters = configuration.recipe.clone().resolve(data)?.network()?.parameter_count();
            trials.push(Trial { configuration: configuration.clone(), scores: Vec::new(), parameters });
        }
        let mut total = SweepSummary::default();
        let mut remaining: Vec<usize> = (0..trials.len()).collect();
        for rung in 0..self.settings.rungs {
            let configurations: Vec<Configuration> = remaining
                .iter()
                .map(|&trial| self.on_rung(&self.trials[trial], rung))
                .collect::<Result<_, String>>()
                .map_err(|reason| Error::Recipe { name: "search".into(), reason })?;
            let jobs = jobs(&configurations, Repeats { folds, seeds: self.settings.seeds }, data)?;
            let summary = SweepRunner { test: false, ..runner.clone() }.run(jobs.clone(), on_event);
            total = total.merge(summary);
            for (index, &trial) in remaining.iter().enumerate() {
                let runs = jobs.iter().filter(|job| job.configuration == index);
                trials[trial].scores.extend(score(runs, runner.out)?);
            }
            if summary.complete + summary.failed < summary.requested {
                return Ok(SearchResult { trials, best: None, summary: total });
            }
            // A failed trial has no score on this rung and is not continued.
            remaining.retain(|&trial| trials[trial].scores.len() == rung + 1);
            let score = |trial: usize| trials[trial].scores[rung];
            remaining.sort_by(|&a, &b| score(b).total_cmp(&score(a)).then(a.cmp(&b)));
            if rung + 1 < self.settings.rungs {
                remaining.truncate(remaining.len().div_ceil(self.settings.reduction_factor));
            }
        }
        let best = remaining.first().copied();
        if let Some(best) = best {
            let configuration = self.trials[best].clone().renamed(BEST.into(), &self.config);
            let jobs = jobs(&[configuration], Repeats { folds, seeds }, data)?;
            total = total.merge(runner.run(jobs, on_event));
        }
        Ok(SearchResult { trials, best, summary: total })
    }

    /// Returns the runs of the best configuration as a sweep; `None` if the search is not complete.
    pub fn best_sweep(&self, result: &SearchResult) -> Option<Sweep> {
        let configuration = self.trials[result.best?].clone().renamed(BEST.into(), &self.config);
        Some(Sweep { config: self.config.clone(), configurations: vec![configuration] })
    }

    /// Returns the configuration of a trial with the training length of a rung.
    fn on_rung(&self, trial: &Configuration, rung: usize) -> Result<Configuration, String> {
        let SearchConfig { reduction_factor, rungs, resource, set, .. } = &self.settings;
        let table: toml::Table =
            toml::from_str(&trial.recipe.to_toml()).map_err(|error| error.to_string())?;
        let mut parts = resource.split('.');
        let first = parts.next().and_then(|key| table.get(key));
        let value = parts.fold(first, |value, key| value.and_then(|value| value.get(key)));
        let Some(full) = value.and_then(toml::Value::as_integer).filter(|full| *full > 0) else {
            return Err(format!(
                "search.resource = {resource}: must be a recipe key with a positive integer"
            ));
        };
        let divisor = (*reduction_factor as f64).powi((rungs - 1 - rung) as i32);
        let length = (full as f64 / divisor).round().max(1.0);
        let overrides = [&set[..], &[format!("{resource}={length}")]].concat();
        let recipe = apply_overrides(trial.recipe.clone(), &overrides)?;
        let name = format!("rung-{}/{}", rung + 1, trial.name);
        Ok(Configuration { name, recipe, ..trial.clone() })
    }
}

impl Configuration {
    /// Returns the configuration under another name.
    fn renamed(self, name: String, config: &SweepConfig) -> Configuration {
        let recipe = Recipe { title: format!("{name} ({})", config.title), ..self.recipe };
        Configuration { name, recipe, ..self }
    }
}

/// Returns the mean validation accuracy of runs; `None` if one of them failed or diverged.
fn score<'j>(runs: impl Iterator<Item = &'j Job>, out: &Path) -> Result<Option<f64>, Error> {
    let (mut sum, mut count) = (0.0, 0.0);
    for job in runs {
        let folder: PathBuf = out.join(&job.folder);
        if RunState::of(&folder)? != RunState::Complete {
            return Ok(None);
        }
        let record = Run::read_record(&folder)?;
        if record.diverged_loss.is_some() {
            return Ok(None);
        }
        sum += record.validation_accuracy.ok_or(Error::NoValidation(folder))?;
        count += 1.0;
    }
    Ok(Some(sum / count))
}

impl SearchResult {
    /// Returns the table of trials: settings, validation accuracy on each rung, and size; trials that reached the highest
    /// rung come first.
    pub fn table(&self, rungs: usize) -> Table {
        let column = |key: String, title: String, better, scale, digits| Column {
            key,
            title,
            better,
            format: NumberFormat { scale, digits },
        };
        let mut columns = vec![column("trial".into(), "trial".into(), None, 1.0, 0)];
        let axes = self.trials.first().map_or(&[][..], |trial| &trial.configuration.settings);
        columns.extend(axes.iter().map(|(axis, _)| column(axis.clone(), axis.clone(), None, 1.0, 0)));
        columns.extend((1..=rungs).map(|rung| {
            let title = format!("validation {rung}, %");
            column(format!("validation_{rung}"), title, Some(Better::High), 100.0, 2)
        }));
        columns.push(column("parameters".into(), "parameters".into(), Some(Better::Low), 1.0, 0));
        let mut order: Vec<&Trial> = self.trials.iter().collect();
        order.sort_by(|a, b| {
            let last = |trial: &Trial| trial.scores.last().copied().unwrap_or(0.0);
            b.scores.len().cmp(&a.scores.len()).then(last(b).total_cmp(&last(a)))
        });
        let rows = order.into_iter().map(|Trial { configuration, scores, parameters }| {
            let mut row = vec![Value::Text(configuration.name.clone())];
            row.extend(configuration.settings.iter().map(|(_, value)| Value::Text(value.clone())));
            row.extend((0..rungs).map(|rung| Value::from_option(scores.get(rung).copied())));
            row.push(Value::Count(*parameters as u64));
            row
        });
        Table::new(columns, rows.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    fn search(text: &str) -> Result<Search, String> {
        let recipes = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../recipes");
        Search::from_config(parse(text)?, &recipes)
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
    fn trials_cover_the_space_and_are_reproducible() {
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
    fn each_configuration_of_a_small_space_is_drawn_once() {
        let few = "title = 'Few'\nrecipe = 'quickstart.toml'\nsearch = { trials = 9 }\n\
                   axes = [{ name = 'cell', key = 'model.recurrent.cell', values = ['gru', 'lstm', 'rnn_tanh'] }]";
        assert_eq!(search(few).unwrap().trials.len(), 3);
    }

    #[test]
    fn lengths_of_rungs_differ_by_the_reduction_factor() {
        let found = search(&SPACE.replace("[search]", "set = ['train.epochs=30']\n[search]")).unwrap();
        let epochs =
            |rung| found.on_rung(&found.trials[0], rung).map(|trial| trial.recipe.train.epochs).unwrap();
        assert_eq!([epochs(0), epochs(1), epochs(2)], [3, 10, 30]);
        assert_eq!(found.on_rung(&found.trials[4], 1).unwrap().name, "rung-2/trial-005");
    }

    #[test]
    fn errors_name_the_key_and_give_advice() {
        for (from, to, part) in [
            ("trials = 40", "trials = 0", "search.trials = 0: must be 1 to 10000"),
            ("rungs = 3", "reduction_factor = 1", "search.reduction_factor = 1: must be 2"),
            ("rungs = 3", "resource = 'train.epoch'", "search.resource = train.epoch: must be a recipe key"),
            ("low = 4, high = 8", "low = 8, high = 4", "axes.hidden: between 8 and 4"),
            ("low = 1e-4", "low = 0.0", "> 0 on a log scale"),
        ] {
            let error = search(&SPACE.replace(from, to)).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
        assert!(search("title = 'a'\nrecipe = 'quickstart.toml'").unwrap_err().contains("no [search]"));
    }

    #[test]
    fn a_renamed_key_is_reported_with_its_new_name() {
        for (old, message) in [
            ("keep_one_in = 2", "search.keep_one_in was renamed: write search.reduction_factor"),
            ("splits = 2", "search.splits was renamed: write search.seeds"),
        ] {
            assert_eq!(search(&SPACE.replace("rungs = 3", old)).unwrap_err(), message);
        }
        let rows = "title = 'a'\nrows = [{ name = 'x' }]";
        assert_eq!(search(rows).unwrap_err(), "rows was renamed: write configurations");
    }
}
