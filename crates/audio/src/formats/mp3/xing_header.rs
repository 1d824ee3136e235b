//! Xing, Info or VBRI header: a silent first frame that describes the others.

use super::Header;

/// Delay of every MP3 decoder, in samples.
const DECODER_DELAY: u64 = 529;

/// Content of a Xing, Info or VBRI frame.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct XingHeader {
    /// Number of frames that follow.
    pub frames: Option<u64>,
    /// Samples that the encoder added before and after the recording.
    gap: Option<(u64, u64)>,
}

impl XingHeader {
    /// Reads the first frame; `None` if it is an ordinary frame.
    pub(super) fn parse(header: &Header, frame: &[u8]) -> Option<XingHeader> {
        let content = &frame[4..];
        // The side information of a silent frame is zero.
        let (side, tag) = content.split_at_checked(header.side_bytes)?;
        if matches!(tag.get(..4), Some(b"Xing" | b"Info")) && side[2..].iter().all(|&byte| byte == 0) {
            return Some(XingHeader::xing(tag));
        }
        if content.get(32..36) == Some(b"VBRI") {
            return Some(XingHeader { frames: number(content, 46), gap: None });
        }
        None
    }

    fn xing(tag: &[u8]) -> XingHeader {
        let flags = number(tag, 4).unwrap_or(0);
        let frames = if flags & 1 == 0 { None } else { number(tag, 8) };
        // Frames, bytes, table of contents, quality: each present if its flag is set.
        let sizes = [4, 4, 100, 4];
        let lame = 8 + (0..4).filter(|&bit| flags >> bit & 1 == 1).map(|bit| sizes[bit]).sum::<usize>();
        let known = matches!(tag.get(lame..lame + 4), Some(b"LAME" | b"Lavf" | b"Lavc" | b"GOGO"));
        let gap = tag.get(lame + 21..lame + 24).filter(|_| known).map(|packed| {
            let packed = u64::from(packed[0]) << 16 | u64::from(packed[1]) << 8 | u64::from(packed[2]);
            (packed >> 12, packed & 0xfff)
        });
        XingHeader { frames: frames.filter(|&frames| frames > 0), gap }
    }

    /// Number of decoded samples before the recording.
    pub(super) fn delay(&self) -> u64 {
        self.gap.map_or(0, |(before, _)| before + DECODER_DELAY)
    }

    /// Number of samples of the recording.
    pub(super) fn samples(&self, header: &Header) -> Option<u64> {
        let (before, after) = self.gap?;
        Some((self.frames? * u64::from(header.samples)).saturating_sub(before + after))
    }
}

fn number(bytes: &[u8], position: usize) -> Option<u64> {
    let four = bytes.get(position..position + 4)?;
    Some(four.iter().fold(0, |number, &byte| number << 8 | u64::from(byte)))
}
