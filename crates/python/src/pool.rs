//! Objects with buffers that many threads of Python share.

use std::sync::Mutex;

/// Pool of objects that are made from one prototype: each use takes a free one, or makes another.
///
/// A pool never waits: if its list is in use, as it may be for ever in a forked child, it makes an object.
pub(crate) struct Pool<P, T> {
    prototype: P,
    make: fn(&P) -> T,
    free: Mutex<Vec<T>>,
}

/// Maximum number of free objects that a pool keeps.
const MAX_FREE: usize = 64;

impl<P, T> Pool<P, T> {
    pub(crate) fn new(prototype: P, make: fn(&P) -> T) -> Pool<P, T> {
        Pool { prototype, make, free: Mutex::new(Vec::new()) }
    }

    pub(crate) fn prototype(&self) -> &P {
        &self.prototype
    }

    /// Runs a function with an object of the pool.
    pub(crate) fn with<R>(&self, function: impl FnOnce(&mut T) -> R) -> R {
        let free = self.free.try_lock().ok().and_then(|mut free| free.pop());
        let mut object = free.unwrap_or_else(|| (self.make)(&self.prototype));
        let result = function(&mut object);
        if let Ok(mut free) = self.free.try_lock()
            && free.len() < MAX_FREE
        {
            free.push(object);
        }
        result
    }
}
