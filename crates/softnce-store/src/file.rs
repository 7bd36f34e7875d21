//! Files that are there whole or not at all.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

/// How the names of files begin that are not whole yet.
pub const TEMPORARY: &str = ".softnce-";

/// Writes a file, whole or not at all: under a name of its own until it is whole.
///
/// # Errors
/// What the system says.
pub fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = temporary().tempfile_in(directory(path))?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Checks that [`write()`] could write there, for programs that have much to do before they write.
///
/// # Errors
/// What the system says.
pub fn check(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Err(io::Error::from(io::ErrorKind::IsADirectory));
    }
    temporary().tempfile_in(directory(path)).map(drop)
}

/// The folder of a file; the current one where its name alone is given.
fn directory(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn temporary() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(TEMPORARY);
    // Otherwise a temporary file is the owner's alone; the user's mask still applies.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_file_is_replaced_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("results.json");
        for content in ["first", "second, longer"] {
            write(&path, content.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        // A folder of this name stands in the way.
        fs::create_dir(folder.path().join("folder")).unwrap();
        fs::write(folder.path().join("folder/a"), "").unwrap();
        assert!(write(&folder.path().join("folder"), b"x").is_err());
        assert!(write(&folder.path().join("absent/a"), b"x").is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_place_that_cannot_be_written_is_found_before() {
        let folder = tempfile::tempdir().unwrap();
        check(&folder.path().join("new.json")).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(check(folder.path()).is_err());
        assert!(check(&folder.path().join("absent/new.json")).is_err());
        assert_eq!(directory(Path::new("new.json")), Path::new("."));
    }
}
