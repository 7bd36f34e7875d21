//! A graph with labelled nodes.

use std::path::Path;

use sha2::{Digest, Sha256};

use super::node::{Node, NodeSplit, Nodes};
use super::sparse::Sparse;
use super::{planetoid, tables};
use crate::StudyError;

/// A graph with features and labels of its nodes.
#[derive(Debug, Clone)]
pub struct Graph {
    /// The number of classes.
    pub classes: usize,
    /// Label of each node; none if it is unknown.
    pub labels: Vec<Option<usize>>,
    /// What each node is for; none for those that only pass features on.
    pub parts: Vec<Option<NodeSplit>>,
    /// SHA-256 of labels, splits, features and edges, in hexadecimal digits: the same for every form of the files.
    pub digest: String,
    /// Features of each node, each row's sum 1. Shape `[nodes, features]`.
    pub(crate) features: Sparse,
    /// `D^-1/2 (A + I) D^-1/2`, with D the degrees of `A + I` (Kipf and Welling, equation 2). Shape `[nodes, nodes]`.
    pub(crate) adjacency: Sparse,
}

impl Graph {
    /// Reads the graph of this name from a folder: the tables `nodes.csv.gz` and `edges.csv`, or else the publisher's files
    /// `ind.NAME.*` of Planetoid.
    ///
    /// # Errors
    /// A file that cannot be read; a line or a content that cannot be understood; a split without labelled nodes, a class
    /// that none of the training nodes has.
    pub fn read(folder: &Path, name: &str) -> Result<Self, StudyError> {
        let (table, published) = (tables::node_file(folder), planetoid::graph_file(folder, name));
        let (file, nodes) = match (table.exists(), published.exists()) {
            (true, _) => (table, tables::read(folder)?),
            (false, true) => (published, planetoid::read(folder, name)?),
            (false, false) => {
                let reason = format!("holds neither nodes.csv.gz nor ind.{name}.graph");
                return Err(StudyError::Graph { path: folder.to_owned(), reason });
            }
        };
        let graph = Self::new(nodes);
        graph.check().map_err(|reason| StudyError::Graph { path: file, reason })?;
        Ok(graph)
    }

    /// Whether there is something to learn, to choose by and to test on.
    fn check(&self) -> Result<(), String> {
        for (part, name) in [(NodeSplit::Train, "train"), (NodeSplit::Validation, "val"), (NodeSplit::Test, "test")] {
            if self.of(part).0.is_empty() {
                return Err(format!("no labelled node with the split {name}, expected at least one"));
            }
        }
        let learned = self.of(NodeSplit::Train).1;
        match (0..self.classes).find(|class| !learned.contains(class)) {
            Some(class) => Err(format!("no node of class {class} with the split train, expected one of each class")),
            None if self.classes < 2 => Err(format!("{} class, expected at least two", self.classes)),
            None => Ok(()),
        }
    }

    fn new(Nodes { nodes, edges, width }: Nodes) -> Self {
        // The neighbours of each node: itself first, then the others in their order, each once.
        let mut near: Vec<Vec<usize>> = vec![Vec::new(); nodes.len()];
        for (from, to) in edges.into_iter().filter(|(from, to)| from != to) {
            near[from].push(to);
            near[to].push(from);
        }
        for (node, near) in near.iter_mut().enumerate() {
            near.sort_unstable();
            near.dedup();
            near.insert(0, node);
        }
        let classes = nodes.iter().filter_map(|node| node.label).max().map_or(0, |most| most + 1);
        let shares = |node: &Node| -> Vec<(usize, f32)> {
            let sum: f32 = node.features.iter().map(|(_, value)| value).sum();
            node.features.iter().map(|&(feature, value)| (feature, value / sum)).collect()
        };
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
            digest: digest(&nodes, &near, width),
            features: Sparse::new(&nodes.iter().map(shares).collect::<Vec<_>>(), width),
            adjacency: Sparse::new(&adjacency, nodes.len()),
        }
    }

    /// A graph of unlabelled nodes.
    #[cfg(test)]
    pub(crate) fn made(edges: &[(usize, usize)], features: &[Vec<usize>]) -> Self {
        let ones = |features: &Vec<usize>| features.iter().map(|&feature| (feature, 1.0)).collect();
        let nodes = features.iter().map(|features| Node { label: None, part: None, features: ones(features) });
        let width = features.iter().flatten().max().map_or(0, |most| most + 1);
        Self::new(Nodes { nodes: nodes.collect(), edges: edges.to_vec(), width })
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

/// SHA-256 of all that makes a graph.
fn digest(nodes: &[Node], near: &[Vec<usize>], width: usize) -> String {
    let mut hash = Sha256::new();
    let mut number = |number: usize| hash.update((number as u64).to_le_bytes());
    number(nodes.len());
    number(width);
    for (node, near) in nodes.iter().zip(near) {
        // Absent is 0.
        number(node.label.map_or(0, |label| label + 1));
        number(node.part.map_or(0, |part| part as usize + 1));
        number(node.features.len());
        for &(feature, value) in &node.features {
            number(feature);
            number(value.to_bits() as usize);
        }
        number(near.len());
        near.iter().for_each(|&other| number(other));
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs::{self, File};
    use std::io::Write;

    use ndarray::Array2;
    use softnce_store::StoreError;

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
        let graph = Graph::read(folder.path(), "graph").unwrap();
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
            let error = Graph::read(folder.path(), "graph").unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
        fs::remove_file(folder.path().join("edges.csv")).unwrap();
        assert!(matches!(Graph::read(folder.path(), "graph"), Err(StudyError::Store(StoreError::File { .. }))));
    }
}
