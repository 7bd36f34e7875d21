//! The weights with which the reported values of a run are computed.
//!
//! Those of a new best epoch stay in memory until the next checkpoint. Then three steps follow: the new weights are
//! written beside the old ones; the new checkpoint, which names them, replaces the old one; the new weights replace the
//! old ones. So whenever the process ends, the weights that the checkpoint names exist in one of the two files.

use std::path::Path;

use softnce_nn::models::Network;
use softnce_nn::weights;
use softnce_store::{CHECKSUM, StoreError, UNSEALED, checksum_of, put_in_place, remove_file};

use super::error::RunError;
use super::files::{BEST, LAST, NEXT_BEST};
use super::history::HistoryFiles;
use super::state::{Best, NewBest};
use super::train::{Run, weights_metadata};
use super::trained::temperature_of;
use super::{checkpoint, wall};

/// What to do about weights that are not those of the best epoch.
const REMEDY: &str = "restore it from a copy, add --set evaluation.best=false to report the last epoch, or remove \
                      last.safetensors to train from the first epoch";

impl Run {
    /// Writes a checkpoint, with the weights of the best epoch.
    pub(super) fn save(&mut self, history: &mut HistoryFiles) -> Result<(), RunError> {
        history.sync()?;
        let next = self.folder.file(NEXT_BEST);
        if let (Some(NewBest { network, temperature }), Some(best)) = (&self.new_best, &self.state.position.best) {
            self.write_weights(&next, network, *temperature, best.epoch)?;
            let checksum = checksum(&next)?;
            if let Some(best) = &mut self.state.position.best {
                best.checksum = checksum;
            }
        }
        wall::write(&self.folder, &self.state, &mut self.saved_times)?;
        checkpoint::save(&self.state, &self.folder.file(LAST)).map_err(|error| self.located(error))?;
        if self.new_best.take().is_some() {
            put_in_place(&next, &self.folder.file(BEST))?;
        }
        self.saved = std::time::Instant::now();
        Ok(())
    }

    /// Finishes a save that was cut off: puts the weights that the checkpoint names in their place.
    pub(super) fn settle_best(&mut self) -> Result<(), RunError> {
        let (file, next) = (self.folder.file(BEST), self.folder.file(NEXT_BEST));
        if let Some(best) = self.state.position.best.clone().filter(|_| self.recipe.evaluation.best) {
            let found = held(&file, &best);
            if found.is_err() && best.checksum.is_some() && held(&next, &best).is_ok() {
                put_in_place(&next, &file)?;
            } else if let Err(error) = found {
                // Earlier revisions replaced these weights before the checkpoint: those of the best epoch may be lost.
                if best.checksum.is_some() || self.state.position.finished {
                    return Err(error.into());
                }
                self.state.position.best = None;
                self.notes.push(format!("{error}; the best epoch is now chosen among those that follow"));
            }
        }
        Ok(remove_file(&next)?)
    }

    /// The weights that are tested, those of the best epoch or the last, with their temperature.
    pub(super) fn chosen(&self) -> Result<(Network, f64), RunError> {
        let (network, position) = (self.state.evaluated_network(), &self.state.position);
        let file = self.folder.file(BEST);
        let Some(best) = position.best.as_ref().filter(|_| self.recipe.evaluation.best) else {
            let temperature = self.temperature()?;
            self.write_weights(&file, &network, temperature, position.epoch)?;
            return Ok((network, temperature));
        };
        held(&file, best)?;
        let written = weights::read_metadata(&file)?;
        let text = written.get("temperature").ok_or_else(|| invalid(&file, "it names no temperature".to_owned()))?;
        let temperature = temperature_of(&file, text)?;
        let network =
            weights::apply(network, &weights::read_checkpoint(&file)?).map_err(|error| error.in_file(&file))?;
        Ok((network, temperature))
    }

    /// Writes weights with the recipe and their epoch.
    fn write_weights(&self, file: &Path, network: &Network, temperature: f64, epoch: usize) -> Result<(), RunError> {
        let mut metadata = weights_metadata(
            &self.recipe,
            temperature,
            self.data.train.standardisation.as_deref(),
            ("epoch", epoch.to_string()),
        )?;
        metadata.insert(CHECKSUM.to_owned(), UNSEALED.to_owned());
        Ok(weights::write_safetensors(file, &weights::named(network)?, &metadata)?)
    }
}

/// Whether the file holds the weights of this epoch.
fn held(file: &Path, best: &Best) -> Result<(), StoreError> {
    let found = checksum(file)?;
    if best.checksum.is_some() {
        return match found == best.checksum {
            true => Ok(()),
            false => Err(invalid(file, format!("it does not hold the weights of epoch {}, the best one", best.epoch))),
        };
    }
    let metadata = weights::read_metadata(file).map_err(|error| invalid(file, error.to_string()))?;
    match metadata.get("epoch") {
        Some(epoch) if *epoch == best.epoch.to_string() => Ok(()),
        epoch => {
            let epoch = epoch.map_or("no", String::as_str);
            Err(invalid(file, format!("it holds the weights of epoch {epoch}, expected those of epoch {}", best.epoch)))
        }
    }
}

/// The checksum of a file of weights.
///
/// # Errors
/// [`StoreError`]: a file that is not there, or damaged.
fn checksum(file: &Path) -> Result<Option<String>, StoreError> {
    if !file.exists() {
        return Err(invalid(file, "it is missing".to_owned()));
    }
    checksum_of(file, REMEDY)
}

fn invalid(path: &Path, reason: String) -> StoreError {
    StoreError::Invalid { path: path.to_owned(), reason, remedy: REMEDY }
}
