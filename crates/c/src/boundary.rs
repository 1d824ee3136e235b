//! The boundary: status and message of the last error, panics, pointers.

use std::cell::RefCell;
use std::ffi::{CString, c_char};

use stapes_infer::InferError;

/// Result of a function.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Success.
    Ok = 0,
    /// An argument is invalid, such as a null pointer; nothing was changed.
    InvalidArgument = 1,
    /// The bytes are not a model that this library runs.
    InvalidModel = 2,
    /// The model cannot process the input, such as samples that are not finite or are too few.
    InvalidInput = 3,
    /// The buffer is too small; nothing was written to it.
    BufferTooSmall = 4,
    /// An error of the library itself. What the function was given can only be freed.
    Internal = 5,
}

/// An error on its way to the caller.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) status: Status,
    pub(crate) message: String,
}

impl Failure {
    pub(crate) fn argument(message: impl Into<String>) -> Failure {
        Failure { status: Status::InvalidArgument, message: message.into() }
    }

    pub(crate) fn model(error: &InferError) -> Failure {
        Failure { status: Status::InvalidModel, message: error.to_string() }
    }

    pub(crate) fn input(error: &InferError) -> Failure {
        Failure { status: Status::InvalidInput, message: error.to_string() }
    }
}

thread_local! {
    static LAST_ERROR: RefCell<CString> = RefCell::default();
}

/// Returns the message of the last error on this thread, UTF-8; empty if there was none. It belongs to the
/// library, and is valid until the next error on this thread. A function that succeeds does not change it.
#[unsafe(no_mangle)]
pub extern "C" fn stapes_last_error() -> *const c_char {
    // The value is replaced only by `set_last_error`; a thread that is ending has none.
    LAST_ERROR.try_with(|message| message.borrow().as_ptr()).unwrap_or(c"".as_ptr())
}

/// Returns the version of the library; that of the header is STAPES_VERSION.
#[unsafe(no_mangle)]
pub extern "C" fn stapes_version() -> *const c_char {
    const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");
    VERSION.as_ptr().cast()
}

fn set_last_error(message: &str) {
    let message = CString::new(message.replace('\0', "\u{fffd}")).unwrap_or_default();
    // A thread that is ending has no message.
    let _ = LAST_ERROR.try_with(|last| *last.borrow_mut() = message);
}

/// Runs the work of a function that returns a value; an error or a panic becomes the last error, and `failed` is returned.
pub(crate) fn value<T>(failed: T, work: impl FnOnce() -> Result<T, Failure>) -> T {
    let mut value = failed;
    call(|| {
        value = work()?;
        Ok(())
    });
    value
}

/// Runs the work of a function that returns a status; an error or a panic becomes the last error.
pub(crate) fn call(work: impl FnOnce() -> Result<(), Failure>) -> Status {
    let result = stapes_files::contain_panic(work).unwrap_or_else(|panic| {
        let message = format!("internal error: {panic}; please report it");
        Err(Failure { status: Status::Internal, message })
    });
    match result {
        Ok(()) => Status::Ok,
        Err(Failure { status, message }) => {
            set_last_error(&message);
            status
        }
    }
}

/// Returns the values of an array; no values if `count` is 0, even from a null pointer.
///
/// # Safety
/// If the pointer is not null and aligned, it points to `count` values, which do not change during `'a`.
pub(crate) unsafe fn slice<'a, T>(pointer: *const T, count: usize, name: &str) -> Result<&'a [T], Failure> {
    if count == 0 {
        return Ok(&[]);
    }
    check_pointer(pointer, name)?;
    if count > isize::MAX as usize / size_of::<T>() {
        return Err(Failure::argument(format!("{name}: {count} values are more than memory has")));
    }
    // SAFETY: the pointer is not null and aligned, the size fits; the rest is the caller's promise.
    Ok(unsafe { std::slice::from_raw_parts(pointer, count) })
}

/// Returns the object that a pointer points to.
///
/// # Safety
/// If the pointer is not null and aligned, it points to a value that is not changed through another pointer during `'a`.
pub(crate) unsafe fn reference<'a, T>(pointer: *const T, name: &str) -> Result<&'a T, Failure> {
    check_pointer(pointer, name)?;
    // SAFETY: the pointer is not null and aligned; the rest is the caller's promise.
    Ok(unsafe { &*pointer })
}

/// Returns an error if a pointer is null or not aligned.
pub(crate) fn check_pointer<T>(pointer: *const T, name: &str) -> Result<(), Failure> {
    if pointer.is_null() {
        return Err(Failure::argument(format!("{name} is a null pointer")));
    }
    match pointer.is_aligned() {
        true => Ok(()),
        false => Err(Failure::argument(format!("{name} is not aligned for its type"))),
    }
}

/// Writes a value.
///
/// # Safety
/// If the pointer is not null and aligned, a value can be written there.
pub(crate) unsafe fn write<T>(pointer: *mut T, value: T, name: &str) -> Result<(), Failure> {
    check_pointer(pointer, name)?;
    // SAFETY: the pointer is not null and aligned; the rest is the caller's promise. What was there is not dropped.
    unsafe { pointer.write(value) };
    Ok(())
}

/// Frees an object; a null pointer is ignored.
///
/// # Safety
/// The pointer is null, or from `Box::into_raw` and not freed.
pub(crate) unsafe fn free<T>(pointer: *mut T) {
    if !pointer.is_null() {
        call(|| {
            // SAFETY: the caller's promise.
            drop(unsafe { Box::from_raw(pointer) });
            Ok(())
        });
    }
}

/// Copies results to a buffer of the caller with room for `capacity` values; `name` is used in messages.
///
/// # Safety
/// The pointer is valid for writes of `capacity` values, and the results are elsewhere.
pub(crate) unsafe fn copy<T: Copy>(
    found: &[T],
    to: *mut T,
    capacity: usize,
    name: &str,
) -> Result<(), Failure> {
    if found.len() > capacity {
        let count = found.len();
        let message = format!("capacity is {capacity}, and there are {count} {name}; use a larger buffer");
        return Err(Failure { status: Status::BufferTooSmall, message });
    }
    if found.is_empty() {
        return Ok(());
    }
    check_pointer(to, name)?;
    // SAFETY: the pointer is not null and aligned; the rest is guaranteed by the caller.
    unsafe { std::ptr::copy_nonoverlapping(found.as_ptr(), to, found.len()) };
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::ffi::CStr;

    use super::*;

    fn last_error() -> String {
        // SAFETY: the message is valid until the next error of this thread.
        unsafe { CStr::from_ptr(stapes_last_error()) }.to_str().unwrap().to_owned()
    }

    #[test]
    fn a_panic_is_an_internal_error() {
        assert_eq!(last_error(), "");
        let values: Vec<u8> = Vec::new();
        assert_eq!(call(|| panic!("at {}", values.len())), Status::Internal);
        assert_eq!(last_error(), "internal error: at 0; please report it");
        assert_eq!(value(7, || Err(Failure::argument("a\0b"))), 7);
        assert_eq!(last_error(), "a\u{fffd}b");
        assert_eq!(call(|| Ok(())), Status::Ok);
        assert_eq!(last_error(), "a\u{fffd}b", "a success leaves the message");
    }

    #[test]
    fn pointers_are_checked_before_use() {
        let values = [1.0f32, 2.0];
        let shifted = values.as_ptr().cast::<u8>().wrapping_add(1).cast::<f32>();
        // SAFETY: the first pointer has two values; the others are not read.
        unsafe {
            assert_eq!(slice(values.as_ptr(), 2, "samples").unwrap(), [1.0, 2.0]);
            assert!(slice::<f32>(std::ptr::null(), 0, "samples").unwrap().is_empty());
            for (pointer, count, part) in [
                (std::ptr::null(), 1, "samples is a null pointer"),
                (shifted, 1, "samples is not aligned"),
                (values.as_ptr(), usize::MAX, "more than memory has"),
            ] {
                let failure = slice(pointer, count, "samples").unwrap_err();
                assert!(failure.message.contains(part), "{}", failure.message);
                assert_eq!(failure.status, Status::InvalidArgument);
            }
        }
    }
}
