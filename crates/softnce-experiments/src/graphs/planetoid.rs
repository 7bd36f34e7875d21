//! The Planetoid graphs as published: `ind.NAME.allx`, `.tx`, `.ally`, `.ty`, `.y`, `.graph` and `.test.index`.
//!
//! `allx` has the features of the first nodes, `tx` those of the test nodes in the order of `test.index`, which has their
//! numbers; nodes that are in neither have no features and no label. `ally` and `ty` have the classes, one column each. The
//! first rows of `allx`, as many as `y` has, are the labelled nodes, the next 500 the validation nodes (Yang, Cohen and
//! Salakhutdinov, arXiv 1603.08861; Kipf and Welling, arXiv 1609.02907).

use std::fs;
use std::path::{Path, PathBuf};

use softnce_pickle::{Arena, Input, Object, Value, load};

use super::node::{Node, NodeSplit, Nodes, failed};
use crate::StudyError;

/// Number of validation nodes.
const VALIDATION: usize = 500;

/// Numbers of nodes or of features from here on are refused as damage.
const MOST: usize = 1 << 24;

/// The file of the edges of the graph of this name.
pub(super) fn graph_file(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("ind.{name}.graph"))
}

/// Reads the files of the graph of this name.
///
/// # Errors
/// A file that cannot be read, or whose content does not fit the others.
pub(super) fn read(folder: &Path, name: &str) -> Result<Nodes, StudyError> {
    let files = Files { folder, name };
    let (first, width) = files.parsed("allx", rows_of_features)?;
    let (tested, test_width) = files.parsed("tx", rows_of_features)?;
    if test_width != width {
        return Err(files.refuse("tx", format!("{test_width} features, expected {width} as in ind.{name}.allx")));
    }
    let labelled = files.parsed("y", classes)?.len();
    let (first_classes, test_classes) = (files.parsed("ally", classes)?, files.parsed("ty", classes)?);
    for (ending, found, expected) in
        [("ally", first_classes.len(), first.len()), ("ty", test_classes.len(), tested.len())]
    {
        if found != expected {
            return Err(files.refuse(ending, format!("{found} rows, expected {expected}, one for each node")));
        }
    }
    let index = files.index(tested.len())?;
    let count = index.iter().map(|&node| node + 1).chain([first.len()]).max().unwrap_or(0);
    let mut nodes: Vec<Node> = (0..count).map(|_| Node { label: None, part: None, features: Vec::new() }).collect();
    for (at, (features, label)) in first.into_iter().zip(first_classes).enumerate() {
        let part = match at {
            at if at < labelled => Some(NodeSplit::Train),
            at if at < labelled + VALIDATION => Some(NodeSplit::Validation),
            _ => None,
        };
        nodes[at] = Node { label, part, features };
    }
    for (&node, (features, label)) in index.iter().zip(tested.into_iter().zip(test_classes)) {
        if nodes[node].label.is_some() || nodes[node].part.is_some() {
            return Err(files.refuse(
                "test.index",
                format!("node {node} twice or also in ind.{name}.allx, expected each node once"),
            ));
        }
        nodes[node] = Node { label, part: Some(NodeSplit::Test), features };
    }
    let edges = files.parsed("graph", |pickle| edges(pickle, count))?;
    Ok(Nodes { nodes, edges, width })
}

/// The files of a graph.
struct Files<'f> {
    folder: &'f Path,
    name: &'f str,
}

impl Files<'_> {
    fn path(&self, ending: &str) -> PathBuf {
        self.folder.join(format!("ind.{}.{ending}", self.name))
    }

    fn refuse(&self, ending: &str, reason: String) -> StudyError {
        StudyError::Graph { path: self.path(ending), reason }
    }

    /// A pickle, and what is read from it.
    fn parsed<T>(&self, ending: &str, parse: impl Fn(&Pickle) -> Result<T, String>) -> Result<T, StudyError> {
        let path = self.path(ending);
        let bytes = fs::read(&path).map_err(failed(&path))?;
        let parsed = Pickle::read(&bytes).and_then(|pickle| parse(&pickle));
        parsed.map_err(|reason| self.refuse(ending, reason))
    }

    /// The numbers of the test nodes, one a line.
    fn index(&self, expected: usize) -> Result<Vec<usize>, StudyError> {
        let path = self.path("test.index");
        let text = fs::read_to_string(&path).map_err(failed(&path))?;
        let numbers = text.split_whitespace().map(|word| match word.parse::<usize>() {
            Ok(node) if node < MOST => Ok(node),
            _ => Err(self.refuse("test.index", format!("{word:?}, expected the number of a node"))),
        });
        let numbers = numbers.collect::<Result<Vec<usize>, StudyError>>()?;
        if numbers.len() != expected {
            let reason = format!("{} nodes, expected {expected} as in ind.{}.tx", numbers.len(), self.name);
            return Err(self.refuse("test.index", reason));
        }
        Ok(numbers)
    }
}

/// The value of a file.
struct Pickle {
    values: Arena,
    top: Value,
}

/// Memory that the values of a file may take.
const MEMORY: usize = 1 << 30;

impl Pickle {
    fn read(bytes: &[u8]) -> Result<Pickle, String> {
        let mut values = Arena::new(MEMORY, bytes.len());
        let top = load(&mut Input::new(bytes), &mut values)?;
        Ok(Pickle { values, top })
    }

    fn items(&self, value: Value) -> &[Value] {
        self.values.sequence(value).unwrap_or_default()
    }

    /// The numbers of a tuple of sizes.
    fn sizes(&self, value: Value) -> Option<Vec<usize>> {
        self.values.sequence(value)?.iter().map(|size| size.size()).collect()
    }

    /// The object that this class or function made.
    fn made_by(&self, name: &str, value: Value) -> Result<&Object, String> {
        let object = self.values.object(value);
        let maker = object.and_then(|object| self.values.global(object.callable));
        let found = maker.unwrap_or("a value without a class");
        object.filter(|_| maker == Some(name)).ok_or_else(|| format!("{found}, expected an object of {name}"))
    }
}

/// An array of numbers. Shape of `numbers`: `shape`, row by row.
struct Array {
    shape: Vec<usize>,
    numbers: Vec<f64>,
}

/// An array of NumPy: its state is the version, the shape, the type, whether columns come first, and the bytes.
fn array(pickle: &Pickle, value: Value) -> Result<Array, String> {
    let values = &pickle.values;
    let made = pickle.made_by("numpy.core.multiarray._reconstruct", value)?;
    let [_, shape, kind, _, bytes] = *pickle.items(made.state) else {
        return Err("an array without its values".to_owned());
    };
    let shape = pickle.sizes(shape).ok_or("an array without its shape")?;
    let bytes = values.bytes(bytes).ok_or("an array without its values")?;
    // The type was made of its name, such as "f4"; the second value of its state is the order of the bytes.
    let kind = pickle.made_by("numpy.dtype", kind)?;
    let name = pickle.items(kind.arguments).first().and_then(|&name| values.bytes(name)).unwrap_or_default();
    let order = pickle.items(kind.state).get(1).and_then(|&order| values.bytes(order)).unwrap_or_default();
    let numbers = match (order, name) {
        (b"<", b"i4") => numbers(bytes, |four| f64::from(i32::from_le_bytes(four))),
        (b"<", b"i8") => numbers(bytes, |eight| i64::from_le_bytes(eight) as f64),
        (b"<", b"f4") => numbers(bytes, |four| f64::from(f32::from_le_bytes(four))),
        (b"<", b"f8") => numbers(bytes, f64::from_le_bytes),
        _ => {
            let found = [order, name].map(String::from_utf8_lossy).concat();
            return Err(format!("an array of type {found}, expected <i4, <i8, <f4 or <f8"));
        }
    };
    match shape.iter().try_fold(1usize, |all, &side| all.checked_mul(side)) {
        Some(count) if count == numbers.len() => Ok(Array { shape, numbers }),
        _ => Err(format!("{} numbers for an array of shape {shape:?}", numbers.len())),
    }
}

/// Decodes numbers of `N` bytes.
fn numbers<const N: usize>(bytes: &[u8], decode: impl Fn([u8; N]) -> f64) -> Vec<f64> {
    bytes.as_chunks::<N>().0.iter().map(|chunk| decode(*chunk)).collect()
}

/// The features of each row with their values, from a `csr_matrix` of SciPy; and their number.
type Rows = (Vec<Vec<(usize, f32)>>, usize);

fn rows_of_features(pickle: &Pickle) -> Result<Rows, String> {
    let made = pickle.made_by("scipy.sparse.csr.csr_matrix", pickle.top)?;
    let state = pickle.values.object(made.state).ok_or("a csr_matrix without its values")?;
    let field = |name: &str| {
        let of_name = state.items.iter().find(|(key, _)| pickle.values.text(*key) == Some(name));
        of_name.map(|(_, value)| *value).ok_or_else(|| format!("a csr_matrix without {name}"))
    };
    let shape = pickle.sizes(field("_shape")?).unwrap_or_default();
    let &[rows, width] = shape.as_slice() else { return Err("a csr_matrix without its shape".to_owned()) };
    let [starts, columns, values] =
        [array(pickle, field("indptr")?)?, array(pickle, field("indices")?)?, array(pickle, field("data")?)?];
    let (columns, values) = (columns.numbers, values.numbers);
    let starts: Vec<usize> = starts.numbers.iter().map(|&start| start as usize).collect();
    let fits = starts.len() == rows.saturating_add(1)
        && starts.is_sorted()
        && starts.last() == Some(&values.len())
        && columns.len() == values.len()
        && columns.iter().all(|&column| (0.0..width as f64).contains(&column))
        && width < MOST;
    if !fits {
        return Err(format!("the parts of a csr_matrix of shape {shape:?} do not fit each other"));
    }
    if let Some(value) = values.iter().find(|value| !(**value >= 0.0 && (**value as f32).is_finite())) {
        return Err(format!("a feature of {value}, expected finite numbers not below 0"));
    }
    let row = |ends: &[usize]| {
        let range = ends[0]..ends[1];
        let entries = columns[range.clone()].iter().zip(&values[range]);
        let set = entries.filter(|(_, value)| **value > 0.0).map(|(&column, &value)| (column as usize, value as f32));
        let mut features: Vec<(usize, f32)> = set.collect();
        features.sort_unstable_by_key(|(feature, _)| *feature);
        features
    };
    Ok((starts.windows(2).map(row).collect(), width))
}

/// The class of each row of an array with one column a class; none where the row has only zeros.
fn classes(pickle: &Pickle) -> Result<Vec<Option<usize>>, String> {
    let Array { shape, numbers } = array(pickle, pickle.top)?;
    let &[_, columns] = shape.as_slice() else {
        return Err(format!("an array of shape {shape:?}, expected two sides"));
    };
    let class = |(row, values): (usize, &[f64])| {
        let mut set = values.iter().enumerate().filter(|(_, value)| **value != 0.0);
        match (set.next(), set.next()) {
            (one, None) => Ok(one.map(|(class, _)| class)),
            _ => Err(format!("row {row} has several classes, expected one")),
        }
    };
    numbers.chunks(columns.max(1)).enumerate().map(class).collect()
}

/// The edges of a dictionary of the neighbours of each node.
fn edges(pickle: &Pickle, count: usize) -> Result<Vec<(usize, usize)>, String> {
    let values = &pickle.values;
    let plain = |object: &&Object| {
        object.callable == Value::None || values.global(object.callable) == Some("collections.defaultdict")
    };
    let neighbours = values.object(pickle.top).filter(plain).ok_or("no dictionary of neighbours")?;
    let node = |value: Value| match (value.size(), value.int()) {
        (Some(node), _) if node < count => Ok(node),
        (_, Some(number)) => Err(format!("{number} in place of a node, expected a number below {count}")),
        _ => Err(format!("a value in place of a node, expected a number below {count}")),
    };
    let mut edges = Vec::new();
    for &(from, near) in &neighbours.items {
        let from = node(from)?;
        for &to in values.sequence(near).ok_or_else(|| format!("no list of the neighbours of node {from}"))? {
            edges.push((from, node(to)?));
        }
    }
    Ok(edges)
}
