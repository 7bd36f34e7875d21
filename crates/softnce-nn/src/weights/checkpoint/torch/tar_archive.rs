//! Files of PyTorch before 0.1.10: a tar archive of `sys_info`, `storages`, `tensors` and `pickle`. All numbers have their
//! lowest byte first.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom, Take};

use softnce_pickle::{Arena, Input, Value, load};

use super::super::contents::Contents;
use super::super::place::Place;
use super::tensor::{Storage, Tensor};
use super::tree::entries;

/// Lists the tensors of a file.
///
/// # Errors
/// In words: what is wrong with the file.
pub(in super::super) fn open(file: &File) -> Result<Contents, String> {
    let files = Files::of(file)?;
    let mut arena = Arena::default();
    let (mut storages, mut places) = (HashMap::new(), Vec::new());
    let (mut input, start) = files.input("storages")?;
    for _ in 0..count(&mut input, &mut arena)? {
        let about = load(&mut input, &mut arena)?;
        let about = arena.sequence(about).unwrap_or_default();
        let (key, class) =
            (about.first().and_then(|key| key.int()), about.get(2).and_then(|&class| arena.global(class)));
        let (Some(key), Some(class)) = (key, class) else { return Err("a storage without key or type".to_owned()) };
        let mut storage = Storage { key: String::new(), class: class.to_owned(), count: 0, offset: 0 };
        storage.count = length(&mut input)?;
        let item = storage.item().ok_or_else(|| format!("a storage of type {class}"))?;
        let bytes = storage.count.checked_mul(item).ok_or_else(|| format!("a storage of {} numbers", storage.count))?;
        storage.key = places.len().to_string();
        places.push(Place::plain(start + input.position(), bytes as u64));
        input.skip(bytes as u64)?;
        storages.insert(key, (places.len() - 1, storage));
    }
    // Views of storages: key, key of the storage, first number, how many.
    let views = load(&mut input, &mut arena)?;
    for &view in arena.sequence(views).unwrap_or_default() {
        let &[target, root, offset, _] =
            arena.sequence(view).and_then(|view| view.first_chunk()).ok_or("a view that is none")?;
        let (number, root) = root.int().and_then(|root| storages.get(&root)).cloned().ok_or("a view of no storage")?;
        let offset =
            offset.size().and_then(|offset| offset.checked_add(root.offset)).ok_or("a view beyond its storage")?;
        storages.insert(target.int().ok_or("a view without a key")?, (number, Storage { offset, ..root }));
    }
    let mut tensors = HashMap::new();
    let (mut input, _) = files.input("tensors")?;
    for _ in 0..count(&mut input, &mut arena)? {
        let about = load(&mut input, &mut arena)?;
        let about = arena.sequence(about).unwrap_or_default();
        let (own, stored) = (about.first().and_then(|key| key.int()), about.get(1).and_then(|key| key.int()));
        let storage = stored.and_then(|stored| storages.get(&stored));
        let (Some(own), Some((_, storage))) = (own, storage) else {
            return Err("a tensor without key or storage".to_owned());
        };
        let axes = i32::from_le_bytes(input.array()?);
        input.array::<4>()?;
        let axes =
            usize::try_from(axes).ok().filter(|&axes| axes <= 64).ok_or_else(|| format!("a tensor of {axes} axes"))?;
        let mut lengths = || (0..axes).map(|_| length(&mut input)).collect::<Result<Vec<_>, String>>();
        let (shape, strides) = (lengths()?, lengths()?);
        let offset = length(&mut input)?;
        tensors.insert(own, Tensor { storage: storage.clone(), shape, strides, offset, dtype: None });
    }
    let (mut input, _) = files.input("pickle")?;
    let value = load(&mut input, &mut arena)?;
    // The ids of tensors are numbers, also as texts.
    let outside = |id: Value| {
        let id = id.int().or_else(|| arena.text(id)?.parse().ok())?;
        tensors.get(&id).cloned()
    };
    let located = |tensor: Tensor| {
        let number: usize = tensor.storage.key.parse().map_err(|_| "in no storage".to_owned())?;
        let place = places.get(number).ok_or("in no storage")?;
        Ok((tensor.layout(place.size)?, number))
    };
    let entries = entries(&arena, value, &outside, located)?;
    Ok(Contents { entries, places, big: false })
}

/// Where the files of the archive lie.
struct Files<'a> {
    file: &'a File,
    /// Start and length by name.
    places: HashMap<String, (u64, u64)>,
}

impl<'a> Files<'a> {
    fn of(mut file: &'a File) -> Result<Files<'a>, String> {
        let failed = |error: std::io::Error| format!("a tar archive that cannot be read: {error}");
        file.seek(SeekFrom::Start(0)).map_err(failed)?;
        let mut archive = tar::Archive::new(file);
        let mut places = HashMap::new();
        for entry in archive.entries_with_seek().map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = String::from_utf8_lossy(&entry.path_bytes()).trim_start_matches("./").to_owned();
            if ["sys_info", "storages", "tensors", "pickle"].contains(&name.as_str()) {
                places.insert(name, (entry.raw_file_position(), entry.size()));
            }
        }
        Ok(Files { file, places })
    }

    /// A file of the archive, and where it starts.
    fn input(&self, name: &str) -> Result<(Piece<'a>, u64), String> {
        let &(start, length) = self.places.get(name).ok_or_else(|| format!("a tar archive without {name}"))?;
        let mut file = self.file;
        file.seek(SeekFrom::Start(start)).map_err(|error| error.to_string())?;
        Ok((Input::new(BufReader::new(file).take(length)), start))
    }
}

type Piece<'a> = Input<Take<BufReader<&'a File>>>;

/// How many there are, which a pickle of its own says.
fn count(input: &mut Piece<'_>, arena: &mut Arena) -> Result<usize, String> {
    let count = load(input, arena)?;
    count.size().ok_or_else(|| "a tar archive without a number of storages or tensors".to_owned())
}

/// A length or an offset in 8 bytes.
fn length(input: &mut Piece<'_>) -> Result<usize, String> {
    let number = i64::from_le_bytes(input.array()?);
    usize::try_from(number).map_err(|_| format!("a length of {number}"))
}
