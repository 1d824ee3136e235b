//! Memory of a WebAssembly module, in which JavaScript puts what the functions read. They are not in the header.

use std::alloc::Layout;

const ALIGNMENT: usize = 16;

/// Returns memory for a number of bytes, aligned to 16; null for 0 bytes or if there is not enough.
#[unsafe(no_mangle)]
pub extern "C" fn stapes_allocate(size: usize) -> *mut u8 {
    match Layout::from_size_align(size, ALIGNMENT) {
        // SAFETY: the size is not 0.
        Ok(layout) if size > 0 => unsafe { std::alloc::alloc(layout) },
        _ => std::ptr::null_mut(),
    }
}

/// Releases memory of [`stapes_allocate`] with its size; null is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapes_release(pointer: *mut u8, size: usize) {
    if let (false, Ok(layout)) = (pointer.is_null(), Layout::from_size_align(size, ALIGNMENT)) {
        // SAFETY: the caller's promise: the pointer is from `stapes_allocate` with this size.
        unsafe { std::alloc::dealloc(pointer, layout) };
    }
}
