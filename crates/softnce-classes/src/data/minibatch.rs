//! The rows of a step.

use ndarray::{Array1, Array2};
use softnce::Targets;

use super::source::read_all;
use super::{DataError, Example, Inputs, Source};

/// Rows of a source, put together for a step of training or evaluation.
#[derive(Debug, Clone)]
pub struct Minibatch {
    /// Their inputs.
    pub inputs: InputRows,
    /// The indices of the rows in their source. Shape `[N]`.
    pub rows: Vec<usize>,
    classes: usize,
    labels: Lists,
    weights: Vec<f64>,
    relevant: Lists,
}

/// The inputs of N rows.
#[derive(Debug, Clone, PartialEq)]
pub enum InputRows {
    /// A matrix `[N, columns]`.
    Dense(Array2<f32>),
    /// A list of inputs for each row.
    Bags(Bags),
}

/// N lists of inputs, one after another.
#[derive(Debug, Clone, PartialEq)]
pub struct Bags {
    /// Number of inputs: `indices` lie below it.
    pub inputs: usize,
    /// Row i has the entries from `offsets[i]` to before `offsets[i + 1]`. Shape `[N + 1]`.
    pub offsets: Vec<usize>,
    /// The inputs. Shape `[entries]`.
    pub indices: Vec<u32>,
    /// Their values. Shape `[entries]`.
    pub values: Vec<f32>,
}

/// Lists of classes, one after another.
#[derive(Debug, Clone)]
struct Lists {
    offsets: Vec<usize>,
    classes: Vec<u32>,
}

impl Lists {
    fn new() -> Self {
        Lists { offsets: vec![0], classes: Vec::new() }
    }

    fn push(&mut self, classes: &[u32]) {
        self.classes.extend_from_slice(classes);
        self.offsets.push(self.classes.len());
    }

    fn range(&self, row: usize) -> std::ops::Range<usize> {
        match self.offsets.get(row..row.saturating_add(2)) {
            Some(&[start, end]) => start..end,
            _ => 0..0,
        }
    }

    fn get(&self, row: usize) -> &[u32] {
        &self.classes[self.range(row)]
    }
}

impl Minibatch {
    /// Reads these rows on several threads, in this order; a row may stand several times.
    ///
    /// # Errors
    /// No rows; a row that cannot be read, or that is not what its source says.
    pub fn read(source: &dyn Source, rows: &[usize]) -> Result<Self, DataError> {
        if rows.is_empty() {
            return Err(DataError::argument("the list of rows", "empty", "at least one row"));
        }
        let mut examples = vec![Example::default(); rows.len()];
        read_all(&mut examples, |place, example| {
            source.read(rows[place], example)?;
            check(source, rows[place], example)
        })?;
        let (mut labels, mut weights, mut relevant) = (Lists::new(), Vec::new(), Lists::new());
        let (mut dense, mut offsets, mut indices, mut values) = (Vec::new(), vec![0], Vec::new(), Vec::new());
        for example in &examples {
            dense.extend_from_slice(&example.dense);
            indices.extend_from_slice(&example.indices);
            values.extend_from_slice(&example.values);
            offsets.push(indices.len());
            labels.push(&example.classes);
            weights.extend_from_slice(&example.weights);
            relevant.push(&example.relevant);
        }
        let inputs = match source.inputs() {
            Inputs::Dense { columns } => {
                let expected = "a matrix of at most as many values as memory has addresses";
                let matrix = Array2::from_shape_vec((rows.len(), columns), dense);
                InputRows::Dense(matrix.map_err(|error| DataError::argument("the list of rows", error, expected))?)
            }
            Inputs::Sparse { inputs } => InputRows::Bags(Bags { inputs, offsets, indices, values }),
        };
        Ok(Minibatch { inputs, rows: rows.to_vec(), classes: source.classes(), labels, weights, relevant })
    }

    /// Number of rows N.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Never true: a batch has rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The classes of the soft label of the row at this place, and their shares; empty without labels.
    pub fn label(&self, place: usize) -> (&[u32], &[f64]) {
        (self.labels.get(place), &self.weights[self.labels.range(place)])
    }

    /// The classes that a ranking for the row at this place should put first.
    pub fn relevant(&self, place: usize) -> &[u32] {
        self.relevant.get(place)
    }

    /// The labels as targets: hard, if every row has one class; else compact with uniform share 0, where rows of fewer
    /// classes than the longest are filled with weight 0.
    ///
    /// # Errors
    /// A row without labels ([`super::Subset::labelled`] leaves them out); shares that are not those of a distribution.
    pub fn targets(&self) -> Result<Targets<'static>, DataError> {
        if let Some(place) = (0..self.len()).find(|&place| self.label(place).0.is_empty()) {
            return Err(DataError::row(self.rows[place], "no labels", "at least one, as a target of a loss needs"));
        }
        let longest = (0..self.len()).map(|place| self.label(place).0.len()).max().unwrap_or(0);
        if longest == 1 && self.weights.iter().all(|&weight| weight == 1.0) {
            return Ok(Targets::hard(&self.labels.classes, self.classes)?.into_owned());
        }
        let mut classes = Array2::<u32>::zeros((self.len(), longest));
        let mut weights = Array2::<f64>::zeros((self.len(), longest));
        for place in 0..self.len() {
            let (listed, shares) = self.label(place);
            for (k, (&class, &share)) in listed.iter().zip(shares).enumerate() {
                classes[[place, k]] = class;
                weights[[place, k]] = share;
            }
        }
        let uniform = Array1::<f64>::zeros(self.len());
        Ok(Targets::compact(&uniform, &classes, &weights, self.classes)?)
    }
}

/// Fails if a row is not what its source says.
fn check(source: &dyn Source, row: usize, example: &Example) -> Result<(), DataError> {
    let wrong = |found: String, expected: String| Err(DataError::row(row, found, expected));
    let (columns, inputs) = match source.inputs() {
        Inputs::Dense { columns } => (columns, 0),
        Inputs::Sparse { inputs } => (0, inputs),
    };
    if example.dense.len() != columns {
        return wrong(format!("{} dense values", example.dense.len()), columns.to_string());
    }
    if example.indices.len() != example.values.len() {
        let found = format!("{} inputs and {} values", example.indices.len(), example.values.len());
        return wrong(found, "as many values".to_owned());
    }
    if let Some(index) = example.indices.iter().find(|&&index| index as usize >= inputs) {
        return wrong(format!("input {index}"), format!("inputs below {inputs}"));
    }
    example.check_classes(row, source.classes())
}

#[cfg(test)]
mod tests {
    use softnce::Form;

    use super::*;
    use crate::data::{MemoryRows, Subset, class_mass, relevant_counts};

    fn rows() -> MemoryRows {
        let mut rows = MemoryRows::new(5, 4);
        rows.push(&[3, 0], &[0.5, 2.0], &[1]).unwrap();
        rows.push(&[], &[], &[0, 3, 2]).unwrap();
        rows.push(&[4], &[1.0], &[]).unwrap();
        rows
    }

    #[test]
    fn bags_and_targets_of_sparse_rows() {
        let batch = Minibatch::read(&rows(), &[1, 0, 1]).unwrap();
        let expected = Bags { inputs: 5, offsets: vec![0, 0, 2, 2], indices: vec![3, 0], values: vec![0.5, 2.0] };
        assert_eq!(batch.inputs, InputRows::Bags(expected));
        assert_eq!(batch.relevant(0), [0, 3, 2]);
        assert_eq!(batch.relevant(3), [0_u32; 0]);
        let targets = batch.targets().unwrap();
        assert_eq!(targets.form(), Form::Compact);
        let third = 1.0 / 3.0;
        let row = [third, 0.0, third, third];
        assert_eq!(targets.to_dense().unwrap(), ndarray::arr2(&[row, [0.0, 1.0, 0.0, 0.0], row]));
        let hard = Minibatch::read(&rows(), &[0]).unwrap().targets().unwrap();
        assert_eq!(hard.labels().unwrap().to_vec(), [1]);
    }

    #[test]
    fn rows_without_labels_are_read_and_refused_as_targets() {
        let batch = Minibatch::read(&rows(), &[0, 2]).unwrap();
        assert_eq!(batch.label(1), (&[][..], &[][..]));
        let message = batch.targets().unwrap_err().to_string();
        assert_eq!(message, "row 2 has no labels, expected at least one, as a target of a loss needs");
        let labelled = Subset::labelled(rows()).unwrap();
        assert_eq!(labelled.rows(), [0, 1]);
        assert_eq!(class_mass(&labelled).unwrap(), [1.0 / 3.0, 1.0, 1.0 / 3.0, 1.0 / 3.0]);
        assert_eq!(relevant_counts(&labelled).unwrap(), [1; 4]);
    }

    #[test]
    fn bad_rows_and_indices_are_named() {
        let mut set = rows();
        for (result, expected) in [
            (set.push(&[5], &[1.0], &[]), "row 3 has input 5, expected inputs below 5"),
            (set.push(&[1], &[f32::NAN], &[]), "row 3 has the value NaN, expected finite values"),
            (set.push(&[1], &[], &[]), "row 3 has 1 inputs and 0 values, expected as many values"),
            (set.push(&[], &[], &[4]), "row 3 has label 4, expected labels below 4"),
            (set.push(&[], &[], &[2, 1, 2]), "row 3 has label 2 twice, expected each label once"),
            (Minibatch::read(&rows(), &[3]).map(|_| ()), "row 3, expected a row below 3, the number of rows"),
            (Minibatch::read(&rows(), &[]).map(|_| ()), "the list of rows is empty, expected at least one row"),
            (Subset::new(rows(), vec![3]).map(|_| ()), "row 3, expected a row below 3, the number of rows"),
        ] {
            assert_eq!(result.unwrap_err().to_string(), expected);
        }
        assert_eq!(set.len(), 3);
    }

    /// A source that breaks its promise.
    struct Lying(Example);

    impl Source for Lying {
        fn len(&self) -> usize {
            1
        }

        fn inputs(&self) -> Inputs {
            Inputs::Dense { columns: 2 }
        }

        fn classes(&self) -> usize {
            3
        }

        fn read(&self, _index: usize, example: &mut Example) -> Result<(), DataError> {
            example.clone_from(&self.0);
            Ok(())
        }
    }

    #[test]
    fn rows_that_are_not_what_their_source_says_are_refused() {
        let good = || Example { dense: vec![1.0, 2.0], classes: vec![2], weights: vec![1.0], ..Example::default() };
        let batch = Minibatch::read(&Lying(good()), &[0, 0]).unwrap();
        assert_eq!(batch.inputs, InputRows::Dense(ndarray::arr2(&[[1.0, 2.0], [1.0, 2.0]])));
        for (bad, expected) in [
            (Example { dense: vec![1.0], ..good() }, "row 0 has 1 dense values, expected 2"),
            (Example { indices: vec![0], values: vec![1.0], ..good() }, "row 0 has input 0, expected inputs below 0"),
            (Example { values: vec![1.0], ..good() }, "row 0 has 0 inputs and 1 values, expected as many values"),
            (Example { classes: vec![3], ..good() }, "row 0 has class 3, expected classes below 3"),
            (Example { relevant: vec![7], ..good() }, "row 0 has class 7, expected classes below 3"),
            (Example { weights: vec![], ..good() }, "row 0 has 1 classes and 0 shares, expected as many shares"),
        ] {
            let bad = Lying(bad);
            assert_eq!(Minibatch::read(&bad, &[0]).unwrap_err().to_string(), expected);
            if expected.contains("class") {
                assert_eq!(class_mass(&bad).unwrap_err().to_string(), expected);
                assert_eq!(relevant_counts(&bad).unwrap_err().to_string(), expected);
            }
        }
        let bad = Minibatch::read(&Lying(Example { weights: vec![0.5], ..good() }), &[0]).unwrap();
        assert!(bad.targets().unwrap_err().to_string().contains("0.5"));
    }
}
