//! The units of a study: each trained where it is not there yet, and kept.

use rayon::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::folder::Folder;
use crate::{Budget, Outcome, Progress, StudyError};

/// What a study has to carry on with.
pub(crate) struct Workplace<'a> {
    pub(crate) folder: &'a Folder,
    pub(crate) budget: Budget<'a>,
    pub(crate) progress: &'a dyn Progress,
}

/// How many units come before a list of units and after it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Around {
    pub(crate) before: usize,
    pub(crate) after: usize,
}

impl Workplace<'_> {
    /// What each unit comes to over its seeds, unit by unit: from its part where that is there, else trained.
    pub(crate) fn each<U, T>(
        &self,
        units: &[U],
        around: Around,
        name: impl Fn(&U) -> String,
        seeds: impl Fn(&U) -> std::ops::Range<u64>,
        train: impl Fn(&U, u64) -> Result<T, StudyError> + Sync,
    ) -> Result<Outcome<Vec<Vec<T>>>, StudyError>
    where
        U: PartialEq + Serialize + DeserializeOwned + Sync,
        T: Serialize + DeserializeOwned + Send,
    {
        let parts = self.folder.parts();
        let kept = |unit: &U| -> Result<Option<Vec<T>>, StudyError> {
            Ok(parts.read::<(U, Vec<T>)>(&name(unit), |(found, _)| found == unit)?.map(|(_, found)| found))
        };
        let mut found = units.iter().map(kept).collect::<Result<Vec<_>, _>>()?;
        let planned = around.before + units.len() + around.after;
        let there = |found: &[Option<Vec<T>>]| around.before + found.iter().flatten().count();
        // What comes behind other units goes on with their count.
        match around.before {
            0 => self.progress.start(planned, there(&found)),
            _ => found.iter().flatten().for_each(|_| self.progress.finished()),
        }
        for (unit, place) in units.iter().zip(0..) {
            if found[place].is_some() {
                continue;
            }
            let name = name(unit);
            if !self.budget.is_spent() {
                self.progress.part(&name);
            }
            let seeds: Vec<u64> = seeds(unit).collect();
            // Looked at before each seed: a stop does not wait for all of them.
            let each = seeds.into_par_iter().map(|seed| match self.budget.is_spent() {
                true => Ok(None),
                false => train(unit, seed).map(Some),
            });
            let trained = each.collect::<Result<Vec<Option<T>>, StudyError>>().map_err(|error| error.of(&name))?;
            let Some(trained) = trained.into_iter().collect::<Option<Vec<T>>>() else {
                return Ok(Outcome::Interrupted { finished: there(&found), planned });
            };
            parts.write(&name, &(unit, &trained))?;
            found[place] = Some(trained);
            self.progress.finished();
        }
        Ok(Outcome::Finished(found.into_iter().flatten().collect()))
    }
}
