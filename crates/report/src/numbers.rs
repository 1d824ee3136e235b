//! Formatting of numbers for readers.

/// Formats a fraction as a percentage, "98.4 %", with enough decimals to distinguish one example among `total`.
///
/// For example, 9,999 of 10,000 is 99.99 %, and only all of them are 100 %.
pub(crate) fn percent(fraction: f64, total: u64) -> String {
    format!("{} %", percent_value(fraction, total))
}

/// Formats a percentage without the sign.
pub(crate) fn percent_value(fraction: f64, total: u64) -> String {
    // One example is 100 / total percent; it is visible if that is more than half of the last digit.
    let mut decimals = 1;
    while 10f64.powi(decimals) <= total as f64 / 200.0 {
        decimals += 1;
    }
    format!("{:.*}", decimals as usize, 100.0 * fraction)
}

/// Formats a score in [0, 1] with three decimals, or a dash if it is undefined.
pub(crate) fn score(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_string(), |value| format!("{value:.3}"))
}

/// Formats a count with commas between thousands: "31,433".
pub(crate) fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Formats a count with its noun: "1 step", "1,300 steps".
///
/// # Example
/// ```
/// assert_eq!([1, 1_300].map(|steps| stapes_report::pluralize(steps, "step")), ["1 step", "1,300 steps"]);
/// ```
pub fn pluralize(value: u64, noun: &str) -> String {
    format!("{} {noun}{}", count(value), if value == 1 { "" } else { "s" })
}

/// Formats a time in seconds, minutes or hours: "0.84 s", "12.3 s", "2 min 05 s", "1 h 03 min".
pub(crate) fn duration(seconds: f64) -> String {
    let whole = seconds.round().max(0.0) as u64;
    if seconds < 9.995 {
        format!("{seconds:.2} s")
    } else if seconds < 59.95 {
        format!("{seconds:.1} s")
    } else if whole < 3600 {
        format!("{} min {:02} s", whole / 60, whole % 60)
    } else {
        let minutes = (seconds / 60.0).round() as u64;
        format!("{} h {:02} min", minutes / 60, minutes % 60)
    }
}

/// Formats a time in milliseconds with three digits: "0.420 ms", "12.3 ms", "85.0 µs".
pub(crate) fn milliseconds(value: f64) -> String {
    let (value, unit) = if value < 0.1 { (value * 1000.0, "µs") } else { (value, "ms") };
    let decimals = match value {
        value if value < 0.9995 => 3,
        value if value < 9.995 => 2,
        value if value < 99.95 => 1,
        _ => 0,
    };
    format!("{value:.decimals$} {unit}")
}

/// Formats a number without the rounding noise of binary fractions: "0.3", "1,200", "2.0e7".
pub(crate) fn plain(value: f64) -> String {
    // Converts a negative zero to a positive one.
    let rounded = (value * 1e6).round() / 1e6 + 0.0;
    match rounded {
        large if large.abs() >= 1e7 => format!("{large:.1e}"),
        whole if whole.fract() == 0.0 && whole >= 1000.0 => count(whole as u64),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_example_among_many_is_visible_in_a_percentage() {
        assert_eq!(percent(364.0 / 370.0, 370), "98.4 %");
        for total in [1u64, 3, 199, 200, 201, 1_999, 2_000, 11_005, 200_000, 1_000_000] {
            let everything = percent(1.0, total);
            assert_ne!(percent((total - 1) as f64 / total as f64, total), everything, "{total}");
            assert!(everything.starts_with("100.0"), "{everything}");
        }
        assert_eq!(percent(10_545.0 / 11_005.0, 11_005), "95.82 %");
    }

    #[test]
    fn thousands_are_separated() {
        assert_eq!(
            [0, 999, 1_000, 31_433, 1_234_567].map(count),
            ["0", "999", "1,000", "31,433", "1,234,567"]
        );
        assert_eq!((pluralize(1, "step"), pluralize(1300, "step")), ("1 step".into(), "1,300 steps".into()));
    }

    #[test]
    fn times_have_a_suitable_unit() {
        let durations = [0.843, 9.996, 12.34, 59.96, 125.2, 3599.7, 3780.0].map(duration);
        assert_eq!(
            durations,
            ["0.84 s", "10.0 s", "12.3 s", "1 min 00 s", "2 min 05 s", "1 h 00 min", "1 h 03 min"]
        );
        let latencies = [0.085, 0.42, 1.234, 12.34, 123.4].map(milliseconds);
        assert_eq!(latencies, ["85.0 µs", "0.420 ms", "1.23 ms", "12.3 ms", "123 ms"]);
    }

    #[test]
    fn an_undefined_score_is_a_dash() {
        assert_eq!((score(Some(0.98436)), score(None)), ("0.984".to_string(), "–".to_string()));
    }

    #[test]
    fn tick_numbers_have_no_rounding_noise() {
        let ticks = [0.1 + 0.2, 0.0, 1200.0, -0.5, 1e-3, 20_000_000.1].map(plain);
        assert_eq!(ticks, ["0.3", "0", "1,200", "-0.5", "0.001", "2.0e7"]);
    }
}
