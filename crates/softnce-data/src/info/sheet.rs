//! A contact sheet: some pictures of a set side by side.

use std::borrow::Cow;
use std::path::Path;

use chacha20::ChaCha8Rng;
use image::codecs::png::PngEncoder;
use image::imageops::{self, FilterType};
use image::{ExtendedColorType, ImageEncoder, Rgb, RgbImage};
use rand::SeedableRng;
use rand::seq::index;
use softnce_store::{StoreError, write};

use super::InfoError;
use crate::{Picture, PictureSource};

/// Largest number of columns and of rows.
const LARGEST: usize = 100;
/// Small pictures are enlarged to at most this many pixels a side, by a whole factor.
const SMALL: u32 = 64;
/// Large pictures are reduced to this many pixels on the longer side.
const LARGE: u32 = 128;
/// Pixels between two pictures and around all of them.
const GAP: u32 = 4;
const WHITE: Rgb<u8> = Rgb([255; 3]);

/// A sheet of `columns * rows` pictures, or of all if there are fewer. `seed` decides which; they are sorted by class.
///
/// # Shapes
/// Three channels. Each cell has the size of the largest picture on the sheet, after small pictures are enlarged and
/// large ones reduced to 128 pixels.
///
/// # Errors
/// A set without pictures; `columns` or `rows` out of the range 1 to 100; a picture that cannot be read or decoded.
pub fn contact_sheet(
    source: &dyn PictureSource,
    columns: usize,
    rows: usize,
    seed: u64,
) -> Result<Picture<'static>, InfoError> {
    for (argument, value) in [("columns", columns), ("rows", rows)] {
        if !(1..=LARGEST).contains(&value) {
            return Err(InfoError::Range { argument, value, largest: LARGEST });
        }
    }
    let labels = source.labels();
    if labels.is_empty() {
        return Err(InfoError::Empty);
    }
    let count = (columns * rows).min(labels.len());
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    let mut chosen = index::sample(&mut generator, labels.len(), count).into_vec();
    chosen.sort_unstable_by_key(|&index| (labels.get(index).copied(), index));
    let pictures = chosen.into_iter().map(|index| cell(source, index)).collect::<Result<Vec<_>, _>>()?;

    let width = pictures.iter().map(RgbImage::width).max().unwrap_or(0);
    let height = pictures.iter().map(RgbImage::height).max().unwrap_or(0);
    let columns = columns.min(count) as u32;
    let rows = (count as u32).div_ceil(columns);
    let place = |number: u32, side: u32| GAP + number * (side + GAP);
    let mut sheet = RgbImage::from_pixel(place(columns, width), place(rows, height), WHITE);
    for (number, picture) in pictures.iter().enumerate() {
        let (row, column) = (number as u32 / columns, number as u32 % columns);
        let left = place(column, width) + (width - picture.width()) / 2;
        let top = place(row, height) + (height - picture.height()) / 2;
        imageops::replace(&mut sheet, picture, i64::from(left), i64::from(top));
    }
    let (width, height) = sheet.dimensions();
    let pixels = Cow::Owned(sheet.into_raw());
    Ok(Picture { height: height as usize, width: width as usize, channels: 3, pixels })
}

/// A picture in colour, at its size on the sheet.
fn cell(source: &dyn PictureSource, index: usize) -> Result<RgbImage, InfoError> {
    let picture = source.picture(index).map_err(|source| InfoError::Picture { index, source })?;
    let image = shrunk(in_colour(&picture, index)?, LARGE);
    let (width, height) = image.dimensions();
    match SMALL / width.max(height) {
        0 | 1 => Ok(image),
        times => Ok(imageops::resize(&image, width * times, height * times, FilterType::Nearest)),
    }
}

/// A picture as a PNG file in colour, reduced to at most so many pixels on the longer side.
///
/// # Errors
/// A picture that cannot be read or decoded, or whose pixels do not fill its size.
pub fn thumbnail(source: &dyn PictureSource, index: usize, longest: u32) -> Result<Vec<u8>, InfoError> {
    let picture = source.picture(index).map_err(|source| InfoError::Picture { index, source })?;
    let image = shrunk(in_colour(&picture, index)?, longest.max(1));
    let (width, height) = image.dimensions();
    let pixels = Cow::Owned(image.into_raw());
    let picture = Picture { height: height as usize, width: width as usize, channels: 3, pixels };
    png(&picture).map_err(|source| InfoError::Picture { index, source: source.into() })
}

/// A picture with three channels.
fn in_colour(picture: &Picture<'_>, index: usize) -> Result<RgbImage, InfoError> {
    let pixels = match picture.channels {
        1 => picture.pixels.iter().flat_map(|&grey| [grey; 3]).collect(),
        _ => picture.pixels.to_vec(),
    };
    let side = |side: usize| u32::try_from(side).ok().filter(|&side| side > 0);
    let image = match (side(picture.width), side(picture.height), picture.channels) {
        (Some(width), Some(height), 1 | 3) => RgbImage::from_raw(width, height, pixels),
        _ => None,
    };
    image.ok_or_else(|| {
        let (height, width, channels) = (picture.height, picture.width, picture.channels);
        let found = format!("{height} x {width} x {channels}, {} bytes", picture.pixels.len());
        InfoError::Shape { index, found }
    })
}

/// The picture with at most so many pixels on the longer side, in its proportions.
fn shrunk(image: RgbImage, longest: u32) -> RgbImage {
    let (width, height) = image.dimensions();
    let largest = width.max(height);
    if largest <= longest {
        return image;
    }
    let side = |side: u32| (u64::from(side) * u64::from(longest) / u64::from(largest)).max(1) as u32;
    imageops::resize(&image, side(width), side(height), FilterType::Triangle)
}

/// Writes a picture as a PNG file, atomically.
///
/// # Errors
/// A picture whose pixels do not fill its size; an error of the system.
pub fn write_png(path: &Path, picture: &Picture<'_>) -> Result<(), InfoError> {
    let png = png(picture).map_err(StoreError::file("write", path))?;
    Ok(write(path, &png)?)
}

/// The bytes of a picture as a PNG file.
///
/// # Errors
/// A picture whose pixels do not fill its size.
pub fn png(picture: &Picture<'_>) -> std::io::Result<Vec<u8>> {
    let colour = if picture.channels == 1 { ExtendedColorType::L8 } else { ExtendedColorType::Rgb8 };
    let bytes = picture.height.checked_mul(picture.width).and_then(|area| area.checked_mul(picture.channels));
    let (width, height) = match (u32::try_from(picture.width), u32::try_from(picture.height)) {
        (Ok(width), Ok(height)) if bytes == Some(picture.pixels.len()) && matches!(picture.channels, 1 | 3) => {
            (width, height)
        }
        _ => {
            let (height, width, channels) = (picture.height, picture.width, picture.channels);
            let text = format!("a picture of {height} x {width} x {channels} with {} bytes", picture.pixels.len());
            return Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, text));
        }
    };
    let mut png = Vec::new();
    PngEncoder::new(&mut png).write_image(&picture.pixels, width, height, colour).map_err(std::io::Error::other)?;
    Ok(png)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sets::MemorySet;

    /// `count` pictures of one pixel value each, `10 * number + 5`, of three classes that take turns.
    fn made(count: usize, side: usize, channels: usize) -> MemorySet {
        let names = ["a", "b", "c"].map(str::to_owned).to_vec();
        let labels = (0..count).map(|number| number % 3).collect();
        let pixels = (0..count).flat_map(|number| vec![10 * number as u8 + 5; side * side * channels]).collect();
        MemorySet::new("made", names, labels, [side, side, channels], pixels).unwrap()
    }

    /// The value in the middle of each cell.
    fn middles(sheet: &Picture<'_>, side: usize, columns: usize, rows: usize) -> Vec<u8> {
        let middle = |cell: usize| 4 + cell * (side + 4) + side / 2;
        let at = |row: usize, column: usize| sheet.pixels[(middle(row) * sheet.width + middle(column)) * 3];
        (0..rows)
            .flat_map(|row| (0..columns).map(move |column| (row, column)))
            .map(|(row, column)| at(row, column))
            .collect()
    }

    #[test]
    fn all_pictures_by_class_when_there_are_few() {
        // 16 pixels are enlarged four times; the seventh starts a row of its own.
        let sheet = contact_sheet(&made(7, 16, 1), 3, 9, 0).unwrap();
        assert_eq!((sheet.height, sheet.width, sheet.channels), (4 + 3 * 68, 4 + 3 * 68, 3));
        assert_eq!(sheet.pixels.len(), sheet.height * sheet.width * 3);
        // 0 3 6, 1 4, 2 5.
        assert_eq!(middles(&sheet, 64, 3, 3), [5, 35, 65, 15, 45, 25, 55, 255, 255]);
        assert_eq!(sheet.pixels[0], 255);
    }

    #[test]
    fn the_seed_draws_without_repeating() {
        let set = made(20, 64, 3);
        let shown = |seed| middles(&contact_sheet(&set, 4, 2, seed).unwrap(), 64, 4, 2);
        assert_eq!(shown(1), shown(1));
        assert_ne!(shown(1), shown(2));
        let class = |value: &u8| usize::from(value / 10) % 3;
        assert!(shown(1).iter().map(class).is_sorted());
        let mut values = shown(1);
        values.sort_unstable();
        values.dedup();
        assert_eq!(values.len(), 8);
    }

    #[test]
    fn large_pictures_are_shrunk_in_their_proportions() {
        let set = MemorySet::new("wide", vec!["a".to_owned()], vec![0], [100, 400, 3], vec![9; 120_000]).unwrap();
        let sheet = contact_sheet(&set, 5, 5, 0).unwrap();
        assert_eq!((sheet.height, sheet.width), (8 + 32, 8 + 128));
        let set = MemorySet::new("thin", vec!["a".to_owned()], vec![0], [1, 4000, 1], vec![9; 4000]).unwrap();
        assert_eq!(contact_sheet(&set, 1, 1, 0).unwrap().height, 9);
    }

    #[test]
    fn thumbnails_are_small_png_files_in_colour() {
        let set = MemorySet::new("wide", vec!["a".to_owned()], vec![0], [100, 400, 1], vec![9; 40_000]).unwrap();
        let small = |longest| image::load_from_memory(&thumbnail(&set, 0, longest).unwrap()).unwrap().into_rgb8();
        let (found, whole) = (small(128), small(400));
        assert_eq!((found.dimensions(), whole.dimensions()), ((128, 32), (400, 100)));
        assert!(found.pixels().all(|pixel| pixel.0 == [9; 3]));
        assert!(thumbnail(&set, 1, 128).is_err());
    }

    #[test]
    fn rejects_bad_input() {
        let message = |columns, rows| contact_sheet(&made(3, 2, 1), columns, rows, 0).unwrap_err().to_string();
        assert_eq!(message(0, 1), "columns: 0; expected a number from 1 to 100");
        assert_eq!(message(1, 101), "rows: 101; expected a number from 1 to 100");
        assert!(matches!(contact_sheet(&made(0, 2, 1), 1, 1, 0), Err(InfoError::Empty)));
    }

    #[test]
    fn a_written_sheet_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sheet.png");
        for channels in [1, 3] {
            let pixels = Cow::Owned((0..6 * channels as u8).collect());
            let picture = Picture { height: 2, width: 3, channels, pixels };
            write_png(&path, &picture).unwrap();
            let image = image::open(&path).unwrap();
            assert_eq!((image.width(), image.height(), image.as_bytes()), (3, 2, &*picture.pixels));
        }
        let torn = Picture { height: 2, width: 3, channels: 3, pixels: Cow::Owned(vec![0; 17]) };
        let message = write_png(&path, &torn).unwrap_err().to_string();
        assert_eq!(message, format!("cannot write {}: a picture of 2 x 3 x 3 with 17 bytes", path.display()));
        assert!(write_png(&folder.path().join("absent/a.png"), &made(1, 1, 1).picture(0).unwrap()).is_err());
    }
}
