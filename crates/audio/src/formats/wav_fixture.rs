//! WAV files for tests, valid and invalid, byte by byte.

/// Description of a WAV file; every header field can be set to a wrong value.
#[derive(Clone)]
pub(crate) struct Wav {
    pub format: u16,
    pub channels: u16,
    pub sample_rate_hz: u32,
    pub bits: u16,
    pub block_align: Option<u16>,
    pub riff_size: Option<u32>,
    pub data_size: Option<u32>,
    pub extensible: bool,
    pub fmt: bool,
    pub before: Vec<([u8; 4], Vec<u8>)>,
    pub data: Vec<u8>,
    pub after: Vec<([u8; 4], Vec<u8>)>,
}

impl Wav {
    pub(crate) fn pcm(bits: u16, channels: u16, data: &[u8]) -> Wav {
        Wav {
            format: 1,
            channels,
            sample_rate_hz: 8000,
            bits,
            block_align: None,
            riff_size: None,
            data_size: None,
            extensible: false,
            fmt: true,
            before: Vec::new(),
            data: data.to_vec(),
            after: Vec::new(),
        }
    }

    pub(crate) fn float(bits: u16, channels: u16, data: &[u8]) -> Wav {
        Wav { format: 3, ..Wav::pcm(bits, channels, data) }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut body = b"WAVE".to_vec();
        if self.fmt {
            chunk(&mut body, *b"fmt ", None, &self.fmt_chunk());
        }
        for (id, content) in &self.before {
            chunk(&mut body, *id, None, content);
        }
        chunk(&mut body, *b"data", self.data_size, &self.data);
        for (id, content) in &self.after {
            chunk(&mut body, *id, None, content);
        }
        let mut bytes = b"RIFF".to_vec();
        bytes.extend(self.riff_size.unwrap_or(body.len() as u32).to_le_bytes());
        bytes.extend(body);
        bytes
    }

    fn fmt_chunk(&self) -> Vec<u8> {
        let frame = self.block_align.unwrap_or(self.channels.wrapping_mul(self.bits / 8));
        let mut fmt = Vec::new();
        fmt.extend(if self.extensible { 0xfffe } else { self.format }.to_le_bytes());
        fmt.extend(self.channels.to_le_bytes());
        fmt.extend(self.sample_rate_hz.to_le_bytes());
        fmt.extend(self.sample_rate_hz.wrapping_mul(u32::from(frame)).to_le_bytes());
        fmt.extend(frame.to_le_bytes());
        fmt.extend(self.bits.to_le_bytes());
        if self.extensible {
            fmt.extend(22u16.to_le_bytes());
            fmt.extend(self.bits.to_le_bytes());
            fmt.extend([0; 4]);
            fmt.extend(self.format.to_le_bytes());
            fmt.extend(*b"\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71");
        }
        fmt
    }
}

fn chunk(bytes: &mut Vec<u8>, id: [u8; 4], size: Option<u32>, content: &[u8]) {
    bytes.extend(id);
    bytes.extend(size.unwrap_or(content.len() as u32).to_le_bytes());
    bytes.extend(content);
    // An unfinished stream has no padding either.
    if content.len() % 2 == 1 && size.is_none() {
        bytes.push(0);
    }
}
