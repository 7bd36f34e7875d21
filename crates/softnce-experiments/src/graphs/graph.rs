//! A graph with labelled nodes, as its files have it.

use std::fs;
use std::io::Read;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use softnce_store::StoreError;

use super::sparse::Sparse;
use crate::StudyError;

/// What a node is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NodeSplit {
    /// Its label is learned from.
    Train,
    /// Its label chooses the settings.
    Validation,
    /// Its label tests.
    Test,
}

/// A graph with features and labels of its nodes.
#[derive(Debug, Clone)]
pub struct Graph {
    /// The number of classes.
    pub classes: usize,
    /// Label of each node; none if it is unknown.
    pub labels: Vec<Option<usize>>,
    /// What each node is for; none for those that only pass features on.
    pub parts: Vec<Option<NodeSplit>>,
    /// SHA-256 of its files, in hexadecimal digits.
    pub digest: String,
    /// Features of each node, each row's sum 1. Shape `[nodes, features]`.
    pub(crate) features: Sparse,
    /// `D^-1/2 (A + I) D^-1/2`, with D the degrees of `A + I` (Kipf and Welling, equation 2). Shape `[nodes, nodes]`.
    pub(crate) adjacency: Sparse,
}

impl Graph {
    /// Reads `edges.csv` (`src,dst`, each edge once, both ends from 0) and `nodes.csv.gz` (`node,label,split,features`:
    /// the label -1 where it is unknown; the split train, val, test or empty; numbers of the features that are set).
    ///
    /// # Errors
    /// A file that cannot be read; a line that cannot be understood, by its number; a split without labelled nodes, a
    /// class that none of the training nodes has.
    pub fn read(folder: &Path) -> Result<Self, StudyError> {
        let path = folder.join("nodes.csv.gz");
        let mut digest = Sha256::new();
        let bytes = fs::read(&path).map_err(|source| failed(&path, source))?;
        digest.update(&bytes);
        let nodes = read_nodes(&path, &bytes)?;
        let path = folder.join("edges.csv");
        let bytes = fs::read(&path).map_err(|source| failed(&path, source))?;
        digest.update(&bytes);
        let mut near: Vec<Vec<usize>> = (0..nodes.len()).map(|node| vec![node]).collect();
        for (line, record) in records(&path, bytes.as_slice(), &["src", "dst"])? {
            let bad = |reason: String| corrupt(&path, line, reason);
            let end = |at: usize, name: &str| parsed(name, record.get(at).unwrap_or_default(), nodes.len());
            let (from, to) = (end(0, "src").map_err(bad)?, end(1, "dst").map_err(bad)?);
            if from == to {
                return Err(bad(format!("an edge from node {from} to itself")));
            }
            if near[from].contains(&to) {
                return Err(bad(format!("the edge of nodes {from} and {to} a second time")));
            }
            near[from].push(to);
            near[to].push(from);
        }
        let mut graph = Self::new(nodes, near);
        graph.digest = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        graph.check(&folder.join("nodes.csv.gz"))?;
        Ok(graph)
    }

    /// Whether there is something to learn, to choose by and to test on.
    fn check(&self, path: &Path) -> Result<(), StudyError> {
        let missing = |reason: String| Err(corrupt(path, 1, reason));
        for (part, name) in [(NodeSplit::Train, "train"), (NodeSplit::Validation, "val"), (NodeSplit::Test, "test")] {
            if self.of(part).0.is_empty() {
                return missing(format!("no labelled node with the split {name}, expected at least one"));
            }
        }
        let learned = self.of(NodeSplit::Train).1;
        match (0..self.classes).find(|class| !learned.contains(class)) {
            Some(class) => {
                missing(format!("no node of class {class} with the split train, expected one of each class"))
            }
            None if self.classes < 2 => missing(format!("{} class, expected at least two", self.classes)),
            None => Ok(()),
        }
    }

    /// From its nodes, and the neighbours of each, itself included.
    fn new(nodes: Vec<Node>, near: Vec<Vec<usize>>) -> Self {
        let classes = nodes.iter().filter_map(|node| node.label).max().map_or(0, |most| most + 1);
        let width = nodes.iter().flat_map(|node| &node.features).max().map_or(0, |most| most + 1);
        let share = |node: &Node| 1.0 / node.features.len().max(1) as f32;
        let features: Vec<Vec<(usize, f32)>> =
            nodes.iter().map(|node| node.features.iter().map(|&feature| (feature, share(node))).collect()).collect();
        let root = |node: usize| (near[node].len() as f32).sqrt();
        let adjacency: Vec<Vec<(usize, f32)>> = near
            .iter()
            .enumerate()
            .map(|(node, near)| near.iter().map(|&other| (other, 1.0 / (root(node) * root(other)))).collect())
            .collect();
        Graph {
            classes,
            labels: nodes.iter().map(|node| node.label).collect(),
            parts: nodes.iter().map(|node| node.part).collect(),
            digest: String::new(),
            features: Sparse::new(&features, width),
            adjacency: Sparse::new(&adjacency, nodes.len()),
        }
    }

    /// A graph of unlabelled nodes.
    #[cfg(test)]
    pub(crate) fn made(count: usize, edges: &[(usize, usize)], features: &[Vec<usize>]) -> Self {
        let mut near: Vec<Vec<usize>> = (0..count).map(|node| vec![node]).collect();
        for &(from, to) in edges {
            near[from].push(to);
            near[to].push(from);
        }
        let node = |features: &Vec<usize>| Node { label: None, part: None, features: features.clone() };
        Self::new(features.iter().map(node).collect(), near)
    }

    /// Number of nodes.
    pub fn nodes(&self) -> usize {
        self.labels.len()
    }

    /// Number of features.
    pub fn width(&self) -> usize {
        self.features.columns()
    }

    /// The nodes of a part with their labels, those without a label left out.
    pub fn of(&self, part: NodeSplit) -> (Vec<usize>, Vec<usize>) {
        let nodes = self.parts.iter().zip(&self.labels).enumerate();
        let those = nodes.filter(|(_, (found, _))| **found == Some(part));
        those.filter_map(|(node, (_, label))| Some((node, (*label)?))).unzip()
    }
}

/// A line of the nodes' file.
struct Node {
    label: Option<usize>,
    part: Option<NodeSplit>,
    features: Vec<usize>,
}

/// Largest number of classes, and of features, that is believed.
const MOST: [usize; 2] = [10_000, 1 << 24];

fn read_nodes(path: &Path, bytes: &[u8]) -> Result<Vec<Node>, StudyError> {
    let records = records(path, flate2::read::MultiGzDecoder::new(bytes), &["node", "label", "split", "features"])?;
    let nodes = records.iter().enumerate().map(|(at, (line, record))| {
        let bad = |reason: String| corrupt(path, *line, reason);
        let column = |at: usize| record.get(at).unwrap_or_default();
        let node = parsed("node", column(0), usize::MAX).map_err(bad)?;
        if node != at {
            return Err(bad(format!("node {node}, expected {at}: one line a node, in order")));
        }
        let label = match column(1) {
            "-1" => None,
            label => Some(parsed("label", label, MOST[0]).map_err(bad)?),
        };
        let part = match column(2) {
            "train" => Some(NodeSplit::Train),
            "val" => Some(NodeSplit::Validation),
            "test" => Some(NodeSplit::Test),
            "" => None,
            other => return Err(bad(format!("split: {other:?}, expected train, val, test or nothing"))),
        };
        let features = column(3).split_whitespace().map(|word| parsed("features", word, MOST[1]));
        let mut features = features.collect::<Result<Vec<usize>, String>>().map_err(bad)?;
        features.sort_unstable();
        features.dedup();
        Ok(Node { label, part, features })
    });
    nodes.collect()
}

/// The records of a file with their lines, under the columns that are expected.
fn records(path: &Path, reader: impl Read, columns: &[&str]) -> Result<Vec<(usize, csv::StringRecord)>, StudyError> {
    let wrong = |error: csv::Error| {
        let line = error.position().map_or(1, |position| position.line() as usize);
        corrupt(path, line, error.to_string())
    };
    let mut reader = csv::Reader::from_reader(reader);
    let header = reader.headers().map_err(wrong)?;
    if header.iter().ne(columns.iter().copied()) {
        let found = header.iter().collect::<Vec<_>>().join(",");
        return Err(corrupt(path, 1, format!("columns {found:?}, expected {:?}", columns.join(","))));
    }
    let records = reader.into_records().map(|record| {
        let record = record.map_err(wrong)?;
        Ok((record.position().map_or(1, |position| position.line() as usize), record))
    });
    records.collect()
}

fn parsed(name: &str, text: &str, below: usize) -> Result<usize, String> {
    match text.parse::<usize>() {
        Ok(number) if number < below => Ok(number),
        _ => Err(format!("{name}: {text:?}, expected a whole number from 0, below {below}")),
    }
}

fn failed(path: &Path, source: std::io::Error) -> StudyError {
    StoreError::file("read", path)(source).into()
}

fn corrupt(path: &Path, line: usize, reason: String) -> StudyError {
    StudyError::Corrupt { path: path.to_owned(), line, reason }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs::File;
    use std::io::Write;

    use ndarray::Array2;

    use super::*;

    fn write(folder: &Path, edges: &str, nodes: &str) {
        fs::write(folder.join("edges.csv"), edges).unwrap();
        let file = File::create(folder.join("nodes.csv.gz")).unwrap();
        let mut gz = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
        gz.write_all(nodes.as_bytes()).unwrap();
        gz.finish().unwrap();
    }

    const EDGES: &str = "src,dst\n0,1\n1,2\n";
    const NODES: &str = "node,label,split,features\n0,1,train,0 2\n1,0,train,\n2,-1,,1\n3,1,val,\n4,0,test,2 2\n";

    #[test]
    fn a_graph_comes_with_its_normalised_adjacency() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), EDGES, NODES);
        let graph = Graph::read(folder.path()).unwrap();
        assert_eq!((graph.nodes(), graph.width(), graph.classes), (5, 3, 2));
        assert_eq!(graph.of(NodeSplit::Train), (vec![0, 1], vec![1, 0]));
        assert_eq!(graph.of(NodeSplit::Test), (vec![4], vec![0]));
        // A = np.array([[1, 1, 0], [1, 1, 1], [0, 1, 1.]]); r = A.sum(1) ** -.5; r[:, None] * A * r
        let dense = graph.adjacency.times(Array2::eye(5).view());
        let (half, six) = (0.5, 1.0 / 6.0_f32.sqrt());
        let expected = ndarray::array![[half, six, 0.0], [six, 1.0 / 3.0, six], [0.0, six, half]];
        let corner = dense.slice(ndarray::s![..3, ..3]);
        assert!((&corner - &expected).iter().all(|off| off.abs() < 1e-6), "{dense}");
        let features = graph.features.times(Array2::eye(3).view());
        let expected =
            ndarray::array![[0.5, 0.0, 0.5], [0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 1.0]];
        assert_eq!(features, expected);
    }

    #[test]
    fn bad_lines_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let head = "node,label,split,features\n";
        let rest = "2,1,val,\n3,0,test,\n";
        let nodes = |first: &str| format!("{head}{first}");
        for (edges, nodes, message) in [
            ("src,dst\n0,5\n", NODES.into(), "edges.csv, line 2: dst: \"5\", expected a whole number from 0, below 5"),
            ("src,dst\n0,1\n1,1\n", NODES.into(), "edges.csv, line 3: an edge from node 1 to itself"),
            ("src,dst\n0,1\n1,0\n", NODES.into(), "edges.csv, line 3: the edge of nodes 1 and 0 a second time"),
            ("0,1\n1,2\n", NODES.into(), "edges.csv, line 1: columns \"0,1\", expected \"src,dst\""),
            (
                EDGES,
                "node,label\n0,1\n".into(),
                "line 1: columns \"node,label\", expected \"node,label,split,features\"",
            ),
            (EDGES, nodes("1,0,train,\n"), "line 2: node 1, expected 0"),
            (EDGES, nodes("0,0,holdout,\n"), "line 2: split: \"holdout\""),
            (EDGES, nodes("0,0,train,x\n"), "line 2: features: \"x\""),
            (EDGES, nodes("0,99999,train,\n"), "line 2: label: \"99999\""),
            (EDGES, nodes("0,0\n"), "line 2"),
            (EDGES, nodes(&format!("0,0,test,\n1,1,,\n{rest}")), "no labelled node with the split train"),
            (EDGES, nodes(&format!("0,0,train,\n1,0,,\n{rest}")), "no node of class 1 with the split train"),
            (EDGES, nodes("0,0,train,\n1,0,val,\n2,0,test,\n"), "1 class, expected at least two"),
        ] {
            write(folder.path(), edges, &nodes);
            let error = Graph::read(folder.path()).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
        fs::remove_file(folder.path().join("nodes.csv.gz")).unwrap();
        assert!(matches!(Graph::read(folder.path()), Err(StudyError::Store(StoreError::File { .. }))));
    }
}
