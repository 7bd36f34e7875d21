//! Networks as ONNX graphs. A network describes itself in `Body::graph`, layer by layer as in its forward pass.

mod layers;
mod proto;

use std::collections::{BTreeMap, HashMap};

use prost::Message;

use proto::{
    Attribute, Dimension, Entry, FLOAT, FLOAT_ATTRIBUTE, GraphMessage, INT_ATTRIBUTE, INT64, INTS_ATTRIBUTE, Kind,
    Model, Node, OperatorSet, Shape, TensorKind, TensorMessage, ValueInfo,
};

/// The operators of ONNX 1.12 (2022); layer normalisation is one of them since then.
const OPERATORS: i64 = 17;
/// The file format of ONNX 1.12.
const FORMAT: i64 = 8;
/// Protocol buffers end here.
const LARGEST: usize = i32::MAX as usize;

/// The output of an operation, by its name in the graph.
#[derive(Debug, Clone)]
pub(crate) struct Value(String);

/// A tensor of a network: PyTorch's shape, and its numbers row by row.
pub(crate) type Weight = (Vec<usize>, Vec<f32>);

/// A graph under construction.
#[derive(Debug)]
pub(crate) struct Graph {
    nodes: Vec<Node>,
    constants: Vec<TensorMessage>,
    /// Tensors of the network that no operation has used yet.
    weights: HashMap<String, Weight>,
    /// Names that operations asked for and the network does not have.
    missing: Vec<String>,
}

impl Graph {
    /// A graph from pictures, with the tensors of a network by their names.
    pub(crate) fn new(weights: HashMap<String, Weight>) -> (Graph, Value) {
        let graph = Graph { nodes: Vec::new(), constants: Vec::new(), weights, missing: Vec::new() };
        (graph, Value(PICTURES.to_owned()))
    }

    /// The bytes of the model, with these values as its output `logits`.
    ///
    /// # Shapes
    /// `input`: channels, height and width of a picture. The number of pictures may vary.
    ///
    /// # Errors
    /// In words: tensors that only the network or only the graph has, or a model of more than 2 GiB.
    pub(crate) fn finish(
        mut self,
        logits: Value,
        input: [usize; 3],
        classes: usize,
        metadata: &BTreeMap<String, String>,
    ) -> Result<Vec<u8>, String> {
        let logits = self.named("Identity", &[logits], Vec::new(), LOGITS.to_owned());
        if !self.missing.is_empty() || !self.weights.is_empty() {
            let left: Vec<&String> = self.missing.iter().chain(self.weights.keys()).collect();
            return Err(format!("its graph and its tensors differ in {left:?}"));
        }
        let graph = GraphMessage {
            node: self.nodes,
            name: "network".to_owned(),
            initializer: self.constants,
            input: vec![value_info(PICTURES, &input)],
            output: vec![value_info(&logits.0, &[classes])],
        };
        let model = Model {
            ir_version: FORMAT,
            producer_name: "softnce".to_owned(),
            producer_version: env!("CARGO_PKG_VERSION").to_owned(),
            graph: Some(graph),
            opset_import: vec![OperatorSet { domain: Some(String::new()), version: OPERATORS }],
            metadata_props: metadata
                .iter()
                .map(|(key, value)| Entry { key: key.clone(), value: value.clone() })
                .collect(),
        };
        match model.encoded_len() {
            length if length > LARGEST => {
                Err(format!("it would have {length} bytes; an ONNX file has at most {LARGEST}"))
            }
            _ => Ok(model.encode_to_vec()),
        }
    }

    /// Adds an operation with one output.
    fn node(&mut self, operation: &str, inputs: &[Value], attributes: Vec<Attribute>) -> Value {
        let name = format!("{}_{}", operation.to_lowercase(), self.nodes.len());
        self.named(operation, inputs, attributes, name)
    }

    fn named(&mut self, operation: &str, inputs: &[Value], attribute: Vec<Attribute>, name: String) -> Value {
        self.nodes.push(Node {
            input: inputs.iter().map(|input| input.0.clone()).collect(),
            output: vec![name.clone()],
            name: name.clone(),
            op_type: operation.to_owned(),
            attribute,
        });
        Value(name)
    }

    /// A tensor of the network, changed by `change`.
    fn weight_as(&mut self, name: &str, change: impl FnOnce(Weight) -> Weight) -> Value {
        match self.weights.remove(name) {
            Some(weight) => {
                let (shape, values) = change(weight);
                let raw_data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
                self.constants.push(TensorMessage {
                    dims: lengths(&shape),
                    data_type: FLOAT,
                    name: name.to_owned(),
                    raw_data,
                });
            }
            None => self.missing.push(name.to_owned()),
        }
        Value(name.to_owned())
    }

    /// A tensor of the network, as it is in PyTorch.
    pub(crate) fn weight(&mut self, name: &str) -> Value {
        self.weight_as(name, |weight| weight)
    }

    /// Shape of a tensor of the network that was not used yet; empty if there is none.
    pub(crate) fn shape(&self, name: &str) -> Vec<usize> {
        self.weights.get(name).map(|(shape, _)| shape.clone()).unwrap_or_default()
    }

    fn has(&self, name: &str) -> bool {
        self.weights.contains_key(name)
    }

    /// A list of integers.
    fn integers(&mut self, numbers: &[i64]) -> Value {
        let name = format!("integers_{}", self.constants.len());
        let raw_data = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        let dims = vec![numbers.len() as i64];
        self.constants.push(TensorMessage { dims, data_type: INT64, name: name.clone(), raw_data });
        Value(name)
    }

    /// A number.
    fn number(&mut self, number: f32) -> Value {
        let name = format!("number_{}", self.constants.len());
        let raw_data = number.to_le_bytes().to_vec();
        self.constants.push(TensorMessage { dims: Vec::new(), data_type: FLOAT, name: name.clone(), raw_data });
        Value(name)
    }
}

/// Name of the graph's input.
const PICTURES: &str = "pictures";
/// Name of its output.
const LOGITS: &str = "logits";

fn lengths(shape: &[usize]) -> Vec<i64> {
    shape.iter().map(|&length| length as i64).collect()
}

fn int(name: &str, value: i64) -> Attribute {
    Attribute { name: name.to_owned(), i: Some(value), kind: INT_ATTRIBUTE, ..Attribute::default() }
}

fn ints(name: &str, values: &[i64]) -> Attribute {
    Attribute { name: name.to_owned(), ints: values.to_vec(), kind: INTS_ATTRIBUTE, ..Attribute::default() }
}

fn float(name: &str, value: f64) -> Attribute {
    Attribute { name: name.to_owned(), f: Some(value as f32), kind: FLOAT_ATTRIBUTE, ..Attribute::default() }
}

/// An input or output of any number of rows.
fn value_info(name: &str, row: &[usize]) -> ValueInfo {
    let batch = Dimension { value: None, parameter: Some("batch".to_owned()) };
    let sides = row.iter().map(|&side| Dimension { value: Some(side as i64), parameter: None });
    let shape = Shape { dim: std::iter::once(batch).chain(sides).collect() };
    let tensor = TensorKind { element: FLOAT, shape: Some(shape) };
    ValueInfo { name: name.to_owned(), kind: Some(Kind { tensor: Some(tensor) }) }
}
