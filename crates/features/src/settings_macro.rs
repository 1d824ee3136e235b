//! Macro that defines a configuration and the table of its settings.

/// One setting of a configuration, for display.
pub(crate) struct Row {
    /// Key in a recipe.
    pub key: &'static str,
    /// Unit of the value; empty if it has none.
    pub unit: &'static str,
    /// Description in one line, as in the documentation of the field.
    pub description: &'static str,
    /// Rows of the sub-table with this key; `None` for a single value.
    pub nested: Option<Table>,
}

/// Rows of a configuration, in display order.
pub(crate) type Table = &'static [Row];

/// Configuration with a table of its settings.
pub(crate) trait Settings {
    /// Rows of all settings.
    const TABLE: Table;
}

/// Defines a configuration from one list of its settings: the struct, its `Default` and its [`Settings`].
///
/// A setting is one line of documentation and `field as "key": Type = default, "unit";`. `as "key"` is only
/// needed if the key in recipes differs from the field. A nested configuration has its type in braces in
/// place of a unit. Further attributes of a field follow its documentation.
macro_rules! config {
    (
        $(#[$attribute:meta])*
        pub struct $name:ident {
            $(
                #[doc = $description:literal]
                $(#[$field_attribute:meta])*
                $field:ident $(as $key:literal)?: $type:ty = $default:expr, $unit:tt;
            )*
        }
    ) => {
        $(#[$attribute])*
        #[derive(Clone, Debug, PartialEq, ::serde::Serialize, ::serde::Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct $name {
            $(
                #[doc = $description]
                #[doc = $crate::settings_macro::unit_doc!($unit)]
                $(#[serde(rename = $key)])?
                $(#[$field_attribute])*
                pub $field: $type,
            )*
        }

        impl Default for $name {
            fn default() -> $name {
                $name { $($field: $default),* }
            }
        }

        impl $crate::settings_macro::Settings for $name {
            const TABLE: $crate::settings_macro::Table = &[
                $($crate::settings_macro::row!($description, ($field $($key)?), $unit)),*
            ];
        }
    };
}

/// Builds the [`Row`] of a setting.
macro_rules! row {
    ($description:literal, ($field:ident), $unit:tt) => {
        $crate::settings_macro::row!($description, stringify!($field), $unit)
    };
    ($description:literal, ($field:ident $key:literal), $unit:tt) => {
        $crate::settings_macro::row!($description, $key, $unit)
    };
    ($description:literal, $key:expr, { $nested:ty }) => {
        $crate::settings_macro::Row {
            key: $key,
            unit: "",
            description: $description,
            nested: Some(<$nested as $crate::settings_macro::Settings>::TABLE),
        }
    };
    ($description:literal, $key:expr, $unit:tt) => {
        $crate::settings_macro::Row { key: $key, unit: $unit, description: $description, nested: None }
    };
}

/// Documents the unit of a setting.
macro_rules! unit_doc {
    ("") => {
        ""
    };
    ({ $nested:ty }) => {
        ""
    };
    ($unit:tt) => {
        concat!("\nUnit: ", $unit, ".")
    };
}

pub(crate) use {config, row, unit_doc};
