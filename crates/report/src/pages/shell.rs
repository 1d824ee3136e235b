//! What every page has around its parts: the head with its policy and looks, and the script.

use std::borrow::Cow;

use askama::Template;

use crate::inline::script_source;
use crate::{ReportError, visible_lines};

/// Shows values below a pointer and sorts tables.
const SCRIPT: &str = include_str!("../../templates/report.js");

/// The text of a page: askama escapes markup, and [`visible_lines`] shows what else would act.
pub(super) fn written(page: &impl Template) -> Result<String, ReportError> {
    let html = page.render()?;
    Ok(match visible_lines(&html) {
        Cow::Borrowed(_) => html,
        Cow::Owned(shown) => shown,
    })
}

/// What `frame.html` takes.
pub(super) struct Frame<'a> {
    pub(super) title: &'a str,
    pub(super) summary: &'a str,
    pub(super) notes: &'a [String],
    pub(super) made_at: &'a str,
    pub(super) css: &'static str,
    pub(super) script: &'static str,
    /// What the content security policy knows the script by.
    pub(super) script_source: String,
}

impl<'a> Frame<'a> {
    pub(super) fn of(title: &'a str, summary: &'a str, notes: &'a [String], made_at: &'a str) -> Frame<'a> {
        Frame {
            title,
            summary,
            notes,
            made_at,
            css: include_str!("../../templates/report.css"),
            script: SCRIPT,
            script_source: script_source(SCRIPT),
        }
    }
}
