//! The limit of open files, which is also one of connections.

/// Files that the process needs beside its connections.
#[cfg(unix)]
const OTHER_FILES: u64 = 64;

/// Raises the limit of open files of the process for this number of connections, as far as the system allows.
///
/// Returns the number of connections that are possible if they are fewer.
#[cfg(unix)]
pub fn allow_connections(connections: usize) -> Option<u64> {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let needed = connections as u64 + OTHER_FILES;
    let mut limit = getrlimit(Resource::Nofile);
    // No limit is `None`.
    let is_enough = |limit: Option<u64>| limit.is_none_or(|limit| limit >= needed);
    if is_enough(limit.current) {
        return None;
    }
    limit.current = Some(limit.maximum.map_or(needed, |maximum| maximum.min(needed)));
    // An error leaves the limit as it was.
    let _ = setrlimit(Resource::Nofile, limit);
    let current = getrlimit(Resource::Nofile).current;
    if is_enough(current) { None } else { current.map(|files| files.saturating_sub(OTHER_FILES)) }
}

/// Returns `None`: the system has no limit of open files.
#[cfg(not(unix))]
pub fn allow_connections(_connections: usize) -> Option<u64> {
    None
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_raised_as_far_as_the_system_allows() {
        assert_eq!(allow_connections(1), None);
        // More than any system allows to a process, or the limit is not set.
        let possible = allow_connections(usize::MAX >> 8);
        assert!(possible.is_none_or(|connections| connections > 0), "{possible:?}");
    }
}
