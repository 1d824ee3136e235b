//! Common parts of every page: head with content security policy and style, and the script.

use std::borrow::Cow;

use askama::Template;

use crate::inline::script_source;
use crate::{ReportError, visible_lines};

/// Shows values below a pointer, lists predictions, sorts tables, announces columns out of sight, copies commands, and follows
/// sounds.
const SCRIPT: &str = concat!(
    include_str!("../../templates/report.js"),
    "\n",
    include_str!("../../templates/predictions.js"),
    "\n",
    include_str!("../../templates/tables.js"),
    "\n",
    include_str!("../../templates/sound.js"),
);

/// Renders a page: askama escapes markup, and [`visible_lines`] escapes control characters.
pub(super) fn render_page(page: &impl Template) -> Result<String, ReportError> {
    let html = page.render()?;
    Ok(match visible_lines(&html) {
        Cow::Borrowed(_) => html,
        Cow::Owned(escaped) => escaped,
    })
}

/// Values for `shell.html`.
pub(super) struct Shell<'a> {
    pub(super) title: &'a str,
    pub(super) summary: &'a str,
    pub(super) notes: &'a [String],
    pub(super) created_at: &'a str,
    /// Style sheet of all pages, and that of reports.
    pub(super) css: [&'static str; 2],
    pub(super) script: &'static str,
    /// Script source of the content security policy.
    pub(super) script_source: String,
}

impl<'a> Shell<'a> {
    pub(super) fn new(
        title: &'a str,
        summary: &'a str,
        notes: &'a [String],
        created_at: &'a str,
    ) -> Shell<'a> {
        Shell {
            title,
            summary,
            notes,
            created_at,
            css: [stapes_web::BASE_CSS, include_str!("../../templates/report.css")],
            script: SCRIPT,
            script_source: script_source(SCRIPT),
        }
    }
}
