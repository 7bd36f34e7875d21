//! Files of PyTorch 0.1.10 to 1.5: five pickles, then the storages, each after the number of its entries.
//!
//! PyTorch writes the storages with the lowest byte first on every machine, whatever the third pickle says about the one
//! that wrote the file.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};

use softnce_pickle::{Arena, Input, Value, load};

use super::super::contents::Contents;
use super::super::place::Place;
use super::tensor::{Tensor, key_of, storage};
use super::tree::entries;

/// The integer that such a file starts with, as it is pickled.
pub(in super::super) const MAGIC: [u8; 12] = [0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];

/// Lists the tensors of a file.
///
/// # Errors
/// In words: what is wrong with the file.
pub(in super::super) fn open(mut file: &File) -> Result<Contents, String> {
    file.seek(SeekFrom::Start(0)).map_err(|error| error.to_string())?;
    let (mut arena, mut input) = (Arena::default(), Input::new(BufReader::new(file)));
    load(&mut input, &mut arena)?;
    let version = load(&mut input, &mut arena)?;
    if version != Value::Int(1001) {
        return Err("an old file of PyTorch with an unknown version".to_owned());
    }
    load(&mut input, &mut arena)?;
    let value = load(&mut input, &mut arena)?;
    let keys = load(&mut input, &mut arena)?;

    // Bytes of one number of each storage, by the first type that refers to it: PyTorch counts in it.
    let mut items = HashMap::new();
    for one in arena.persistent().filter_map(|id| storage(&arena, id)) {
        if let Some(item) = one.item() {
            items.entry(one.key).or_insert(item);
        }
    }
    let (mut places, mut numbers, mut start) = (Vec::new(), HashMap::new(), input.position());
    for &key in arena.sequence(keys).unwrap_or_default() {
        let key = key_of(&arena, key).ok_or("a list of storages with a key that is no text")?;
        let Some(&item) = items.get(&key) else { return Err(format!("a storage {key} that nothing refers to")) };
        let mut count = [0; 8];
        let found = file.seek(SeekFrom::Start(start)).and_then(|_| file.read_exact(&mut count));
        if found.is_err() {
            break;
        }
        let count = u64::from_le_bytes(count);
        let length = count.checked_mul(item as u64).ok_or_else(|| format!("a storage {key} of {count} numbers"))?;
        numbers.insert(key, places.len());
        places.push(Place::plain(start.saturating_add(8), length));
        start = start.saturating_add(8).saturating_add(length);
    }
    let located = |tensor: Tensor| {
        let missing = || format!("in the storage {}, which is missing: the file is truncated", tensor.storage.key);
        let number = *numbers.get(&tensor.storage.key).ok_or_else(missing)?;
        Ok((tensor.layout(places[number].size)?, number))
    };
    let entries = entries(&arena, value, &|_| None, located)?;
    Ok(Contents { entries, places, big: false })
}
