//! Learning curves of a run for TensorBoard.
//!
//! An event file is a sequence of records (TFRecord: length, its checksum, the data, its checksum), each an `Event` of
//! TensorFlow's protocol buffers. This module writes the subset that scalars need.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use crc::{CRC_32_ISCSI, Crc};
use stapes_train::Point;

/// Prefix of the names of event files, which TensorBoard searches for.
pub(super) const PREFIX: &str = "events.out.tfevents.";

const CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);

/// Event file of a run, to which points are appended.
pub struct EventFile {
    file: File,
    /// Start of the training without interruptions, s since 1970.
    start: f64,
}

impl EventFile {
    /// Creates the event file of a run with its points so far. Older event files of the run are removed, because later
    /// points in them were computed again.
    ///
    /// # Errors
    /// Errors of the file system.
    pub fn create(folder: &Path, points: &[Point]) -> io::Result<EventFile> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_name().as_encoded_bytes().starts_with(PREFIX.as_bytes()) {
                fs::remove_file(entry.path())?;
            }
        }
        let name = format!("{PREFIX}{}.stapes", now() as u64);
        let trained = points.last().map_or(0.0, |point| point.seconds);
        let mut events = EventFile { file: File::create(folder.join(name))?, start: now() - trained };
        let version = [double(1, events.start), bytes(3, b"brain.Event:2")].concat();
        events.file.write_all(&record(&version))?;
        points.iter().try_for_each(|point| events.add(point))?;
        Ok(events)
    }

    /// Appends a point.
    ///
    /// # Errors
    /// Errors of the file system.
    pub fn add(&mut self, point: &Point) -> io::Result<()> {
        let validation = point.validation;
        let values = [
            ("loss/training", Some(point.train_loss)),
            ("loss/validation", validation.map(|validation| validation.loss)),
            ("accuracy/validation", validation.map(|validation| validation.accuracy)),
            ("learning_rate", Some(point.learning_rate)),
            ("gradient_norm", Some(point.gradient_norm)),
        ];
        let values = values.into_iter().filter_map(|(name, value)| Some((name, value?)));
        self.file.write_all(&record(&event(self.start + point.seconds, point.step as u64, values)))
    }
}

/// Returns the time in seconds since 1970.
fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

/// Encodes an `Event`: wall time, step, and a `Summary` with one `Value` per name.
fn event<'a>(wall_time: f64, step: u64, values: impl Iterator<Item = (&'a str, f64)>) -> Vec<u8> {
    let value = |(name, value): (&str, f64)| {
        let number = [&[key(2, 5)][..], &(value as f32).to_le_bytes()].concat();
        bytes(1, &[bytes(1, name.as_bytes()), number].concat())
    };
    let summary: Vec<u8> = values.flat_map(value).collect();
    let number = [&[key(2, 0)][..], &varint(step)].concat();
    [double(1, wall_time), number, bytes(5, &summary)].concat()
}

fn record(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    [&length[..], &masked(&length), data, &masked(data)].concat()
}

/// Returns the checksum of a TFRecord: CRC-32C, rotated and offset.
fn masked(data: &[u8]) -> [u8; 4] {
    CRC.checksum(data).rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes()
}

/// Encodes the key of a field: its number and wire type (0 varint, 1 eight bytes, 2 length and bytes, 5 four bytes).
fn key(field: u8, wire: u8) -> u8 {
    field << 3 | wire
}

fn double(field: u8, value: f64) -> Vec<u8> {
    [&[key(field, 1)][..], &value.to_le_bytes()].concat()
}

fn bytes(field: u8, value: &[u8]) -> Vec<u8> {
    [&[key(field, 2)][..], &varint(value.len() as u64), value].concat()
}

/// Encodes a varint: seven bits per byte, the lowest first; the highest bit is set if another byte follows.
fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}
