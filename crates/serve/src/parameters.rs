//! Options of a request: pairs of name and value, of the query and of form fields.

use std::str::FromStr;

use crate::api_error::ApiError;

/// Options of a request. Each is taken once; [`Parameters::finish`] reports those that nothing has taken.
#[derive(Debug, Default)]
pub(crate) struct Parameters {
    pairs: Vec<(String, String)>,
    /// Names that were asked for.
    known: Vec<&'static str>,
}

/// Largest number of options.
const MAX_PARAMETERS: usize = 64;

impl Parameters {
    /// Reads a query string.
    ///
    /// # Errors
    /// An error if there are too many options.
    pub(crate) fn of_query(query: Option<&str>) -> Result<Parameters, ApiError> {
        let mut parameters = Parameters::default();
        for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            parameters.add(name.into_owned(), value.into_owned())?;
        }
        Ok(parameters)
    }

    /// Adds an option.
    ///
    /// # Errors
    /// An error if there are too many options.
    pub(crate) fn add(&mut self, name: String, value: String) -> Result<(), ApiError> {
        if self.pairs.len() == MAX_PARAMETERS {
            let message = format!("the request has more than {MAX_PARAMETERS} options; remove some");
            return Err(ApiError::bad_request("bad_option", message));
        }
        self.pairs.push((name, value));
        Ok(())
    }

    /// Takes all values of an option.
    pub(crate) fn texts(&mut self, name: &'static str) -> Vec<String> {
        self.known.push(name);
        self.pairs.extract_if(.., |(known, _)| known == name).map(|(_, value)| value).collect()
    }

    /// Takes an option.
    ///
    /// # Errors
    /// An error if it is given twice.
    pub(crate) fn text(&mut self, name: &'static str) -> Result<Option<String>, ApiError> {
        let mut values = self.texts(name);
        match values.len() {
            0 | 1 => Ok(values.pop()),
            _ => Err(bad_option(name, "is given more than once; give it once")),
        }
    }

    /// Takes an option that has a value of a type; `expected` describes the values.
    ///
    /// # Errors
    /// An error for a value that is not one, or does not satisfy the condition.
    pub(crate) fn value<T: FromStr>(
        &mut self,
        name: &'static str,
        expected: &str,
        is_valid: impl FnOnce(&T) -> bool,
    ) -> Result<Option<T>, ApiError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        match text.parse().ok().filter(is_valid) {
            Some(value) => Ok(Some(value)),
            None => Err(bad_option(name, &format!("is {:?}; use {expected}", shortened(&text)))),
        }
    }

    /// Takes a number from `min` to `max`.
    ///
    /// # Errors
    /// An error for anything else.
    pub(crate) fn number(&mut self, name: &'static str, min: f64, max: f64) -> Result<Option<f64>, ApiError> {
        let expected = format!("a number from {min} to {max}");
        self.value(name, &expected, |number| (min..=max).contains(number))
    }

    /// Takes a switch: `true`, `false`, `1` or `0`.
    ///
    /// # Errors
    /// An error for anything else.
    pub(crate) fn switch(&mut self, name: &'static str) -> Result<bool, ApiError> {
        match self.text(name)?.as_deref() {
            None | Some("false" | "0") => Ok(false),
            Some("true" | "1") => Ok(true),
            Some(text) => Err(bad_option(name, &format!("is {:?}; use true or false", shortened(text)))),
        }
    }

    /// Checks that all options were taken.
    ///
    /// # Errors
    /// An error that names an unknown option and the known ones.
    pub(crate) fn finish(self) -> Result<(), ApiError> {
        match self.pairs.first() {
            None => Ok(()),
            Some((name, _)) => Err(ApiError::bad_request(
                "unknown_option",
                format!("{:?} is not an option; use one of: {}", shortened(name), self.known.join(", ")),
            )),
        }
    }
}

/// Returns the error of an option.
pub(crate) fn bad_option(name: &str, fault: &str) -> ApiError {
    ApiError::bad_request("bad_option", format!("{name} {fault}"))
}

/// Returns the beginning of a text for a message.
fn shortened(text: &str) -> String {
    const LENGTH: usize = 40;
    match text.char_indices().nth(LENGTH) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_taken_once_and_the_rest_is_reported() {
        let query = Some("model=a%20b&top=3&keyword=yes&keyword=no&scores=true&wrong=1");
        let mut parameters = Parameters::of_query(query).unwrap();
        assert_eq!(parameters.text("model").unwrap().as_deref(), Some("a b"));
        assert_eq!(parameters.value::<usize>("top", "a number", |_| true).unwrap(), Some(3));
        assert_eq!(parameters.texts("keyword"), ["yes", "no"]);
        assert!(parameters.switch("scores").unwrap() && !parameters.switch("other").unwrap());
        let error = parameters.finish().unwrap_err();
        assert!(error.message.starts_with("\"wrong\" is not an option; use one of: model, top"), "{error:?}");
    }

    #[test]
    fn wrong_values_are_named() {
        let parameters = || Parameters::of_query(Some("a=1&a=2&b=x&c=2")).unwrap();
        assert_eq!(parameters().text("a").unwrap_err().message, "a is given more than once; give it once");
        assert_eq!(
            parameters().number("b", 0.0, 1.0).unwrap_err().message,
            "b is \"x\"; use a number from 0 to 1"
        );
        assert!(parameters().number("c", 0.0, 1.0).is_err() && parameters().switch("c").is_err());
        assert!(Parameters::of_query(Some(&"a&".repeat(65))).is_err());
    }
}
