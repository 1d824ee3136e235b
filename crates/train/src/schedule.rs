//! How the learning rate goes over the steps.

use serde::{Deserialize, Serialize};

use crate::state::Point;

/// How the learning rate goes over the steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Schedule {
    /// The same at every step.
    #[default]
    Constant,
    /// Down along half a cosine to zero. Without `warmup_steps` it first rises over a tenth of the steps.
    Cosine,
    /// By a factor after every so many epochs.
    Step {
        /// How many.
        every_epochs: usize,
        /// What the rate is multiplied by.
        factor: f32,
    },
    /// Up along half a cosine from a 25th over three tenths of the steps, then down along another to a 250,000th. The
    /// momentum stays as it is.
    ///
    /// # Source
    /// Smith and Topin 2019, with the defaults of PyTorch's OneCycleLR.
    OneCycle,
    /// By a factor when the validation loss has not become smaller, by a ten-thousandth at least, for more than
    /// `patience` validations.
    ///
    /// # Source
    /// PyTorch's ReduceLROnPlateau with its defaults.
    Plateau {
        /// How many validations without success are waited for.
        patience: usize,
        /// What the rate is multiplied by.
        factor: f32,
    },
}

/// What the learning rate of a step depends on.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'a> {
    /// The step, from 1.
    pub step: usize,
    /// The number of all steps.
    pub steps: usize,
    /// The number of an epoch's.
    pub steps_an_epoch: usize,
    /// Steps over which the rate rises in a line from zero.
    pub warmup_steps: Option<usize>,
    /// What was measured before the step.
    pub points: &'a [Point],
}

/// Of OneCycleLR: how far below the highest rate it starts, how far below the start it ends, and how long it rises.
const START: f32 = 25.0;
const END: f32 = 1e4;
const RISING: f32 = 0.3;

/// Of ReduceLROnPlateau: a loss is smaller if it is below this share of the smallest before.
const SMALLER: f64 = 1.0 - 1e-4;

impl Schedule {
    /// The factor on the learning rate at a step.
    ///
    /// # Example
    /// ```
    /// use stapes_train::{Moment, Schedule};
    ///
    /// let at = |step| Moment { step, steps: 100, steps_an_epoch: 10, warmup_steps: None, points: &[] };
    /// assert_eq!(Schedule::Constant.factor(at(7)), 1.0);
    /// assert_eq!(Schedule::Cosine.factor(at(5)), 0.5);
    /// assert_eq!(Schedule::Cosine.factor(at(10)), 1.0);
    /// assert!(Schedule::Cosine.factor(at(100)) < 1e-6);
    /// let halved = Schedule::Step { every_epochs: 3, factor: 0.5 };
    /// assert_eq!([30, 31, 61].map(|step| halved.factor(at(step))), [1.0, 0.5, 0.25]);
    /// ```
    pub fn factor(self, moment: Moment<'_>) -> f32 {
        let Moment { step, steps, steps_an_epoch, warmup_steps, points } = moment;
        let rising = match self {
            Schedule::Cosine => warmup_steps.unwrap_or((steps / 10).max(1)),
            _ => warmup_steps.unwrap_or(0),
        };
        if step <= rising {
            return step as f32 / rising as f32;
        }
        match self {
            Schedule::Constant => 1.0,
            Schedule::Cosine => {
                let done = (step - rising) as f32 / (steps.max(rising) - rising).max(1) as f32;
                between(1.0, 0.0, done)
            }
            Schedule::Step { every_epochs, factor } => {
                let epoch = (step - 1) / steps_an_epoch.max(1);
                factor.powi((epoch / every_epochs) as i32)
            }
            Schedule::OneCycle => {
                // The first step is at the start of the rise and the last one at the end of the fall.
                let (at, last) = ((step - 1) as f32, (steps.max(2) - 1) as f32);
                let top = (RISING * steps as f32 - 1.0).max(0.0);
                match at <= top {
                    true => between(1.0 / START, 1.0, if top > 0.0 { at / top } else { 1.0 }),
                    false => between(1.0, 1.0 / START / END, (at - top) / (last - top)),
                }
            }
            Schedule::Plateau { patience, factor } => factor.powi(plateaus(points, patience)),
        }
    }

    /// Whether it depends on validations.
    pub(crate) fn follows_validation(self) -> bool {
        matches!(self, Schedule::Plateau { .. })
    }

    /// The keys with a value that they cannot have, and what it must be.
    pub(crate) fn wrong_keys(self) -> Option<(&'static str, String, &'static str)> {
        const FACTOR: &str = "must be a number above 0 and below 1";
        let between = |factor: f32| factor > 0.0 && factor < 1.0;
        match self {
            Schedule::Step { every_epochs: 0, .. } => {
                Some(("train.schedule.step.every_epochs", "0".into(), "must be at least 1"))
            }
            Schedule::Step { factor, .. } if !between(factor) => {
                Some(("train.schedule.step.factor", factor.to_string(), FACTOR))
            }
            Schedule::Plateau { factor, .. } if !between(factor) => {
                Some(("train.schedule.plateau.factor", factor.to_string(), FACTOR))
            }
            _ => None,
        }
    }
}

/// From one value to another along half a cosine, for `done` in [0, 1].
fn between(from: f32, to: f32, done: f32) -> f32 {
    to + (from - to) * (0.5 + 0.5 * (std::f32::consts::PI * done).cos())
}

/// How often the loss stayed as high as it was for more than `patience` validations.
fn plateaus(points: &[Point], patience: usize) -> i32 {
    let (mut smallest, mut waited, mut plateaus) = (f64::INFINITY, 0, 0);
    for validation in points.iter().filter_map(|point| point.validation) {
        if validation.loss < smallest * SMALLER {
            (smallest, waited) = (validation.loss, 0);
        } else {
            waited += 1;
        }
        if waited > patience {
            (waited, plateaus) = (0, plateaus + 1);
        }
    }
    plateaus
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Validation;

    fn factors(schedule: Schedule, steps: usize, warmup_steps: Option<usize>) -> Vec<f32> {
        let at = |step| Moment { step, steps, steps_an_epoch: 4, warmup_steps, points: &[] };
        (1..=steps).map(|step| schedule.factor(at(step))).collect()
    }

    #[track_caller]
    fn close(got: &[f32], expected: &[f32]) {
        assert_eq!(got.len(), expected.len());
        let far = got.iter().zip(expected).any(|(got, expected)| (got - expected).abs() > 2e-6);
        assert!(!far, "{got:?}, expected {expected:?}");
    }

    #[test]
    fn a_warm_up_rises_in_a_line_and_then_the_schedule_has_the_rest() {
        close(&factors(Schedule::Constant, 5, Some(4)), &[0.25, 0.5, 0.75, 1.0, 1.0]);
        close(&factors(Schedule::Cosine, 6, Some(2)), &[0.5, 1.0, 0.853_553, 0.5, 0.146_447, 0.0]);
        let steps = Schedule::Step { every_epochs: 1, factor: 0.5 };
        close(&factors(steps, 9, Some(2)), &[0.5, 1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.5, 0.25]);
        assert!(factors(Schedule::Cosine, 3, Some(9)).iter().all(|factor| factor.is_finite()));
    }

    #[test]
    fn one_cycle_is_that_of_pytorch() {
        // torch.optim.lr_scheduler.OneCycleLR(max_lr=1, total_steps=10)
        let expected =
            [0.04, 0.52, 1.0, 0.950_484, 0.811_745, 0.611_262, 0.388_742, 0.188_259, 0.049_520, 4e-6];
        close(&factors(Schedule::OneCycle, 10, None), &expected);
        assert!(factors(Schedule::OneCycle, 1, None).iter().all(|factor| factor.is_finite()));
    }

    #[test]
    fn a_plateau_lowers_the_rate_when_the_loss_stays() {
        // torch.optim.lr_scheduler.ReduceLROnPlateau(factor=0.5, patience=1) over these losses.
        let losses = [1.0, 0.8, 0.81, 0.8, 0.79, 0.7899999, 0.79, 0.8, 0.9, 0.5];
        let expected = [1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125];
        let point = |loss| Point {
            step: 1,
            epoch: 1.0,
            seconds: 0.0,
            train_loss: 1.0,
            learning_rate: 1.0,
            gradient_norm: 1.0,
            validation: Some(Validation { loss, accuracy: 0.0 }),
        };
        let points: Vec<Point> = losses.into_iter().map(point).collect();
        let schedule = Schedule::Plateau { patience: 1, factor: 0.5 };
        for (count, expected) in (1..).zip(expected) {
            let moment = Moment {
                step: 9,
                steps: 10,
                steps_an_epoch: 1,
                warmup_steps: None,
                points: &points[..count],
            };
            assert_eq!(schedule.factor(moment), expected, "after {count}");
        }
    }
}
