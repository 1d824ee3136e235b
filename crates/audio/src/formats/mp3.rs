//! MP3: frames, and the optional Xing, Info or VBRI header in the first frame.

mod header;
mod xing_header;

use symphonia::core::codecs::audio::well_known::CODEC_ID_MP3;
use symphonia::default::codecs::MpaDecoder;

pub(crate) use self::header::Header;
use self::xing_header::XingHeader;
use super::codec::{Codec, parameters};
use super::id3;
use crate::AudioError;
use crate::blocks::{Decoder, Frames, Trim};
use crate::input::Input;

/// MP3 file.
pub(crate) struct Mp3 {
    input: Input,
    codec: Codec,
    start: u64,
    first: Header,
    /// Number of frames according to the Xing, Info or VBRI header.
    announced: Option<u64>,
    read: u64,
    trim: Trim,
    frame: Vec<u8>,
}

impl Mp3 {
    /// Starts at the first frame, which is decoded only if it is not a Xing, Info or VBRI header.
    pub(crate) fn open(mut input: Input) -> Result<Mp3, AudioError> {
        let start = input.position();
        let Some(first) = Header::parse(&input.peek(4)?) else {
            return Err(input.damaged(start, "no MP3 frame begins here"));
        };
        let frame = input.read(first.bytes, "MP3 frame")?;
        let xing_header = XingHeader::parse(&first, &frame);
        if xing_header.is_none() {
            input.seek(start)?;
        }
        let xing_header = xing_header.unwrap_or_default();
        let trim = Trim::new(xing_header.delay(), xing_header.samples(&first));
        let mut parameters = parameters(first.sample_rate_hz, first.channels);
        parameters.for_codec(CODEC_ID_MP3);
        let codec = Codec::new(MpaDecoder::try_new, &parameters);
        let codec = codec.map_err(|reason| input.damaged(start, reason))?;
        Ok(Mp3 { input, codec, start, first, announced: xing_header.frames, read: 0, trim, frame })
    }

    /// Reads the next frame and returns its position; `None` after the last one.
    fn frame(&mut self) -> Result<Option<u64>, AudioError> {
        loop {
            let byte = self.input.position();
            let all = self.announced.is_some_and(|announced| self.read == announced);
            let start = self.input.peek(32)?;
            if start.starts_with(b"ID3") && id3::skip(&mut self.input)? {
                continue;
            }
            let Some(header) = Header::parse(&start) else {
                self.end(&start, all)?;
                return Ok(None);
            };
            if all && header.bytes <= self.input.remaining() {
                let what = "the MP3 header announces fewer frames: a second recording or noise begins here";
                return Err(self.input.damaged(byte, what));
            }
            if all {
                return Ok(None);
            }
            if !header.continues(&self.first) {
                let what = format!("an MP3 whose frames change from {} to {header}", self.first);
                return Err(self.input.unsupported(byte, what));
            }
            self.frame.clear();
            self.input.append(&mut self.frame, header.bytes, "MP3 frame")?;
            self.read += 1;
            return Ok(Some(byte));
        }
    }

    /// Returns true if the recording may end here, where no frame begins.
    fn end(&mut self, start: &[u8], all: bool) -> Result<(), AudioError> {
        // Anything may follow the last announced frame.
        if all {
            return Ok(());
        }
        let byte = self.input.position();
        if !id3::closes(start) {
            id3::skip_zeros(&mut self.input)?;
            if self.input.remaining() > 0 {
                return Err(self.input.damaged(byte, "no MP3 frame begins where the previous one ends"));
            }
        }
        let Some(announced) = self.announced else { return Ok(()) };
        let samples = u64::from(self.first.samples);
        let (expected, got) = (announced * samples, self.read * samples);
        let (path, announced) = (self.input.path().to_owned(), "the MP3 header announces");
        Err(AudioError::TooFewSamples { path, announced, expected, got })
    }
}

impl Decoder for Mp3 {
    fn sample_rate_hz(&self) -> u32 {
        self.first.sample_rate_hz
    }

    fn next(&mut self, frames: &mut Frames) -> Result<bool, AudioError> {
        let Some(byte) = self.frame()? else { return Ok(false) };
        let decoded = self.codec.decode(&self.frame, frames);
        decoded.map_err(|reason| {
            self.input.damaged(byte, format!("the MP3 frame cannot be decoded: {reason}"))
        })?;
        self.trim.apply(frames);
        Ok(true)
    }

    fn samples_location(&self) -> (&'static str, u64) {
        ("section of MP3 frames", self.start)
    }
}
