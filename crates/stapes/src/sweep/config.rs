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
    pub rows: Vec<RowConfig>,
    /// What is varied: the cells are all combinations.
    #[serde(default)]
    pub axes: Vec<AxisConfig>,
}

fn one() -> u64 {
    1
}

/// A named cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowConfig {
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
        let number = |value: &toml::Value| match value {
            toml::Value::Integer(number) => Ok(*number as f64),
            toml::Value::Float(number) if number.is_finite() => Ok(*number),
            other => Err(format!("range: {other}: must be a number")),
        };
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
