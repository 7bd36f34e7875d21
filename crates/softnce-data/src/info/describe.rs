//! A set in figures.

use std::num::NonZeroUsize;
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, PoisonError};

use super::InfoError;
use crate::PictureSource;
use crate::sets::{BadPictures, visit};

/// A set in figures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetInfo {
    /// Number of pictures.
    pub pictures: usize,
    /// Names of the classes.
    pub class_names: Vec<String>,
    /// Pictures of each class.
    pub per_class: Vec<usize>,
    /// Number of pictures that were decoded for the figures below.
    pub measured: usize,
    /// Heights in pixels.
    pub height: SizeSpread,
    /// Widths in pixels.
    pub width: SizeSpread,
    /// Number of grey pictures (one channel).
    pub grey: usize,
    /// Number of colour pictures (three channels).
    pub colour: usize,
}

/// Smallest, median and largest of some numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SizeSpread {
    /// The smallest.
    pub smallest: usize,
    /// The median; of an even number of values the upper one.
    pub median: usize,
    /// The largest.
    pub largest: usize,
}

/// Describes a set.
///
/// For the sizes, pictures are decoded on all processors: all of them, or `at_most` evenly spaced ones.
///
/// # Errors
/// A set without pictures; all pictures among them that cannot be read or decoded.
pub fn describe(source: &dyn PictureSource, at_most: Option<NonZeroUsize>) -> Result<SetInfo, InfoError> {
    let pictures = source.labels().len();
    let measured = at_most.map_or(pictures, |most| most.get().min(pictures));
    let mut per_class = vec![0; source.class_names().len()];
    for &label in source.labels() {
        // A source promises labels below the number of classes.
        if let Some(count) = per_class.get_mut(label) {
            *count += 1;
        }
    }
    let sizes = sizes(source, pictures, measured)?;
    let spread = |side: fn(&[usize; 3]) -> usize| {
        let mut sides: Vec<usize> = sizes.iter().map(side).collect();
        sides.sort_unstable();
        let at = |place: usize| sides.get(place).copied().ok_or(InfoError::Empty);
        Ok::<SizeSpread, InfoError>(SizeSpread {
            smallest: at(0)?,
            median: at(measured / 2)?,
            largest: at(measured.saturating_sub(1))?,
        })
    };
    let grey = sizes.iter().filter(|size| size[2] == 1).count();
    Ok(SetInfo {
        pictures,
        class_names: source.class_names().to_vec(),
        per_class,
        measured,
        height: spread(|size| size[0])?,
        width: spread(|size| size[1])?,
        grey,
        colour: measured - grey,
    })
}

/// Height, width and channels of `measured` evenly spaced pictures, in any order.
fn sizes(source: &dyn PictureSource, pictures: usize, measured: usize) -> Result<Vec<[usize; 3]>, InfoError> {
    // In 128 bits: for more than 2^32 pictures the product does not fit 64 bits.
    let index = |place: usize| (place as u128 * pictures as u128 / measured as u128) as usize;
    let rows: Vec<usize> = (0..measured).map(index).collect();
    let sizes = Mutex::new(Vec::with_capacity(measured));
    let bad = visit(source, &rows, &AtomicBool::new(false), |picture| {
        let size = [picture.height, picture.width, picture.channels];
        sizes.lock().unwrap_or_else(PoisonError::into_inner).push(size);
    });
    match bad.is_empty() {
        true => Ok(sizes.into_inner().unwrap_or_else(PoisonError::into_inner)),
        false => {
            let pictures = bad.into_iter().map(|(_, bad)| bad).collect();
            Err(BadPictures { pictures, checked: measured }.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::error::Error;

    use super::*;
    use crate::Picture;

    /// Picture `i` is `i + 1` high and 10 wide; odd ones are in colour; some cannot be had.
    #[derive(Debug)]
    struct Made {
        labels: Vec<usize>,
        names: Vec<String>,
        bad: Vec<usize>,
    }

    impl Made {
        fn new(labels: &[usize], bad: &[usize]) -> Self {
            let names = ["a", "b", "c"].map(str::to_owned).to_vec();
            Self { labels: labels.to_vec(), names, bad: bad.to_vec() }
        }
    }

    impl PictureSource for Made {
        fn class_names(&self) -> &[String] {
            &self.names
        }

        fn labels(&self) -> &[usize] {
            &self.labels
        }

        fn picture(&self, index: usize) -> Result<Picture<'_>, Box<dyn Error + Send + Sync>> {
            if self.bad.contains(&index) {
                return Err("torn".into());
            }
            let (height, width, channels) = (index + 1, 10, 1 + index % 2 * 2);
            Ok(Picture { height, width, channels, pixels: Cow::Owned(vec![0; height * width * channels]) })
        }

        fn describe(&self, index: usize) -> String {
            index.to_string()
        }
    }

    #[test]
    fn counts_and_sizes() {
        let info = describe(&Made::new(&[0, 2, 2, 0, 2], &[]), None).unwrap();
        assert_eq!((info.pictures, info.measured, info.per_class.as_slice()), (5, 5, &[2, 0, 3][..]));
        assert_eq!(info.class_names, ["a", "b", "c"]);
        assert_eq!(info.height, SizeSpread { smallest: 1, median: 3, largest: 5 });
        assert_eq!(info.width, SizeSpread { smallest: 10, median: 10, largest: 10 });
        assert_eq!((info.grey, info.colour), (3, 2));
    }

    #[test]
    fn a_sample_is_evenly_spaced() {
        // 0, 25, 50, 75 of 100.
        let info = describe(&Made::new(&[1; 100], &[1, 99]), NonZeroUsize::new(4)).unwrap();
        assert_eq!((info.pictures, info.measured), (100, 4));
        assert_eq!(info.height, SizeSpread { smallest: 1, median: 51, largest: 76 });
        assert_eq!(describe(&Made::new(&[1; 3], &[]), NonZeroUsize::new(50)).unwrap().measured, 3);
    }

    #[test]
    fn all_bad_pictures_are_named() {
        for _ in 0..20 {
            let error = describe(&Made::new(&[0; 50], &[41, 7, 12]), None).unwrap_err();
            let InfoError::Bad(bad) = error else { panic!("{error}") };
            assert_eq!(bad.checked, 50);
            assert_eq!(bad.pictures.iter().map(|bad| bad.picture.as_str()).collect::<Vec<_>>(), ["7", "12", "41"]);
        }
        assert!(matches!(describe(&Made::new(&[], &[]), None), Err(InfoError::Empty)));
    }
}
