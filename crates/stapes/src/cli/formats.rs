//! `stapes formats`: the audio formats that are read.

use clap::Args;
use serde::Serialize;
use stapes::audio::FORMATS;
use stapes::report::terminal::table;

use super::console::Console;

/// Lists the audio formats that are read
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
        let rows = FORMATS.iter().map(|format| {
            vec![format.name.to_owned(), format.extensions.join(", "), format.codecs.to_owned()]
        });
        console.print(&table(&["format", "extensions", "codecs"], rows, 3));
        for format in FORMATS {
            let (extensions, codecs) = (format.extensions, format.codecs);
            console.json(&FormatLine { format: format.name, extensions, codecs });
        }
        console.print("The content of a file determines the format; the extension does not.");
        Ok(super::DONE)
    }
}
