//! The handwritten digits of the UCI Machine Learning Repository, embedded in the program.
//!
//! Pictures of 8 x 8. Each pixel counts the dark pixels in a block of 4 x 4 of the original bitmap, 0 to 16, and is
//! scaled to 0 to 255 here. Training and test pictures are by different writers.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use crate::ContentError;
use crate::PictureSource;
use crate::sets::error::SetError;
use crate::sets::layout::{Open, Rules};
use crate::sets::memory::MemorySet;
use crate::sets::names;
use crate::sets::split::Split;

pub(in crate::sets) static RULES: Rules = Rules {
    name: "optdigits",
    title: "The UCI handwritten digits, embedded in the program",
    sign: "",
    parts: &Split::TRAIN_AND_TEST,
    origin: Some(
        "UCI Machine Learning Repository, 'Optical Recognition of Handwritten Digits', E. Alpaydin and C. Kaynak, \
         1998, doi 10.24432/C50P49, CC BY 4.0; the test pictures are by other writers than those for training and validation",
    ),
    detect: |_| false,
    proof: 0,
    open: Open::Memory(|_, split| open(split)),
};

const TRAIN: &[u8] = include_bytes!("../../../assets/optdigits/optdigits.tra.gz");
const TEST: &[u8] = include_bytes!("../../../assets/optdigits/optdigits.tes.gz");

const TRAIN_ROWS: usize = 3823;
const TEST_ROWS: usize = 1797;

const SIDE: usize = 8;
const PIXELS: usize = SIDE * SIDE;
const CLASSES: usize = 10;
const LARGEST_PIXEL: u8 = 16;
const LARGEST_CLASS: u8 = 9;

fn open(split: Split) -> Result<MemorySet, SetError> {
    let (bytes, rows, file) = match split {
        Split::Train => (TRAIN, TRAIN_ROWS, "optdigits.tra.gz"),
        Split::Validation | Split::Test => (TEST, TEST_ROWS, "optdigits.tes.gz"),
    };
    let set = read_gzip(bytes, file, split)?;
    match set.labels().len() {
        found if found == rows => Ok(set),
        found => Err(bad(file, found + 1, "the end of the file", format!("{rows} lines"))),
    }
}

/// A pixel from 0 to 16 scaled to 0 to 255 and rounded.
fn scaled(dark: u8) -> u8 {
    let largest = u16::from(LARGEST_PIXEL);
    ((u16::from(dark) * 255 + largest / 2) / largest) as u8
}

/// Reads gzip-compressed lines of 65 whole numbers separated by commas: 64 pixels from 0 to 16, then the class.
fn read_gzip(reader: impl Read, file: &str, split: Split) -> Result<MemorySet, SetError> {
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    for (index, text) in BufReader::new(MultiGzDecoder::new(reader)).lines().enumerate() {
        let line = index + 1;
        let text = text.map_err(|error| bad(file, line, &error.to_string(), "a whole gzip file of text".to_owned()))?;
        let fields: Vec<&str> = text.split(',').collect();
        let (&[ref dark @ .., class], PIXELS) = (fields.as_slice(), fields.len() - 1) else {
            let found = format!("{} columns", fields.len());
            return Err(bad(file, line, &found, format!("{} columns", PIXELS + 1)));
        };
        for field in dark {
            pixels.push(scaled(whole_number(field, file, line, LARGEST_PIXEL)?));
        }
        labels.push(usize::from(whole_number(class, file, line, LARGEST_CLASS)?));
    }
    let class_names = names::numbers(CLASSES).collect();
    MemorySet::new(format!("optdigits, {split}"), class_names, labels, [SIDE, SIDE, 1], pixels)
}

fn whole_number(field: &str, file: &str, line: usize, largest: u8) -> Result<u8, SetError> {
    match field.trim().parse() {
        Ok(value) if value <= largest => Ok(value),
        _ => Err(bad(file, line, field, format!("a whole number from 0 to {largest}"))),
    }
}

fn bad(file: &str, line: usize, found: &str, expected: String) -> SetError {
    ContentError::line(Path::new(file), line, format!("'{found}'"), expected)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    /// The publisher's description of the data.
    const NAMES: &[u8] = include_bytes!("../../../assets/optdigits/optdigits.names.gz");

    #[test]
    fn embedded_counts_match_the_description() {
        // The two lists of "  <class>:  <examples>" lines in section 9 of the description.
        let mut text = String::new();
        MultiGzDecoder::new(NAMES).read_to_string(&mut text).unwrap();
        let stated: Vec<usize> = text
            .lines()
            .filter_map(|line| {
                let (class, examples) = line.split_once(':')?;
                class.trim().parse::<usize>().ok()?;
                examples.trim().parse().ok()
            })
            .collect();
        assert_eq!(stated.len(), 20);
        for (split, stated) in [(Split::Train, &stated[..10]), (Split::Test, &stated[10..])] {
            let set = open(split).unwrap();
            let count = |class| set.labels().iter().filter(|&&label| label == class).count();
            assert_eq!((0..10).map(count).collect::<Vec<_>>(), stated);
        }
    }

    #[test]
    fn pixels_are_scaled_and_keep_all_levels() {
        let unscaled = |pixel: u8| (f32::from(pixel) * 16.0 / 255.0).round() as u8;
        for dark in 0..=16u8 {
            assert_eq!(scaled(dark), (f32::from(dark) * 255.0 / 16.0).round() as u8);
            assert_eq!(unscaled(scaled(dark)), dark);
        }
        // First row of the test file, as in other distributions of the data: 0,0,5,13,9,1,0,0,... class 0.
        let set = open(Split::Test).unwrap();
        let picture = set.picture(0).unwrap();
        assert_eq!((picture.height, picture.width, picture.channels), (8, 8, 1));
        let row: Vec<u8> = picture.pixels[..8].iter().map(|&pixel| unscaled(pixel)).collect();
        assert_eq!((row, set.labels()[0]), (vec![0, 0, 5, 13, 9, 1, 0, 0], 0));
        assert_eq!(set.describe(0), "optdigits, test, picture 0");
    }

    #[test]
    fn errors_name_the_line() {
        let row = |pixel: &str, class: &str| format!("{}{class}\n", format!("{pixel},").repeat(64));
        let message = |text: &str| {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(text.as_bytes()).unwrap();
            read_gzip(&encoder.finish().unwrap()[..], "file", Split::Test).unwrap_err().to_string()
        };
        let good = row("0", "0");
        assert_eq!(message(&format!("{good}1,2,3\n")), "file, line 2: '3 columns'; expected 65 columns");
        assert_eq!(message(&row("17", "3")), "file, line 1: '17'; expected a whole number from 0 to 16");
        assert_eq!(message(&row("16", "10")), "file, line 1: '10'; expected a whole number from 0 to 9");
        assert_eq!(message(&format!("{good}\n")), "file, line 2: '1 columns'; expected 65 columns");
        for length in [5, TEST.len() / 2, TEST.len() - 4] {
            let error = read_gzip(&TEST[..length], "file", Split::Test).unwrap_err();
            assert!(error.to_string().ends_with("expected a whole gzip file of text"), "{error}");
        }
    }
}
