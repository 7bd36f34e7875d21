//! A graph in two tables: `edges.csv` (`src,dst`, each edge once, both ends from 0) and `nodes.csv.gz`
//! (`node,label,split,features`: the label -1 where it is unknown; the split train, val, test or empty; numbers of the
//! features that are set).

use std::collections::HashSet;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::node::{Node, NodeSplit, Nodes, failed};
use crate::StudyError;

/// The table of the nodes in a folder.
pub(super) fn node_file(folder: &Path) -> PathBuf {
    folder.join("nodes.csv.gz")
}

/// Reads both tables.
///
/// # Errors
/// A file that cannot be read; a line that cannot be understood, by its number.
pub(super) fn read(folder: &Path) -> Result<Nodes, StudyError> {
    let path = node_file(folder);
    let bytes = fs::read(&path).map_err(failed(&path))?;
    let nodes = read_nodes(&path, &bytes)?;
    let path = folder.join("edges.csv");
    let bytes = fs::read(&path).map_err(failed(&path))?;
    let (mut edges, mut known) = (Vec::new(), HashSet::new());
    for (line, record) in records(&path, bytes.as_slice(), &["src", "dst"])? {
        let bad = |reason: String| corrupt(&path, line, reason);
        let end = |at: usize, name: &str| parsed(name, record.get(at).unwrap_or_default(), nodes.len());
        let (from, to) = (end(0, "src").map_err(bad)?, end(1, "dst").map_err(bad)?);
        if from == to {
            return Err(bad(format!("an edge from node {from} to itself")));
        }
        if !known.insert((from.min(to), from.max(to))) {
            return Err(bad(format!("the edge of nodes {from} and {to} a second time")));
        }
        edges.push((from, to));
    }
    let width = nodes.iter().flat_map(|node| &node.features).map(|(feature, _)| feature + 1).max().unwrap_or(0);
    Ok(Nodes { nodes, edges, width })
}

/// Numbers of classes and of features from here on are refused as damage.
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
        Ok(Node { label, part, features: features.into_iter().map(|feature| (feature, 1.0)).collect() })
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

fn corrupt(path: &Path, line: usize, reason: String) -> StudyError {
    StudyError::Corrupt { path: path.to_owned(), line, reason }
}
