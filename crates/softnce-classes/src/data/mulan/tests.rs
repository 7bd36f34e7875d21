use std::fs;

use proptest::prelude::*;

use super::*;
use crate::data::{Example, Inputs, Source};

const XML: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<labels xmlns="http://mulan.sourceforge.net/labels">
<label name="bird's song"><label name="river"></label></label>
<label name='night'/>
</labels>"#;

const HEADER: &str = "% made by hand
@RELATION 'two words'

@attribute height numeric
@attribute river {0,1}
@ATTRIBUTE 'main colour' {red, 'dark green', blue}
@attribute 'bird\\'s song' { 0, 1 }
@attribute night {0,1}
@attribute size REAL % in metres
@data
";

fn read(arff: &str, xml: &str) -> Result<MemoryRows, String> {
    let folder = tempfile::tempdir().unwrap();
    let paths = ["rows.arff", "labels.xml"].map(|name| folder.path().join(name));
    fs::write(&paths[0], arff).unwrap();
    fs::write(&paths[1], xml).unwrap();
    let shorter = |error: DataError| error.to_string().replace(&format!("{}/", folder.path().display()), "");
    read_mulan(&paths[0], &paths[1]).map_err(shorter)
}

/// The labels and the inputs of a row.
type Parts = (Vec<u32>, Vec<(u32, f32)>);

fn rows(set: &MemoryRows) -> Vec<Parts> {
    let read = |row| {
        let mut example = Example::default();
        set.read(row, &mut example).unwrap();
        (example.relevant, example.indices.into_iter().zip(example.values).collect())
    };
    (0..set.len()).map(read).collect()
}

#[test]
fn dense_and_sparse_rows_say_the_same() {
    let dense =
        read(&format!("{HEADER}1.5,1,'dark green',1,0,0\r\n\n 0 , 0 , red , 0 , 0 , -2 \n0,0,blue,0,1,0\n"), XML);
    let sparse =
        read(&format!("{HEADER}{{0 1.5, 1 1,2 'dark green',3 1}}\n{{5 -2}}\n% a comment\n{{ 2 blue, 4 1 }}\n"), XML);
    let expected = [(vec![1, 0], vec![(0, 1.5), (1, 1.0)]), (vec![], vec![(3, -2.0)]), (vec![2], vec![(2, 1.0)])];
    for set in [dense.unwrap(), sparse.unwrap()] {
        assert_eq!((set.inputs(), set.classes()), (Inputs::Sparse { inputs: 4 }, 3));
        assert_eq!(set.class_name(0), Some("bird's song"));
        assert_eq!(set.class_name(2), Some("night"));
        assert_eq!(rows(&set), expected);
    }
    assert_eq!(rows(&read(&format!("{HEADER}{{}}\n"), XML).unwrap()), [(vec![], vec![])]);
}

#[test]
fn bad_files_are_named() {
    let row = |row: &str| format!("{HEADER}{row}\n");
    for (arff, expected) in [
        (String::new(), "rows.arff: no @data; expected @data and rows after the attributes"),
        (HEADER.to_owned(), "rows.arff: no rows; expected at least one after @data"),
        ("hello\n".to_owned(), "rows.arff, line 1, column 1: 'hello'; expected @relation, @attribute or @data"),
        (
            "@attribute a string\n".to_owned(),
            "rows.arff, line 1, column 14: 'string'; expected numeric, real, integer or {values}",
        ),
        ("@attribute a {0,1\n".to_owned(), "rows.arff, line 1, column 18: nothing; expected '}'"),
        ("@attribute a {}\n".to_owned(), "rows.arff, line 1, column 15: '}'; expected a value"),
        ("@attribute 'a {0,1}\n".to_owned(), "rows.arff, line 1, column 12: ''a {0,1}'; expected a closing quote"),
        ("@attribute\n".to_owned(), "rows.arff, line 1, column 11: nothing; expected the name of the attribute"),
        (
            "@attribute river {0,1}\n@attribute a real\n@data\n".to_owned(),
            "rows.arff: no attribute 'bird's song'; expected an attribute for each label (labels.xml)",
        ),
        (
            HEADER.replace("night {0,1}", "night numeric"),
            "rows.arff: label 'night' of another type; expected labels of type {0,1} (labels.xml)",
        ),
        (
            HEADER.replace("height numeric", "river {0,1}"),
            "rows.arff: two attributes 'river'; expected each label once (labels.xml)",
        ),
        (row("1,0,red,0,0"), "rows.arff, line 11, column 12: nothing; expected ','"),
        (row("1,0,red,0,0,1,1"), "rows.arff, line 11, column 14: ',1'; expected the end of the line"),
        (row("1,0,,0,0,1"), "rows.arff, line 11, column 5: ',0,0,1'; expected a value"),
        (
            row("?,0,red,0,0,1"),
            "rows.arff, line 11, column 1: a missing value for attribute 'height'; expected a finite number of f32",
        ),
        (
            row("1,0,pink,0,0,1"),
            "rows.arff, line 11, column 5: 'pink' for attribute 'main colour'; \
            expected one of the values that its declaration lists",
        ),
        (
            row("1,0,red,0,0,NaN"),
            "rows.arff, line 11, column 13: 'NaN' for attribute 'size'; expected a finite number of f32",
        ),
        (
            row("{6 1}"),
            "rows.arff, line 11, column 2: '6'; \
            expected the number of an attribute from 0 to 5, in ascending order",
        ),
        (
            row("{1 1,1 1}"),
            "rows.arff, line 11, column 6: '1'; \
            expected the number of an attribute from 2 to 5, in ascending order",
        ),
        (row("{1 1 2 red}"), "rows.arff, line 11, column 6: '2 red}'; expected ','"),
        (row("{1 1"), "rows.arff, line 11, column 5: nothing; expected ','"),
        (row("{1 1}, {5}"), "rows.arff, line 11, column 6: ', {5}'; expected the end of the line"),
    ] {
        assert_eq!(read(&arff, XML).map(|_| ()), Err(expected.to_owned()));
    }
    for (xml, expected) in [
        ("<labels>", "labels.xml: "),
        ("<labels/>", "labels.xml: no labels; expected elements <label name=\"..\">"),
        ("<labels>\n<label/></labels>", "labels.xml, line 2: a label without a name; expected <label name=\"..\">"),
        (
            "<labels><label name='a'/><label name='a'/></labels>",
            "labels.xml: label 'a' twice; expected each label once",
        ),
    ] {
        let message = read(HEADER, xml).unwrap_err();
        assert!(message.starts_with(expected), "{message}");
    }
}

/// Rows, classes and mean number of labels of a row, as Mulan's page of the sets has them.
/// `SOFTNCE_MULAN=FOLDER cargo test --release -p softnce-classes -- --ignored` reads the files in a folder.
#[test]
#[ignore = "needs the files of github.com/tsoumakas/mulan, data/multi-label"]
fn published_sets_have_the_published_sizes() {
    let folder = std::path::PathBuf::from(std::env::var("SOFTNCE_MULAN").unwrap());
    for (arff, xml, sizes) in [
        ("Corel5k-sparse", "Corel5k", (5000, 374, 3.522)),
        ("bibtex", "bibtex", (7395, 159, 2.402)),
        ("delicious", "delicious", (16105, 983, 19.020)),
        ("enron", "enron", (1702, 53, 3.378)),
        ("genbase", "genbase", (662, 27, 1.252)),
        ("medical", "medical", (978, 45, 1.245)),
        ("tmc2007-500", "tmc2007-500", (28596, 22, 2.158)),
        ("yeast", "yeast", (2417, 14, 4.237)),
    ] {
        let set = read_mulan(&folder.join(format!("{arff}.arff")), &folder.join(format!("{xml}.xml"))).unwrap();
        let labels: usize = rows(&set).iter().map(|(labels, _)| labels.len()).sum();
        let mean = (labels as f64 / set.len() as f64 * 1e3).round() / 1e3;
        assert_eq!((set.len(), set.classes(), mean), sizes, "{arff}");
    }
}

proptest! {
    #[test]
    fn any_text_is_rows_or_an_error(
        words in prop::collection::vec(
            prop::sample::select(&["{", "}", ",", "'", "\\", "\"", " ", "0", "1", "5", "red", "?", "%", "\n", "\u{e9}"][..]),
            0..40,
        ),
        header in any::<bool>(),
    ) {
        let text = if header { HEADER } else { "@attribute " };
        if let Ok(set) = read(&format!("{text}{}", words.concat()), XML) {
            prop_assert!(rows(&set).iter().flat_map(|(_, inputs)| inputs).all(|(_, value)| value.is_finite()));
        }
    }
}
