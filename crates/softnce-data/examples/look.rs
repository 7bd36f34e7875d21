//! Figures and a contact sheet of a set: `look FOLDER SHEET.png [train|test]`.

use std::path::Path;

use softnce_data::info::{contact_sheet, describe, write_png};
use softnce_data::sets::{Layout, Split, open};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, sheet, rest @ ..] = arguments.as_slice() else {
        return Err("usage: look FOLDER SHEET.png [train|test]".into());
    };
    let split = if rest.first().is_some_and(|split| split == "train") { Split::Train } else { Split::Test };
    let folder = Path::new(folder);
    let source = open(Layout::detect(folder)?, folder, split)?;
    let info = describe(source.as_ref(), None)?;
    println!("{} pictures of {} classes", info.pictures, info.class_names.len());
    println!("{:?} high, {:?} wide, {} grey, {} in colour", info.height, info.width, info.grey, info.colour);
    println!("{:?}", info.per_class);
    write_png(Path::new(sheet), &contact_sheet(source.as_ref(), 16, 10, 0)?)?;
    Ok(())
}
