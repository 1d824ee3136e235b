//! Tags before and after the frames of MP3, AAC and FLAC files; they are skipped.

use crate::AudioError;
use crate::input::Input;

/// Skips ID3v2 tags and zero padding; returns true if there was a tag.
pub(crate) fn skip(input: &mut Input) -> Result<bool, AudioError> {
    let mut found = false;
    loop {
        let start = input.peek(10)?;
        if !start.starts_with(b"ID3") {
            break;
        }
        let byte = input.position();
        let header = input.read(10, "ID3 tag's header")?;
        // Seven bits per byte; a footer repeats the header.
        let size = header[6..10].iter().fold(0, |size, &bits| size << 7 | u64::from(bits & 0x7f));
        let size = size + if header[5] & 0x10 == 0 { 0 } else { 10 };
        if size > input.remaining() {
            return Err(input.truncated("ID3 tag", byte, 10 + size, 10 + input.remaining()));
        }
        input.seek(byte + 10 + size)?;
        found = true;
    }
    if found {
        skip_zeros(input)?;
    }
    Ok(found)
}

/// Moves to the next nonzero byte, or to the end of the file.
pub(crate) fn skip_zeros(input: &mut Input) -> Result<(), AudioError> {
    while input.remaining() > 0 {
        let start = input.position();
        let bytes = input.peek(4096)?;
        let zeros = bytes.iter().take_while(|&&byte| byte == 0).count() as u64;
        input.seek(start + zeros)?;
        if zeros < bytes.len() as u64 {
            break;
        }
    }
    Ok(())
}

/// Returns true if an ID3v1, APE or Lyrics3 tag begins here.
pub(crate) fn closes(start: &[u8]) -> bool {
    const TAGS: [&[u8]; 3] = [b"TAG", b"APETAGEX", b"LYRICSBEGIN"];
    TAGS.iter().any(|tag| start.starts_with(tag))
}
