//! A trained run, for evaluation, prediction and export.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use burn::tensor::Device;
use chacha20::ChaCha8Rng;
use rand::SeedableRng;
use softnce_data::features::Standardisation;
use softnce_data::fetch::data_folder;
use softnce_data::sets::{FeatureSet, Split};
use softnce_nn::models::Network;
use softnce_nn::weights;
use softnce_report::results::RunReport;
use softnce_store::{Manifest, StoreError, checksum_of};

use super::data::{Labelled, RunData};
use super::error::RunError;
use super::evaluate::{predictions, test_network};
use super::files::{BEST, INFO, RECIPE};
use super::finish::figures;
use super::fitted;
use super::manifest::{RunInfo, RunManifest};
use super::train::{DEVIATION, LIMIT, MEAN};
use crate::device::DeviceName;
use crate::recipe::{DataSection, Recipe};

/// What to do about weights that cannot be used.
const REMEDY: &str = "restore it from a copy, or train the run again";

/// The best weights of a run, outside any graph.
#[derive(Debug)]
pub struct TrainedRun {
    folder: PathBuf,
    epoch: Option<String>,
    recipe: Recipe,
    info: RunInfo,
    network: Network,
    temperature: f64,
    /// For rows of features: that of the training rows.
    standardisation: Option<Arc<Standardisation>>,
    device: Device,
}

impl TrainedRun {
    /// Opens the folder of a run that has written its weights: after the first validation, or at the end if
    /// `evaluation.best` is off.
    ///
    /// # Errors
    /// A folder without a run or without weights; weights that do not fit the recipe.
    pub fn open(path: &Path, device: DeviceName) -> Result<TrainedRun, RunError> {
        let missing = |missing| StoreError::Missing { path: path.to_owned(), missing, remedy: "train the run first" };
        let RunManifest { recipe, info } = RunManifest::read(path)?.ok_or_else(|| missing(RECIPE))?;
        let info = info.ok_or_else(|| missing(INFO))?;
        let file = path.join(BEST);
        if !file.exists() {
            return Err(missing(BEST).into());
        }
        checksum_of(&file, REMEDY)?;
        let device = device.open()?;
        let mut draws = ChaCha8Rng::seed_from_u64(0);
        let made = recipe.network.init(recipe.input_shape(info.features), info.classes.len(), &mut draws, &device)?;
        let tensors = weights::read_checkpoint(&file)?;
        for (name, tensor) in &tensors {
            if let Some(&value) = tensor.values.iter().find(|value| !value.is_finite()) {
                let source = Box::new(RunError::Weight { tensor: name.clone(), value });
                return Err(RunError::BadWeights { weights: file, source });
            }
        }
        let network = weights::apply(made, &tensors).map_err(|error| error.in_file(&file))?;
        let written = weights::read_metadata(&file)?;
        let temperature = match written.get("temperature") {
            Some(text) => temperature_of(&file, text)?,
            None => recipe.loss.temperature,
        };
        let is_scaled = recipe.data.standardise;
        let standardisation = standardisation_of(&file, &written, info.features, is_scaled)?.map(Arc::new);
        let (folder, epoch) = (path.to_owned(), written.get("epoch").cloned());
        Ok(TrainedRun { folder, epoch, recipe, info, network, temperature, standardisation, device })
    }

    /// The recipe of the run.
    pub fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// Names of the classes.
    pub fn classes(&self) -> &[String] {
        &self.info.classes
    }

    /// Channels, height and width of the network's input; features are channels of one pixel.
    pub(super) fn input_shape(&self) -> [usize; 3] {
        self.recipe.input_shape(self.info.features)
    }

    /// Whether it was trained on rows of features, and not on pictures.
    pub fn takes_features(&self) -> bool {
        self.info.features.is_some()
    }

    pub(super) fn standardisation(&self) -> Option<&Standardisation> {
        self.standardisation.as_deref()
    }

    /// The rows of features of an `.npy` or `.safetensors` file, for [`TrainedRun::predict`].
    ///
    /// # Errors
    /// A file that cannot be read; rows of another width than the run's.
    pub fn rows(&self, path: &Path) -> Result<Labelled, RunError> {
        self.scaled(Labelled::new(Arc::new(FeatureSet::unlabelled(path, self.info.classes.clone())?), None))
    }

    /// Pictures, or rows of features with the scale of the run's training rows.
    ///
    /// # Errors
    /// Rows of another width than the run's.
    fn scaled(&self, data: Labelled) -> Result<Labelled, RunError> {
        let found = data.pictures.features();
        if found == self.info.features {
            return Ok(Labelled { standardisation: self.standardisation.clone(), ..data });
        }
        let in_words =
            |width: Option<usize>| width.map_or_else(|| "pictures".to_owned(), |width| format!("{width} features"));
        let expected = format!("{}, as the run was trained on", in_words(self.info.features));
        Err(RunError::Data { argument: "the width of the rows", found: in_words(found), expected })
    }

    pub(super) fn network(&self) -> &Network {
        &self.network
    }

    /// The temperature of the posterior, `softmax(logits / temperature)`.
    pub fn temperature(&self) -> f64 {
        self.temperature
    }

    /// The data of the recipe, in the folder `named`; by default in that of the training, or, if the set is not there
    /// any more, in [`data_folder`].
    ///
    /// # Errors
    /// As [`RunData::open`]; data of other classes than the run's.
    pub fn open_data(&self, named: Option<&Path>) -> Result<RunData, RunError> {
        self.in_data_folder(named, |folder| {
            // The scale of the rows is kept with the weights.
            let section = DataSection { standardise: false, ..self.recipe.data.clone() };
            let mut data = RunData::open(&section, folder)?;
            self.check_classes(&data.test)?;
            data.train = self.scaled(data.train)?;
            data.test = self.scaled(data.test)?;
            data.validation = data.validation.map(|rows| self.scaled(rows)).transpose()?;
            Ok(data)
        })
    }

    /// All pictures of a split of the recipe's set, in the order of a file of labels for it; in the folder that
    /// [`TrainedRun::open_data`] takes.
    ///
    /// # Errors
    /// As [`TrainedRun::open_data`]; a set without this split.
    pub fn open_split(&self, split: Split, named: Option<&Path>) -> Result<Labelled, RunError> {
        self.in_data_folder(named, |folder| {
            let pictures = RunData::split(&self.recipe.data, split, folder)?;
            self.check_classes(&pictures)?;
            self.scaled(pictures)
        })
    }

    /// Opens data in the folder `named`; by default in that of the training, or, if the set is not there any more, in
    /// [`data_folder`].
    fn in_data_folder<T>(
        &self,
        named: Option<&Path>,
        open: impl Fn(&Path) -> Result<T, RunError>,
    ) -> Result<T, RunError> {
        if let Some(folder) = named {
            return open(folder);
        }
        let default = data_folder(None);
        let Some(trained) = &self.info.data_folder else { return open(&default) };
        match open(trained) {
            // The set was moved. If it is not in the default folder either, the error names the folder of the training.
            Err(missing @ RunError::Missing { .. }) => match open(&default) {
                Err(RunError::Missing { .. }) => Err(missing),
                other => other,
            },
            other => other,
        }
    }

    fn check_classes(&self, data: &Labelled) -> Result<(), RunError> {
        let found = data.pictures.class_names();
        if found != self.info.classes {
            let expected = format!("the {} classes of the run, in their order", self.info.classes.len());
            return Err(RunError::Data { argument: "classes", found: format!("{} others", found.len()), expected });
        }
        Ok(())
    }

    /// The temperature that training fitted on the validation pictures at its end.
    ///
    /// # Errors
    /// A run that is not finished, or that fitted none.
    pub fn scaled_temperature(&self) -> Result<f64, RunError> {
        fitted::read(&self.folder, self.epoch.as_deref())
    }

    /// The metrics on the recipe's test pictures; `None` where it was stopped.
    ///
    /// # Errors
    /// Pictures that cannot be read.
    pub fn test(&self, data: &RunData, stop: &AtomicBool) -> Result<Option<RunReport>, RunError> {
        self.check_classes(&data.test)?;
        let tested = test_network(&self.network, data, &self.recipe, self.temperature, &self.device, stop);
        let tested = tested.map_err(|error| self.of_weights(data.explained(error)))?;
        tested.map(|tested| figures(&self.recipe, &self.info, data, tested)).transpose()
    }

    /// Calls `visit` for every picture, in their order, with the picture's index and its scores, or the reason why it
    /// cannot be read. `false` if it was stopped. `temperature`: see [`TrainedRun::temperature`] and
    /// [`TrainedRun::scaled_temperature`].
    ///
    /// # Errors
    /// A temperature that is not a finite number above 0; a logit that is not finite, with the picture and the file of
    /// the weights; what `visit` says.
    pub fn predict(
        &self,
        pictures: &Labelled,
        temperature: f64,
        stop: &AtomicBool,
        mut visit: impl FnMut(usize, Result<Scores<'_>, String>) -> Result<(), RunError>,
    ) -> Result<bool, RunError> {
        if !is_temperature(temperature) {
            let (argument, found) = ("the temperature", temperature.to_string());
            return Err(RunError::Data { argument, found, expected: "a finite number above 0".into() });
        }
        let mut posterior = Vec::new();
        let whole = predictions(&self.network, pictures, &self.recipe, &self.device, stop, |index, row| {
            let Some(logits) = row.as_ref().ok().and_then(|row| row.as_slice()) else {
                return visit(index, Err(row.err().unwrap_or_default()));
            };
            softmax(logits.iter().copied(), temperature, &mut posterior);
            visit(index, Ok(Scores { logits, posterior: &posterior }))
        });
        whole.map_err(|error| self.of_weights(error))
    }

    /// Adds the file of the weights to an error about a logit.
    fn of_weights(&self, error: RunError) -> RunError {
        match error {
            RunError::Logit { .. } => RunError::BadWeights { weights: self.folder.join(BEST), source: Box::new(error) },
            other => other,
        }
    }
}

/// Means and deviations of the features, from the metadata of a file of weights; `None`: rows are taken as they are.
fn standardisation_of(
    file: &Path,
    written: &BTreeMap<String, String>,
    features: Option<usize>,
    is_scaled: bool,
) -> Result<Option<Standardisation>, StoreError> {
    let Some(features) = features.filter(|_| is_scaled) else { return Ok(None) };
    let read = |key| {
        let values: Vec<f32> = serde_json::from_str(written.get(key)?).ok()?;
        (values.len() == features && values.iter().all(|value| value.is_finite())).then_some(values)
    };
    let deviation = read(DEVIATION).filter(|values| values.iter().all(|&value| value > 0.0));
    // Runs of earlier versions have no limit.
    let limit = written.get(LIMIT).map_or(Ok(f32::INFINITY), |text| text.parse());
    match (read(MEAN), deviation, limit) {
        (Some(mean), Some(deviation), Ok(limit)) if limit > 0.0 => Ok(Some(Standardisation { mean, deviation, limit })),
        _ => {
            let reason = format!(
                "its mean and std are not {features} finite numbers each, those of std above 0, or its limit is not \
                 a number above 0"
            );
            Err(StoreError::Invalid { path: file.to_owned(), reason, remedy: REMEDY })
        }
    }
}

/// The temperature that a file of weights names.
pub(super) fn temperature_of(file: &Path, text: &str) -> Result<f64, StoreError> {
    let invalid = || {
        let reason = format!("its temperature is {text}, expected a finite number above 0");
        StoreError::Invalid { path: file.to_owned(), reason, remedy: REMEDY }
    };
    text.parse().ok().filter(|&value| is_temperature(value)).ok_or_else(invalid)
}

fn is_temperature(value: f64) -> bool {
    value.is_finite() && value > 0.0
}

/// The output of a network for a picture. Shape of each: `[classes]`, in the order of [`TrainedRun::classes`].
#[derive(Debug, Clone, Copy)]
pub struct Scores<'a> {
    /// The network's output.
    pub logits: &'a [f32],
    /// `softmax(logits / temperature)`.
    pub posterior: &'a [f64],
}

/// `softmax(logits / temperature)`. Shape of `posterior`: `[classes]`.
fn softmax(logits: impl Iterator<Item = f32> + Clone, temperature: f64, posterior: &mut Vec<f64>) {
    let largest = logits.clone().fold(f32::NEG_INFINITY, f32::max);
    posterior.clear();
    posterior.extend(logits.map(|logit| ((f64::from(logit) - f64::from(largest)) / temperature).exp()));
    let sum: f64 = posterior.iter().sum();
    posterior.iter_mut().for_each(|value| *value /= sum);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_temperature_of_no_use_is_named_with_its_file() {
        let file = Path::new("run/best.safetensors");
        assert_eq!(temperature_of(file, "0.25").unwrap(), 0.25);
        for text in ["NaN", "inf", "0", "-1", "warm", ""] {
            let expected = format!(
                "run/best.safetensors is not valid: its temperature is {text}, expected a finite number above 0; {REMEDY}"
            );
            assert_eq!(temperature_of(file, text).unwrap_err().to_string(), expected);
        }
    }
}
