//! MP4 (M4A): packet tables and edit lists.

mod boxes;
mod edit;
mod entry;
mod table;

use self::boxes::Mp4Box;
use self::entry::Entry;
use self::table::Table;
use super::big_endian;
use super::codec::Codec;
use crate::AudioError;
use crate::blocks::{Decoder, Frames, Trim};
use crate::input::Input;

/// Maximum size of the `moov` box: enough for a week of AAC.
const MAX_MOVIE_BYTES: u64 = 1 << 28;

/// First audio track of an MP4 file.
pub(crate) struct Mp4 {
    input: Input,
    codec: Codec,
    entry: Entry,
    table: Table,
    trim: Trim,
    packet: Vec<u8>,
}

impl Mp4 {
    pub(crate) fn open(mut input: Input) -> Result<Mp4, AudioError> {
        let (byte, content) = movie(&mut input)?;
        let movie = Mp4Box { path: input.path(), name: *b"moov", byte, content: &content };
        let track = sound_track(&movie)?;
        let media = track.require(b"mdia")?;
        let samples = media.require(b"minf")?.require(b"stbl")?;
        let entry = Entry::read(&samples)?;
        let table = Table::read(&samples)?;
        // Overlapping packets would make a small file endless.
        if table.bytes() > input.length() {
            let what =
                format!("the MP4 tables describe {} bytes of packets, more than the file has", table.bytes());
            return Err(samples.damaged(what));
        }
        let (skip, keep) =
            edit::recording(&movie, &track, entry.sample_rate_hz(), table.packets(), entry.packet_samples())?;
        let codec = entry.codec().map_err(|reason| input.damaged(entry.byte, reason))?;
        Ok(Mp4 { codec, entry, table, trim: Trim::new(skip, Some(keep)), packet: Vec::new(), input })
    }
}

impl Decoder for Mp4 {
    fn sample_rate_hz(&self) -> u32 {
        self.entry.sample_rate_hz()
    }

    fn next(&mut self, frames: &mut Frames) -> Result<bool, AudioError> {
        let Some((byte, size)) = self.table.next(&self.input)? else { return Ok(false) };
        let available = self.input.length().saturating_sub(byte);
        if size > available {
            return Err(self.input.truncated("audio packet", byte, size, available));
        }
        self.input.seek(byte)?;
        self.packet.clear();
        self.input.append(&mut self.packet, size, "audio packet")?;
        let decoded = self.codec.decode(&self.packet, frames);
        decoded.map_err(|reason| {
            self.input.damaged(byte, format!("the audio packet cannot be decoded: {reason}"))
        })?;
        self.trim.apply(frames);
        Ok(true)
    }

    fn samples_location(&self) -> (&'static str, u64) {
        ("audio track described", self.entry.byte)
    }
}

/// Reads the `moov` box, wherever it is in the file; also returns the position of its content.
fn movie(input: &mut Input) -> Result<(u64, Vec<u8>), AudioError> {
    let mut movie = None;
    while input.remaining() > 0 {
        let start = input.position();
        let available = input.remaining();
        let header = input.read(8, "MP4 box header")?;
        let mut size = big_endian(&header[..4]);
        if size == 1 {
            size = big_endian(&input.read(8, "MP4 box header")?);
        } else if size == 0 {
            size = available;
        }
        let content = input.position();
        if size < content - start {
            let rule = "at least the header's length";
            return Err(input.header(start, "MP4 box size", format!("{size} bytes"), rule));
        }
        if size > available {
            let what = format!("MP4 box \"{}\"", header[4..].escape_ascii());
            return Err(input.truncated(&what, start, size, available));
        }
        match &header[4..] {
            b"moof" => return Err(input.unsupported(start, "a fragmented MP4 file")),
            b"moov" if size > MAX_MOVIE_BYTES => {
                let rule = format!("at most {MAX_MOVIE_BYTES} bytes");
                return Err(input.header(start, "MP4 description size", format!("{size} bytes"), &rule));
            }
            b"moov" if movie.is_none() => {
                movie = Some((content, input.read(start + size - content, "MP4 box \"moov\"")?));
            }
            _ => input.seek(start + size)?,
        }
    }
    movie.ok_or_else(|| {
        let (path, byte) = (input.path().to_owned(), input.length());
        AudioError::NoEnd { path, byte, missing: "the box \"moov\", which describes the tracks" }
    })
}

fn sound_track<'a>(movie: &Mp4Box<'a>) -> Result<Mp4Box<'a>, AudioError> {
    for child in movie.children() {
        let track = child?;
        if track.name != *b"trak" {
            continue;
        }
        // The handler type distinguishes audio from video and text.
        if track.require(b"mdia")?.require(b"hdlr")?.content.get(8..12) == Some(b"soun") {
            return Ok(track);
        }
    }
    Err(movie.unsupported("an MP4 file without an audio track"))
}
