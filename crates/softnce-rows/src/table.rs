//! Rows in a store, with their optimiser.

use ndarray::{Array2, ArrayView2};
use softnce_kernels::parallel::{WAKING, for_each, threads_for};

use crate::storage::encode;
use crate::{
    Element, Init, MatrixSpec, Place, Rounding, RowBlocks, RowMatrix, RowOptimizer, RowOptimizerConfig, RowStore,
    RowsError, StoredRows,
};

/// Vector operations for a value of a row that is caught up or updated: more than one, because of the steps it missed.
const WORK: usize = 4;

/// A table of rows that are trained: which sizes, types and optimiser.
#[derive(Debug, Clone, PartialEq)]
pub struct TableSpec {
    /// Its name: that of its matrices in the store, followed by `-weights`, `-state` and `-last`.
    pub name: String,
    /// Number of rows.
    pub rows: usize,
    /// Values of a row.
    pub width: usize,
    /// The type of the weights.
    pub weights: Element,
    /// The type of the optimiser's state.
    pub state: Element,
    /// The first weights.
    pub init: Init,
    /// Where weights and state are.
    pub place: Place,
    /// The optimiser.
    pub optimizer: RowOptimizerConfig,
    /// The seed of stochastic rounding, with which values of 16 bits are kept.
    pub seed: u64,
}

impl TableSpec {
    /// The matrices of the table, for [`RowStore::create`] and [`RowStore::open`].
    ///
    /// # Errors
    /// A setting of the optimiser out of its range.
    pub fn matrices(&self) -> Result<Vec<MatrixSpec>, RowsError> {
        let state = RowOptimizer::new(self.optimizer)?.state_width(self.width);
        let matrix = |suffix: &str, width, element, init, place| MatrixSpec {
            name: format!("{}-{suffix}", self.name),
            rows: self.rows,
            width,
            element,
            init,
            place,
        };
        let mut matrices = vec![
            matrix("weights", self.width, self.weights, self.init, self.place),
            // Read with every row, and small: always in memory.
            matrix("last", 1, Element::U32, Init::Zero, Place::Memory),
        ];
        if state > 0 {
            matrices.push(matrix("state", state, self.state, Init::Zero, self.place));
        }
        Ok(matrices)
    }
}

/// A table of rows that are trained, in a store with its matrices.
///
/// A step begins with [`RowTable::begin_step`]. Then [`RowTable::gather`] returns rows as an optimiser that changes every
/// row in every step would have left them, and [`RowTable::update`] takes their gradients.
#[derive(Debug, Clone)]
pub struct RowTable {
    spec: TableSpec,
    optimizer: RowOptimizer,
}

/// Rows of a table, caught up to the step that was begun.
#[derive(Debug, Clone)]
pub struct TableRows {
    rows: Vec<u32>,
    /// Shape `[n, width]`.
    weights: Array2<f32>,
    /// Shape `[n, state width]`.
    state: Array2<f32>,
    step: u32,
}

impl TableRows {
    /// The indices of the rows, ascending. Shape `[n]`.
    pub fn rows(&self) -> &[u32] {
        &self.rows
    }

    /// The weights. Shape `[n, width]`.
    pub fn weights(&self) -> ArrayView2<'_, f32> {
        self.weights.view()
    }
}

impl RowTable {
    /// A table before its first step.
    ///
    /// # Errors
    /// A setting of the optimiser out of its range.
    pub fn new(spec: TableSpec) -> Result<Self, RowsError> {
        RowTable::resumed(spec, &[])
    }

    /// A table after steps with these learning rates, those that [`RowTable::rates`] returned.
    ///
    /// # Errors
    /// A setting or a rate out of its range.
    pub fn resumed(spec: TableSpec, rates: &[f64]) -> Result<Self, RowsError> {
        let optimizer = RowOptimizer::resumed(spec.optimizer, rates)?;
        Ok(RowTable { spec, optimizer })
    }

    /// What the table is.
    pub fn spec(&self) -> &TableSpec {
        &self.spec
    }

    /// The learning rates of the steps so far.
    pub fn rates(&self) -> &[f64] {
        self.optimizer.rates()
    }

    /// Begins a step with this learning rate.
    ///
    /// # Errors
    /// A rate out of its range: see [`RowOptimizer::begin_step`].
    pub fn begin_step(&mut self, rate: f64) -> Result<(), RowsError> {
        self.optimizer.begin_step(rate)
    }

    fn name(&self, suffix: &str) -> String {
        format!("{}-{suffix}", self.spec.name)
    }

    fn state<'s>(&self, store: &'s RowStore) -> Result<Option<&'s RowMatrix>, RowsError> {
        let width = self.optimizer.state_width(self.spec.width);
        (width > 0).then(|| store.matrix(&self.name("state"))).transpose()
    }

    /// Rows as they are before the step that was begun last, for that step.
    ///
    /// # Shapes
    /// `rows`: `[n]`, ascending, none twice.
    ///
    /// # Errors
    /// No step that was begun; rows that do not exist or do not ascend; a file that cannot be read; rows that a later
    /// step changed.
    pub fn gather(&self, store: &RowStore, rows: &[u32]) -> Result<TableRows, RowsError> {
        let step = self.optimizer.steps();
        if step == 0 {
            return Err(RowsError::argument("steps", 0, "a step that was begun"));
        }
        if let Some(pair) = rows.windows(2).find(|pair| pair[0] >= pair[1]) {
            return Err(RowsError::argument("rows", format!("{} before {}", pair[0], pair[1]), "ascending rows"));
        }
        let mut weights = vec![0.0; rows.len() * self.spec.width];
        store.matrix(&self.name("weights"))?.gather(rows, &mut weights)?;
        let matrices = (self.state(store)?, store.matrix(&self.name("last"))?);
        let state = self.catch_up(matrices, rows, &mut weights, step - 1)?;
        Ok(TableRows { rows: rows.to_vec(), weights: matrix(weights, self.spec.width), state, step })
    }

    /// Brings weights to what they are after step `until`, and returns the state of the rows, `[n, state width]`.
    ///
    /// # Shapes
    /// `rows`: `[n]`; `weights`: `[n * width]`.
    fn catch_up(
        &self,
        matrices: (Option<&RowMatrix>, &RowMatrix),
        rows: &[u32],
        weights: &mut [f32],
        until: u32,
    ) -> Result<Array2<f32>, RowsError> {
        let (width, state_width) = (self.spec.width, self.optimizer.state_width(self.spec.width));
        let (state, last) = matrices;
        let mut steps = vec![0; rows.len()];
        last.gather_u32(rows, &mut steps)?;
        let mut states = vec![0.0; rows.len() * state_width];
        if let Some(state) = state {
            // The state of a row that no step changed is 0: it need not be read.
            let changed: Vec<usize> = (0..rows.len()).filter(|&at| steps[at] > 0).collect();
            let changed_rows: Vec<u32> = changed.iter().map(|&at| rows[at]).collect();
            let mut read = vec![0.0; changed.len() * state_width];
            state.gather(&changed_rows, &mut read)?;
            for (at, values) in changed.into_iter().zip(read.chunks(state_width)) {
                states[at * state_width..(at + 1) * state_width].copy_from_slice(values);
            }
        }
        let threads = threads_for(weights.len() * WORK, WAKING, rows.len());
        let parts = weights.chunks_mut(width).zip(parts(&mut states, state_width)).zip(&steps);
        for_each(
            threads,
            parts,
            || (),
            |(), ((weights, state), &last)| self.optimizer.catch_up(last, until, weights, state),
        )?;
        Ok(matrix(states, state_width))
    }

    /// Makes the step that was begun on rows that were gathered for it, and keeps them in the store.
    ///
    /// # Shapes
    /// `gradients`: `[n, width]`, a row for each of `rows`.
    ///
    /// # Errors
    /// Rows of another step; gradients of another shape; weights that are no longer finite; a commit that is neither
    /// applied nor cancelled.
    pub fn update(
        &self,
        store: &mut RowStore,
        rows: TableRows,
        gradients: ArrayView2<'_, f32>,
    ) -> Result<(), RowsError> {
        let TableRows { rows, mut weights, mut state, step } = rows;
        if step != self.optimizer.steps() {
            let expected = format!("rows of step {}", self.optimizer.steps());
            return Err(RowsError::argument("rows", format!("rows of step {step}"), expected));
        }
        if gradients.dim() != weights.dim() {
            let expected = format!("{:?}, as the rows", weights.shape());
            return Err(RowsError::argument("gradients", format!("{:?}", gradients.shape()), expected));
        }
        let gradients = gradients.as_standard_layout();
        let (width, state_width) = (weights.ncols(), state.ncols());
        let (values, states) = (flat(&mut weights), flat(&mut state));
        let threads = threads_for(values.len() * WORK, WAKING, rows.len());
        let gradients = gradients.as_slice().unwrap_or_default().chunks(width.max(1));
        let with_states = values.chunks_mut(width.max(1)).zip(parts(states, state_width));
        for_each(
            threads,
            with_states.zip(gradients),
            || (),
            |(), ((weights, state), gradient)| self.optimizer.update(weights, state, gradient),
        )?;
        let rounding = Rounding::Stochastic { seed: self.spec.seed, step: u64::from(step) };
        let [kept] = store.matrices_mut([&self.name("weights")])?;
        kept.scatter(&rows, values, rounding)?;
        if state_width > 0 {
            // Random numbers of its own.
            let rounding = Rounding::Stochastic { seed: !self.spec.seed, step: u64::from(step) };
            let [kept] = store.matrices_mut([&self.name("state")])?;
            kept.scatter(&rows, states, rounding)?;
        }
        let [last] = store.matrices_mut([&self.name("last")])?;
        last.scatter_u32(&rows, &vec![step; rows.len()])
    }

    /// All rows as after the last step, for an evaluation.
    ///
    /// # Errors
    /// A store without the table's matrices.
    pub fn current<'t>(&'t self, store: &'t RowStore) -> Result<CurrentRows<'t>, RowsError> {
        let (weights, last) = (store.matrix(&self.name("weights"))?, store.matrix(&self.name("last"))?);
        Ok(CurrentRows { table: self, weights, state: self.state(store)?, last })
    }
}

/// The rows of a table as after its last step.
#[derive(Debug, Clone, Copy)]
pub struct CurrentRows<'t> {
    table: &'t RowTable,
    weights: &'t RowMatrix,
    state: Option<&'t RowMatrix>,
    last: &'t RowMatrix,
}

impl CurrentRows<'_> {
    /// Some rows, in any order. Shape of the result: `[rows.len(), width]`.
    ///
    /// # Errors
    /// Rows that do not exist; a file that cannot be read.
    pub fn gather(&self, rows: &[u32]) -> Result<Array2<f32>, RowsError> {
        let mut weights = vec![0.0; rows.len() * self.width()];
        self.weights.gather(rows, &mut weights)?;
        self.catch_up(rows, &mut weights)?;
        Ok(matrix(weights, self.width()))
    }

    fn catch_up(&self, rows: &[u32], weights: &mut [f32]) -> Result<(), RowsError> {
        let optimizer = &self.table.optimizer;
        if optimizer.moves_idle_rows() {
            self.table.catch_up((self.state, self.last), rows, weights, optimizer.steps())?;
        }
        Ok(())
    }
}

impl RowBlocks for CurrentRows<'_> {
    fn rows(&self) -> usize {
        self.table.spec.rows
    }

    fn width(&self) -> usize {
        self.table.spec.width
    }

    fn read(&self, range: std::ops::Range<usize>, out: &mut [f32]) -> Result<(), RowsError> {
        self.weights.read(range.clone(), out)?;
        let rows: Vec<u32> = (range.start as u32..range.end as u32).collect();
        self.catch_up(&rows, out)
    }
}

/// With the type of the weights in the store; rows that are caught up are rounded to the nearest value of it.
impl StoredRows for CurrentRows<'_> {
    fn shape(&self) -> Vec<usize> {
        vec![self.rows(), self.width()]
    }

    fn element(&self) -> Element {
        self.weights.element()
    }

    fn bytes<'b>(&'b self, rows: std::ops::Range<usize>, buffer: &'b mut Vec<u8>) -> Result<&'b [u8], RowsError> {
        if !self.table.optimizer.moves_idle_rows() {
            return StoredRows::bytes(self.weights, rows, buffer);
        }
        let (width, element) = (self.width(), self.element());
        let mut values = vec![0.0; rows.len() * width];
        self.read(rows.clone(), &mut values)?;
        buffer.resize(values.len() * element.size(), 0);
        let parts = values.chunks_exact(width).zip(buffer.chunks_exact_mut(width * element.size()));
        for (row, (values, out)) in rows.zip(parts) {
            encode(element, Rounding::Nearest, row as u32, values, out);
        }
        Ok(buffer)
    }
}

/// Values as the states of rows; rows without state get an empty one.
fn parts(values: &mut [f32], width: usize) -> impl Iterator<Item = &mut [f32]> + Send {
    let empty = std::iter::repeat_with(Default::default).take(if width == 0 { usize::MAX } else { 0 });
    values.chunks_mut(width.max(1)).chain(empty)
}

fn matrix(values: Vec<f32>, width: usize) -> Array2<f32> {
    let rows = values.len().checked_div(width).unwrap_or(0);
    Array2::from_shape_vec((rows, width), values).unwrap_or_default()
}

/// The values of a matrix that this module made.
fn flat(matrix: &mut Array2<f32>) -> &mut [f32] {
    matrix.as_slice_mut().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    const ROWS: usize = 9;
    const WIDTH: usize = 5;

    fn spec(optimizer: RowOptimizerConfig, place: Place) -> TableSpec {
        TableSpec {
            name: "classes".into(),
            rows: ROWS,
            width: WIDTH,
            weights: Element::F32,
            state: Element::F32,
            init: Init::Normal { std: 0.5, seed: 3 },
            place,
            optimizer,
            seed: 1,
        }
    }

    fn optimizers() -> Vec<RowOptimizerConfig> {
        vec![
            RowOptimizerConfig::Sgd { momentum: 0.0, nesterov: false, weight_decay: 0.0 },
            RowOptimizerConfig::Sgd { momentum: 0.9, nesterov: false, weight_decay: 0.1 },
            RowOptimizerConfig::Adamw { betas: [0.9, 0.999], epsilon: 1e-8, weight_decay: 0.1 },
            RowOptimizerConfig::Adagrad { epsilon: 1e-10, weight_decay: 0.1 },
        ]
    }

    fn gradient(step: u32, row: u32) -> Vec<f32> {
        (0..WIDTH).map(|at| (step as f32 * 1.7 + row as f32 * 0.6 + at as f32).sin()).collect()
    }

    /// Makes steps on these rows; commits after some of them, and opens the store again.
    fn train(spec: &TableSpec, steps: &[Vec<u32>], commit_every: usize) -> Vec<f32> {
        let folder = tempfile::tempdir().unwrap();
        let mut store = RowStore::create(folder.path(), &spec.matrices().unwrap()).unwrap();
        let mut table = RowTable::new(spec.clone()).unwrap();
        for (number, rows) in (1_u32..).zip(steps) {
            table.begin_step(0.01 * f64::from(number % 5 + 1)).unwrap();
            let gathered = table.gather(&store, rows).unwrap();
            let gradients: Vec<f32> = rows.iter().flat_map(|&row| gradient(number, row)).collect();
            let gradients = Array2::from_shape_vec((rows.len(), WIDTH), gradients).unwrap();
            table.update(&mut store, gathered, gradients.view()).unwrap();
            if (number as usize).is_multiple_of(commit_every) {
                store.prepare(u64::from(number)).unwrap();
                store.apply().unwrap();
                drop(store);
                store = RowStore::open(folder.path(), &spec.matrices().unwrap(), u64::from(number)).unwrap();
                table = RowTable::resumed(spec.clone(), table.rates()).unwrap();
            }
        }
        let current = table.current(&store).unwrap();
        let mut values = vec![0.0; ROWS * WIDTH];
        current.read(0..ROWS, &mut values).unwrap();
        assert_eq!(current.gather(&[4, 0]).unwrap().row(0).to_vec(), values[4 * WIDTH..5 * WIDTH]);
        values
    }

    fn steps() -> impl Strategy<Value = Vec<Vec<u32>>> {
        let rows = prop::collection::btree_set(0..ROWS as u32, 0..4);
        prop::collection::vec(rows.prop_map(|rows| rows.into_iter().collect()), 1..40)
    }

    proptest! {
        // Each case writes and syncs many files.
        #![proptest_config(ProptestConfig::with_cases(40))]

        /// A table equals an optimiser that changes every row in every step, with zeros as the gradients of the others.
        #[test]
        fn a_table_equals_the_dense_optimiser(steps in steps(), commit_every in 1..50_usize, which in 0..4_usize) {
            let config = optimizers()[which];
            let every: Vec<u32> = (0..ROWS as u32).collect();
            let mut dense = RowOptimizer::new(config).unwrap();
            let first = spec(config, Place::Memory);
            let mut weights = {
                let folder = tempfile::tempdir().unwrap();
                let store = RowStore::create(folder.path(), &first.matrices().unwrap()).unwrap();
                RowTable::new(first.clone()).unwrap().current(&store).unwrap().gather(&every).unwrap()
            };
            let mut states = vec![vec![0.0; dense.state_width(WIDTH)]; ROWS];
            for (number, rows) in (1_u32..).zip(&steps) {
                dense.begin_step(0.01 * f64::from(number % 5 + 1)).unwrap();
                for (row, (mut weights, state)) in (0..).zip(weights.outer_iter_mut().zip(&mut states)) {
                    let gradient = if rows.contains(&row) { gradient(number, row) } else { vec![0.0; WIDTH] };
                    dense.update(weights.as_slice_mut().unwrap(), state, &gradient).unwrap();
                }
            }
            let found = [Place::Memory, Place::Disk].map(|place| train(&spec(config, place), &steps, commit_every));
            prop_assert_eq!(&found[0], &found[1]);
            for (found, expected) in found[0].iter().zip(&weights) {
                prop_assert!((found - expected).abs() < 1e-5 * (1.0 + expected.abs()), "{found} against {expected}");
            }
        }
    }
}
