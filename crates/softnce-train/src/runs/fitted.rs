//! The temperature that was fitted on the validation pictures: `temperature.json`.

use std::path::Path;

use serde::{Deserialize, Serialize};
use softnce_metrics::TemperatureFit;
use softnce_store::{Folder, StoreError, read_json};

use super::error::RunError;

/// The name of the file.
pub(super) const FITTED: &str = "temperature.json";
const REMEDY: &str = "continue the training: it fits the temperature at its end";

/// A fit and the weights that it belongs to.
#[derive(Debug, Serialize, Deserialize)]
struct Fitted {
    /// Epoch of the weights, from 1.
    epoch: usize,
    /// None if the recipe does not ask for it or has no validation pictures.
    fit: Option<TemperatureFit>,
}

/// Writes the fit that belongs to the weights of an epoch.
pub(super) fn write(folder: &Folder, epoch: usize, fit: Option<TemperatureFit>) -> Result<(), StoreError> {
    folder.write_sealed_json(FITTED, &Fitted { epoch, fit })
}

/// The temperature fitted to the weights of an epoch.
///
/// # Errors
/// A run that is not finished, that fitted none, or whose weights have changed since.
pub(super) fn read(run: &Path, epoch: Option<&str>) -> Result<f64, RunError> {
    let path = run.join(FITTED);
    let missing = || StoreError::Missing { path: run.to_owned(), missing: FITTED, remedy: REMEDY };
    let found: Fitted = read_json(&path, REMEDY)?.ok_or_else(missing)?;
    let Some(fit) = found.fit else {
        let expected = "one: train with evaluation.scale_temperature = true and data.validation_share above 0".into();
        return Err(RunError::Data { argument: "the fitted temperature of the run", found: "none".into(), expected });
    };
    if epoch != Some(found.epoch.to_string().as_str()) {
        let (fitted, weights) = (found.epoch, epoch.unwrap_or("an unknown number"));
        let reason = format!("it was fitted to the weights of epoch {fitted}, those of the run are of epoch {weights}");
        return Err(StoreError::Invalid { path, reason, remedy: REMEDY }.into());
    }
    Ok(fit.temperature)
}
