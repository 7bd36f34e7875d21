//! How much space a disk has left.

use std::path::Path;

/// Bytes that this user can still write to the file system of a file or folder that exists. `None` if the system does
/// not say.
pub fn free_space(path: &Path) -> Option<u64> {
    #[cfg(unix)]
    {
        let found = rustix::fs::statvfs(path).ok()?;
        found.f_bavail.checked_mul(found.f_frsize)
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        None
    }
}
