//! A finished run, for predictions and export.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use softnce_data::sets::FeatureSet;
use softnce_rows::RowStore;
use softnce_rows::search::Scan;
use softnce_store::{CsvStream, StoreError};

use super::build::{ClassesData, Parts};
use super::checkpoint::{Checkpoint, LAST};
use super::evaluate::ROWS_AT_ONCE;
use super::export::export;
use crate::ClassesError;
use crate::data::sparse_text::SparseText;
use crate::data::{DataError, Example, FeatureRows, Inputs, Minibatch, Source};
use crate::recipe::{CandidateSection, DataSection, NoiseKind};
use crate::results::RunResults;

/// A finished run, for predictions and export.
///
/// The run's data are not opened. While it is open, no other process can open the tables of the run.
pub struct TrainedRun {
    results: RunResults,
    pub(super) parts: Parts,
    pub(super) store: RowStore,
    biases: Option<Vec<f32>>,
}

impl TrainedRun {
    /// Opens the folder of a finished run.
    ///
    /// # Errors
    /// A folder without results; a checkpoint or tables that are missing, damaged, or in use by another process.
    pub fn open(folder: &Path) -> Result<Self, ClassesError> {
        let results = RunResults::read(folder)?;
        let state = Checkpoint::read(folder)?;
        if state.step != results.recipe.schedule.steps {
            let (path, reason) = (folder.join(LAST), format!("it is of step {}", state.step));
            let remedy = "restore the folder from a copy, or train the run again";
            return Err(StoreError::Invalid { path, reason, remedy }.into());
        }
        // Candidates and noise are of no use without steps, and the noise may need the training rows.
        let mut recipe = results.recipe.clone();
        recipe.candidates = CandidateSection::Batch;
        recipe.loss.noise = NoiseKind::Uniform;
        let data = no_rows(&results);
        let mut parts = Parts::build(&recipe, &data, state.step)?;
        if let Some(kept) = state.temperature {
            parts.head.temperature.resume(kept, parts.head.table.rates())?;
        }
        let store = Parts::store(&folder.join("rows"), &recipe, &data, state.step)?;
        let biases = parts.head.biases(&store)?.map(|biases| biases.to_vec());
        Ok(TrainedRun { results, parts, store, biases })
    }

    /// The results of the run.
    pub fn results(&self) -> &RunResults {
        &self.results
    }

    /// The rows of a file, in the format of the run's data, for [`TrainedRun::predict`]. Dense rows: an `.npy` file, or
    /// the tensor `features` of a `.safetensors` file. Sparse rows: the [text format](crate::data::sparse_text), with
    /// the recipe's options if its data have this format; labels are ignored.
    ///
    /// # Errors
    /// A file that cannot be read; rows of other columns or inputs than the run's. All name the file.
    pub fn open_rows(&self, path: &Path) -> Result<Box<dyn Source>, ClassesError> {
        match self.results.inputs {
            Inputs::Dense { columns } => {
                // The one class that rows without labels get; its name is not used.
                let set = FeatureSet::unlabelled(path, vec![String::new()]).map_err(DataError::from)?;
                let rows = FeatureRows::of(Arc::new(set))?;
                match rows.inputs() {
                    Inputs::Dense { columns: found } if found != columns => {
                        let expected = format!("{columns}, as the run was trained on");
                        Err(DataError::file(path, format!("{found} columns"), expected).into())
                    }
                    _ => Ok(Box::new(Unnamed(rows))),
                }
            }
            Inputs::Sparse { inputs } => {
                let mut options = match &self.results.recipe.data {
                    DataSection::SparseText { options, .. } => options.clone(),
                    _ => Default::default(),
                };
                (options.inputs, options.classes) = (Some(inputs), Some(self.results.classes));
                Ok(Box::new(SparseText::open(path, &options)?))
            }
        }
    }

    /// Writes the most probable classes of each row, with their probabilities under the softmax over all classes, as
    /// rows of CSV: the number of the row, from 0; then `class` and `probability`, or with `top` `class_1`,
    /// `probability_1` and so on. A class has the name that `rows` knows, else its number. Whoever calls this finishes
    /// `out`.
    ///
    /// Returns the number of rows written: all, unless it was stopped.
    ///
    /// # Errors
    /// `top` of 0 or above the number of classes; rows that cannot be read or have other inputs than the run's; scores
    /// beyond the range of f32; a file that cannot be written.
    pub fn predict(
        &self,
        rows: &dyn Source,
        top: Option<usize>,
        out: &mut CsvStream,
        stop: &AtomicBool,
    ) -> Result<usize, ClassesError> {
        let most = top.unwrap_or(1);
        if !(1..=self.results.classes).contains(&most) {
            let expected = format!("1 to {}, the number of classes", self.results.classes);
            return Err(ClassesError::setting("top", most, expected));
        }
        if rows.inputs() != self.results.inputs {
            let expected = format!("{:?}, as the run was trained on", self.results.inputs);
            return Err(ClassesError::setting("the inputs of the rows", format!("{:?}", rows.inputs()), expected));
        }
        out.row(head(top))?;
        for first in (0..rows.len()).step_by(ROWS_AT_ONCE) {
            if stop.load(Ordering::Relaxed) {
                return Ok(first);
            }
            let numbers: Vec<usize> = (first..rows.len().min(first + ROWS_AT_ONCE)).collect();
            for (row, found) in numbers.iter().zip(self.most_probable(rows, &numbers, most)?) {
                let classes = found.into_iter().flat_map(|(class, probability)| {
                    let name = rows.class_name(class as usize).map_or_else(|| class.to_string(), str::to_owned);
                    [name, number(probability)]
                });
                out.row(std::iter::once(row.to_string()).chain(classes))?;
            }
        }
        Ok(rows.len())
    }

    /// For each of these rows the most probable classes, best first, with their probabilities.
    fn most_probable(
        &self,
        rows: &dyn Source,
        numbers: &[usize],
        most: usize,
    ) -> Result<Vec<Vec<(u32, f64)>>, ClassesError> {
        let batch = Minibatch::read(rows, numbers)?;
        let features = self.parts.encoder.encode(&self.store, &batch.inputs)?;
        let head = &self.parts.head;
        let mut scan =
            Scan::new(features.view()).with_temperature(head.temperature.value() as f32).with_top(most).with_log_sum();
        if let Some(biases) = &self.biases {
            scan = scan.with_bias(biases);
        }
        if head.normalise {
            scan = scan.with_cosine();
        }
        let found = scan.run(&head.table.current(&self.store)?).map_err(ClassesError::in_rows("row", numbers))?;
        let (Some(top), Some(sums)) = (found.top, found.log_sum) else { return Ok(Vec::new()) };
        let lists = top.classes.outer_iter().zip(top.scores.outer_iter()).zip(sums);
        let list = |((classes, scores), sum): ((ndarray::ArrayView1<'_, u32>, ndarray::ArrayView1<'_, f32>), f64)| {
            classes.iter().zip(scores).map(|(&class, &score)| (class, (f64::from(score) - sum).exp())).collect()
        };
        Ok(lists.map(list).collect())
    }

    /// Writes the class weights (`head.weight`, `[d, D]`), the biases (`head.bias`, `[d]`) and the embeddings of sparse
    /// inputs (`embeddings.weight`, `[inputs, D]`), those that the run has, to a safetensors file, atomically: as after
    /// the last step, in the type in which the run keeps them. The metadata name the temperature, and how features and
    /// scores are computed: `normalise`, and with embeddings `pooling` and `activation`.
    ///
    /// # Errors
    /// Tables that cannot be read; a file that cannot be written.
    pub fn export(&self, path: &Path) -> Result<(), ClassesError> {
        export(&self.results.recipe, &self.parts, &self.store, self.results.recipe.schedule.steps, path)
    }
}

fn head(top: Option<usize>) -> Vec<String> {
    let mut head = vec!["row".to_owned()];
    match top {
        None => head.extend(["class", "probability"].map(str::to_owned)),
        Some(top) => head.extend((1..=top).flat_map(|rank| [format!("class_{rank}"), format!("probability_{rank}")])),
    }
    head
}

/// A probability that reads back as it was; a very small one with an exponent.
fn number(value: f64) -> String {
    if value == 0.0 || value >= 1e-4 { value.to_string() } else { format!("{value:e}") }
}

/// Data of the sizes of a run, without rows: all that the model is built from.
fn no_rows(results: &RunResults) -> ClassesData {
    let sizes = Sizes { inputs: results.inputs, classes: results.classes };
    ClassesData { train: Arc::new(sizes), test: Arc::new(sizes), mass: Vec::new(), counts: Vec::new(), generated: None }
}

/// A source of these sizes without rows.
#[derive(Debug, Clone, Copy)]
struct Sizes {
    inputs: Inputs,
    classes: usize,
}

impl Source for Sizes {
    fn len(&self) -> usize {
        0
    }

    fn inputs(&self) -> Inputs {
        self.inputs
    }

    fn classes(&self) -> usize {
        self.classes
    }

    fn read(&self, index: usize, _example: &mut Example) -> Result<(), DataError> {
        DataError::check_index(index, 0)
    }
}

/// Rows of a set without labels, whose classes have no names.
struct Unnamed(FeatureRows);

impl Source for Unnamed {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn inputs(&self) -> Inputs {
        self.0.inputs()
    }

    fn classes(&self) -> usize {
        self.0.classes()
    }

    fn read(&self, index: usize, example: &mut Example) -> Result<(), DataError> {
        self.0.read(index, example)
    }
}
