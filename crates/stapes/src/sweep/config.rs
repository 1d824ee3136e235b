//! What a sweep's file says.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// A sweep as its TOML file says it: a base recipe, and what is varied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SweepConfig {
    /// A line for people.
    pub title: String,
    /// The recipe of all cells that name no other; the path counts from the sweep's file.
    #[serde(default)]
    pub recipe: Option<PathBuf>,
    /// Changes to every cell, as `--set` of the command line.
    #[serde(default)]
    pub set: Vec<String>,
    /// Every cell is trained with the seeds 1 to this.
    #[serde(default = "one")]
    pub seeds: u64,
    /// Whether every cell is trained once for each fold of its split, as `stapes train --folds` does.
    #[serde(default)]
    pub folds: bool,
    /// After so many hours no further run is begun.
    #[serde(default)]
    pub budget_hours: Option<f64>,
    /// Named cells; with axes, each of them with every value of every axis.
    #[serde(default)]
    pub rows: Vec<ConfigurationEntry>,
    /// What is varied: the cells are all combinations.
    #[serde(default)]
    pub axes: Vec<AxisConfig>,
    /// How to search instead: a trial is one draw from the rows and every axis.
    #[serde(default)]
    pub search: Option<SearchConfig>,
}

/// How `stapes search` looks for the best settings: random draws, of which the better go on to longer trainings (successive
/// halving).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SearchConfig {
    /// How many draws.
    pub trials: usize,
    /// How many times longer the trainings become from rung to rung; as one in so many trials goes on.
    #[serde(default = "three")]
    pub reduction_factor: usize,
    /// How many rungs; in the last one trainings are as long as the recipe says.
    #[serde(default = "three")]
    pub rungs: usize,
    /// The key that says how long a training is.
    #[serde(default = "epochs")]
    pub length: String,
    /// A trial is judged by the mean validation accuracy over the seeds 1 to this; where validation examples are drawn by the
    /// seed, they are others each time.
    #[serde(default = "one")]
    pub splits: u64,
    /// What is drawn depends on this.
    #[serde(default = "one")]
    pub seed: u64,
    /// Changes to the trials and not to the winner, such as a larger share for validation.
    #[serde(default)]
    pub set: Vec<String>,
}

fn three() -> usize {
    3
}

fn epochs() -> String {
    "train.epochs".into()
}

impl SweepConfig {
    pub(super) fn check(&self) -> Result<(), String> {
        if self.seeds == 0 {
            return Err("seeds = 0: must be > 0".into());
        }
        if let Some(hours) = self.budget_hours.filter(|hours| !(*hours > 0.0 && *hours < 1e6)) {
            return Err(format!("budget_hours = {hours}: must be > 0"));
        }
        let Some(search) = &self.search else { return Ok(()) };
        for (key, value, least) in [
            ("trials", search.trials, 1),
            ("reduction_factor", search.reduction_factor, 2),
            ("rungs", search.rungs, 1),
            ("splits", search.splits as usize, 1),
        ] {
            if !(least..=100_000).contains(&value) {
                return Err(format!("search.{key} = {value}: must be {least} to 100,000"));
            }
        }
        Ok(())
    }
}

fn one() -> u64 {
    1
}

/// A named cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfigurationEntry {
    /// Its name in tables.
    pub name: String,
    /// Its recipe, if it is not that of the sweep.
    #[serde(default)]
    pub recipe: Option<PathBuf>,
    /// Changes, behind those of the sweep.
    #[serde(default)]
    pub set: Vec<String>,
}

/// One thing that is varied: values of a key, a range of numbers, or named choices.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AxisConfig {
    /// Its name in tables.
    pub name: String,
    /// The recipe's key that `values` or `range` are for.
    #[serde(default)]
    pub key: Option<String>,
    /// The key's values.
    #[serde(default)]
    pub values: Vec<toml::Value>,
    /// The key's values, as numbers at equal steps or of equal ratio.
    #[serde(default)]
    pub range: Option<RangeConfig>,
    /// Named choices, each with changes of its own.
    #[serde(default)]
    pub choices: Vec<ChoiceConfig>,
    /// The key's values are drawn from here, in a search.
    #[serde(default)]
    pub between: Option<BetweenConfig>,
}

/// An interval that values are drawn from; whole numbers where both ends are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BetweenConfig {
    /// The lowest.
    pub low: toml::Value,
    /// The highest.
    pub high: toml::Value,
    /// How draws lie between them.
    #[serde(default)]
    pub scale: Scale,
}

/// How draws lie between two ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// Everywhere as often.
    #[default]
    Linear,
    /// In every ratio as often, as for learning rates.
    Log,
}

/// Numbers from one to another, both included where the steps meet them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RangeConfig {
    /// The first.
    pub from: toml::Value,
    /// None is beyond this.
    pub to: toml::Value,
    /// What is added to get to the next.
    #[serde(default)]
    pub step: Option<toml::Value>,
    /// Or what it is multiplied by.
    #[serde(default)]
    pub factor: Option<toml::Value>,
}

/// A named choice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChoiceConfig {
    /// Its name in tables.
    pub name: String,
    /// Its changes, as `--set` of the command line; none is the recipe as it is.
    #[serde(default)]
    pub set: Vec<String>,
}

impl AxisConfig {
    /// Its values: each with its name and the changes that make it.
    ///
    /// # Errors
    /// What is wrong with it, from `axes.NAME` on.
    pub(super) fn settings(&self) -> Result<Vec<(String, Vec<String>)>, String> {
        let wrong = |reason: &str| format!("axes.{}: {reason}", self.name);
        let refuse = |reason: &str| Err(wrong(reason));
        if self.between.is_some() {
            return refuse("between is for a search, which draws values: give values or a range");
        }
        let given = [!self.values.is_empty(), self.range.is_some(), !self.choices.is_empty()];
        if given.iter().filter(|given| **given).count() != 1 {
            return refuse("must have exactly one of values, range and choices, and not an empty one");
        }
        if !self.choices.is_empty() {
            if self.key.is_some() {
                return refuse("choices say what they change themselves: leave key out, or give values");
            }
            return Ok(self.choices.iter().map(|choice| (choice.name.clone(), choice.set.clone())).collect());
        }
        let Some(key) = &self.key else {
            return refuse(
                "needs key, the key of the recipe that its values are for, such as model.recurrent.cell",
            );
        };
        let values = match &self.range {
            Some(range) => range.values().map_err(|reason| wrong(&reason))?,
            None => self.values.clone(),
        };
        Ok(values.iter().map(|value| (shown(value), vec![format!("{key}={value}")])).collect())
    }
}

impl AxisConfig {
    /// One of its values: `draw` is a number from 0 up to 1.
    pub(super) fn drawn(&self, draw: f64) -> Result<(String, Vec<String>), String> {
        let Some(between) = &self.between else {
            let mut settings = self.settings()?;
            let at = ((draw * settings.len() as f64) as usize).min(settings.len() - 1);
            return Ok(settings.swap_remove(at));
        };
        let wrong = |reason: &str| format!("axes.{}: {reason}", self.name);
        let Some(key) = &self.key else {
            return Err(wrong("needs key, the key of the recipe that its values are for"));
        };
        if !self.values.is_empty() || self.range.is_some() || !self.choices.is_empty() {
            return Err(wrong("has between and something beside it: leave one out"));
        }
        let value = between.drawn(draw).map_err(|reason| wrong(&reason))?;
        Ok((shown(&value), vec![format!("{key}={value}")]))
    }
}

impl BetweenConfig {
    fn drawn(&self, draw: f64) -> Result<toml::Value, String> {
        let (low, high) = (number(&self.low)?, number(&self.high)?);
        let whole = self.low.is_integer() && self.high.is_integer();
        if low >= high || (self.scale == Scale::Log && low <= 0.0) {
            return Err(format!("between {low} and {high}: low must be below high, and > 0 on a log scale"));
        }
        // Whole numbers are each drawn as often.
        let (from, to) = if whole { (low - 0.5, high + 0.5) } else { (low, high) };
        let value = match self.scale {
            Scale::Linear => from + draw * (to - from),
            Scale::Log => (from.ln() + draw * (to.ln() - from.ln())).exp(),
        };
        Ok(match whole {
            true => toml::Value::Integer(value.round().clamp(low, high) as i64),
            // Three digits say it well enough, and can be read.
            false => toml::Value::Float(format!("{value:.2e}").parse().unwrap_or(value)),
        })
    }
}

fn number(value: &toml::Value) -> Result<f64, String> {
    match value {
        toml::Value::Integer(number) => Ok(*number as f64),
        toml::Value::Float(number) if number.is_finite() => Ok(*number),
        other => Err(format!("{other}: must be a number")),
    }
}

/// A value as a name: text without its quotes.
fn shown(value: &toml::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Of one range no more values are made.
const MOST: usize = 1000;

impl RangeConfig {
    fn values(&self) -> Result<Vec<toml::Value>, String> {
        let given = [Some(&self.from), Some(&self.to), self.step.as_ref(), self.factor.as_ref()];
        let whole = given.iter().flatten().all(|value| value.is_integer());
        let number = |value| number(value).map_err(|reason| format!("range: {reason}"));
        let (from, to) = (number(&self.from)?, number(&self.to)?);
        let next: Box<dyn Fn(u32) -> f64> = match (&self.step, &self.factor) {
            (Some(step), None) => {
                let step = number(step)?;
                if step <= 0.0 {
                    return Err(format!("range.step = {step}: must be > 0"));
                }
                Box::new(move |count| from + f64::from(count) * step)
            }
            (None, Some(factor)) => {
                let factor = number(factor)?;
                if factor <= 1.0 || from <= 0.0 {
                    return Err(format!("range.factor = {factor}: must be > 1, and from > 0"));
                }
                Box::new(move |count| from * factor.powf(f64::from(count)))
            }
            _ => return Err("range: needs exactly one of step and factor".into()),
        };
        // Steps such as 0.1 miss their end by a rounding error.
        let values: Vec<f64> =
            (0..).map(next).take_while(|value| *value <= to * (1.0 + 1e-9)).take(MOST + 1).collect();
        if values.is_empty() || values.len() > MOST {
            return Err(format!(
                "range: from {from} to {to} makes {} values, and 1 to {MOST} can be tried",
                values.len()
            ));
        }
        let value = |value: f64| match whole {
            true => toml::Value::Integer(value.round() as i64),
            // Digits that a rounding error adds are cut.
            false => toml::Value::Float(format!("{value:.9e}").parse().unwrap_or(value)),
        };
        Ok(values.into_iter().map(value).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(axis: &str) -> Result<Vec<(String, Vec<String>)>, String> {
        toml::from_str::<AxisConfig>(axis).unwrap().settings()
    }

    fn names(axis: &str) -> Vec<String> {
        settings(axis).unwrap().into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn values_become_changes_of_their_key() {
        let axis = "name = 'cell'\nkey = 'model.recurrent.cell'\nvalues = ['gru', 'lstm']";
        let expected = [
            ("gru".to_string(), vec!["model.recurrent.cell=\"gru\"".to_string()]),
            ("lstm".to_string(), vec!["model.recurrent.cell=\"lstm\"".to_string()]),
        ];
        assert_eq!(settings(axis).unwrap(), expected);
        assert_eq!(
            names("name = 'rate'\nkey = 'train.learning_rate'\nvalues = [1e-3, 0.5, 2]"),
            ["0.001", "0.5", "2"]
        );
    }

    #[test]
    fn ranges_go_by_step_or_factor() {
        let range = |range: &str| names(&format!("name = 'a'\nkey = 'k'\nrange = {{ {range} }}"));
        assert_eq!(range("from = 32, to = 128, step = 32"), ["32", "64", "96", "128"]);
        assert_eq!(range("from = 1, to = 10, factor = 2"), ["1", "2", "4", "8"]);
        assert_eq!(range("from = 0.0, to = 0.3, step = 0.1"), ["0.0", "0.1", "0.2", "0.3"]);
        assert_eq!(range("from = 1e-4, to = 1e-2, factor = 10"), ["0.0001", "0.001", "0.01"]);
    }

    #[test]
    fn mistakes_name_the_axis_and_what_to_do() {
        for (axis, part) in [
            ("name = 'a'", "axes.a: must have exactly one of values, range and choices"),
            ("name = 'a'\nvalues = [1]", "axes.a: needs key"),
            ("name = 'a'\nkey = 'k'\nchoices = [{ name = 'x' }]", "leave key out"),
            ("name = 'a'\nkey = 'k'\nrange = { from = 1, to = 2 }", "exactly one of step and factor"),
            ("name = 'a'\nkey = 'k'\nrange = { from = 1, to = 2, step = 0 }", "range.step = 0: must be > 0"),
            ("name = 'a'\nkey = 'k'\nrange = { from = 0, to = 2, factor = 2 }", "must be > 1, and from > 0"),
            ("name = 'a'\nkey = 'k'\nrange = { from = 3, to = 2, step = 1 }", "makes 0 values"),
            ("name = 'a'\nkey = 'k'\nrange = { from = 0, to = 2, step = 1e-9 }", "can be tried"),
            ("name = 'a'\nkey = 'k'\nrange = { from = 'b', to = 2, step = 1 }", "must be a number"),
        ] {
            let error = settings(axis).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }
}
