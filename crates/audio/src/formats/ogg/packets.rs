//! Packets, reassembled from the segments of pages.

use super::page::Page;
use crate::AudioError;
use crate::input::Input;

/// Maximum length of a packet; audio packets have a few hundred bytes.
const MAX_PACKET_BYTES: usize = 1 << 26;

/// Packet, and the page in which it ends.
#[derive(Default)]
pub(crate) struct Packet {
    pub data: Vec<u8>,
    /// Position of that page.
    pub byte: u64,
    /// Granule position of that page.
    pub position: Option<i64>,
    /// True if no other packet ends in that page.
    pub closes_page: bool,
    /// True if that page is the last of the stream.
    pub last: bool,
}

/// Packets of one stream of the file.
pub(crate) struct Packets {
    pub input: Input,
    page: Page,
    /// Number of segments and bytes of the page that were consumed.
    consumed: (usize, usize),
}

impl Packets {
    /// Finds the first Vorbis, Opus or FLAC stream and its first packet.
    pub(crate) fn open(mut input: Input) -> Result<(Packets, Packet), AudioError> {
        let start = input.position();
        let mut other_streams: Vec<&str> = Vec::new();
        loop {
            let page = Page::read(&mut input)?;
            if !page.first {
                let found =
                    if other_streams.is_empty() { "nothing".to_owned() } else { other_streams.join(", ") };
                return Err(input.unsupported(start, format!("Ogg with {found} (not Vorbis, Opus or FLAC)")));
            }
            let known: [&[u8]; 3] = [b"OpusHead", b"\x01vorbis", b"\x7fFLAC"];
            if known.iter().any(|start| page.body.starts_with(start)) {
                let mut packets = Packets { input, page, consumed: (0, 0) };
                let mut first = Packet::default();
                return match packets.next(&mut first)? {
                    true => Ok((packets, first)),
                    false => Err(packets.input.damaged(start, "the Ogg stream has no packets")),
                };
            }
            let other = match &page.body {
                body if body.starts_with(b"Speex") => "Speex",
                body if body.starts_with(b"\x80theora") => "Theora",
                _ => "a stream of an unknown kind",
            };
            if !other_streams.contains(&other) {
                other_streams.push(other);
            }
        }
    }

    /// Reads the next packet in place of the current one; returns false at the end of the stream.
    pub(crate) fn next(&mut self, packet: &mut Packet) -> Result<bool, AudioError> {
        packet.data.clear();
        loop {
            while let Some(&segment) = self.page.segments.get(self.consumed.0) {
                let (start, end) = (self.consumed.1, self.consumed.1 + usize::from(segment));
                self.consumed = (self.consumed.0 + 1, end);
                packet.data.extend_from_slice(&self.page.body[start..end]);
                if segment < 255 {
                    packet.byte = self.page.byte;
                    packet.position = self.page.position;
                    packet.closes_page =
                        self.page.segments[self.consumed.0..].iter().all(|&segment| segment == 255);
                    packet.last = self.page.last;
                    return Ok(true);
                }
            }
            if packet.data.len() > MAX_PACKET_BYTES {
                let what = format!("an Ogg packet of more than {MAX_PACKET_BYTES} bytes ends here");
                return Err(self.input.damaged(self.page.byte, what));
            }
            if self.page.last {
                return self.end(packet);
            }
            self.next_page(!packet.data.is_empty())?;
        }
    }

    /// Reads the stream's next page.
    fn next_page(&mut self, within_packet: bool) -> Result<(), AudioError> {
        loop {
            if self.input.remaining() == 0 {
                let (path, byte) = (self.input.path().to_owned(), self.input.length());
                let missing = "the last Ogg page of the stream";
                return Err(AudioError::NoEnd { path, byte, missing });
            }
            let page = Page::read(&mut self.input)?;
            if page.stream != self.page.stream {
                continue;
            }
            let expected = self.page.number.wrapping_add(1);
            if page.number != expected {
                let what = format!("Ogg page {} comes where page {expected} should", page.number);
                return Err(self.input.damaged(page.byte, what));
            }
            if page.continued != within_packet {
                let what = "the Ogg page does not continue the previous one";
                return Err(self.input.damaged(page.byte, what));
            }
            (self.page, self.consumed) = (page, (0, 0));
            return Ok(());
        }
    }

    /// Checks what follows the last page: pages of other streams are allowed, other recordings are not.
    fn end(&mut self, packet: &Packet) -> Result<bool, AudioError> {
        if !packet.data.is_empty() {
            let what = "the last Ogg page ends within a packet";
            return Err(self.input.damaged(self.page.byte, what));
        }
        while self.input.peek(4)? == b"OggS" {
            let page = Page::read(&mut self.input)?;
            if page.first {
                return Err(self.input.unsupported(page.byte, "an Ogg file of several recordings in a row"));
            }
        }
        Ok(false)
    }
}
