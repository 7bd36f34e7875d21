//! Tables: headers, separators, columns.

use ndarray::array;

use super::*;

#[test]
fn tables_with_and_without_a_header() {
    let place = Place::new();
    let csv = |text: &str| csv(place.file("w.csv", text.as_bytes()));
    let expected = array![[0.25, 0.75], [1.0, 0.0]];
    for text in ["1,3\n2,0\n", "cat,dog\r\n1, 3\r\n\r\n2,0", " \"cat\", dog\n1e0,3.0\n.5,0\n"] {
        assert_eq!(labels(&csv(text), 2, 2).unwrap(), expected, "{text:?}");
    }
    let cases = [
        ("1,3\n2,x\n", "w.csv, line 2, class 'c1': 'x'; expected a number"),
        ("1,cat\n2,0\n", "w.csv, line 1, class 'c1': 'cat'; expected a number"),
        ("1,3\n2\n", "w.csv, line 2: 1 columns; expected 2, as in the first line"),
        (
            "a,b,c\n1,3\n",
            "w.csv, line 1: 3 columns; expected 2, one per class, or 3 with the paths of the pictures first",
        ),
        ("a,b\n1,3\n", "w.csv: 1 rows; expected 2 rows of 2 classes, one row a picture"),
        ("1,3\n\n1,3\n1,3\n", "w.csv, line 4: a further row; expected 2 rows"),
        ("1,3\n0,0\n", "w.csv, line 2: weights with the sum 0; expected a finite sum above 0"),
        ("1,3\n2,-1\n", "w.csv, line 2, class 'c1': -1; expected a finite number of at least 0"),
        ("1,3\n2,NaN\n", "w.csv, line 2, class 'c1': NaN; expected a finite number of at least 0"),
        ("", "w.csv: 0 rows; expected 2 rows of 2 classes, one row a picture"),
    ];
    for (text, expected) in cases {
        assert_eq!(place.message(csv(text), 2, 2), expected, "{text:?}");
    }
    let path = place.file("w.csv", b"1,\xff\n");
    assert!(place.message(LabelSource::Csv { path }, 1, 2).starts_with("w.csv, line 1: "));
}

#[test]
fn a_header_may_be_numbers_or_the_classes_in_any_order() {
    let place = Place::new();
    let read = |text: &str, rows, classes| labels(&csv(place.file("w.csv", text.as_bytes())), rows, classes);
    let expected = array![[0.25, 0.75, 0.0], [1.0, 0.0, 0.0]];
    for text in [
        "0,1,2\n1,3,0\n2,0,0\n",
        "1,2,3\n1,3,0\n2,0,0\n",
        "0.0,1.0,2.0\n1,3,0\n2,0,0\n",
        ",0,1,2\n0,1,3,0\n1,2,0,0\n",
        "Unnamed: 0,0,1,2\n0,1,3,0\n1,2,0,0\n",
        "id,V1,V2,V3\n1,1,3,0\n2,2,0,0\n",
        "0,1,3,0\n1,2,0,0\n",
        "\u{feff}c2,c0,c1\r\n0,1,3\r\n0,2,0\r\n,,\r\n",
        "C1,C2,C0\n3,0,1\n0,0,2\n",
        "part,row,class,picture,c0,c1,c2\ntrain,0,c0,0,1,3,0\ntrain,1,c0,1,2,0,0\n",
        "index,label,c2,c0,c1\n0,c0,0,1,3\n1,c0,0,2,0\n",
    ] {
        assert_eq!(read(text, 2, 3).unwrap(), expected, "{text:?}");
    }
    // Rows of weights that are the numbers of classes are rows.
    assert_eq!(read("1,0\n0,1\n", 2, 2).unwrap(), array![[1.0, 0.0], [0.0, 1.0]]);
    assert_eq!(read("0.0,1.0\n1.0,0.0\n", 2, 2).unwrap(), array![[0.0, 1.0], [1.0, 0.0]]);
    let wide: Vec<String> = (0..5000).map(|class| class.to_string()).collect();
    let row = vec!["1"; 5000].join(",");
    assert_eq!(read(&format!("{}\n{row}\n", wide.join(",")), 1, 5000).unwrap()[(0, 4999)], 1.0 / 5000.0);

    let message = |text: &str| place.message(csv(place.file("w.csv", text.as_bytes())), 2, 3);
    let commas = "expected commas, and decimal points in the numbers";
    let cases = [
        (
            "0,1,2\n1,3,0\n",
            "w.csv: 1 rows after the header in line 1 (0, 1, 2, ..); expected 2 rows of 3 classes, one row a picture"
                .to_owned(),
        ),
        ("0,1,2\n1,3,0\n1,3,0\n1,3,0\n", "w.csv, line 4: a further row; expected 2 rows".to_owned()),
        ("0.5;0.5;0\n", format!("w.csv, line 1: semicolons between the columns; {commas}")),
        ("0,5;0,5;0\n0,5;0,5;0\n", format!("w.csv, line 1: semicolons between the columns; {commas}")),
        ("c0,c1,c2\n1;3;0\n", format!("w.csv, line 2: semicolons between the columns; {commas}")),
        ("1\t3\t0\n", format!("w.csv, line 1: tabs between the columns; {commas}")),
        (
            ",0,1,2\n1,1,3,0\n0,1,3,0\n",
            "w.csv, line 3: index '0'; expected 2: one row a picture, in the order of the pictures, or a column 'path'"
                .to_owned(),
        ),
        (
            "0.5,0.5,0,0\n",
            "w.csv, line 1: 4 columns; expected 3, one per class, or 4 with the paths of the pictures first".to_owned(),
        ),
        (
            "c0,c1,c3\n1,3,0\n",
            "w.csv, line 1: columns c0, c1, c3; expected one column per class (c0, c1, c2); there is none for 'c2'"
                .to_owned(),
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(message(text), expected, "{text:?}");
    }
    let path = place.file("w.csv", b"\xff\xfe0\x00,\x001\x00");
    assert_eq!(place.message(csv(path), 2, 2), "w.csv: text in UTF-16; expected a CSV table in UTF-8");
}

#[test]
fn classes_of_one_name_take_columns_in_order() {
    let place = Place::new();
    let names = ["crane", "crane", "Crane"].map(String::from).to_vec();
    let set = MemorySet::new("made", names, vec![0], [1, 1, 1], vec![0]).unwrap();
    for text in ["crane,crane,Crane\n1,3,0\n", "1,3,0\n", "0,1,2\n1,3,0\n"] {
        let path = place.file("w.csv", text.as_bytes());
        assert_eq!(read(&csv(path), &set, Path::new("")).unwrap(), array![[0.25, 0.75, 0.0]], "{text}");
    }
    // Names that differ by their capitals alone.
    let names = ["a", "A"].map(String::from).to_vec();
    let set = MemorySet::new("made", names, vec![0], [1, 1, 1], vec![0]).unwrap();
    let path = place.file("w.csv", b"A,a\n1,3\n");
    assert_eq!(read(&csv(path), &set, Path::new("")).unwrap(), array![[0.75, 0.25]]);
}

#[test]
fn names_of_classes_that_are_numbers_are_not_their_order() {
    let place = Place::new();
    let names: Vec<String> = ["0", "1", "10", "2"].map(String::from).to_vec();
    let set = MemorySet::new("made", names, vec![0], [1, 1, 1], vec![0]).unwrap();
    let read = |text: &str| read(&csv(place.file("w.csv", text.as_bytes())), &set, Path::new(""));
    assert_eq!(read("0,1,10,2\n1,0,3,0\n").unwrap(), array![[0.25, 0.0, 0.75, 0.0]]);
    assert_eq!(read("0,1,2,3\n1,0,3,0\n").unwrap(), array![[0.25, 0.0, 0.75, 0.0]]);
    let names: Vec<String> = (0..11).map(|class| class.to_string()).collect();
    let mut sorted = names.clone();
    sorted.sort();
    let set = MemorySet::new("made", sorted, vec![0], [1, 1, 1], vec![0]).unwrap();
    let text = format!("{}\n{}\n", names.join(","), ["1"; 11].join(","));
    let message = super::read(&csv(place.file("w.csv", text.as_bytes())), &set, Path::new("")).unwrap_err().to_string();
    let expected = "w.csv, line 1: columns 0, 1, 2, 3, 4, 5, .. (11 in all); expected columns in the order of the classes \
                    (0, 1, 10, 2, 3, 4, .. (11 in all)), because these may be the names of the classes or their numbers in \
                    this order";
    assert!(message.ends_with(expected), "{message}");
}

#[test]
fn a_table_may_hold_votes_probabilities_or_logits() {
    let place = Place::new();
    let table = |text: &str| place.file("w.csv", text.as_bytes());
    assert_eq!(labels(&votes(table("c0,c1\n1,3\n")), 1, 2).unwrap(), array![[0.25, 0.75]]);
    assert_eq!(labels(&probabilities(table("c1,c0\n0.75,0.25\n")), 1, 2).unwrap(), array![[0.25, 0.75]]);
    assert_eq!(labels(&logits(table("-2,-2\n"), 1.0), 1, 2).unwrap(), array![[0.5, 0.5]]);
    assert_eq!(
        place.message(probabilities(table("c1,c0\n75,25\n")), 1, 2),
        "w.csv, line 2: probabilities with the sum 100; expected 1 within 0.005"
    );
    let expected = "expected a finite number of at least 0; for logits set kind = \"logits\"";
    assert_eq!(
        place.message(probabilities(table("\n0.5,0.5\n2,-1\n")), 2, 2),
        format!("w.csv, line 3, class 'c1': -1; {expected}")
    );
}

/// What `softnce predict --top 2 --probabilities --logits` writes, for the set "w": the probabilities for a class called
/// `class` come after the most probable classes.
#[test]
fn predictions_are_the_labels_of_a_teacher() {
    let place = Place::new();
    let names = ["dog", "class", "dog"].map(String::from).to_vec();
    let set = MemorySet::new("made", names, vec![0, 1], [1, 1, 1], vec![0, 2]).unwrap();
    let head = "picture,class_1,probability_1,dog,class,dog,logit_dog,logit_class,logit_dog,error";
    let rows = |pictures: [&str; 2]| {
        let [one, other] = pictures;
        let rows = format!("\"{one}\",dog,.75,.25,0,.75,-2,-9,-2,\n\"{other}\",dog,1,1,0,0,5,5,5,\n");
        format!("{head}\n{rows}")
    };
    let file = |text: &str| place.file("w.csv", text.as_bytes());
    let read = |source: &LabelSource| super::read(source, &set, Path::new(""));
    for pictures in [["made, picture 0", "made, picture 1"], ["/a/b, c.npy, row 0", "/a/b, c.npy, row 1"]] {
        let path = file(&rows(pictures));
        assert_eq!(read(&probabilities(path.clone())).unwrap(), array![[0.25, 0.0, 0.75], [1.0, 0.0, 0.0]]);
        let found = read(&logits(path, 1.0)).unwrap();
        let third = 1.0f32 / 3.0;
        assert!((found[(0, 2)] - 0.4995).abs() < 1e-3 && (found[(1, 1)] - third).abs() < 1e-6, "{found}");
    }
    let message = |source: &LabelSource| read(source).unwrap_err().to_string();
    let shuffled = file(&rows(["made, picture 1", "made, picture 0"]));
    assert!(message(&probabilities(shuffled)).contains("w.csv, line 2: index 'made, picture 1'; expected 0"));
    let without = file("picture,class,probability,error\n0,dog,1,\n1,dog,1,\n");
    let expected = "w.csv, line 1: predictions without a column 'logit_dog'; expected the columns that `softnce predict \
                    --logits` writes for the classes dog, class, dog";
    assert!(message(&logits(without, 1.0)).ends_with(expected));
    let cut = file(&format!("{head}\n\"a, picture 0\",,,,,,,,,cut off\n"));
    let expected = "w.csv, line 2: no prediction of 'a, picture 0' (cut off); expected predictions for every picture";
    assert!(message(&logits(cut, 1.0)).ends_with(expected));
    // Other tables may count from 1; here all pictures would move by one.
    let moved = file(&rows(["made, picture 1", "made, picture 2"]));
    assert!(message(&probabilities(moved)).contains("line 2: index 'made, picture 1'; expected 0"));
    // Paths of another set.
    let paths = file(&rows(["old/train/dog/0.png", "old/train/dog/1.png"]));
    assert!(message(&probabilities(paths)).contains("a column of paths"));
    // A class may be called like a column of predictions.
    let names = ["ok", "error"].map(String::from).to_vec();
    let set = MemorySet::new("made", names, vec![0], [1, 1, 1], vec![0]).unwrap();
    let table = csv(file("picture,ok,error\n0,1,3\n"));
    assert_eq!(super::read(&table, &set, Path::new("")).unwrap(), array![[0.25, 0.75]]);
}
