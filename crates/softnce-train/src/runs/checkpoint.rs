//! Checkpoints: all of a [`TrainState`] in one safetensors file, written atomically.
//!
//! `network.NAME` and `average.NAME` are weights under timm's names, `optimizer` and `loss_optimizer` Burn's own
//! records as bytes, `loss.log_temperature` the learned temperature, `queue.NAME` past targets; the position, the
//! epochs so far and the checksum of the file are in its metadata. Equal runs have equal bytes: [`super::wall`] keeps
//! the times.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use burn::module::Param;
use burn::optim::{ModuleOptimizer, OptimizerRecord};
use burn::tensor::{Bytes, Tensor, TensorData};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};
use softnce_nn::weights::{self, NamedTensor};
use softnce_report::results::EpochRecord;
use softnce_store::{StoreError, UNSEALED, read_sealed, seal, write};

use super::error::RunError;
use super::queue::{self, QueueError, QueueShape};
use super::setup::{TEMPERATURE, scalar};
use super::state::{Position, TrainState};
use super::wall::without_times;

const METADATA: &str = "softnce";

/// What a checkpoint holds beside its tensors.
#[derive(Serialize, Deserialize)]
struct Metadata {
    /// The checksum, which earlier revisions did not write.
    #[serde(rename = "softnce_checksum", default)]
    checksum: String,
    version: String,
    position: Position,
    history: Vec<EpochRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    queue: Option<QueueShape>,
}

/// What to do about a checkpoint that cannot be continued from.
pub(super) const TRAIN_AGAIN: &str = "restore it from a copy, or remove it to train from the first epoch";

/// The error of a checkpoint with another content than expected.
fn invalid(path: &Path, reason: String) -> StoreError {
    StoreError::Invalid { path: path.to_owned(), reason, remedy: TRAIN_AGAIN }
}

/// A tensor to write: name, type, shape, bytes.
type Entry<'s> = (String, Dtype, Vec<usize>, Cow<'s, [u8]>);

/// Writes the state.
pub(super) fn save(state: &TrainState, path: &Path) -> Result<(), RunError> {
    let failed = |error: &dyn std::fmt::Display| StoreError::file("write", path)(io::Error::other(error.to_string()));
    let network = finite(weights::named(&state.network)?)?;
    let average = state.average.as_ref().map(|average| weights::named(&average.network)).transpose()?;
    let average = finite(average.unwrap_or_default())?;
    let mut tensors: Vec<Entry<'_>> = Vec::new();
    for (prefix, of) in [("network", &network), ("average", &average)] {
        tensors.extend(of.iter().map(|NamedTensor { name, shape, values }| {
            (format!("{prefix}.{name}"), Dtype::F32, shape.clone(), Cow::Borrowed(bytemuck::cast_slice(values)))
        }));
    }
    let optimizers = [("optimizer", Some(&state.optimizer)), ("loss_optimizer", state.loss_optimizer.as_ref())];
    for (name, optimizer) in optimizers {
        let Some(optimizer) = optimizer else { continue };
        // Burn writes its tensors in a random order, and reads them in that of their names.
        let sorted = optimizer.into_bytes().and_then(OptimizerRecord::from_bytes).and_then(OptimizerRecord::into_bytes);
        let bytes = sorted.map_err(|error| failed(&error))?.to_vec();
        tensors.push((name.to_owned(), Dtype::U8, vec![bytes.len()], bytes.into()));
    }
    if let Some(temperature) = &state.loss.log_temperature {
        let value = scalar(temperature.val())? as f32;
        tensors.push(("loss.log_temperature".into(), Dtype::F32, vec![1], value.to_le_bytes().to_vec().into()));
    }
    let queue = state.queue.as_ref().map(queue::tensors).map(|(shape, of)| {
        tensors.extend(of.into_iter().map(|(name, dtype, shape, bytes)| (name.to_owned(), dtype, shape, bytes)));
        shape
    });
    let (position, history) = without_times(state);
    let (checksum, version) = (UNSEALED.to_owned(), env!("CARGO_PKG_VERSION").to_owned());
    let metadata = Metadata { checksum, version, position, history, queue };
    let metadata = serde_json::to_string(&metadata).map_err(|error| failed(&error))?;
    let views = tensors.iter().map(|(name, dtype, shape, bytes)| {
        TensorView::new(*dtype, shape.clone(), bytes).map(|view| (name.as_str(), view)).map_err(|error| failed(&error))
    });
    let views: Vec<_> = views.collect::<Result<_, _>>()?;
    let metadata = Some([(METADATA.to_owned(), metadata)].into());
    let mut bytes = safetensors::serialize(views, metadata).map_err(|error| failed(&error))?;
    seal(&mut bytes);
    // Not by safetensors itself, whose writing is neither atomic nor synced.
    Ok(write(path, &bytes)?)
}

/// Refuses weights that are no numbers.
fn finite(tensors: Vec<NamedTensor>) -> Result<Vec<NamedTensor>, RunError> {
    for NamedTensor { name, values, .. } in &tensors {
        if let Some(value) = values.iter().find(|value| !value.is_finite()) {
            return Err(RunError::Weight { tensor: name.clone(), value: *value });
        }
    }
    Ok(tensors)
}

/// Reads a state into one that was just set up for the same recipe.
pub(super) fn load(mut state: TrainState, path: &Path) -> Result<TrainState, RunError> {
    let bytes = read_sealed(path, TRAIN_AGAIN)?
        .ok_or_else(|| StoreError::file("read", path)(io::ErrorKind::NotFound.into()))?;
    let corrupt = |reason: String| RunError::from(invalid(path, reason));
    let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|error| corrupt(error.to_string()))?;
    let text = header.metadata().as_ref().and_then(|metadata| metadata.get(METADATA));
    let text = text.ok_or_else(|| corrupt("it holds no position".into()))?;
    let metadata: Metadata = serde_json::from_str(text).map_err(|error| corrupt(error.to_string()))?;
    if metadata.version != env!("CARGO_PKG_VERSION") {
        let (path, found, expected) = (path.to_owned(), metadata.version, env!("CARGO_PKG_VERSION"));
        return Err(StoreError::OtherVersion { path, found, expected, remedy: TRAIN_AGAIN }.into());
    }
    let file = SafeTensors::deserialize(&bytes).map_err(|error| corrupt(error.to_string()))?;
    let raw =
        |name: &str| file.tensor(name).map(|view| view.data().to_vec()).map_err(|error| corrupt(error.to_string()));
    let optimizer = |fresh: &ModuleOptimizer, name: &str| -> Result<ModuleOptimizer, RunError> {
        fresh.clone().from_bytes(Bytes::from_bytes_vec(raw(name)?)).map_err(|error| corrupt(format!("{name}: {error}")))
    };
    state.network = weights::apply(state.network, &network(&file, "network", path)?)?;
    if let Some(average) = &mut state.average {
        average.network = weights::apply(average.network.clone(), &network(&file, "average", path)?)?;
    }
    state.optimizer = optimizer(&state.optimizer, "optimizer")?;
    state.loss_optimizer = state.loss_optimizer.as_ref().map(|fresh| optimizer(fresh, "loss_optimizer")).transpose()?;
    if let Some(temperature) = &state.loss.log_temperature {
        let data = raw("loss.log_temperature")?;
        let value = data.first_chunk().map(|bytes| f32::from_le_bytes(*bytes));
        let value = value.ok_or_else(|| corrupt("loss.log_temperature is empty".into()))?;
        let tensor = Tensor::<1>::from_data(TensorData::from([value]), &temperature.val().device());
        state.loss.log_temperature = Some(Param::initialized(TEMPERATURE.into(), tensor.require_grad()));
    }
    if let Some(queue) = &mut state.queue {
        *queue = queue::read(&file, metadata.queue).map_err(|error| match error {
            QueueError::Corrupt(reason) => corrupt(reason),
            QueueError::Rows(error) => error.into(),
        })?;
    }
    (state.position, state.history) = (metadata.position, metadata.history);
    Ok(state)
}

/// The weights below a prefix.
fn network(file: &SafeTensors<'_>, prefix: &str, path: &Path) -> Result<BTreeMap<String, NamedTensor>, RunError> {
    let mut found = BTreeMap::new();
    for (name, view) in file.tensors() {
        let Some(name) = name.strip_prefix(prefix).and_then(|name| name.strip_prefix('.')) else { continue };
        if view.dtype() != Dtype::F32 {
            let reason = format!("{name} is of type {:?}, expected F32", view.dtype());
            return Err(invalid(path, reason).into());
        }
        let values = view.data().as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        found.insert(name.to_owned(), NamedTensor { name: name.to_owned(), shape: view.shape().to_vec(), values });
    }
    Ok(found)
}
