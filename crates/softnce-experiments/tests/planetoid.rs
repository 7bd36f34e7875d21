//! Planetoid graphs as published: the graph that the tables give, and files that are refused.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "common/planetoid.rs"]
mod planetoid;

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use planetoid::{Planetoid, ring};
use softnce_experiments::StudyError;
use softnce_experiments::graphs::{Graph, NodeSplit};

/// Writes the published files of a graph called ring.
fn write(graph: &Planetoid, folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    for (ending, bytes) in graph.files() {
        fs::write(folder.join(format!("ind.ring.{ending}")), bytes).unwrap();
    }
}

/// The same graph as `nodes.csv.gz` and `edges.csv`.
fn write_tables(graph: &Planetoid, folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    let first = graph.features.len() - graph.test_index.len();
    let mut rows: Vec<String> = (0..graph.near.len()).map(|node| format!("{node},-1,,")).collect();
    let numbers = (0..first).chain(graph.test_index.iter().copied());
    for (at, node) in numbers.enumerate() {
        let split = match at {
            at if at < graph.labelled => "train",
            at if at < first => "val",
            _ => "test",
        };
        let features: Vec<String> = graph.features[at].iter().map(|(feature, _)| feature.to_string()).collect();
        rows[node] = format!("{node},{},{split},{}", graph.labels[at], features.join(" "));
    }
    let file = File::create(folder.join("nodes.csv.gz")).unwrap();
    let mut packed = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    write!(packed, "node,label,split,features\n{}\n", rows.join("\n")).unwrap();
    packed.finish().unwrap();
    let mut edges: Vec<(usize, usize)> = Vec::new();
    for (from, near) in graph.near.iter().enumerate() {
        edges.extend(near.iter().filter(|&&to| to != from).map(|&to| (from.min(to), from.max(to))));
    }
    edges.sort_unstable();
    edges.dedup();
    let edges: Vec<String> = edges.into_iter().map(|(from, to)| format!("{from},{to}")).collect();
    fs::write(folder.join("edges.csv"), format!("src,dst\n{}\n", edges.join("\n"))).unwrap();
}

#[test]
fn both_forms_give_the_same_graph() {
    let folder = tempfile::tempdir().unwrap();
    let (published, tables) = (folder.path().join("published"), folder.path().join("tables"));
    write(&ring(), &published);
    write_tables(&ring(), &tables);
    let (one, other) = (Graph::read(&published, "ring").unwrap(), Graph::read(&tables, "ring").unwrap());
    assert_eq!((one.nodes(), one.width(), one.classes), (61, 6, 2));
    assert_eq!(one.of(NodeSplit::Train).0, (0..10).collect::<Vec<_>>());
    assert_eq!(one.of(NodeSplit::Validation).0, (10..40).collect::<Vec<_>>());
    assert_eq!(one.of(NodeSplit::Test).0, (40..59).chain([60]).collect::<Vec<_>>());
    assert_eq!(one.labels[47], Some(1));
    assert_eq!((one.labels[59], one.parts[59]), (None, None));
    assert_eq!((one.labels, one.parts, one.digest.clone()), (other.labels, other.parts, other.digest));
    // Another edge, another feature: another graph.
    let changes: [fn(&mut Planetoid); 2] = [|graph| graph.near[3].push(59), |graph| graph.features[7][0].1 = 2.0];
    for change in changes {
        let mut changed = ring();
        change(&mut changed);
        write(&changed, &published);
        assert_ne!(Graph::read(&published, "ring").unwrap().digest, one.digest);
    }
}

#[test]
fn files_that_do_not_fit_are_named() {
    let folder = tempfile::tempdir().unwrap();
    type Case = (fn(&mut Planetoid), &'static str, &'static str);
    let cases: [Case; 6] = [
        (|graph| graph.near[3].push(61), "graph", "61 in place of a node, expected a number below 61"),
        (|graph| graph.test_index[4] = 3, "test.index", "node 3 twice or also in ind."),
        (|graph| graph.test_index[4] = graph.test_index[5], "test.index", "twice or also in ind."),
        (|graph| graph.features[7][0].1 = f32::NAN, "allx", "a feature of NaN, expected finite numbers"),
        (|graph| graph.features[7][0].0 = 6, "allx", "do not fit each other"),
        (|graph| graph.labelled = 0, "graph", "no labelled node with the split train"),
    ];
    for (change, file, expected) in cases {
        let mut graph = ring();
        change(&mut graph);
        write(&graph, folder.path());
        let error = Graph::read(folder.path(), "ring").unwrap_err().to_string();
        assert!(error.contains(&format!("ind.ring.{file}: ")) && error.contains(expected), "{error}");
    }
    write(&ring(), folder.path());
    fs::write(folder.path().join("ind.ring.test.index"), "40\nx\n").unwrap();
    let error = Graph::read(folder.path(), "ring").unwrap_err().to_string();
    assert!(error.contains("ind.ring.test.index: \"x\", expected the number of a node"), "{error}");
    let error = Graph::read(folder.path(), "other").unwrap_err();
    assert!(
        error.is_usage() && error.to_string().ends_with("holds neither nodes.csv.gz nor ind.other.graph"),
        "{error}"
    );
}

/// Damaged and foreign pickles end in an error that names the file: nothing is called, nothing panics.
#[test]
fn damaged_and_foreign_pickles_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    write(&ring(), folder.path());
    let read = |ending: &str, bytes: &[u8]| {
        let path: PathBuf = folder.path().join(format!("ind.ring.{ending}"));
        let whole = fs::read(&path).unwrap();
        fs::write(&path, bytes).unwrap();
        let graph = Graph::read(folder.path(), "ring");
        fs::write(&path, whole).unwrap();
        graph
    };
    for ending in ["allx", "y", "graph"] {
        let whole = fs::read(folder.path().join(format!("ind.ring.{ending}"))).unwrap();
        for length in (0..whole.len()).step_by(3) {
            let error = read(ending, &whole[..length]).unwrap_err().to_string();
            assert!(error.contains(&format!("ind.ring.{ending}: ")), "{length}: {error}");
        }
        for at in 0..whole.len().min(400) {
            let mut changed = whole.clone();
            changed[at] ^= 0x55;
            // Some changes are of values, which no one can tell from others.
            if let Err(error) = read(ending, &changed) {
                assert!(matches!(error, StudyError::Graph { .. }), "{at}: {error}");
            }
        }
    }
    let message = |bytes: &[u8]| read("y", bytes).unwrap_err().to_string();
    let error = message(b"\x80\x02cos\nsystem\nU\x04exit\x85R.");
    let expected = "expected an object of numpy.core.multiarray._reconstruct";
    assert!(error.contains(&format!("os.system, {expected}")), "{error}");
    assert!(message(b"\x80\x02(h\x07.").contains("byte 3 of its pickle: the memo has no value 7"));
    assert!(message(b"\x80\x02Nr\xff\xff\xff\xff.").contains(&format!("a value without a class, {expected}")));
    assert!(message(b"\x80\x04\x95").contains("byte 2 of its pickle: the file ends"));
    assert!(message(b"\x80\x02}.").contains(&format!("a value without a class, {expected}")));
    assert!(message(b"not a pickle").contains("byte 0 of its pickle: no operation has the code 0x6e"));
    for (bytes, expected) in [
        (&b"\x80\x02cos\nsystem\nU\x04exit\x85R."[..], "no dictionary of neighbours"),
        (b"\x80\x02}K\x00K\x01s.", "no list of the neighbours of node 0"),
        (b"\x80\x02}K\x00]U\x01aas.", "a value in place of a node, expected a number below 61"),
    ] {
        let error = read("graph", bytes).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    let mut kind = fs::read(folder.path().join("ind.ring.y")).unwrap();
    let at = kind.windows(2).position(|two| two == b"i4").unwrap();
    kind[at..at + 2].copy_from_slice(b"O8");
    assert!(message(&kind).contains("an array of type <O8, expected <i4, <i8, <f4 or <f8"));
}

/// The published files, where they are at hand: `SOFTNCE_TEST_SETS=FOLDER cargo test --release -p softnce-experiments
/// --test planetoid -- --ignored`, the folder holding what `data fetch cora citeseer` writes, and tables of the same graphs
/// in `planetoid/cora/` and `planetoid/citeseer/`.
#[test]
#[ignore = "needs the published files"]
fn the_published_graphs() {
    let sets = PathBuf::from(std::env::var_os("SOFTNCE_TEST_SETS").expect("SOFTNCE_TEST_SETS: the folder of the sets"));
    for (name, nodes, width, classes, train) in [("cora", 2708, 1433, 7, 140), ("citeseer", 3327, 3703, 6, 120)] {
        let graph = Graph::read(&sets.join(name), name).unwrap();
        assert_eq!((graph.nodes(), graph.width(), graph.classes), (nodes, width, classes));
        let parts = [NodeSplit::Train, NodeSplit::Validation, NodeSplit::Test].map(|part| graph.of(part).0.len());
        assert_eq!(parts, [train, 500, 1000]);
        let tables = Graph::read(&sets.join("planetoid").join(name), name).unwrap();
        assert_eq!((graph.labels, graph.parts, graph.digest), (tables.labels, tables.parts, tables.digest));
    }
}
