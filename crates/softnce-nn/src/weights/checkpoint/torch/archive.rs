//! The archives of PyTorch 1.6 and later: `NAME/data.pkl`, and `NAME/data/KEY` for each storage.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read};

use softnce_pickle::{Arena, Input, load};
use zip::{CompressionMethod, ZipArchive};

use super::super::contents::Contents;
use super::super::place::Place;
use super::tensor::Tensor;
use super::tree::entries;

/// Lists the tensors of an archive.
///
/// # Errors
/// In words: what is wrong with the file.
pub(in super::super) fn open(file: &File) -> Result<Contents, String> {
    let mut archive =
        ZipArchive::new(BufReader::new(file)).map_err(|error| format!("a zip archive that cannot be read: {error}"))?;
    let root = archive.file_names().filter_map(Result::ok).find_map(|name| {
        let root = name.strip_suffix("data.pkl")?;
        (root.is_empty() || root.find('/') == Some(root.len() - 1)).then(|| root.to_owned())
    });
    let root = root.ok_or("a zip archive without data.pkl")?;
    let mut place = |name: &str| piece(&mut archive, &format!("{root}{name}"));

    let mut order = String::new();
    if let Some(bytes) = place("byteorder")? {
        let mut reader = bytes.reader(file).map_err(|error| error.to_string())?.take(16);
        reader.read_to_string(&mut order).map_err(|error| format!("byteorder: {error}"))?;
    }
    let big = match order.trim() {
        "" | "little" => false,
        "big" => true,
        other => return Err(format!("the byte order {other:?}")),
    };
    let pickle = place("data.pkl")?.ok_or("a zip archive without data.pkl")?;
    let (mut arena, reader) = (Arena::default(), pickle.reader(file).map_err(|error| error.to_string())?);
    let mut input = Input::new(reader.buffered());
    let value = load(&mut input, &mut arena)?;
    input.into_inner().into_inner().finish().map_err(|reason| format!("data.pkl: {reason}"))?;

    let (mut places, mut numbers) = (Vec::new(), HashMap::new());
    let located = |tensor: Tensor| {
        let key = tensor.storage.key.clone();
        let number = match numbers.get(&key) {
            Some(&number) => number,
            None => {
                let missing = || format!("in the storage {key}, which the archive does not have");
                places.push(place(&format!("data/{key}"))?.ok_or_else(missing)?);
                numbers.insert(key, places.len() - 1);
                places.len() - 1
            }
        };
        Ok((tensor.layout(places[number].size)?, number))
    };
    let entries = entries(&arena, value, &|_| None, located)?;
    Ok(Contents { entries, places, big })
}

/// Where a file of the archive lies; `None` if there is none.
fn piece(archive: &mut ZipArchive<BufReader<&File>>, name: &str) -> Result<Option<Place>, String> {
    let Some(index) = archive.index_for_name(name) else { return Ok(None) };
    let failed = |error: &dyn std::fmt::Display| format!("{name} in the archive cannot be read: {error}");
    let entry = archive.by_index_raw(index).map_err(|error| failed(&error))?;
    let packed = match entry.compression() {
        CompressionMethod::Stored => false,
        CompressionMethod::Deflated => true,
        other => return Err(failed(&format!("its compression is {other}"))),
    };
    if entry.encrypted() {
        return Err(failed(&"it is encrypted"));
    }
    let start = entry.data_start().ok_or_else(|| failed(&"its place is not known"))?;
    let size = if packed { entry.size() } else { entry.size().min(entry.compressed_size()) };
    // PyTorch writes 0 where it was asked not to compute checksums.
    let checksum = Some(entry.crc32()).filter(|&checksum| checksum != 0);
    Ok(Some(Place { start, length: entry.compressed_size(), size, packed, checksum }))
}
