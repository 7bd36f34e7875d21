//! The pictures of a set as rows, for label files.

use std::path::{MAIN_SEPARATOR, Path};
use std::sync::Arc;

use softnce_data::PictureSource;
use softnce_data::sets::Split;
use softnce_store::csv;
use softnce_terminal::out;

/// One part of a set.
pub type Part = Arc<dyn PictureSource>;

/// Rows that are printed at a time.
const AT_A_TIME: usize = 10_000;

/// Prints a row for each picture: its part, the number of its row, its class, and its path from the folder of the set, or
/// its number where pictures are not in files of their own.
pub fn print(folder: &Path, parts: &[(Split, Part)]) -> std::io::Result<()> {
    let show = |rows: Vec<[String; 4]>| -> std::io::Result<()> {
        out(format_args!("{}", String::from_utf8_lossy(&csv(rows).map_err(std::io::Error::other)?)));
        Ok(())
    };
    show(vec![["part", "row", "class", "picture"].map(str::to_owned)])?;
    for (split, source) in parts {
        let row = |index: usize| {
            let class = source.labels().get(index).and_then(|&label| source.class_names().get(label));
            let path = source.path(index).map(|path| path.strip_prefix(folder).map_or(path.clone(), Path::to_owned));
            let picture =
                path.map_or_else(|| index.to_string(), |path| path.to_string_lossy().replace(MAIN_SEPARATOR, "/"));
            [split.to_string(), index.to_string(), class.cloned().unwrap_or_default(), picture]
        };
        let pictures = source.labels().len();
        for start in (0..pictures).step_by(AT_A_TIME) {
            show((start..pictures.min(start + AT_A_TIME)).map(row).collect())?;
        }
    }
    Ok(())
}
