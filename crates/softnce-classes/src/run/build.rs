//! Data and model from a recipe.

use std::path::Path;
use std::sync::Arc;

use softnce::{ClassCandidates, ClassSampler, NoiseDistribution, NoiseEstimator};
use softnce_rows::{Init, MatrixSpec, RowStore, RowTable, TableSpec};

use super::sources::{self, Sources};
use crate::ClassesError;
use crate::data::generated::Generated;
use crate::data::{Inputs, Source, class_totals};
use crate::model::{Bag, Encoder, Head, NoiseSource, Temperature};
use crate::recipe::{CandidateSection, ClassesRecipe, DataSection, EncoderSection, NoiseKind, StorageSection};

/// The rows of a run.
#[derive(Clone)]
pub struct ClassesData {
    /// To learn from: rows with labels.
    pub train: Arc<dyn Source>,
    /// To evaluate on.
    pub test: Arc<dyn Source>,
    /// Total weight of each class over the training rows. Shape `[d]`.
    pub mass: Vec<f64>,
    /// Training rows in which each class is relevant, for propensities and groups by frequency. Shape `[d]`.
    pub counts: Vec<u64>,
    /// The generated rows, where they are generated: they know their posterior.
    pub generated: Option<Generated>,
}

impl ClassesData {
    /// Opens the data that a recipe names.
    ///
    /// # Errors
    /// Files that cannot be read; parts that do not fit together.
    pub fn open(section: &DataSection, folder: &Path) -> Result<Self, ClassesError> {
        let Sources { train, test, generated } = sources::open(section, folder)?;
        if (train.inputs(), train.classes()) != (test.inputs(), test.classes()) {
            let of = |source: &dyn Source| format!("{:?}, {} classes", source.inputs(), source.classes());
            return Err(ClassesError::setting("data.test", of(&test), format!("{}, as data.train", of(&train))));
        }
        if train.is_empty() || test.is_empty() {
            return Err(ClassesError::setting("data", "a part without labelled rows", "rows in both parts"));
        }
        let (mass, counts) = match train.known_class_mass() {
            // Rows of a source that knows its mass have one right class each.
            Some(mass) => {
                let counts = mass.iter().map(|mass| mass.round() as u64).collect();
                (mass, counts)
            }
            None => class_totals(&train)?,
        };
        Ok(ClassesData { train, test, mass, counts, generated })
    }

    /// Classes that occur in the training rows; `None` for generated rows, whose mass is an expectation above 0 for each.
    pub fn occurring(&self) -> Option<usize> {
        self.generated.is_none().then(|| self.mass.iter().filter(|&&mass| mass > 0.0).count())
    }
}

/// What a run trains, and what its steps need.
pub struct Parts {
    pub(crate) encoder: Encoder,
    pub(crate) head: Head,
    pub(crate) noise: NoiseSource,
    /// With classes as candidates.
    pub(crate) class_source: Option<ClassSource>,
}

/// Where the classes come from that are candidates.
pub(crate) enum ClassSource {
    /// So many draws for each step.
    Draws {
        /// Draws from the noise distribution.
        sampler: ClassSampler,
        /// Number of draws.
        count: usize,
    },
    /// All of them, the same in each step.
    All(ClassCandidates),
}

/// The tables of a recipe: the class weights, the biases, the embeddings.
struct Tables {
    head: TableSpec,
    bias: Option<TableSpec>,
    embeddings: Option<TableSpec>,
}

fn tables(recipe: &ClassesRecipe, data: &ClassesData) -> Result<Tables, ClassesError> {
    let classes = data.train.classes();
    let spec = |name: &str, rows, width, std: f32, storage: StorageSection, number: u64| TableSpec {
        name: name.to_owned(),
        rows,
        width,
        weights: storage.weights.into(),
        state: storage.state.into(),
        init: if std > 0.0 { Init::Normal { std, seed: recipe.seed ^ (number << 60) } } else { Init::Zero },
        place: storage.place.into(),
        optimizer: recipe.optimizer.rule,
        seed: recipe.seed ^ (number << 56),
    };
    let (features, embeddings) = match (&recipe.encoder, data.train.inputs()) {
        (EncoderSection::None, Inputs::Dense { columns }) => (columns, None),
        (EncoderSection::Bag { width, init_std, storage, .. }, Inputs::Sparse { inputs }) => {
            (*width, Some(spec("embeddings", inputs, *width, *init_std, *storage, 1)))
        }
        (EncoderSection::None, Inputs::Sparse { .. }) => {
            return Err(ClassesError::setting(
                "encoder.kind",
                "none",
                "\"bag\", because the inputs of the data are sparse",
            ));
        }
        (EncoderSection::Bag { .. }, Inputs::Dense { .. }) => {
            return Err(ClassesError::setting(
                "encoder.kind",
                "bag",
                "\"none\", because the inputs of the data are dense",
            ));
        }
    };
    let head = spec("classes", classes, features, recipe.head.init_std, recipe.head.storage, 2);
    let mut bias = recipe.head.bias.then(|| spec("biases", classes, 1, 0.0, StorageSection::default(), 3));
    if let Some(bias) = &mut bias {
        bias.optimizer = bias.optimizer.without_decay();
    }
    Ok(Tables { head, bias, embeddings })
}

impl Parts {
    /// The matrices of the tables.
    pub(crate) fn matrices(recipe: &ClassesRecipe, data: &ClassesData) -> Result<Vec<MatrixSpec>, ClassesError> {
        let Tables { head, bias, embeddings } = tables(recipe, data)?;
        let mut matrices = Vec::new();
        for table in [Some(head), bias, embeddings].into_iter().flatten() {
            matrices.extend(table.matrices()?);
        }
        Ok(matrices)
    }

    /// The model after so many steps.
    pub(crate) fn build(recipe: &ClassesRecipe, data: &ClassesData, steps: u64) -> Result<Self, ClassesError> {
        let rates: Vec<f64> =
            (0..steps).map(|step| recipe.schedule.rate(recipe.optimizer.learning_rate, step)).collect();
        let Tables { head, bias, embeddings } = tables(recipe, data)?;
        let encoder = match (&recipe.encoder, embeddings) {
            (EncoderSection::Bag { pooling, activation, .. }, Some(table)) => Encoder::Bag(Box::new(Bag {
                table: RowTable::resumed(table, &rates)?,
                pooling: *pooling,
                activation: *activation,
            })),
            _ => Encoder::Identity,
        };
        let head = Head {
            table: RowTable::resumed(head, &rates)?,
            bias: bias.map(|bias| RowTable::resumed(bias, &rates)).transpose()?,
            normalise: recipe.head.normalise,
            temperature: Temperature::new(recipe.loss.temperature, recipe.loss.learn_temperature)?,
        };
        let frequencies = || NoiseDistribution::from_counts(&data.mass, NoiseDistribution::DEFAULT_SMOOTHING);
        let given = match recipe.loss.noise {
            NoiseKind::Frequencies => frequencies()?.powered(recipe.loss.alpha)?,
            NoiseKind::Estimated | NoiseKind::Uniform => NoiseDistribution::uniform(),
        };
        let classes = data.train.classes();
        let (class_source, corrected) = match recipe.candidates {
            CandidateSection::Classes { count: Some(count), corrected } => {
                (Some(ClassSource::Draws { sampler: ClassSampler::new(&given, classes)?, count }), corrected)
            }
            CandidateSection::Classes { count: None, corrected } => {
                (Some(ClassSource::All(ClassCandidates::all(&given, classes)?)), corrected)
            }
            _ => (None, true),
        };
        let noise = match (recipe.loss.noise, corrected) {
            (NoiseKind::Estimated, _) => {
                NoiseSource::Estimated(NoiseEstimator::new(classes, NoiseDistribution::DEFAULT_SMOOTHING, 1.0)?)
            }
            (_, true) => NoiseSource::Fixed(given),
            (_, false) => NoiseSource::Fixed(NoiseDistribution::uniform()),
        };
        Ok(Parts { encoder, head, noise, class_source })
    }

    /// The store of the tables.
    pub(crate) fn store(
        folder: &Path,
        recipe: &ClassesRecipe,
        data: &ClassesData,
        generation: u64,
    ) -> Result<RowStore, ClassesError> {
        let matrices = Parts::matrices(recipe, data)?;
        if generation == 0 && !RowStore::exists(folder) {
            return Ok(RowStore::create(folder, &matrices)?);
        }
        Ok(RowStore::open(folder, &matrices, generation)?)
    }
}
