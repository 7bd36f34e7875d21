//! Decodes the pictures of a folder as training does, for comparison with other programs.
//!
//! `cargo run --release -p softnce-data --example decode_pictures -- FOLDER OUT [--exif]`
//!
//! Writes a file `OUT/N.rgb` for picture N: height x width x 3 bytes. Prints a line for each picture, separated by tabs:
//! its number, height, width, and path; for a picture that cannot be decoded, the error instead of height and width.

use std::error::Error;
use std::fs;
use std::path::PathBuf;

use softnce_data::PictureSource;
use softnce_data::sets::{Decoding, unlabelled};

fn main() -> Result<(), Box<dyn Error>> {
    let usage = "usage: decode_pictures FOLDER OUT [--exif]";
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (folder, out, exif_orientation) = match &arguments[..] {
        [folder, out] => (folder, out, false),
        [folder, out, flag] if flag == "--exif" => (folder, out, true),
        _ => return Err(usage.into()),
    };
    let set = unlabelled(&[PathBuf::from(folder)], vec!["picture".to_owned()])?;
    let set = set.with_decoding(Decoding { exif_orientation, ..Decoding::default() });
    fs::create_dir_all(out)?;
    for index in 0..set.labels().len() {
        let path = set.describe(index);
        match set.picture(index) {
            Ok(picture) => {
                fs::write(PathBuf::from(out).join(format!("{index}.rgb")), &picture.pixels)?;
                println!("{index}\t{}\t{}\t{path}", picture.height, picture.width);
            }
            Err(error) => println!("{index}\t{error}\t{path}"),
        }
    }
    Ok(())
}
