//! The first frame of most MP3 files: silence that carries a description of the others.

use super::Header;

/// How late the decoder of every MP3 is, in samples.
const DECODER_DELAY: u64 = 529;

/// What a Xing, Info or VBRI frame says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Announcement {
    /// How many frames follow it.
    pub frames: Option<u64>,
    /// What the encoder put before and after the recording, in samples.
    gap: Option<(u64, u64)>,
}

impl Announcement {
    /// Reads the first frame, if it is such a frame.
    pub(super) fn parse(header: &Header, frame: &[u8]) -> Option<Announcement> {
        let content = &frame[4..];
        // The side information of silence is zero.
        let (side, tag) = content.split_at_checked(header.side_bytes)?;
        if matches!(tag.get(..4), Some(b"Xing" | b"Info")) && side[2..].iter().all(|&byte| byte == 0) {
            return Some(Announcement::xing(tag));
        }
        if content.get(32..36) == Some(b"VBRI") {
            return Some(Announcement { frames: number(content, 46), gap: None });
        }
        None
    }

    fn xing(tag: &[u8]) -> Announcement {
        let flags = number(tag, 4).unwrap_or(0);
        let frames = if flags & 1 == 0 { None } else { number(tag, 8) };
        // Frames, bytes, table of contents, quality: each is there if its flag is.
        let sizes = [4, 4, 100, 4];
        let lame = 8 + (0..4).filter(|&bit| flags >> bit & 1 == 1).map(|bit| sizes[bit]).sum::<usize>();
        let known = matches!(tag.get(lame..lame + 4), Some(b"LAME" | b"Lavf" | b"Lavc" | b"GOGO"));
        let gap = tag.get(lame + 21..lame + 24).filter(|_| known).map(|packed| {
            let packed = u64::from(packed[0]) << 16 | u64::from(packed[1]) << 8 | u64::from(packed[2]);
            (packed >> 12, packed & 0xfff)
        });
        Announcement { frames: frames.filter(|&frames| frames > 0), gap }
    }

    /// How many decoded samples come before the recording.
    pub(super) fn delay(&self) -> u64 {
        self.gap.map_or(0, |(before, _)| before + DECODER_DELAY)
    }

    /// How many samples the recording has.
    pub(super) fn samples(&self, header: &Header) -> Option<u64> {
        let (before, after) = self.gap?;
        Some((self.frames? * u64::from(header.samples)).saturating_sub(before + after))
    }
}

fn number(bytes: &[u8], position: usize) -> Option<u64> {
    let four = bytes.get(position..position + 4)?;
    Some(four.iter().fold(0, |number, &byte| number << 8 | u64::from(byte)))
}
