//! Length of the Fourier transform.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::serde_scalar::{Scalar, deserialize_scalar};

/// Length of the Fourier transform.
///
/// Longer frames are truncated; shorter ones are padded with zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PsfFft {
    /// Fixed number of points; 512 is the default of version 0.6.
    Points(usize),
    /// Smallest power of two not below the frame length, as in versions after 0.6.
    Auto,
}

impl PsfFft {
    /// Returns the number of points for frames of `frame` samples, which may be fractional.
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
        deserialize_scalar(deserializer, "a whole number or \"auto\"", |scalar| match scalar {
            Scalar::Word("auto") | Scalar::Null => Some(PsfFft::Auto),
            Scalar::Number(points) if points >= 0.0 && points.fract() == 0.0 => {
                Some(PsfFft::Points(points as usize))
            }
            _ => None,
        })
    }
}
