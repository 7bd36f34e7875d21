//! What a user makes for the studies besides the sets that are fetched: features of a pretrained network, and the file of
//! a teacher (docs/experiments.md), small.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use crate::npy::npy;

/// Writes all of it to a data folder. Rows and classes are those of the small published sets.
pub fn prepare(data: &Path) {
    features(&data.join("cifar-100-lite0"), 100, &[("train", 1000), ("test", 200)]);
    features(&data.join("cifar-10-lite0"), 10, &[("test", 100)]);
    let head: Vec<String> = (0..100).map(|class| format!("logit_{class}")).collect();
    let mut table = format!("picture,class,probability,{},error\n", head.join(","));
    for row in 0..1000 {
        let logits: Vec<String> = (0..100).map(|class| if class == row % 100 { "3" } else { "0" }.to_owned()).collect();
        writeln!(table, "\"train.npy, row {row}\",{},0.2,{},", row % 100, logits.join(",")).unwrap();
    }
    fs::write(data.join("cifar-100-teacher.csv"), table).unwrap();
}

/// A folder of rows of four features.
fn features(folder: &Path, classes: usize, parts: &[(&str, usize)]) {
    fs::create_dir_all(folder).unwrap();
    for &(part, rows) in parts {
        let value = |at: usize| ((at * 37 % 101) as f32 / 101.0).to_le_bytes();
        let values = (0..4 * rows).flat_map(value);
        fs::write(folder.join(format!("{part}.npy")), npy("<f4", &format!("({rows}, 4)"), values)).unwrap();
        let labels = (0..rows).flat_map(|row| ((row % classes) as i64).to_le_bytes());
        fs::write(folder.join(format!("{part}_labels.npy")), npy("<i8", &format!("({rows},)"), labels)).unwrap();
    }
    let names: String = (0..classes).map(|class| format!("{class}\n")).collect();
    fs::write(folder.join("classes.txt"), names).unwrap();
}
