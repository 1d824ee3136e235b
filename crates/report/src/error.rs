//! Errors of tables, figures and pages.

use thiserror::Error;

/// Error of a table, a figure or a page.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReportError {
    /// A table does not have the column.
    #[error("`{key}` is not a column of the table; choose one of {known}")]
    UnknownColumn {
        /// Key that was requested.
        key: String,
        /// Keys of the columns.
        known: String,
    },

    /// A figure cannot be drawn.
    #[error("cannot draw the figure `{figure}`: {reason}")]
    Figure {
        /// Name of the figure.
        figure: String,
        /// Reason.
        reason: String,
    },

    /// A page's template cannot be filled in.
    #[error("cannot write the page: {0}")]
    Page(#[from] askama::Error),
}
