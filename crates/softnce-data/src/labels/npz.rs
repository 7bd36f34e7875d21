//! Archives of arrays in NumPy's format, as `numpy.savez` writes them.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use ndarray::Array2;
use npyz::{DType, NpyFile, NpyHeader, TypeChar};
use zip::ZipArchive;
use zip::read::ZipFile;

use super::matching::RowMatching;
use super::place::Place;
use super::rule::LabelRows;
use super::{LabelError, npy};
use crate::ContentError;

type Archive = ZipArchive<BufReader<File>>;

/// Reads the array of this name; without a name, the only array of two dimensions. An array of strings holds the paths
/// of the pictures.
pub(super) fn read(sink: LabelRows<'_>, name: Option<&str>) -> Result<Array2<f32>, LabelError> {
    let path = sink.path;
    let file = BufReader::new(File::open(path).map_err(LabelError::io(path))?);
    let mut archive = ZipArchive::new(file).map_err(damaged(path))?;
    let (mut flat, mut paths, mut all) = (Vec::new(), Vec::new(), Vec::new());
    for index in 0..archive.len() {
        let (array, header) = read_header(&mut archive, index, path)?;
        all.push(array.clone());
        match (header.shape().len(), is_text(&header.dtype())) {
            (1, true) => paths.push(index),
            (2, false) => flat.push((index, array)),
            _ => {}
        }
    }
    let chosen = match name {
        Some(name) => all.iter().position(|array| array == name).ok_or_else(|| {
            sink.wrong(String::new(), format!("arrays {}", all.join(", ")), format!("an array '{name}'"))
        })?,
        None => match flat[..] {
            [(index, _)] => index,
            _ => {
                let found = format!("{} arrays of two dimensions among {}", flat.len(), all.join(", "));
                return Err(ContentError::whole(path, found, "one, or the name of the one to read ('tensor')"));
            }
        },
    };
    let matching = match paths[..] {
        [] => None,
        [index] => Some(read_paths(&sink, &mut archive, index)?),
        _ => return Err(ContentError::whole(path, format!("{} arrays of text", paths.len()), "one, of the paths")),
    };
    let entry = archive.by_index(chosen).map_err(damaged(path))?;
    let path = inside(path, &entry)?;
    npy::read(sink.named(&path), entry, matching)
}

/// The name of an array, and its header.
fn read_header(archive: &mut Archive, index: usize, path: &Path) -> Result<(String, NpyHeader), LabelError> {
    let mut entry = archive.by_index(index).map_err(damaged(path))?;
    let inner = inside(path, &entry)?;
    let (header, _) = npy::read_header(&inner, &mut entry)?;
    Ok((inner.file_stem().unwrap_or_default().to_string_lossy().into_owned(), header))
}

fn read_paths(sink: &LabelRows<'_>, archive: &mut Archive, index: usize) -> Result<RowMatching, LabelError> {
    let mut entry = archive.by_index(index).map_err(damaged(sink.path))?;
    let path = inside(sink.path, &entry)?;
    let (header, _) = npy::read_header(&path, &mut entry)?;
    let mut matching = RowMatching::new(sink.pictures, sink.root, sink.path)?;
    let entry: Box<dyn Read + '_> = Box::new(entry);
    let paths: Vec<String> = NpyFile::with_header(header, entry).into_vec().map_err(LabelError::io(path))?;
    for (row, path) in paths.iter().enumerate() {
        matching.push(path, Place::Array(row));
    }
    Ok(matching)
}

/// The path of an array, for errors: that of the archive with the name in it.
fn inside<R: Read>(path: &Path, entry: &ZipFile<'_, R>) -> Result<PathBuf, LabelError> {
    Ok(path.join(&*entry.name().map_err(damaged(path))?))
}

/// Whether the values are Python 3's strings.
fn is_text(dtype: &DType) -> bool {
    matches!(dtype, DType::Plain(text) if text.type_char() == TypeChar::UnicodeStr)
}

fn damaged(path: &Path) -> impl Fn(zip::result::ZipError) -> LabelError {
    move |error| ContentError::whole(path, error.to_string(), "a whole .npz file")
}
