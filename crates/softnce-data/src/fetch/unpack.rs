//! Unpacks archives completely or not at all.

use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Component, Path, PathBuf};

use flate2::read::MultiGzDecoder;
use softnce_store::{put_in_place, remove_folder};
use tar::EntryType;

use super::error::FetchError;
use super::progress::{FetchProgress, ReportProgress, Stage};
use super::pump::{PumpError, pump};
use super::set::ArchiveFormat;

/// Unpacks the folder `top` of an archive to `target`, which must not exist.
pub(super) fn unpack(
    archive: &Path,
    format: ArchiveFormat,
    top: &str,
    target: &Path,
    report: &mut ReportProgress<'_>,
) -> Result<(), FetchError> {
    let beside = target.with_added_extension("unpacking");
    remove_folder(&beside)?;
    let name = archive.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let file = File::open(archive).map_err(FetchError::file("read", archive))?;
    let total = file.metadata().map_err(FetchError::file("read", archive))?.len();
    let mut report = |done| report(FetchProgress { file: &name, stage: Stage::Unpacking, done, total });
    let mut writer = EntryWriter { archive, root: &beside };
    let unpacked = match format {
        ArchiveFormat::TarGz => tar_gz(file, &mut writer, &mut report),
        ArchiveFormat::Zip => zip(file, &mut writer, total, &mut report),
    };
    let moved = unpacked.and_then(|()| {
        let inside = beside.join(top);
        if !inside.is_dir() {
            return Err(FetchError::NoFolder { path: archive.to_owned(), expected: top.to_owned() });
        }
        Ok(put_in_place(&inside, target)?)
    });
    // The first error is returned.
    moved.and(remove_folder(&beside).map_err(FetchError::from))
}

fn tar_gz(file: File, writer: &mut EntryWriter<'_>, report: &mut dyn FnMut(u64)) -> Result<(), FetchError> {
    let damaged = |source| FetchError::Archive { path: writer.archive.to_owned(), source };
    let counted = Counted { reader: BufReader::new(file), done: 0, report };
    let mut archive = tar::Archive::new(MultiGzDecoder::new(counted));
    for entry in archive.entries().map_err(damaged)? {
        let mut entry = entry.map_err(damaged)?;
        let path = entry.path().map_err(damaged)?.into_owned();
        match entry.header().entry_type() {
            EntryType::Directory => writer.folder(&path)?,
            EntryType::Regular | EntryType::Continuous => writer.file(&path, &mut entry)?,
            // A header of the archive itself.
            EntryType::XGlobalHeader => {}
            _ => return Err(writer.refuse(&path, "a link or a device")),
        }
    }
    // Read to the end, so that gzip's checksum is verified.
    io::copy(&mut archive.into_inner(), &mut io::sink()).map_err(damaged)?;
    Ok(())
}

fn zip(file: File, writer: &mut EntryWriter<'_>, total: u64, report: &mut dyn FnMut(u64)) -> Result<(), FetchError> {
    let damaged = |error| {
        let source = match error {
            zip::result::ZipError::Io(source) => source,
            other => io::Error::new(io::ErrorKind::InvalidData, other),
        };
        FetchError::Archive { path: writer.archive.to_owned(), source }
    };
    let mut archive = zip::ZipArchive::new(BufReader::new(file)).map_err(damaged)?;
    let entries = archive.len();
    for index in 0..entries {
        let mut entry = archive.by_index(index).map_err(damaged)?;
        let path = PathBuf::from(&*entry.name().map_err(damaged)?);
        if entry.is_symlink() {
            return Err(writer.refuse(&path, "a link or a device"));
        } else if entry.is_dir() {
            writer.folder(&path)?;
        } else {
            writer.file(&path, &mut entry)?;
        }
        report(total * (index as u64 + 1) / entries as u64);
    }
    Ok(())
}

/// Writes the entries of an archive below one folder.
struct EntryWriter<'w> {
    archive: &'w Path,
    root: &'w Path,
}

impl EntryWriter<'_> {
    fn folder(&self, path: &Path) -> Result<(), FetchError> {
        let path = self.inside(path)?;
        fs::create_dir_all(&path).map_err(FetchError::file("make the folder", path))
    }

    fn file(&self, path: &Path, content: &mut dyn Read) -> Result<(), FetchError> {
        let path = self.inside(path)?;
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(FetchError::file("make the folder", parent))?;
        }
        // Two entries of one name would overwrite each other.
        let file = File::create_new(&path).map_err(FetchError::file("write", &path))?;
        pump(content, file, |_| {}).map(drop).map_err(|error| match error {
            PumpError::Read(source) => FetchError::Archive { path: self.archive.to_owned(), source },
            PumpError::Write(source) => FetchError::file("write", path)(source),
        })
    }

    /// The path for an entry; refuses entries outside the folder.
    fn inside(&self, path: &Path) -> Result<PathBuf, FetchError> {
        let mut inside = self.root.to_owned();
        // A backslash separates folders on Windows only; no set has it in a name.
        if path.as_os_str().as_encoded_bytes().iter().any(|byte| matches!(byte, b'\\' | 0)) {
            return Err(self.refuse(path, "named with a backslash or a zero"));
        }
        for component in path.components() {
            match component {
                Component::Normal(name) => inside.push(name),
                Component::CurDir => {}
                _ => return Err(self.refuse(path, "outside")),
            }
        }
        Ok(inside)
    }

    fn refuse(&self, path: &Path, found: &'static str) -> FetchError {
        FetchError::Entry { path: self.archive.to_owned(), entry: path.display().to_string(), found }
    }
}

/// Counts the bytes read.
struct Counted<'c, R> {
    reader: R,
    done: u64,
    report: &'c mut dyn FnMut(u64),
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.done += count as u64;
        (self.report)(self.done);
        Ok(count)
    }
}
