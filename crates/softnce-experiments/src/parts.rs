//! The parts of a study: each is trained, unless it is kept already, and then kept.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rayon::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use softnce_store::Folder;

use crate::{Budget, Progress, StudyError};

/// How often the budget is checked during training.
const CHECK: Duration = Duration::from_millis(20);

/// A part of a study: what is trained and kept together.
pub(crate) trait StudyPart: Sync {
    /// The content of its file: what was trained, and the result.
    type Kept: Serialize + DeserializeOwned + Send;

    /// Its name, and that of its file.
    fn name(&self) -> String;

    /// Whether the file holds this part as planned.
    fn is(&self, kept: &Self::Kept) -> bool;

    /// Removes files that only its training needed, once its result is kept.
    ///
    /// # Errors
    /// Files that cannot be removed.
    fn clear(&self) -> Result<(), StudyError> {
        Ok(())
    }

    /// Whether the file holds all that the study needs; if not, the part is trained again.
    fn is_whole(&self, _kept: &Self::Kept) -> bool {
        true
    }
}

/// Where a study keeps its parts, how many it trains at once, and when it stops.
pub(crate) struct Workplace<'a> {
    pub(crate) folder: &'a Folder,
    /// Parts trained at once, at least 1.
    pub(crate) jobs: usize,
    pub(crate) budget: Budget<'a>,
    pub(crate) progress: &'a dyn Progress,
}

/// How many other parts of the study come before a list of parts and after it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Around {
    pub(crate) before: usize,
    pub(crate) after: usize,
}

impl Workplace<'_> {
    /// The content of each part: read if it was kept, otherwise trained. `train` returns `None` if it was stopped by the
    /// flag, which is set once the budget is spent or another training has failed.
    ///
    /// # Errors
    /// A part that cannot be read or written; the first training that fails; [`StudyError::Interrupted`] if the budget
    /// ends first. What was finished is kept.
    pub(crate) fn train_all<P: StudyPart>(
        &self,
        parts: &[P],
        around: Around,
        train: impl Fn(&P, &AtomicBool) -> Result<Option<P::Kept>, StudyError> + Sync,
    ) -> Result<Vec<P::Kept>, StudyError> {
        let kept = parts.iter().map(|part| self.kept(part)).collect::<Result<Vec<_>, StudyError>>()?;
        let left: Vec<usize> = (0..parts.len()).filter(|&at| kept[at].is_none()).collect();
        let planned = around.before + parts.len() + around.after;
        // The parts before these have been counted by a call of their own.
        match around.before {
            0 => self.progress.start(planned, parts.len() - left.len()),
            _ => (left.len()..parts.len()).for_each(|_| self.progress.finished()),
        }
        let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
        let (kept, failed) = (Mutex::new(kept), Mutex::new(None));
        let work = || {
            while let Some(&at) = left.get(next.fetch_add(1, Ordering::SeqCst)) {
                if stop.load(Ordering::SeqCst) || self.budget.is_spent() {
                    return;
                }
                match self.one(&parts[at], &stop, &train) {
                    Ok(Some(new)) => {
                        kept.lock().unwrap_or_else(PoisonError::into_inner)[at] = Some(new);
                        self.progress.finished();
                    }
                    Ok(None) => return,
                    Err(error) => {
                        stop.store(true, Ordering::SeqCst);
                        failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                    }
                }
            }
        };
        std::thread::scope(|scope| {
            let workers = 0..self.jobs.clamp(1, left.len().max(1));
            let workers: Vec<_> = workers.map(|_| scope.spawn(work)).collect();
            while !workers.iter().all(|worker| worker.is_finished()) {
                std::thread::sleep(CHECK);
                if self.budget.is_spent() {
                    stop.store(true, Ordering::SeqCst);
                }
            }
        });
        if let Some(error) = failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
            return Err(error);
        }
        let kept: Vec<P::Kept> =
            kept.into_inner().unwrap_or_else(PoisonError::into_inner).into_iter().flatten().collect();
        match kept.len() == parts.len() {
            true => Ok(kept),
            false => Err(StudyError::Interrupted { finished: around.before + kept.len(), planned }),
        }
    }

    fn kept<P: StudyPart>(&self, part: &P) -> Result<Option<P::Kept>, StudyError> {
        let kept = self.folder.parts().read(&part.name(), |kept| part.is(kept))?;
        Ok(kept.filter(|kept| part.is_whole(kept)))
    }

    fn one<P: StudyPart>(
        &self,
        part: &P,
        stop: &AtomicBool,
        train: impl Fn(&P, &AtomicBool) -> Result<Option<P::Kept>, StudyError>,
    ) -> Result<Option<P::Kept>, StudyError> {
        let name = part.name();
        self.progress.part(&name);
        let Some(new) = train(part, stop).map_err(|error| error.of(&name))? else { return Ok(None) };
        self.folder.parts().write(&name, &new)?;
        part.clear()?;
        Ok(Some(new))
    }
}

/// The results of the trainings from these seeds, on all cores; `None` if the flag was set before the last of them
/// began.
pub(crate) fn each_seed<T: Send>(
    seeds: Range<u64>,
    stop: &AtomicBool,
    train: impl Fn(u64) -> Result<T, StudyError> + Sync,
) -> Result<Option<Vec<T>>, StudyError> {
    let each = seeds.into_par_iter().map(|seed| match stop.load(Ordering::SeqCst) {
        true => Ok(None),
        false => train(seed).map(Some),
    });
    Ok(each.collect::<Result<Vec<Option<T>>, StudyError>>()?.into_iter().collect())
}
