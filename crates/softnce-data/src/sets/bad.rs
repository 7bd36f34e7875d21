//! Pictures that cannot be decoded.

use std::error::Error;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::error::SetError;
use crate::{Picture, PictureSource};

/// Largest number of pictures that a message lists.
const LISTED: usize = 20;
/// Time between two lines of progress.
const EVERY: Duration = Duration::from_secs(30);

/// A picture that cannot be decoded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BadPicture {
    /// The picture, as its source describes it: the path of its file.
    pub picture: String,
    /// Why.
    pub reason: String,
}

/// All pictures that cannot be decoded, of those that were tried. The message lists the first ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadPictures {
    /// The pictures, in order.
    pub pictures: Vec<BadPicture>,
    /// Number of pictures that were decoded.
    pub checked: usize,
}

impl BadPictures {
    /// The message with all pictures.
    pub fn complete(&self) -> String {
        self.message(self.pictures.len())
    }

    fn message(&self, listed: usize) -> String {
        let BadPictures { pictures, checked } = self;
        let mut text = format!("{} of {checked} pictures cannot be decoded", pictures.len());
        for BadPicture { picture, reason } in pictures.iter().take(listed) {
            text += &format!("\n  {picture}: {reason}");
        }
        if let more @ 1.. = pictures.len().saturating_sub(listed) {
            text += &format!("\n  and {more} more; `softnce data info --all` lists all");
        }
        text + "\nreplace or remove them, or leave them out with data.bad_pictures = \"skip\""
    }
}

impl fmt::Display for BadPictures {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message(LISTED))
    }
}

impl Error for BadPictures {}

/// Decodes pictures on all processors; returns those that cannot be decoded, each with its row, sorted by row. Once
/// `stop` is true, no further picture is checked.
///
/// A check that takes long writes its progress to the log, as warnings.
pub fn find_bad(source: &dyn PictureSource, rows: &[usize], stop: &AtomicBool) -> Vec<(usize, BadPicture)> {
    visit(source, rows, stop, |_| {})
}

/// As [`find_bad`]; also calls `good` with every picture that can be decoded, in any order.
pub(crate) fn visit(
    source: &dyn PictureSource,
    rows: &[usize],
    stop: &AtomicBool,
    good: impl Fn(&Picture<'_>) + Sync,
) -> Vec<(usize, BadPicture)> {
    let (next, found) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let told = Mutex::new(Instant::now());
    let work = || {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(&row) = rows.get(at).filter(|_| !stop.load(Ordering::Relaxed)) else { return };
            let read = match source.features() {
                Some(features) => source.row(row, &mut vec![0.0; features]),
                None => source.picture(row).map(|picture| good(&picture)),
            };
            match read {
                Ok(()) => {}
                Err(error) => {
                    let bad = BadPicture { picture: source.describe(row), reason: reason(error.as_ref()) };
                    found.lock().unwrap_or_else(PoisonError::into_inner).push((row, bad));
                }
            }
            if let Ok(mut told) = told.try_lock()
                && told.elapsed() > EVERY
            {
                *told = Instant::now();
                log::warn!("checking pictures: {at} of {} decoded", rows.len());
            }
        }
    };
    let workers = thread::available_parallelism().map_or(1, usize::from).min(rows.len());
    thread::scope(|scope| (0..workers).for_each(|_| drop(scope.spawn(work))));
    let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    found.sort_by_key(|(row, _)| *row);
    found
}

/// The error without the path, which is named beside it.
fn reason(error: &(dyn Error + Send + Sync + 'static)) -> String {
    match error.downcast_ref::<SetError>() {
        Some(SetError::Decode { source, .. }) => source.to_string(),
        Some(SetError::Io { source, .. }) => source.to_string(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::sets::decode::tests::write_picture;
    use crate::sets::{Layout, Split};

    #[test]
    fn every_bad_picture_is_found_and_named() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for number in 0..60 {
            write_picture(&at(&format!("ant/{number:02}.png")), [number; 3]);
        }
        fs::write(at("ant/07.png"), "no picture").unwrap();
        fs::write(at("ant/31.png"), "").unwrap();
        let source = Layout::IMAGE_FOLDER.open(folder.path(), Split::Train).unwrap();
        fs::remove_file(at("ant/50.png")).unwrap();
        let all: Vec<usize> = (0..60).collect();
        let stop = AtomicBool::new(false);
        let found = find_bad(source.as_ref(), &all, &stop);
        assert_eq!(found.iter().map(|(row, _)| *row).collect::<Vec<_>>(), [7, 31, 50]);
        assert_eq!(found[0].1.picture, at("ant/07.png").display().to_string());
        assert_eq!(found[1].1.reason, "the file is empty");
        assert!(found[0].1.reason.starts_with("the file begins with \"no pictu\"; expected JPEG, "));
        assert_eq!(find_bad(source.as_ref(), &all[8..31], &stop), []);
        assert_eq!(find_bad(source.as_ref(), &[], &stop), []);
        stop.store(true, Ordering::Relaxed);
        assert_eq!(find_bad(source.as_ref(), &all, &stop), []);
    }

    #[test]
    fn a_message_lists_the_first_of_many() {
        let bad = |number: usize| BadPicture { picture: format!("{number}.png"), reason: "torn".to_owned() };
        let bad = BadPictures { pictures: (0..25).map(bad).collect(), checked: 100 };
        let message = bad.to_string();
        assert!(
            message.starts_with("25 of 100 pictures cannot be decoded\n  0.png: torn\n  1.png: torn\n"),
            "{message}"
        );
        assert!(message.contains("\n  and 5 more; ") && !message.contains("20.png"), "{message}");
        assert!(message.ends_with("data.bad_pictures = \"skip\""), "{message}");
        assert!(bad.complete().contains("24.png") && !bad.complete().contains("more"));
    }
}
