//! Learning-rate schedules.

use serde::{Deserialize, Serialize};

use crate::state::Point;

/// Learning-rate schedule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Schedule {
    /// The maximum learning rate at every step.
    #[default]
    Constant,
    /// Cosine decay to zero. Without `warmup_steps`, a linear warm-up over the first tenth of the steps precedes it.
    Cosine,
    /// Multiplication by a factor every few epochs, as in PyTorch's StepLR.
    Step {
        /// Number of epochs between two multiplications.
        every_epochs: usize,
        /// Factor on the learning rate.
        factor: f32,
    },
    /// One cycle with cosine annealing: from 1/25 of the maximum up to the maximum over 30 % of the steps, then down to
    /// 1/250,000. The momentum does not change.
    ///
    /// # Source
    /// Smith and Topin 2019, with the defaults of PyTorch's OneCycleLR.
    OneCycle,
    /// Multiplication by a factor when the validation loss has not decreased, by a relative 1e-4 at least, for more than
    /// `patience` validations.
    ///
    /// # Source
    /// PyTorch's ReduceLROnPlateau with its defaults.
    Plateau {
        /// Number of validations without improvement before the learning rate is reduced.
        patience: usize,
        /// Factor on the learning rate.
        factor: f32,
    },
}

/// Position of a step in the training, and the learning curves so far.
#[derive(Clone, Copy, Debug)]
pub struct ScheduleContext<'a> {
    /// Step number, from 1.
    pub step: usize,
    /// Total number of steps.
    pub steps: usize,
    /// Number of steps per epoch.
    pub steps_per_epoch: usize,
    /// Number of steps of the linear warm-up from zero.
    pub warmup_steps: Option<usize>,
    /// Points of the learning curves before the step.
    pub points: &'a [Point],
}

/// Parameters of OneCycleLR: maximum / initial rate, initial / final rate, and the rising fraction of the steps.
const DIV_FACTOR: f32 = 25.0;
const FINAL_DIV_FACTOR: f32 = 1e4;
const PCT_START: f32 = 0.3;

/// Relative threshold of ReduceLROnPlateau: a loss below this multiple of the smallest loss so far is an improvement.
const IMPROVEMENT: f64 = 1.0 - 1e-4;

impl Schedule {
    /// Returns the factor on the learning rate at a step.
    ///
    /// # Example
    /// ```
    /// use stapes_train::{Schedule, ScheduleContext};
    ///
    /// let at = |step| {
    ///     ScheduleContext { step, steps: 100, steps_per_epoch: 10, warmup_steps: None, points: &[] }
    /// };
    /// assert_eq!(Schedule::Constant.factor(at(7)), 1.0);
    /// assert_eq!(Schedule::Cosine.factor(at(5)), 0.5);
    /// assert_eq!(Schedule::Cosine.factor(at(10)), 1.0);
    /// assert!(Schedule::Cosine.factor(at(100)) < 1e-6);
    /// let halved = Schedule::Step { every_epochs: 3, factor: 0.5 };
    /// assert_eq!([30, 31, 61].map(|step| halved.factor(at(step))), [1.0, 0.5, 0.25]);
    /// ```
    pub fn factor(self, context: ScheduleContext<'_>) -> f32 {
        let ScheduleContext { step, steps, steps_per_epoch, warmup_steps, points } = context;
        let warmup = match self {
            Schedule::Cosine => warmup_steps.unwrap_or((steps / 10).max(1)),
            _ => warmup_steps.unwrap_or(0),
        };
        if step <= warmup {
            return step as f32 / warmup as f32;
        }
        match self {
            Schedule::Constant => 1.0,
            Schedule::Cosine => {
                let done = (step - warmup) as f32 / (steps.max(warmup) - warmup).max(1) as f32;
                cosine_between(1.0, 0.0, done)
            }
            Schedule::Step { every_epochs, factor } => {
                let epoch = (step - 1) / steps_per_epoch.max(1);
                factor.powi((epoch / every_epochs) as i32)
            }
            Schedule::OneCycle => {
                // The first step has the initial rate, the last one the final rate.
                let (index, last) = ((step - 1) as f32, (steps.max(2) - 1) as f32);
                let top = (PCT_START * steps as f32 - 1.0).max(0.0);
                match index <= top {
                    true => cosine_between(1.0 / DIV_FACTOR, 1.0, if top > 0.0 { index / top } else { 1.0 }),
                    false => {
                        cosine_between(1.0, 1.0 / DIV_FACTOR / FINAL_DIV_FACTOR, (index - top) / (last - top))
                    }
                }
            }
            Schedule::Plateau { patience, factor } => factor.powi(plateaus(points, patience)),
        }
    }

    /// Returns `true` if the schedule depends on the validation loss.
    pub(crate) fn needs_validation(self) -> bool {
        matches!(self, Schedule::Plateau { .. })
    }

    /// Returns a key with an invalid value, the value, and the rule that it breaks.
    pub(crate) fn invalid_key(self) -> Option<(&'static str, String, &'static str)> {
        const FACTOR: &str = "must be a number above 0 and below 1";
        let valid = |factor: f32| factor > 0.0 && factor < 1.0;
        match self {
            Schedule::Step { every_epochs: 0, .. } => {
                Some(("train.schedule.step.every_epochs", "0".into(), "must be at least 1"))
            }
            Schedule::Step { factor, .. } if !valid(factor) => {
                Some(("train.schedule.step.factor", factor.to_string(), FACTOR))
            }
            Schedule::Plateau { factor, .. } if !valid(factor) => {
                Some(("train.schedule.plateau.factor", factor.to_string(), FACTOR))
            }
            _ => None,
        }
    }
}

/// Interpolates from one value to another along half a cosine, for `done` in [0, 1].
fn cosine_between(from: f32, to: f32, done: f32) -> f32 {
    to + (from - to) * (0.5 + 0.5 * (std::f32::consts::PI * done).cos())
}

/// Counts how often the loss did not improve for more than `patience` validations.
fn plateaus(points: &[Point], patience: usize) -> i32 {
    let (mut smallest, mut waited, mut plateaus) = (f64::INFINITY, 0, 0);
    for validation in points.iter().filter_map(|point| point.validation) {
        if validation.loss < smallest * IMPROVEMENT {
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
        let at = |step| ScheduleContext { step, steps, steps_per_epoch: 4, warmup_steps, points: &[] };
        (1..=steps).map(|step| schedule.factor(at(step))).collect()
    }

    #[track_caller]
    fn close(got: &[f32], expected: &[f32]) {
        assert_eq!(got.len(), expected.len());
        let far = got.iter().zip(expected).any(|(got, expected)| (got - expected).abs() > 2e-6);
        assert!(!far, "{got:?}, expected {expected:?}");
    }

    #[test]
    fn the_schedule_follows_a_linear_warm_up() {
        close(&factors(Schedule::Constant, 5, Some(4)), &[0.25, 0.5, 0.75, 1.0, 1.0]);
        close(&factors(Schedule::Cosine, 6, Some(2)), &[0.5, 1.0, 0.853_553, 0.5, 0.146_447, 0.0]);
        let steps = Schedule::Step { every_epochs: 1, factor: 0.5 };
        close(&factors(steps, 9, Some(2)), &[0.5, 1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.5, 0.25]);
        assert!(factors(Schedule::Cosine, 3, Some(9)).iter().all(|factor| factor.is_finite()));
    }

    #[test]
    fn one_cycle_matches_pytorch() {
        // torch.optim.lr_scheduler.OneCycleLR(max_lr=1, total_steps=10)
        let expected =
            [0.04, 0.52, 1.0, 0.950_484, 0.811_745, 0.611_262, 0.388_742, 0.188_259, 0.049_520, 4e-6];
        close(&factors(Schedule::OneCycle, 10, None), &expected);
        assert!(factors(Schedule::OneCycle, 1, None).iter().all(|factor| factor.is_finite()));
    }

    #[test]
    fn plateau_matches_pytorch() {
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
            let context = ScheduleContext {
                step: 9,
                steps: 10,
                steps_per_epoch: 1,
                warmup_steps: None,
                points: &points[..count],
            };
            assert_eq!(schedule.factor(context), expected, "after {count}");
        }
    }
}
