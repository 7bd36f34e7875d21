//! The handwritten digits of the UCI Machine Learning Repository, embedded in the program.
//!
//! Pictures of 8 x 8 pixels. Each pixel counts the dark ones in a block of 4 x 4 of the original bitmap, 0 to 16,
//! and is divided by 16 here. Training and test pictures come from different writers.

use std::io::{BufRead, BufReader, Read};

use flate2::read::MultiGzDecoder;
use ndarray::Array2;

use super::{DataError, PictureSet};

/// Source and terms of the data.
pub const ORIGIN: &str = "UCI Machine Learning Repository, 'Optical Recognition of Handwritten Digits', \
                          E. Alpaydin and C. Kaynak, 1998, doi 10.24432/C50P49, CC BY 4.0";

const TRAIN: &[u8] = include_bytes!("../../assets/optdigits/optdigits.tra.gz");
const TEST: &[u8] = include_bytes!("../../assets/optdigits/optdigits.tes.gz");

const TRAIN_ROWS: usize = 3823;
const TEST_ROWS: usize = 1797;

const SIDE: usize = 8;
const PIXELS: usize = SIDE * SIDE;
const CLASSES: usize = 10;
const LARGEST_PIXEL: u8 = 16;
const LARGEST_CLASS: u8 = 9;

/// The 3,823 training pictures.
///
/// # Errors
///
/// [`DataError`] if the embedded file is damaged.
pub fn train() -> Result<PictureSet, DataError> {
    expect_rows(read_gzip(TRAIN)?, TRAIN_ROWS)
}

/// The 1,797 test pictures, of other writers than the training pictures.
///
/// # Errors
///
/// [`DataError`] if the embedded file is damaged.
pub fn test() -> Result<PictureSet, DataError> {
    expect_rows(read_gzip(TEST)?, TEST_ROWS)
}

/// Reads pictures from gzipped rows, each as [`read_rows`] expects it.
///
/// # Errors
///
/// As [`read_rows`]; also if the file is no gzip file, is cut off or fails its checksum.
pub fn read_gzip(reader: impl Read) -> Result<PictureSet, DataError> {
    read_rows(BufReader::new(MultiGzDecoder::new(reader)))
}

/// Reads pictures from rows of 65 whole numbers separated by commas: 64 pixels from 0 to 16, then the class from
/// 0 to 9.
///
/// # Errors
///
/// [`DataError`], with the number of the line, if a row has not 65 columns or a field is not a whole number in its
/// range; also if there is no row, or the reader fails.
pub fn read_rows(reader: impl BufRead) -> Result<PictureSet, DataError> {
    let mut pixels = Vec::new();
    let mut labels = Vec::new();
    for (index, text) in reader.lines().enumerate() {
        let line = index + 1;
        let text = text.map_err(|source| DataError::Read { line, source })?;
        let fields: Vec<&str> = text.split(',').collect();
        if fields.len() != PIXELS + 1 {
            // An empty line splits into one empty field.
            let found = if text.trim().is_empty() { 0 } else { fields.len() };
            return Err(DataError::Columns { line, found, expected: PIXELS + 1 });
        }
        for (column, field) in fields.into_iter().enumerate() {
            if column < PIXELS {
                let value = whole_number(field, line, column, LARGEST_PIXEL, "pixel")?;
                pixels.push(f32::from(value) / f32::from(LARGEST_PIXEL));
            } else {
                labels.push(usize::from(whole_number(field, line, column, LARGEST_CLASS, "class")?));
            }
        }
    }
    if labels.is_empty() {
        return Err(DataError::Empty { argument: "rows" });
    }
    let found = pixels.len();
    let pixels = Array2::from_shape_vec((labels.len(), PIXELS), pixels).map_err(|_| DataError::Shape {
        argument: "pixels",
        found,
        expected: labels.len() * PIXELS,
    })?;
    PictureSet::new(pixels, labels, CLASSES, SIDE, SIDE)
}

/// Reads one field; `column` counts from 0.
fn whole_number(field: &str, line: usize, column: usize, largest: u8, meaning: &'static str) -> Result<u8, DataError> {
    match field.trim().parse() {
        Ok(value) if value <= largest => Ok(value),
        _ => Err(DataError::Field { line, column: column + 1, found: field.to_owned(), largest, meaning }),
    }
}

/// Checks that no row is missing.
fn expect_rows(set: PictureSet, expected: usize) -> Result<PictureSet, DataError> {
    if set.len() == expected { Ok(set) } else { Err(DataError::Rows { found: set.len(), expected }) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use std::io::ErrorKind;

    use super::*;

    /// The publisher's description of the data.
    const NAMES: &[u8] = include_bytes!("../../assets/optdigits/optdigits.names.gz");

    fn counts(set: &PictureSet) -> Vec<usize> {
        (0..CLASSES).map(|class| set.labels.iter().filter(|&&label| label == class).count()).collect()
    }

    /// A row of the given pixel value everywhere and the given class.
    fn row(pixel: &str, class: &str) -> String {
        format!("{}{class}\n", format!("{pixel},").repeat(PIXELS))
    }

    fn message(text: &str) -> String {
        read_rows(text.as_bytes()).unwrap_err().to_string()
    }

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
        assert_eq!(stated[..10], [376, 389, 380, 389, 387, 376, 377, 387, 380, 382]);
        assert_eq!(stated[10..], [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);

        let (train, test) = (train().unwrap(), test().unwrap());
        assert_eq!(counts(&train), stated[..10]);
        assert_eq!(counts(&test), stated[10..]);
        for set in [&train, &test] {
            assert_eq!((set.classes, set.height, set.width), (10, 8, 8));
            assert_eq!(set.pixels.dim(), (set.len(), 64));
            // Both ends of the scale occur.
            assert_eq!(set.pixels.iter().copied().fold(f32::NAN, f32::max), 1.0);
            assert_eq!(set.pixels.iter().copied().fold(f32::NAN, f32::min), 0.0);
        }
        // First row of the test file, as in other distributions of the data: 0,0,5,13,9,1,0,0,... class 0.
        let first: Vec<f32> = [0.0, 0.0, 5.0, 13.0, 9.0, 1.0, 0.0, 0.0].iter().map(|v| v / 16.0).collect();
        assert_eq!(test.pixels.row(0).iter().take(8).copied().collect::<Vec<_>>(), first);
        assert_eq!(test.labels[0], 0);
    }

    #[test]
    fn reads_rows_of_either_line_ending() {
        let text = format!("{}{}", row("16", "9"), row(" 4", "0").replace('\n', "\r\n"));
        let set = read_rows(text.as_bytes()).unwrap();
        assert_eq!(set.labels, [9, 0]);
        assert!(set.pixels.row(0).iter().all(|&pixel| pixel == 1.0));
        assert!(set.pixels.row(1).iter().all(|&pixel| pixel == 0.25));
    }

    #[test]
    fn reports_bad_rows_with_their_line() {
        let good = row("0", "0");
        assert_eq!(message(&format!("{good}1,2,3\n")), "line 2: 3 columns, expected 65");
        assert_eq!(message(&format!("{good}\n{good}")), "line 2: 0 columns, expected 65");
        assert_eq!(message(&format!("0,{good}")), "line 1: 66 columns, expected 65");
        assert_eq!(message(&row("17", "3")), "line 1, column 1: '17', expected a whole number from 0 to 16 (pixel)");
        assert_eq!(
            message(&format!("{good}{}", row("16", "10"))),
            "line 2, column 65: '10', expected a whole number from 0 to 9 (class)"
        );
        for bad in ["-1", "1.5", "", "x", "300"] {
            assert!(message(&row(bad, "3")).starts_with(&format!("line 1, column 1: '{bad}'")));
        }
        assert!(matches!(read_rows(&b""[..]), Err(DataError::Empty { argument: "rows" })));
        assert!(matches!(read_rows(&b"\xff\xfe\n"[..]), Err(DataError::Read { line: 1, .. })));
    }

    #[test]
    fn reports_a_truncated_or_damaged_file() {
        // In the header, in the data, in the checksum.
        for length in [5, TEST.len() / 2, TEST.len() - 4] {
            match read_gzip(&TEST[..length]) {
                Err(DataError::Read { line, source }) => {
                    assert_eq!(source.kind(), ErrorKind::UnexpectedEof);
                    assert!(length < 100 || line > 1);
                }
                other => panic!("{other:?} from {length} bytes"),
            }
        }
        assert!(read_gzip(&b""[..]).is_err());
        assert!(matches!(read_gzip(&b"0,0,0\n"[..]), Err(DataError::Read { line: 1, .. })));
        let mut damaged = TEST.to_vec();
        let middle = damaged.len() / 2;
        damaged[middle] ^= 0x55;
        assert!(read_gzip(&damaged[..]).is_err());
        assert!(matches!(
            expect_rows(read_rows(row("0", "0").as_bytes()).unwrap(), 2),
            Err(DataError::Rows { found: 1, expected: 2 })
        ));
    }
}
