//! The results of a finished run: `results.json`.

use std::path::Path;

use serde::{Deserialize, Serialize};
use softnce_metrics::RankingResult;
use softnce_store::{Folder, StoreError, read_json};

use crate::data::Inputs;
use crate::recipe::ClassesRecipe;

const RESULTS: &str = "results.json";

/// The results of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunResults {
    /// The version of softnce.
    pub version: String,
    /// The recipe.
    pub recipe: ClassesRecipe,
    /// Rows to learn from.
    pub train_rows: usize,
    /// Rows of the test part, of which the evaluations take some at equal distances.
    pub test_rows: usize,
    /// What the inputs of a row are.
    pub inputs: Inputs,
    /// Number of features D of a row: the width of the class weights.
    pub features: usize,
    /// Number of classes.
    pub classes: usize,
    /// Classes that occur in the training rows; none for generated rows, of which only the expected counts are known.
    pub occurring: Option<usize>,
    /// What is probably a mistake in the recipe: see [`softnce::Warning`].
    #[serde(default)]
    pub warnings: Vec<String>,
    /// The evaluations, the last one at the end.
    pub history: Vec<Evaluation>,
}

/// An evaluation over all classes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Steps before it.
    pub step: u64,
    /// Seconds of training before it, without evaluations and checkpoints.
    pub seconds: f64,
    /// Mean loss of the steps since the evaluation before it, in nats; not comparable between candidates.
    pub train_loss: Option<f64>,
    /// Negative log likelihood of the soft labels, in nats, with the softmax over all classes. Its exponential is the
    /// perplexity.
    pub nll: f64,
    /// The temperature of the loss.
    pub temperature: f64,
    /// Mean Kullback-Leibler divergence of the softmax over all classes from the true posterior, in nats, for generated
    /// rows.
    pub divergence: Option<f64>,
    /// Precision and others at each k, also by frequency of the class.
    pub ranking: RankingResult,
}

impl Evaluation {
    /// `exp(nll)`: among how many equally probable classes it would be as hard to guess.
    pub fn perplexity(&self) -> f64 {
        self.nll.exp()
    }
}

impl RunResults {
    /// The results in the folder of a run.
    ///
    /// # Errors
    /// A run that is not finished; a file that cannot be read, or is damaged.
    pub fn read(folder: &Path) -> Result<Self, StoreError> {
        let (missing, remedy) = (RESULTS, "a run writes it at its end: train it first");
        let path = folder.to_owned();
        read_json(&folder.join(RESULTS), "continue the run: it writes the file again")?.ok_or(StoreError::Missing {
            path,
            missing,
            remedy,
        })
    }

    pub(crate) fn write(&self, folder: &Folder) -> Result<(), StoreError> {
        folder.write_sealed_json(RESULTS, self)
    }

    /// Values that are trained: class weights, biases, and the embeddings of sparse inputs.
    pub fn trained_values(&self) -> usize {
        let of_class = self.features + usize::from(self.recipe.head.bias);
        let of_inputs = match self.inputs {
            Inputs::Dense { .. } => 0,
            Inputs::Sparse { inputs } => inputs.saturating_mul(self.features),
        };
        self.classes.saturating_mul(of_class).saturating_add(of_inputs)
    }

    /// Rows that all steps together took.
    pub fn rows_seen(&self) -> usize {
        let steps = usize::try_from(self.recipe.schedule.steps).unwrap_or(usize::MAX);
        let size = self.recipe.training.batch_size.max(1);
        // The last batch of an epoch has the rows that are left.
        let batches = self.train_rows.div_ceil(size).max(1);
        let rest = (steps % batches).saturating_mul(size).min(self.train_rows);
        (steps / batches).saturating_mul(self.train_rows).saturating_add(rest)
    }
}
