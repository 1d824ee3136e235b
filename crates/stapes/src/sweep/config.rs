//! Configuration of a sweep or a search, as its TOML file contains it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::MAX_CONFIGURATIONS;

/// Configuration of a sweep: a base recipe and its variations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SweepConfig {
    /// Title for people.
    pub title: String,
    /// Base recipe of all configurations without their own; the path is relative to the sweep's file.
    #[serde(default)]
    pub recipe: Option<PathBuf>,
    /// Overrides of every configuration, as `--set` of the command line.
    #[serde(default)]
    pub set: Vec<String>,
    /// Number of seeds per configuration, from 1 on.
    #[serde(default = "one")]
    pub seeds: u64,
    /// `true` to train every configuration once per cross-validation fold, like `stapes train --folds`.
    #[serde(default)]
    pub folds: bool,
    /// Time budget in hours, after which no run is started.
    #[serde(default)]
    pub budget_hours: Option<f64>,
    /// Named configurations; with axes, each is combined with every value of every axis.
    #[serde(default)]
    pub configurations: Vec<ConfigurationEntry>,
    /// Axes; the configurations are all combinations of their values.
    #[serde(default)]
    pub axes: Vec<AxisConfig>,
    /// Settings of a random search; a trial is a random draw from the named configurations and every axis.
    #[serde(default)]
    pub search: Option<SearchConfig>,
}

/// Settings of `stapes search`: random search with successive halving, which continues only the best trials with longer
/// trainings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SearchConfig {
    /// Number of trials.
    pub trials: usize,
    /// Factor by which trainings become longer, and trials fewer, from rung to rung (eta).
    #[serde(default = "three")]
    pub reduction_factor: usize,
    /// Number of rungs; trainings of the last rung have the length of the recipe.
    #[serde(default = "three")]
    pub rungs: usize,
    /// Recipe key of the training length.
    #[serde(default = "epochs")]
    pub resource: String,
    /// Number of seeds per trial; the score is the mean validation accuracy over them. If the seed draws the validation
    /// examples, each seed has different ones.
    #[serde(default = "one")]
    pub seeds: u64,
    /// Seed of the random draws.
    #[serde(default = "one")]
    pub seed: u64,
    /// Overrides of the trials, but not of the best configuration, such as a larger validation fraction.
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
            ("seeds", search.seeds as usize, 1),
        ] {
            if !(least..=MAX_CONFIGURATIONS).contains(&value) {
                return Err(format!("search.{key} = {value}: must be {least} to {MAX_CONFIGURATIONS}"));
            }
        }
        Ok(())
    }
}

fn one() -> u64 {
    1
}

/// Named configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfigurationEntry {
    /// Name in tables.
    pub name: String,
    /// Base recipe, if it is not that of the sweep.
    #[serde(default)]
    pub recipe: Option<PathBuf>,
    /// Overrides, applied after those of the sweep.
    #[serde(default)]
    pub set: Vec<String>,
}

/// Axis of a sweep: values of a key, a range of numbers, or named choices.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AxisConfig {
    /// Name in tables.
    pub name: String,
    /// Recipe key of `values`, `range` or `between`.
    #[serde(default)]
    pub key: Option<String>,
    /// Values of the key.
    #[serde(default)]
    pub values: Vec<toml::Value>,
    /// Values of the key as numbers with equal steps or equal ratios.
    #[serde(default)]
    pub range: Option<RangeConfig>,
    /// Named choices, each with its own overrides.
    #[serde(default)]
    pub choices: Vec<ChoiceConfig>,
    /// Interval from which a search draws values of the key.
    #[serde(default)]
    pub between: Option<BetweenConfig>,
}

/// Interval for random draws, of integers if both ends are integers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BetweenConfig {
    /// Lower end.
    pub low: toml::Value,
    /// Upper end.
    pub high: toml::Value,
    /// Scale on which the draws are uniform.
    #[serde(default)]
    pub scale: Scale,
}

/// Scale on which draws are uniform.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// Linear scale.
    #[default]
    Linear,
    /// Logarithmic scale, as for learning rates.
    Log,
}

/// Range of numbers, including the end if a step meets it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RangeConfig {
    /// First value.
    pub from: toml::Value,
    /// Upper limit of the values.
    pub to: toml::Value,
    /// Difference between consecutive values.
    #[serde(default)]
    pub step: Option<toml::Value>,
    /// Ratio of consecutive values, instead of `step`.
    #[serde(default)]
    pub factor: Option<toml::Value>,
}

/// Named choice of an axis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChoiceConfig {
    /// Name in tables.
    pub name: String,
    /// Overrides, as `--set` of the command line; an empty list leaves the recipe unchanged.
    #[serde(default)]
    pub set: Vec<String>,
}

/// Value of an axis.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct AxisValue {
    /// Name in tables.
    pub(super) name: String,
    /// Overrides of the recipe.
    pub(super) set: Vec<String>,
}

impl AxisValue {
    fn of_key(key: &str, value: &toml::Value) -> AxisValue {
        AxisValue { name: name_of(value), set: vec![format!("{key}={value}")] }
    }
}

impl AxisConfig {
    /// Returns the values of the axis.
    ///
    /// # Errors
    /// A message that starts with `axes.NAME`.
    pub(super) fn values(&self) -> Result<Vec<AxisValue>, String> {
        let wrong = |reason: &str| format!("axes.{}: {reason}", self.name);
        let invalid = |reason: &str| Err(wrong(reason));
        if self.between.is_some() {
            return invalid("between is only valid in a search; use values or range");
        }
        let given = [!self.values.is_empty(), self.range.is_some(), !self.choices.is_empty()];
        if given.iter().filter(|given| **given).count() != 1 {
            return invalid("must have exactly one of values, range and choices, which is not empty");
        }
        if !self.choices.is_empty() {
            if self.key.is_some() {
                return invalid("choices contain their own overrides; remove key, or use values");
            }
            let value =
                |choice: &ChoiceConfig| AxisValue { name: choice.name.clone(), set: choice.set.clone() };
            return Ok(self.choices.iter().map(value).collect());
        }
        let Some(key) = &self.key else {
            return invalid("needs key, the recipe key of its values, such as model.recurrent.cell");
        };
        let values = match &self.range {
            Some(range) => range.values().map_err(|reason| wrong(&reason))?,
            None => self.values.clone(),
        };
        Ok(values.iter().map(|value| AxisValue::of_key(key, value)).collect())
    }
}

impl AxisConfig {
    /// Number of values; `usize::MAX` for an interval.
    pub(super) fn count(&self) -> Result<usize, String> {
        if self.between.is_some() { Ok(usize::MAX) } else { Ok(self.values()?.len()) }
    }

    /// Draws one of the values; `uniform` is a random number in [0, 1).
    pub(super) fn draw(&self, uniform: f64) -> Result<AxisValue, String> {
        let Some(between) = &self.between else {
            let mut values = self.values()?;
            let index = ((uniform * values.len() as f64) as usize).min(values.len() - 1);
            return Ok(values.swap_remove(index));
        };
        let wrong = |reason: &str| format!("axes.{}: {reason}", self.name);
        let Some(key) = &self.key else {
            return Err(wrong("needs key, the recipe key of its values"));
        };
        if !self.values.is_empty() || self.range.is_some() || !self.choices.is_empty() {
            return Err(wrong("must have only one of between, values, range and choices"));
        }
        let value = between.draw(uniform).map_err(|reason| wrong(&reason))?;
        Ok(AxisValue::of_key(key, &value))
    }
}

impl BetweenConfig {
    fn draw(&self, uniform: f64) -> Result<toml::Value, String> {
        let (low, high) = (number(&self.low)?, number(&self.high)?);
        let whole = self.low.is_integer() && self.high.is_integer();
        if low >= high || (self.scale == Scale::Log && low <= 0.0) {
            return Err(format!("between {low} and {high}: low must be below high, and > 0 on a log scale"));
        }
        // All integers have the same probability.
        let (from, to) = if whole { (low - 0.5, high + 0.5) } else { (low, high) };
        let value = match self.scale {
            Scale::Linear => from + uniform * (to - from),
            Scale::Log => (from.ln() + uniform * (to.ln() - from.ln())).exp(),
        };
        Ok(match whole {
            true => toml::Value::Integer(value.round().clamp(low, high) as i64),
            // Three digits are precise enough and readable.
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

/// Returns a value as a name: text without quotes.
fn name_of(value: &toml::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Maximum number of values of a range.
const MAX_VALUES: usize = 1000;

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
        // Steps such as 0.1 miss the end by a rounding error.
        let values: Vec<f64> =
            (0..).map(next).take_while(|value| *value <= to * (1.0 + 1e-9)).take(MAX_VALUES + 1).collect();
        if values.is_empty() || values.len() > MAX_VALUES {
            return Err(format!(
                "range: from {from} to {to} has {} values; must have 1 to {MAX_VALUES}",
                values.len()
            ));
        }
        let value = |value: f64| match whole {
            true => toml::Value::Integer(value.round() as i64),
            // Digits of rounding errors are removed.
            false => toml::Value::Float(format!("{value:.9e}").parse().unwrap_or(value)),
        };
        Ok(values.into_iter().map(value).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(axis: &str) -> Result<Vec<AxisValue>, String> {
        toml::from_str::<AxisConfig>(axis).unwrap().values()
    }

    fn names(axis: &str) -> Vec<String> {
        values(axis).unwrap().into_iter().map(|value| value.name).collect()
    }

    #[test]
    fn values_become_overrides_of_their_key() {
        let axis = "name = 'cell'\nkey = 'model.recurrent.cell'\nvalues = ['gru', 'lstm']";
        let value = |name: &str| AxisValue {
            name: name.into(),
            set: vec![format!("model.recurrent.cell=\"{name}\"")],
        };
        assert_eq!(values(axis).unwrap(), [value("gru"), value("lstm")]);
        assert_eq!(
            names("name = 'rate'\nkey = 'train.learning_rate'\nvalues = [1e-3, 0.5, 2]"),
            ["0.001", "0.5", "2"]
        );
    }

    #[test]
    fn ranges_have_a_step_or_a_factor() {
        let range = |range: &str| names(&format!("name = 'a'\nkey = 'k'\nrange = {{ {range} }}"));
        assert_eq!(range("from = 32, to = 128, step = 32"), ["32", "64", "96", "128"]);
        assert_eq!(range("from = 1, to = 10, factor = 2"), ["1", "2", "4", "8"]);
        assert_eq!(range("from = 0.0, to = 0.3, step = 0.1"), ["0.0", "0.1", "0.2", "0.3"]);
        assert_eq!(range("from = 1e-4, to = 1e-2, factor = 10"), ["0.0001", "0.001", "0.01"]);
    }

    #[test]
    fn errors_name_the_axis_and_give_advice() {
        for (axis, part) in [
            ("name = 'a'", "axes.a: must have exactly one of values, range and choices"),
            ("name = 'a'\nvalues = [1]", "axes.a: needs key"),
            ("name = 'a'\nkey = 'k'\nchoices = [{ name = 'x' }]", "remove key"),
            ("name = 'a'\nkey = 'k'\nrange = { from = 1, to = 2 }", "exactly one of step and factor"),
            ("name = 'a'\nkey = 'k'\nrange = { from = 1, to = 2, step = 0 }", "range.step = 0: must be > 0"),
            ("name = 'a'\nkey = 'k'\nrange = { from = 0, to = 2, factor = 2 }", "must be > 1, and from > 0"),
            ("name = 'a'\nkey = 'k'\nrange = { from = 3, to = 2, step = 1 }", "has 0 values"),
            ("name = 'a'\nkey = 'k'\nrange = { from = 0, to = 2, step = 1e-9 }", "must have 1 to 1000"),
            ("name = 'a'\nkey = 'k'\nrange = { from = 'b', to = 2, step = 1 }", "must be a number"),
        ] {
            let error = values(axis).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }
}
