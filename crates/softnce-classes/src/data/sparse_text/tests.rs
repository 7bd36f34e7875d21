use std::fs;
use std::path::PathBuf;

use proptest::prelude::*;

use super::*;
use crate::data::{Minibatch, Subset};

fn file(content: impl AsRef<[u8]>) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.txt");
    fs::write(&path, content).unwrap();
    (folder, path)
}

fn open(content: impl AsRef<[u8]>, options: &SparseTextOptions) -> Result<SparseText, String> {
    let (_folder, path) = file(content);
    SparseText::open(&path, options).map_err(|error| {
        let message = error.to_string();
        message.strip_prefix(&path.display().to_string()).map(str::to_owned).unwrap_or(message)
    })
}

fn rows(text: &SparseText) -> Vec<Example> {
    let read = |row| {
        let mut example = Example::default();
        text.read(row, &mut example).unwrap();
        example
    };
    (0..text.len()).map(read).collect()
}

fn example(labels: &[u32], inputs: &[(u32, f32)]) -> Example {
    let mut example = Example { relevant: labels.to_vec(), ..Example::default() };
    (example.indices, example.values) = inputs.iter().copied().unzip();
    example.share_equally();
    example
}

#[test]
fn rows_with_and_without_labels_and_inputs() {
    let content = "5 4 3\n0,2 1:0.5 3:-2e1\n 0:1\n1\n\n2 3:1 0:2 3:4 \t\r\n";
    let text = open(content, &SparseTextOptions::default()).unwrap();
    assert_eq!((text.inputs(), text.classes()), (Inputs::Sparse { inputs: 4 }, 3));
    let expected = [
        example(&[0, 2], &[(1, 0.5), (3, -20.0)]),
        example(&[], &[(0, 1.0)]),
        example(&[1], &[]),
        example(&[], &[]),
        example(&[2], &[(3, 1.0), (0, 2.0), (3, 4.0)]),
    ];
    assert_eq!(rows(&text), expected);
    let targets = Minibatch::read(&text, &[0, 2]).unwrap().targets().unwrap();
    assert_eq!(targets.to_dense().unwrap(), ndarray::arr2(&[[0.5, 0.0, 0.5], [0.0, 1.0, 0.0]]));
}

#[test]
fn without_header_the_largest_numbers_are_the_sizes() {
    let content = "# made by hand\n1,3 1:0.5 4:1 # a comment\n\n2:7\n2 1:1";
    let options = SparseTextOptions { first_input: 1, ..SparseTextOptions::default() };
    let text = open(content, &options).unwrap();
    assert_eq!((text.inputs(), text.classes()), (Inputs::Sparse { inputs: 4 }, 4));
    let expected = [example(&[1, 3], &[(0, 0.5), (3, 1.0)]), example(&[], &[(1, 7.0)]), example(&[2], &[(0, 1.0)])];
    assert_eq!(rows(&text), expected);
    let given = SparseTextOptions { inputs: Some(9), classes: Some(8), first_class: 1, ..options };
    let text = open(content, &given).unwrap();
    assert_eq!((text.inputs(), text.classes()), (Inputs::Sparse { inputs: 9 }, 8));
    assert_eq!(rows(&text)[0].classes, [0, 2]);
}

#[test]
fn weights_of_labels_are_shares() {
    let options = SparseTextOptions { weighted_labels: true, ..SparseTextOptions::default() };
    let text = open("2 2 3\n0:1,2:3 1:2\n 0:1\n", &options).unwrap();
    let rows = rows(&text);
    assert_eq!((&rows[0].classes[..], &rows[0].weights[..]), (&[0, 2][..], &[0.25, 0.75][..]));
    assert_eq!(rows[1], example(&[], &[(0, 1.0)]));
}

#[test]
fn bad_files_are_named_to_the_column() {
    let plain = SparseTextOptions::default();
    let weighted = SparseTextOptions { weighted_labels: true, ..plain.clone() };
    let given = SparseTextOptions { inputs: Some(5), classes: Some(2), ..plain.clone() };
    let one = SparseTextOptions { first_input: 1, ..plain.clone() };
    for (content, options, expected) in [
        ("", &plain, ": no rows; expected at least one"),
        ("\n \n", &plain, ": no rows; expected at least one"),
        ("1:2\n", &plain, ": no labels; expected at least one"),
        ("1\n", &plain, ": no inputs; expected at least one"),
        ("2 3\n", &plain, ", line 1, column 1: 2 numbers; expected the header 'rows inputs classes', or a row"),
        ("2 3 4 5\n", &plain, ", line 1, column 1: 4 numbers; expected the header 'rows inputs classes', or a row"),
        ("1 0 4\n", &plain, ", line 1, column 3: 0 inputs; expected at least one"),
        ("1 4 0\n", &plain, ", line 1, column 5: 0 classes; expected at least one"),
        ("1 4 99999999999\n", &plain, ", line 1, column 5: '99999999999'; expected a number up to 4294967295"),
        ("-1 4 4\n", &plain, ", line 1, column 1: '-1'; expected a class from 0 to 4294967294"),
        ("2 3 4\n0 1:1\n", &plain, ": 1 rows; expected 2, as the header says"),
        (
            "1 3 4\n0 1:1\n1 2:2\n",
            &plain,
            ", line 3: a further row; expected the end of the file: the header says 1 rows",
        ),
        ("1 3 2\n0 1:1\n", &given, ", line 1: 3 inputs; expected 5, as was given"),
        ("1 5 4\n0 1:1\n", &given, ", line 1: 4 classes; expected 2, as was given"),
        ("1 3 4\n0,4 1:1\n", &plain, ", line 2, column 3: '4'; expected a class from 0 to 3"),
        ("1 3 4\n0,,1 1:1\n", &plain, ", line 2, column 3: nothing; expected a class from 0 to 3"),
        ("1 3 4\n0, 1:1\n", &plain, ", line 2, column 3: nothing; expected a class from 0 to 3"),
        ("1 3 4\n0,1,0 1:1\n", &plain, ", line 2, column 1: class 0 twice; expected each class once"),
        ("1 3 4\n1.0 1:1\n", &plain, ", line 2, column 1: '1.0'; expected a class from 0 to 3"),
        ("1 3 4\n0,1:2 1:1\n", &plain, ", line 2, column 3: '1:2'; expected a class from 0 to 3"),
        ("1 3 4\n0 3:1\n", &plain, ", line 2, column 3: '3'; expected an input from 0 to 2"),
        ("1 3 4\n0 0:1\n", &one, ", line 2, column 3: '0'; expected an input from 1 to 3"),
        ("1 3 4\n0 2\n", &plain, ", line 2, column 3: '2'; expected an input as index:value"),
        (
            "1 3 4\n0 2:\n",
            &plain,
            ", line 2, column 5: nothing; expected the value of an input: a finite number of f32",
        ),
        ("1 3 4\n0 2:x\n", &plain, ", line 2, column 5: 'x'; expected the value of an input: a finite number of f32"),
        (
            "1 3 4\n0 2:nan\n",
            &plain,
            ", line 2, column 5: 'nan'; expected the value of an input: a finite number of f32",
        ),
        (
            "1 3 4\n0 2:1e39\n",
            &plain,
            ", line 2, column 5: '1e39'; expected the value of an input: a finite number of f32",
        ),
        (
            "1 3 4\n0 2:1:1\n",
            &plain,
            ", line 2, column 5: '1:1'; expected the value of an input: a finite number of f32",
        ),
        ("1 3 4\n0 -1:1\n", &plain, ", line 2, column 3: '-1'; expected an input from 0 to 2"),
        ("1 3 4\n0 # 1:1\n", &plain, ", line 2, column 3: '#'; expected an input as index:value"),
        (
            "1 3 4\n0:1,1 1:1\n",
            &weighted,
            ", line 2, column 5: '1'; expected a label as class:weight (a row without labels begins with a space)",
        ),
        ("1 3 4\n0:0 1:1\n", &weighted, ", line 2, column 3: '0'; expected a weight above 0"),
        (
            "1 3 4\n0:inf 1:1\n",
            &weighted,
            ", line 2, column 3: 'inf'; expected the weight of a label: a finite number of f32",
        ),
        ("1 3 4\n4:1 1:1\n", &weighted, ", line 2, column 1: '4'; expected a class from 0 to 3"),
    ] {
        assert_eq!(open(content, options).map(|_| ()), Err(expected.to_owned()), "{content:?}");
    }
    let message = open(b"1 3 4\n0 \xff\xfe:1\n", &plain).unwrap_err();
    assert!(message.starts_with(", line 2, column 3: "), "{message}");
    let long = format!("1 3 4\n0 {}\n", "9".repeat(1000));
    assert!(open(long, &plain).unwrap_err().len() < 200);
    let none = SparseTextOptions { classes: Some(0), ..plain };
    assert_eq!(open("", &none).unwrap_err(), "classes is 0, expected a number from 1 to 4294967295");
}

#[test]
fn a_file_that_changes_gives_an_error() {
    let (_folder, path) = file("2 3 2\n0 1:1\n1 2:1\n");
    let text = SparseText::open(&path, &SparseTextOptions::default()).unwrap();
    let mut example = Example::default();
    fs::write(&path, "2 3 2\n0 1:1\n1 9:1\n").unwrap();
    let message = text.read(1, &mut example).unwrap_err().to_string();
    let expected = ", byte 14: '9'; expected an input from 0 to 2, as before the file was changed";
    assert!(message.ends_with(expected), "{message}");
    fs::write(&path, "2 3 2\n").unwrap();
    assert!(matches!(text.read(0, &mut example), Err(DataError::Io { .. })));
    assert!(matches!(text.read(2, &mut example), Err(DataError::Index { index: 2, rows: 2 })));
}

#[test]
fn splits_list_rows_from_one() {
    let (_folder, path) = file("3 1\n1 2\n");
    assert_eq!(read_split(&path, 0, 3).unwrap(), [2, 0]);
    let text = open("3 2 3\n0\n1\n2\n", &SparseTextOptions::default()).unwrap();
    let subset = Subset::new(&text, read_split(&path, 1, 3).unwrap()).unwrap();
    let labels: Vec<_> = Minibatch::read(&subset, &[0, 1]).map(|batch| batch.relevant(1).to_vec()).unwrap();
    assert_eq!(labels, [1]);
    for (column, rows, expected) in [
        (2, 3, "line 1: nothing in column 2; expected a row from 1 to 3"),
        (0, 2, "line 1: '3' in column 0; expected a row from 1 to 2"),
    ] {
        assert!(read_split(&path, column, rows).unwrap_err().to_string().ends_with(expected));
    }
    let (_folder, path) = file("0\n");
    assert!(read_split(&path, 0, 2).unwrap_err().to_string().ends_with("'0' in column 0; expected a row from 1 to 2"));
}

proptest! {
    #[test]
    fn any_bytes_are_rows_or_an_error(
        mut bytes in prop::collection::vec(prop::sample::select(&b"0123459,:: \n\n\t.-e#n\xff"[..]), 0..60),
        header in any::<bool>(),
        weighted_labels in any::<bool>(),
        first_input in 0_u32..2,
    ) {
        if header {
            bytes.splice(0..0, *b"2 9 9\n");
        }
        let options = SparseTextOptions { weighted_labels, first_input, ..SparseTextOptions::default() };
        if let Ok(text) = open(&bytes, &options) {
            let Inputs::Sparse { inputs } = text.inputs() else { panic!("rows of text are sparse") };
            for row in rows(&text) {
                prop_assert!(row.indices.iter().all(|&index| (index as usize) < inputs));
                prop_assert!(row.relevant.iter().all(|&class| (class as usize) < text.classes()));
                prop_assert!(row.values.iter().all(|value| value.is_finite()));
                prop_assert!(row.classes.is_empty() || (row.weights.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            }
        }
    }
}
