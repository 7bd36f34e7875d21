//! From the inputs of rows to their features.

use ndarray::{Array2, ArrayView2};
use serde::{Deserialize, Serialize};
use softnce_kernels::parallel::{WAKING, for_each_part, threads_for};
use softnce_rows::{CurrentRows, RowStore, RowTable, TableRows};

use crate::ClassesError;
use crate::data::{Bags, InputRows};

/// What the entries of a row are divided by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pooling {
    /// The sum of their sizes: features are the mean of the embeddings.
    #[default]
    Mean,
    /// Their Euclidean norm, as for tf-idf values.
    Norm,
}

/// What the features go through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Activation {
    /// Nothing.
    #[default]
    None,
    /// Values below 0 become 0.
    Relu,
}

/// From the inputs of rows to their features.
#[derive(Debug, Clone)]
pub enum Encoder {
    /// Dense inputs are the features.
    Identity,
    /// The features are the pooled embeddings of a row's inputs.
    Bag(Box<Bag>),
}

/// Embeddings of inputs, pooled.
#[derive(Debug, Clone)]
pub struct Bag {
    /// The embeddings. `[inputs, D]`.
    pub table: RowTable,
    /// What the entries of a row are divided by.
    pub pooling: Pooling,
    /// What the features go through.
    pub activation: Activation,
}

/// Features, and what their gradient needs.
#[derive(Debug)]
pub struct Encoded {
    /// Shape `[N, D]`.
    pub features: Array2<f32>,
    pulled: Option<Pulled>,
}

/// The embeddings of a batch.
#[derive(Debug)]
struct Pulled {
    rows: TableRows,
    entries: Entries,
}

/// The entries of a batch: which embedding, with which factor.
#[derive(Debug)]
struct Entries {
    /// The inputs that occur, ascending. Shape `[U]`.
    inputs: Vec<u32>,
    /// Where each row's entries begin. Shape `[N + 1]`.
    offsets: Vec<usize>,
    /// The place of each entry's input among `inputs`.
    places: Vec<u32>,
    /// The factor of each entry.
    factors: Vec<f32>,
}

impl Entries {
    fn new(bags: &Bags, pooling: Pooling) -> Self {
        let mut inputs = bags.indices.clone();
        inputs.sort_unstable();
        inputs.dedup();
        let place = |input: &u32| inputs.partition_point(|other| other < input) as u32;
        let places = bags.indices.iter().map(place).collect();
        let mut factors = bags.values.clone();
        for pair in bags.offsets.windows(2) {
            let values = &mut factors[pair[0]..pair[1]];
            let size: f64 = match pooling {
                Pooling::Mean => values.iter().map(|value| f64::from(value.abs())).sum(),
                Pooling::Norm => values.iter().map(|&value| f64::from(value) * f64::from(value)).sum::<f64>().sqrt(),
            };
            if size > 0.0 {
                values.iter_mut().for_each(|value| *value = (f64::from(*value) / size) as f32);
            }
        }
        Entries { inputs, offsets: bags.offsets.clone(), places, factors }
    }

    /// The features of each row: the sum of its embeddings with their factors.
    fn pool(&self, embeddings: ArrayView2<'_, f32>, activation: Activation) -> Array2<f32> {
        let width = embeddings.ncols();
        let mut features = Array2::zeros((self.offsets.len() - 1, width));
        let threads = threads_for(self.places.len() * width, WAKING, features.nrows());
        let rows = features.outer_iter_mut().zip(self.offsets.windows(2));
        for_each_part(threads, rows, |(mut features, range)| {
            for entry in range[0]..range[1] {
                features.scaled_add(self.factors[entry], &embeddings.row(self.places[entry] as usize));
            }
            if activation == Activation::Relu {
                features.mapv_inplace(|value| value.max(0.0));
            }
        });
        features
    }

    /// The gradients of the embeddings from those of the features. Shape `[U, D]`.
    fn spread(&self, gradient: ArrayView2<'_, f32>) -> Array2<f32> {
        // The entries by their input, so that each embedding's gradient is summed in one order, by one thread.
        let mut entries: Vec<(u32, usize, f32)> = Vec::with_capacity(self.places.len());
        for (row, range) in self.offsets.windows(2).enumerate() {
            entries.extend((range[0]..range[1]).map(|entry| (self.places[entry], row, self.factors[entry])));
        }
        entries.sort_by_key(|&(place, _, _)| place);
        let mut out = Array2::zeros((self.inputs.len(), gradient.ncols()));
        let threads = threads_for(entries.len() * gradient.ncols(), WAKING, self.inputs.len());
        let parts = out.outer_iter_mut().zip(entries.chunk_by(|one, other| one.0 == other.0));
        for_each_part(threads, parts, |(mut out, entries)| {
            for &(_, row, factor) in entries {
                out.scaled_add(factor, &gradient.row(row));
            }
        });
        out
    }
}

impl Encoder {
    /// The table of embeddings, where there is one.
    pub fn table(&self) -> Option<&RowTable> {
        match self {
            Encoder::Identity => None,
            Encoder::Bag(bag) => Some(&bag.table),
        }
    }

    /// The features of rows, for a step with this learning rate.
    ///
    /// # Errors
    /// Inputs of another kind; a learning rate out of its range; rows that cannot be read.
    pub fn begin_step(&mut self, store: &RowStore, inputs: &InputRows, rate: f64) -> Result<Encoded, ClassesError> {
        match (self, inputs) {
            (Encoder::Identity, InputRows::Dense(rows)) => Ok(Encoded { features: rows.clone(), pulled: None }),
            (Encoder::Bag(bag), InputRows::Bags(bags)) => {
                let Bag { table, pooling, activation } = &mut **bag;
                let entries = Entries::new(bags, *pooling);
                table.begin_step(rate)?;
                let rows = table.gather(store, &entries.inputs)?;
                let features = entries.pool(rows.weights(), *activation);
                Ok(Encoded { features, pulled: Some(Pulled { rows, entries }) })
            }
            (encoder, inputs) => Err(encoder.refused(inputs)),
        }
    }

    /// Makes the step on the embeddings that took part.
    ///
    /// # Shapes
    /// `gradient`: `[N, D]`, that of the loss with respect to the features.
    ///
    /// # Errors
    /// Rows that cannot be changed.
    pub fn end_step(
        &self,
        store: &mut RowStore,
        encoded: Encoded,
        mut gradient: Array2<f32>,
    ) -> Result<(), ClassesError> {
        let (Encoder::Bag(bag), Some(Pulled { rows, entries })) = (self, encoded.pulled) else { return Ok(()) };
        if bag.activation == Activation::Relu {
            gradient.zip_mut_with(&encoded.features, |gradient, &value| *gradient *= f32::from(u8::from(value > 0.0)));
        }
        Ok(bag.table.update(store, rows, entries.spread(gradient.view()).view())?)
    }

    /// The features of rows, for an evaluation.
    ///
    /// # Shapes
    /// The result: `[N, D]`.
    ///
    /// # Errors
    /// Inputs of another kind; rows that cannot be read.
    pub fn encode(&self, store: &RowStore, inputs: &InputRows) -> Result<Array2<f32>, ClassesError> {
        match (self, inputs) {
            (Encoder::Identity, InputRows::Dense(rows)) => Ok(rows.clone()),
            (Encoder::Bag(bag), InputRows::Bags(bags)) => {
                let Bag { table, pooling, activation } = &**bag;
                let entries = Entries::new(bags, *pooling);
                let current: CurrentRows<'_> = table.current(store)?;
                Ok(entries.pool(current.gather(&entries.inputs)?.view(), *activation))
            }
            (encoder, inputs) => Err(encoder.refused(inputs)),
        }
    }

    fn refused(&self, inputs: &InputRows) -> ClassesError {
        let found = match inputs {
            InputRows::Dense(_) => "dense rows",
            InputRows::Bags(_) => "sparse rows",
        };
        let expected = match self {
            Encoder::Identity => "dense rows (encoder.kind = \"bag\" takes sparse ones)",
            Encoder::Bag(_) => "sparse rows (encoder.kind = \"none\" takes dense ones)",
        };
        ClassesError::setting("encoder.kind: the inputs of the data", found, expected)
    }
}
