//! Files that are there whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// Writes a file under the name `*.part` until it is whole.
pub(crate) fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    let part = path.with_added_extension("part");
    let written = File::create(&part).and_then(|mut file| {
        file.write_all(content)?;
        file.sync_all()
    });
    let moved = written.and_then(|()| fs::rename(&part, path));
    if moved.is_err() {
        // The first error is the one to tell.
        let _ = fs::remove_file(&part);
    }
    moved
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sheet.png");
        for content in ["first", "second, longer"] {
            write(&path, content.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
        }
        // A folder of this name stands in the way.
        fs::create_dir(folder.path().join("folder")).unwrap();
        fs::write(folder.path().join("folder/a"), "").unwrap();
        assert!(write(&folder.path().join("folder"), b"x").is_err());
        assert!(write(&folder.path().join("absent/a"), b"x").is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }
}
