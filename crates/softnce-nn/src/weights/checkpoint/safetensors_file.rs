//! Lists the tensors of a safetensors file from its header.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use safetensors::tensor::Metadata;

use super::content::LARGEST_HEADER;
use super::contents::{Contents, Entry};
use super::element::Element;
use super::layout::Layout;
use super::place::Place;

/// The header of a file, and where the tensors start.
///
/// # Errors
/// In words: what is wrong with the file.
fn header(mut file: &File) -> Result<(Metadata, u64), String> {
    let failed = |error: std::io::Error| format!("a safetensors file that cannot be read: {error}");
    file.seek(SeekFrom::Start(0)).map_err(failed)?;
    let mut length = [0; 8];
    file.read_exact(&mut length).map_err(|_| "no safetensors file: it is shorter than a header")?;
    let length = u64::from_le_bytes(length);
    if length > LARGEST_HEADER {
        return Err(format!("no safetensors file: its header would have {length} bytes"));
    }
    let mut bytes = Vec::new();
    file.take(length).read_to_end(&mut bytes).map_err(failed)?;
    if (bytes.len() as u64) < length {
        return Err(format!("a safetensors file that ends within its header of {length} bytes: it is truncated"));
    }
    let header =
        serde_json::from_slice(&bytes).map_err(|error| format!("a safetensors file with a wrong header: {error}"))?;
    Ok((header, 8 + length))
}

/// Lists the tensors of a file.
///
/// # Errors
/// In words: what is wrong with the file.
pub(super) fn open(file: &File) -> Result<Contents, String> {
    let (header, start) = header(file)?;
    let found = file.metadata().map_err(|error| error.to_string())?.len();
    let expected = start.saturating_add(header.data_len() as u64);
    if found != expected {
        return Err(format!(
            "a safetensors file of {found} bytes, by its header {expected}: it is truncated or damaged"
        ));
    }
    let (mut entries, mut places) = (Vec::new(), Vec::new());
    for name in header.offset_keys() {
        let Some(info) = header.info(&name) else { continue };
        let (from, to) = info.data_offsets;
        let element = Element::of_safetensors(info.dtype).ok_or_else(|| format!("a tensor of type {:?}", info.dtype));
        let tensor = element.and_then(|element| Ok((Layout::whole(element, info.shape.clone())?, places.len())));
        places.push(Place::plain(start + from as u64, (to - from) as u64));
        entries.push(Entry { name, group: 0, tensor });
    }
    Ok(Contents { entries, places, big: false })
}

/// The metadata of a file; empty if it has none.
///
/// # Errors
/// In words: what is wrong with the file.
pub(super) fn metadata(file: &File) -> Result<BTreeMap<String, String>, String> {
    let (header, _) = header(file)?;
    Ok(header.metadata().iter().flatten().map(|(key, value)| (key.clone(), value.clone())).collect())
}
