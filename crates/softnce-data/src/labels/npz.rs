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
use crate::arrays;

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
        let dtype = header.dtype();
        match (header.shape(), text(&dtype)) {
            ([_], Some(_)) => paths.push(index),
            ([_, _], None) => flat.push((index, array)),
            // These may be paths, and the rows may be in their order.
            ([rows], None) if *rows == sink.rows() as u64 && dtype.uses_pickled_array() => {
                let found = format!("array '{array}' of Python objects");
                return Err(ContentError::whole(path, found, "strings, as after numpy.array(paths, dtype=str)"));
            }
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
    let (header, _) = arrays::npy::read_header(&inner, &mut entry)?;
    Ok((inner.file_stem().unwrap_or_default().to_string_lossy().into_owned(), header))
}

fn read_paths(sink: &LabelRows<'_>, archive: &mut Archive, index: usize) -> Result<RowMatching, LabelError> {
    let mut entry = archive.by_index(index).map_err(damaged(sink.path))?;
    let path = inside(sink.path, &entry)?;
    let (header, _) = arrays::npy::read_header(&path, &mut entry)?;
    let mut matching = RowMatching::new(sink.pictures, sink.root, sink.path)?;
    let is_bytes = text(&header.dtype()) == Some(TypeChar::ByteStr);
    let file = NpyFile::with_header(header, Box::new(entry) as Box<dyn Read + '_>);
    let paths: Vec<String> = match is_bytes {
        true => {
            let paths: Vec<Vec<u8>> = file.into_vec().map_err(LabelError::io(path))?;
            paths.iter().map(|path| String::from_utf8_lossy(path).into_owned()).collect()
        }
        false => file.into_vec().map_err(LabelError::io(path))?,
    };
    for (row, path) in paths.iter().enumerate() {
        matching.push(path, Place::Array(row));
    }
    Ok(matching)
}

/// The path of an array, for errors: that of the archive with the name in it.
fn inside<R: Read>(path: &Path, entry: &ZipFile<'_, R>) -> Result<PathBuf, LabelError> {
    Ok(path.join(&*entry.name().map_err(damaged(path))?))
}

/// The kind of strings, if the values are strings.
fn text(dtype: &DType) -> Option<TypeChar> {
    let DType::Plain(text) = dtype else { return None };
    Some(text.type_char()).filter(|kind| matches!(kind, TypeChar::UnicodeStr | TypeChar::ByteStr))
}

fn damaged(path: &Path) -> impl Fn(zip::result::ZipError) -> LabelError {
    move |error| ContentError::whole(path, error.to_string(), "a whole .npz file")
}
