//! The epochs of a run while it trains: `history.jsonl`, and the event file for TensorBoard.

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use softnce_report::results::EpochRecord;
use softnce_report::run::history_values;
use softnce_store::{Folder, StoreError, append, sync};

use crate::events::EventFile;

/// A line of JSON for each epoch, with the names of the columns of `history.csv`.
const HISTORY: &str = "history.jsonl";

/// The files to which each epoch adds a line, or an event.
#[derive(Debug)]
pub(super) struct HistoryFiles {
    path: PathBuf,
    events: EventFile,
    /// Whether anything was added since the last call of [`HistoryFiles::sync`].
    grown: bool,
}

impl HistoryFiles {
    /// Starts `history.jsonl` with the epochs of the checkpoint, and an event file that follows those of earlier
    /// starts. A run that was killed may have written epochs after its checkpoint; they are trained and written again.
    pub(super) fn start(folder: &Folder, epochs: &[EpochRecord]) -> Result<HistoryFiles, StoreError> {
        folder.write(HISTORY, epochs.iter().map(line).collect::<String>())?;
        let is_first = !EventFile::exist(folder.path())?;
        let events = EventFile::start(folder.path(), epochs.len() as i64 + 1)?;
        let files = HistoryFiles { path: folder.file(HISTORY), events, grown: is_first };
        let seconds = epochs.last().map_or(0.0, |epoch| epoch.seconds);
        epochs.iter().filter(|_| is_first).try_for_each(|epoch| files.event(epoch, seconds))?;
        Ok(files)
    }

    /// Adds an epoch.
    pub(super) fn add(&mut self, epoch: &EpochRecord) -> Result<(), StoreError> {
        self.grown = true;
        // One write, so that a killed process leaves whole lines.
        append(&self.path, line(epoch).as_bytes())?;
        self.event(epoch, epoch.seconds)
    }

    /// Waits until the files are on the disk. To be called before each checkpoint: no later start writes its epochs
    /// again.
    pub(super) fn sync(&mut self) -> Result<(), StoreError> {
        if std::mem::take(&mut self.grown) {
            sync(&self.path)?;
            sync(self.events.path())?;
        }
        Ok(())
    }

    /// Adds an epoch to the event file. `seconds`: the wall time of the run until now.
    fn event(&self, epoch: &EpochRecord, seconds: f64) -> Result<(), StoreError> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        let values = history_values(epoch).into_iter();
        let scalars: Vec<(&str, f64)> = values.filter_map(|(_, tag, value)| Some((tag?, value?))).collect();
        self.events.scalars(epoch.epoch as i64, now - (seconds - epoch.seconds), &scalars)
    }
}

fn line(epoch: &EpochRecord) -> String {
    let fields = history_values(epoch).into_iter().map(|(name, _, value)| match value {
        Some(value) if name == "epoch" => format!("\"{name}\":{value}"),
        value => format!("\"{name}\":{}", serde_json::Value::from(value)),
    });
    format!("{{{}}}\n", fields.collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use softnce_report::results::ValidationPoint;

    use super::*;

    #[test]
    fn a_line_has_the_names_and_values_of_the_epoch() {
        let mut epoch = EpochRecord {
            epoch: 3,
            train_loss: 0.5,
            train_top1: 1.0,
            learning_rate: 1e-7,
            validation: Some(ValidationPoint { top1: 0.75, top5: 1.0, nll: 0.25 }),
            samples_per_second: 120.0,
            waited: 0.125,
            seconds: 9.5,
        };
        let expected = "{\"epoch\":3,\"train_loss\":0.5,\"train_top1\":1.0,\"learning_rate\":1e-7,\
                        \"validation_top1\":0.75,\"validation_top5\":1.0,\"validation_nll\":0.25,\
                        \"samples_per_second\":120.0,\"waited\":0.125,\"seconds\":9.5}\n";
        assert_eq!(line(&epoch), expected);
        epoch.validation = None;
        let read: serde_json::Value = serde_json::from_str(&line(&epoch)).unwrap();
        assert!(read["validation_nll"].is_null() && read["epoch"] == 3);
    }
}
