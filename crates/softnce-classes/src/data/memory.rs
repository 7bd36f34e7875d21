//! Rows in memory.

use super::{DataError, Example, Inputs, Source};

/// Sparse rows in memory: eight bytes for each input of a row, and four or twelve for each label.
#[derive(Debug, Clone)]
pub struct MemoryRows {
    inputs: usize,
    class_names: Names,
    input_ends: Vec<usize>,
    indices: Vec<u32>,
    values: Vec<f32>,
    label_ends: Vec<usize>,
    labels: Vec<u32>,
}

#[derive(Debug, Clone)]
enum Names {
    Numbered(usize),
    Given(Vec<String>),
}

impl MemoryRows {
    /// No rows yet.
    pub fn new(inputs: usize, classes: usize) -> Self {
        MemoryRows {
            inputs,
            class_names: Names::Numbered(classes),
            input_ends: Vec::new(),
            indices: Vec::new(),
            values: Vec::new(),
            label_ends: Vec::new(),
            labels: Vec::new(),
        }
    }

    /// No rows yet, of classes that have names.
    pub fn named(inputs: usize, class_names: Vec<String>) -> Self {
        MemoryRows { class_names: Names::Given(class_names), ..MemoryRows::new(inputs, 0) }
    }

    /// Adds a row; its labels have equal shares.
    ///
    /// # Shapes
    /// `indices`, `values`: of the same length.
    ///
    /// # Errors
    /// Other shapes; an input or a label out of range; a value that is not finite; a label that stands twice.
    pub fn push(&mut self, indices: &[u32], values: &[f32], labels: &[u32]) -> Result<(), DataError> {
        let row = self.input_ends.len();
        let wrong = |found: String, expected: String| Err(DataError::row(row, found, expected));
        if indices.len() != values.len() {
            return wrong(format!("{} inputs and {} values", indices.len(), values.len()), "as many values".to_owned());
        }
        if let Some(index) = indices.iter().find(|&&index| index as usize >= self.inputs) {
            return wrong(format!("input {index}"), format!("inputs below {}", self.inputs));
        }
        if let Some(value) = values.iter().find(|value| !value.is_finite()) {
            return wrong(format!("the value {value}"), "finite values".to_owned());
        }
        if let Some(label) = labels.iter().find(|&&label| label as usize >= self.classes()) {
            return wrong(format!("label {label}"), format!("labels below {}", self.classes()));
        }
        if let Some(label) = repeated(labels) {
            return wrong(format!("label {label} twice"), "each label once".to_owned());
        }
        self.indices.extend_from_slice(indices);
        self.values.extend_from_slice(values);
        self.labels.extend_from_slice(labels);
        self.input_ends.push(self.indices.len());
        self.label_ends.push(self.labels.len());
        Ok(())
    }
}

impl Source for MemoryRows {
    fn len(&self) -> usize {
        self.input_ends.len()
    }

    fn inputs(&self) -> Inputs {
        Inputs::Sparse { inputs: self.inputs }
    }

    fn classes(&self) -> usize {
        match &self.class_names {
            Names::Numbered(classes) => *classes,
            Names::Given(names) => names.len(),
        }
    }

    fn read(&self, index: usize, example: &mut Example) -> Result<(), DataError> {
        DataError::check_index(index, self.len())?;
        let part = |ends: &[usize]| (if index == 0 { 0 } else { ends[index - 1] })..ends[index];
        let (inputs, labels) = (part(&self.input_ends), part(&self.label_ends));
        example.clear();
        example.indices.extend_from_slice(&self.indices[inputs.clone()]);
        example.values.extend_from_slice(&self.values[inputs]);
        example.relevant.extend_from_slice(&self.labels[labels]);
        example.share_equally();
        Ok(())
    }

    fn class_name(&self, class: usize) -> Option<&str> {
        match &self.class_names {
            Names::Numbered(_) => None,
            Names::Given(names) => names.get(class).map(String::as_str),
        }
    }
}

/// A label that stands twice.
pub(super) fn repeated(labels: &[u32]) -> Option<u32> {
    let mut sorted = labels.to_vec();
    sorted.sort_unstable();
    sorted.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
}
