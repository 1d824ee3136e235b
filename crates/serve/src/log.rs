//! Logs of the server: one line per event, as text or JSON, to standard error.

use std::str::FromStr;

use tracing::Level;

/// Form of the lines of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

impl LogFormat {
    /// Names of the forms.
    pub const NAMES: [&str; 2] = ["text", "json"];
}

impl FromStr for LogFormat {
    type Err = String;

    fn from_str(name: &str) -> Result<LogFormat, String> {
        match name {
            "text" => Ok(LogFormat::Text),
            "json" => Ok(LogFormat::Json),
            _ => Err(format!("expected {}", LogFormat::NAMES.join(" or "))),
        }
    }
}

/// Amount of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// Warnings and errors.
    Warnings,
    /// Also requests.
    Requests,
    /// Also ends of connections, and requests for metrics and health.
    Details,
}

/// Starts the log of the process; a log that was started before remains.
///
/// The log has neither queries nor contents of recordings.
pub fn start_log(format: LogFormat, level: LogLevel) {
    let level = match level {
        LogLevel::Warnings => Level::WARN,
        LogLevel::Requests => Level::INFO,
        LogLevel::Details => Level::DEBUG,
    };
    let log = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_max_level(level)
        .with_target(false)
        .with_ansi(false);
    // An error means that the process has a log.
    let _ = match format {
        LogFormat::Text => log.compact().try_init(),
        LogFormat::Json => log.json().flatten_event(true).try_init(),
    };
}
