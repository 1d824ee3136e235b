//! `stapes formats`: the audio formats that are read.

use clap::Args;
use serde::Serialize;
use stapes::audio::FORMATS;

use super::console::Console;

/// List the audio formats that are read
#[derive(Args)]
#[command(after_help = "Example:\n  stapes formats")]
pub(super) struct Formats {}

#[derive(Serialize)]
struct FormatLine {
    format: &'static str,
    extensions: &'static [&'static str],
    codecs: &'static str,
}

impl Formats {
    pub(super) fn run(&self, console: &Console) -> anyhow::Result<u8> {
        for format in FORMATS {
            let extensions = format.extensions.join(", ");
            console.print(&format!("{:<6}{extensions:<29}{}", format.name, format.codecs));
            let (extensions, codecs) = (format.extensions, format.codecs);
            console.json(&FormatLine { format: format.name, extensions, codecs });
        }
        console.status("The content of a file determines the format; the extension does not.");
        Ok(super::DONE)
    }
}
