//! The finished parts of a longer work: a folder with one JSON file for each, written atomically.

use std::path::{Component, Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::file::{create_folder, is_temporary, read_json, write_sealed_json};
use crate::{StoreError, VERSION};

/// The folder of the parts.
pub(crate) const PARTS: &str = "parts";

/// What to do about a part that cannot be used.
const REPEAT: &str = "remove it to have its run repeated";

/// A folder of finished parts. The file of a part has the name of the part.
#[derive(Debug, Clone)]
pub struct Parts {
    path: PathBuf,
}

/// The content of a part's file.
#[derive(Serialize, Deserialize)]
struct Kept<T> {
    version: String,
    content: T,
}

impl Parts {
    /// The parts in a [`Folder`](crate::Folder). Their folder is made with the first part.
    pub fn of(folder: &Path) -> Self {
        Parts { path: folder.join(PARTS) }
    }

    /// A finished part by its name; `None` if there is none. `is_it` tells whether the content belongs under this name.
    ///
    /// # Errors
    /// [`StoreError::File`] if it cannot be read; [`StoreError::Invalid`] if it is damaged or `is_it` refuses it;
    /// [`StoreError::OtherVersion`].
    pub fn read<T: DeserializeOwned>(&self, name: &str, is_it: impl Fn(&T) -> bool) -> Result<Option<T>, StoreError> {
        let path = self.file(name)?;
        let Some(Kept { version, content }) = read_json::<Kept<T>>(&path, REPEAT)? else { return Ok(None) };
        if version != VERSION {
            let remedy = "name another folder with --out";
            return Err(StoreError::OtherVersion { path, found: version, expected: VERSION, remedy });
        }
        if !is_it(&content) {
            let reason = "it holds another run than its name says".to_owned();
            return Err(StoreError::Invalid { path, reason, remedy: REPEAT });
        }
        Ok(Some(content))
    }

    /// Writes a finished part.
    ///
    /// # Errors
    /// [`StoreError::File`] if it cannot be written; the old content stays.
    pub fn write<T: Serialize>(&self, name: &str, content: &T) -> Result<(), StoreError> {
        let path = self.file(name)?;
        create_folder(&self.path)?;
        write_sealed_json(&path, &Kept { version: VERSION.to_owned(), content })
    }

    /// Whether there are no parts.
    pub fn is_empty(&self) -> bool {
        let mut entries = std::fs::read_dir(&self.path).into_iter().flatten().flatten();
        entries.all(|entry| is_temporary(&entry.file_name()))
    }

    /// The file of a part. No name leads out of the folder.
    fn file(&self, name: &str) -> Result<PathBuf, StoreError> {
        let mut components = Path::new(name).components();
        let path = self.path.join(format!("{name}.json"));
        match (components.next(), components.next()) {
            (Some(Component::Normal(_)), None) => Ok(path),
            _ => {
                let reason = format!("a part is called {name:?}, expected the name of a file");
                Err(StoreError::Invalid { path, reason, remedy: "rename what it is the part of" })
            }
        }
    }
}
