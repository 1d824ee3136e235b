//! The length of the transform: a number, or by rule.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::choice::{Choice, choose};

/// Length of the Fourier transform.
///
/// A frame that is longer is cut to its first samples; a shorter one is followed by zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PsfFft {
    /// So many points at every sample rate; 512 is the default of version 0.6.
    Points(usize),
    /// The smallest power of two that holds a frame, as the versions after 0.6 choose it.
    Auto,
}

impl PsfFft {
    /// The number of points for frames of so many samples, which need not be whole.
    pub(super) fn points(self, frame: f64) -> usize {
        match self {
            PsfFft::Points(points) => points,
            PsfFft::Auto => (frame.ceil() as usize).next_power_of_two(),
        }
    }
}

impl Serialize for PsfFft {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            PsfFft::Points(points) => points.serialize(serializer),
            PsfFft::Auto => "auto".serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for PsfFft {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<PsfFft, D::Error> {
        choose(deserializer, "a whole number or \"auto\"", |choice| match choice {
            Choice::Word("auto") | Choice::Nothing => Some(PsfFft::Auto),
            Choice::Number(points) if points >= 0.0 && points.fract() == 0.0 => {
                Some(PsfFft::Points(points as usize))
            }
            _ => None,
        })
    }
}
