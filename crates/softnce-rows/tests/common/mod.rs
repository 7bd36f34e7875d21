//! What the tests of stores share.
#![allow(dead_code, clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use softnce_rows::{Element, Init, MatrixSpec, Place, RowBlocks, RowStore, RowsError};

/// A matrix of normal values, or of zeros for integers.
pub fn spec(name: &str, rows: usize, width: usize, element: Element, place: Place) -> MatrixSpec {
    let init = if element == Element::U32 { Init::Zero } else { Init::Normal { std: 0.5, seed: 11 } };
    MatrixSpec { name: name.to_owned(), rows, width, element, init, place }
}

/// The bits of all values of all matrices.
pub fn bits(store: &RowStore, specs: &[MatrixSpec]) -> BTreeMap<String, Vec<u32>> {
    let of = |spec: &MatrixSpec| {
        let matrix = store.matrix(&spec.name).unwrap();
        let rows: Vec<u32> = (0..spec.rows as u32).collect();
        if spec.element == Element::U32 {
            let mut values = vec![0; spec.rows * spec.width];
            matrix.gather_u32(&rows, &mut values).unwrap();
            return (spec.name.clone(), values);
        }
        let mut values = vec![0.0; spec.rows * spec.width];
        matrix.gather(&rows, &mut values).unwrap();
        let mut in_blocks = values.clone();
        in_blocks.fill(0.0);
        matrix.read(0..spec.rows, &mut in_blocks).unwrap();
        let values: Vec<u32> = values.into_iter().map(f32::to_bits).collect();
        assert_eq!(values, in_blocks.into_iter().map(f32::to_bits).collect::<Vec<_>>());
        (spec.name.clone(), values)
    };
    specs.iter().map(of).collect()
}

/// The files of a folder without its locks and folders: name and content. None if it is not there.
pub fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap());
    let entries = entries.filter(|entry| entry.file_type().unwrap().is_file());
    let entries = entries.map(|entry| (entry.file_name().into_string().unwrap(), entry.path()));
    entries.filter(|(name, _)| name != ".softnce-lock").map(|(name, path)| (name, fs::read(path).unwrap())).collect()
}

/// Copies a folder of files.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    files(from).into_iter().for_each(|(name, content)| fs::write(to.join(name), content).unwrap());
}

/// The message of an error.
pub fn message<T>(result: Result<T, RowsError>) -> String {
    result.map(drop).unwrap_err().to_string()
}
