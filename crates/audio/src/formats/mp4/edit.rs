//! Encoder delay and length of a track: encoders add packets before the recording and pad the last one.

use super::boxes::Mp4Box;
use crate::AudioError;
use crate::formats::big_endian;

/// Number of samples to skip, and number of samples to keep.
///
/// Apple's `iTunSMPB` tag counts samples and has priority over the edit list, whose unit is coarser.
pub(super) fn recording(
    movie: &Mp4Box,
    track: &Mp4Box,
    sample_rate_hz: u32,
    packets: u64,
    packet_samples: u64,
) -> Result<(u64, u64), AudioError> {
    let decoded = packets * packet_samples;
    if let Some((skip, keep)) = tag(movie)? {
        let got = decoded.saturating_sub(skip);
        if keep > got {
            let (path, announced) = (movie.path.to_owned(), "the iTunSMPB tag announces");
            return Err(AudioError::TooFewSamples { path, announced, expected: keep, got });
        }
        return Ok((skip, keep));
    }
    let media = track.require(b"mdia")?;
    let ticks = timescale(&media.require(b"mdhd")?)?;
    let to_samples = |count: u64, ticks: u64| {
        let samples =
            (u128::from(count) * u128::from(sample_rate_hz) + u128::from(ticks) / 2) / u128::from(ticks);
        u64::try_from(samples).unwrap_or(u64::MAX)
    };
    // The duration of the last packet excludes its padding. Durations that differ by more are those of a clock,
    // not of packets.
    let durations = durations(&media.require(b"minf")?.require(b"stbl")?)?;
    let durations = to_samples(durations, ticks);
    let end = if durations <= decoded && decoded - durations < packet_samples { durations } else { decoded };
    let Some(edit) = edit(track)? else { return Ok((0, end)) };
    let skip = to_samples(edit.start, ticks);
    let rest = end.saturating_sub(skip);
    let movie_ticks = timescale(&movie.require(b"mvhd")?)?;
    let span = to_samples(edit.duration, movie_ticks);
    // The length is rounded to the movie's time unit.
    let unit = to_samples(1, movie_ticks) + 1;
    let keep = if edit.duration == 0 || span.abs_diff(rest) <= unit { rest } else { span.min(rest) };
    Ok((skip, keep))
}

/// Ticks per second.
fn timescale(header: &Mp4Box) -> Result<u64, AudioError> {
    let position = if header.number(0, 1)? == 1 { 20 } else { 12 };
    match header.number(position, 4)? {
        0 => {
            let (path, byte) = (header.path.to_owned(), header.byte + position as u64);
            let (value, rule) = ("0".to_owned(), "above 0".to_owned());
            Err(AudioError::Header { path, byte, field: "MP4 ticks per second", value, rule })
        }
        ticks => Ok(ticks),
    }
}

/// Returns the total duration of all packets, in ticks of the track.
fn durations(samples: &Mp4Box) -> Result<u64, AudioError> {
    let rows = samples.require(b"stts")?.rows(4, 8)?.chunks_exact(8);
    Ok(rows
        .fold(0, |sum, row| big_endian(&row[..4]).saturating_mul(big_endian(&row[4..])).saturating_add(sum)))
}

/// The single edit of a track.
struct Edit {
    /// In ticks of the track.
    start: u64,
    /// In ticks of the movie.
    duration: u64,
}

fn edit(track: &Mp4Box) -> Result<Option<Edit>, AudioError> {
    let Some(edits) = track.find(b"edts")? else { return Ok(None) };
    let Some(list) = edits.find(b"elst")? else { return Ok(None) };
    let width = if list.number(0, 1)? == 1 { 8 } else { 4 };
    let rows = list.rows(4, 2 * width + 4)?.chunks_exact(2 * width + 4);
    // A start of -1 is a pause before the sound.
    let mut edits = rows.filter(|row| row[width] & 0x80 == 0);
    let Some(row) = edits.next() else { return Ok(None) };
    if edits.next().is_some() {
        return Err(list.unsupported("an MP4 track with several edits"));
    }
    Ok(Some(Edit { start: big_endian(&row[width..2 * width]), duration: big_endian(&row[..width]) }))
}

/// Returns delay and length from Apple's tag, in samples.
fn tag(movie: &Mp4Box) -> Result<Option<(u64, u64)>, AudioError> {
    for data in movie.all(b"udta") {
        for meta in data?.all(b"meta") {
            let meta = meta?;
            // QuickTime's box has no version before its boxes.
            let start = if meta.content.get(4..8) == Some(b"hdlr") { 0 } else { 4 };
            let Some(list) = meta.all_from(start, b"ilst").next() else { continue };
            for item in list?.all(b"----") {
                let item = item?;
                if item.find(b"name")?.is_some_and(|name| name.content.ends_with(b"iTunSMPB")) {
                    let text = item.find(b"data")?.and_then(|data| data.content.get(8..));
                    return Ok(text.and_then(fields));
                }
            }
        }
    }
    Ok(None)
}

/// Returns the second and fourth hexadecimal number of the tag; `None` if the length is unknown.
fn fields(text: &[u8]) -> Option<(u64, u64)> {
    let text = std::str::from_utf8(text).ok()?;
    let mut fields = text.split_ascii_whitespace().map(|field| u64::from_str_radix(field, 16));
    let skip = fields.nth(1)?.ok()?;
    let keep = fields.nth(1)?.ok()?;
    (keep > 0).then_some((skip, keep))
}
