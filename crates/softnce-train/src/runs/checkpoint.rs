//! Checkpoints: all of a [`TrainState`] in one safetensors file, written atomically.
//!
//! `network.NAME` and `average.NAME` are weights under timm's names, `optimizer` and `loss_optimizer` Burn's own records
//! as bytes, `loss.log_temperature` the learned temperature, `queue` past targets as JSON; the position and the epochs so far
//! lie in the file's metadata.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use burn::module::Param;
use burn::optim::ModuleOptimizer;
use burn::tensor::{Bytes, Tensor, TensorData};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};
use softnce_data::candidates::TargetQueue;
use softnce_nn::models::Network;
use softnce_nn::weights::{self, NamedTensor};
use softnce_report::results::EpochRecord;
use softnce_store::{StoreError, write};

use super::error::RunError;
use super::setup::{TEMPERATURE, scalar};
use super::state::{Position, TrainState};

const METADATA: &str = "softnce";

/// What a checkpoint holds beside its tensors.
#[derive(Serialize, Deserialize)]
struct Metadata {
    version: String,
    position: Position,
    history: Vec<EpochRecord>,
}

/// What to do about a checkpoint that cannot be continued from.
const TRAIN_AGAIN: &str = "remove it to train from the first epoch";

/// The error of a file of weights with another content than expected.
pub(super) fn invalid(path: &Path, reason: String) -> StoreError {
    StoreError::Invalid { path: path.to_owned(), reason, remedy: TRAIN_AGAIN }
}

/// Writes the state.
pub(super) fn save(state: &TrainState, path: &Path) -> Result<(), RunError> {
    let mut tensors: Vec<(String, Dtype, Vec<usize>, Vec<u8>)> = Vec::new();
    let mut add_network = |prefix: &str, network: &Network| -> Result<(), RunError> {
        for NamedTensor { name, shape, values } in weights::named(network)? {
            if let Some(value) = values.iter().find(|value| !value.is_finite()) {
                return Err(RunError::Weight { tensor: name, value: *value });
            }
            tensors.push((format!("{prefix}.{name}"), Dtype::F32, shape, bytemuck::cast_slice(&values).to_vec()));
        }
        Ok(())
    };
    add_network("network", &state.network)?;
    if let Some(average) = &state.average {
        add_network("average", &average.network)?;
    }
    let failed = |error: &dyn std::fmt::Display| StoreError::file("write", path)(io::Error::other(error.to_string()));
    let mut add_bytes = |name: &str, optimizer: &ModuleOptimizer| -> Result<(), RunError> {
        let bytes = optimizer.into_bytes().map_err(|error| failed(&error))?.to_vec();
        tensors.push((name.to_owned(), Dtype::U8, vec![bytes.len()], bytes));
        Ok(())
    };
    add_bytes("optimizer", &state.optimizer)?;
    if let Some(optimizer) = &state.loss_optimizer {
        add_bytes("loss_optimizer", optimizer)?;
    }
    if let Some(temperature) = &state.loss.log_temperature {
        let value = scalar(temperature.val())? as f32;
        tensors.push(("loss.log_temperature".into(), Dtype::F32, vec![1], value.to_le_bytes().to_vec()));
    }
    if let Some(queue) = &state.queue {
        // As bytes of a tensor: the metadata may not be large.
        let bytes = serde_json::to_vec(&queue.state()).map_err(|error| failed(&error))?;
        tensors.push(("queue".into(), Dtype::U8, vec![bytes.len()], bytes));
    }
    let metadata = Metadata {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        position: state.position.clone(),
        history: state.history.clone(),
    };
    let metadata = serde_json::to_string(&metadata).map_err(|error| failed(&error))?;
    let views = tensors.iter().map(|(name, dtype, shape, bytes)| {
        TensorView::new(*dtype, shape.clone(), bytes).map(|view| (name.as_str(), view)).map_err(|error| failed(&error))
    });
    let views: Vec<_> = views.collect::<Result<_, _>>()?;
    let metadata = Some([(METADATA.to_owned(), metadata)].into());
    let bytes = safetensors::serialize(views, metadata).map_err(|error| failed(&error))?;
    // Not by safetensors itself, whose writing is neither atomic nor synced.
    Ok(write(path, &bytes)?)
}

/// Reads a state into one that was just set up for the same recipe.
pub(super) fn load(mut state: TrainState, path: &Path) -> Result<TrainState, RunError> {
    let bytes = std::fs::read(path).map_err(StoreError::file("read", path))?;
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
        fresh
            .clone()
            .from_bytes(Bytes::from_bytes_vec(raw(name)?))
            .map_err(|error| corrupt(format!("{name}: {error:?}")))
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
        let kept = serde_json::from_slice(&raw("queue")?).map_err(|error| corrupt(error.to_string()))?;
        *queue = TargetQueue::from_state(kept)?;
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
