//! The wall times of a run: `times.json`. They are not in the checkpoint, so that equal runs have equal checkpoints.
//!
//! The file is written before the checkpoint and has the times of the checkpoint before it too, so whenever a run ends,
//! the times of its last checkpoint are there.

use serde::{Deserialize, Serialize};
use softnce_report::results::EpochRecord;
use softnce_store::{Folder, StoreError, read_json};

use super::state::{Position, TrainState};
use super::times::Times;

const TIMES: &str = "times.json";
const REMEDY: &str = "restore it from a copy, or remove it to continue without the times so far";

/// The times of a run up to a checkpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct WallTimes {
    /// Epochs that are done, and batches of the next.
    epoch: usize,
    batch: usize,
    /// Those of the fields of [`Position`], in seconds.
    seconds: f64,
    epoch_seconds: f64,
    epoch_waited: f64,
    step: Option<Times>,
}

#[derive(Serialize, Deserialize)]
struct Content {
    /// Of the last checkpoints, the newest first.
    checkpoints: Vec<WallTimes>,
    /// `samples_per_second`, `waited` and `seconds` of each epoch.
    epochs: Vec<[f64; 3]>,
}

/// Writes the times of a state that is about to be kept. `before`: those of the last checkpoint, which these replace.
pub(super) fn write(folder: &Folder, state: &TrainState, before: &mut Option<WallTimes>) -> Result<(), StoreError> {
    let Position { epoch, batch, seconds, sums, times, .. } = &state.position;
    let now = WallTimes {
        epoch: *epoch,
        batch: *batch,
        seconds: *seconds,
        epoch_seconds: sums.seconds,
        epoch_waited: sums.waited,
        step: *times,
    };
    let epochs = state.history.iter().map(|epoch| [epoch.samples_per_second, epoch.waited, epoch.seconds]);
    let checkpoints = [Some(now.clone()), before.take()].into_iter().flatten().collect();
    folder.write_sealed_json(TIMES, &Content { checkpoints, epochs: epochs.collect() })?;
    *before = Some(now);
    Ok(())
}

/// Gives a state that was read from a checkpoint its times, and returns them. A checkpoint of an earlier revision holds
/// them itself. Of a checkpoint that is older than both in the file, such as a copy, only those of whole epochs are
/// known.
pub(super) fn read(folder: &Folder, state: &mut TrainState) -> Result<Option<WallTimes>, StoreError> {
    let Some(Content { checkpoints, epochs }) = read_json(&folder.file(TIMES), REMEDY)? else { return Ok(None) };
    let TrainState { position, history, .. } = state;
    for (record, times) in history.iter_mut().zip(epochs).filter(|(record, _)| record.seconds == 0.0) {
        [record.samples_per_second, record.waited, record.seconds] = times;
    }
    let found = checkpoints.into_iter().find(|at| (at.epoch, at.batch) == (position.epoch, position.batch));
    if let Some(times) = &found {
        (position.seconds, position.times) = (times.seconds, times.step);
        (position.sums.seconds, position.sums.waited) = (times.epoch_seconds, times.epoch_waited);
    } else if position.seconds == 0.0 {
        position.seconds = history.last().map_or(0.0, |record| record.seconds);
    }
    Ok(found)
}

/// What a checkpoint holds of the position and the epochs: all but the times.
pub(super) fn without_times(state: &TrainState) -> (Position, Vec<EpochRecord>) {
    let (mut position, mut history) = (state.position.clone(), state.history.clone());
    (position.seconds, position.sums.seconds, position.sums.waited, position.times) = (0.0, 0.0, 0.0, None);
    for record in &mut history {
        (record.samples_per_second, record.waited, record.seconds) = (0.0, 0.0, 0.0);
    }
    (position, history)
}
