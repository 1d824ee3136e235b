//! Containment of libraries that panic on damaged input.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

thread_local! {
    static CONTAINED: Cell<bool> = const { Cell::new(false) };
}

/// Calls a library that may panic on damaged input. A panic becomes an error with its message, and is not printed; the
/// values that the call was changing must not be used afterwards.
///
/// Only panics of this thread are contained, and only if panics unwind.
///
/// # Errors
/// The message of the panic.
///
/// # Example
/// ```
/// let half = |numbers: &[u8]| numbers[1] / 2;
/// assert_eq!(stapes_files::contain_panic(|| half(&[1, 8])), Ok(4));
/// assert!(stapes_files::contain_panic(|| half(&[1])).unwrap_err().contains("index out of bounds"));
/// ```
pub fn contain_panic<T>(call: impl FnOnce() -> T) -> Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let print = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if !CONTAINED.get() {
                print(panic);
            }
        }));
    });
    let outer = CONTAINED.replace(true);
    let result = panic::catch_unwind(AssertUnwindSafe(call));
    CONTAINED.set(outer);
    result.map_err(|panic| match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => (*text).to_owned(),
        (_, Some(text)) => text.clone(),
        _ => "no reason given".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_and_later_calls_succeed() {
        assert_eq!(contain_panic(|| -> u8 { panic!("plain") }), Err("plain".to_owned()));
        let (a, b) = (1, 2);
        let message = contain_panic(|| assert_eq!(a, b)).unwrap_err();
        assert!(message.contains("left: 1"), "{message}");
        assert_eq!(contain_panic(|| contain_panic(|| panic!("inner")).is_err()), Ok(true));
        assert_eq!(contain_panic(|| 3), Ok(3));
        assert!(!CONTAINED.get());
    }
}
