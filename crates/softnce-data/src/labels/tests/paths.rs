//! Rows that name their pictures.

use ndarray::{Array2, array};

use super::*;

#[test]
fn rows_with_paths_are_in_any_order() {
    let place = Place::new();
    let set = folders(&place);
    let root = place.0.path();
    let expected = array![[1.0, 0.0], [0.75, 0.25], [0.0, 1.0]];
    let full = |file: &str| root.join(file).display().to_string();
    let name = root.file_name().unwrap().to_str().unwrap();
    let tables = [
        "path,a,b\ntrain/b/0.png,0,1\ntrain/a/0.png,1,0\ntrain/a/1.png,3,1\n".to_owned(),
        "b,file,a\r\n1,train/b/0.png,0\r\n0,train/a/0.png,1\r\n1,train/a/1.png,3\r\n".to_owned(),
        // Without a header, or without a name for the column.
        "train/b/0.png,0,1\ntrain/a/0.png,1,0\ntrain/a/1.png,3,1\n".to_owned(),
        ",a,b\ntrain/b/0.png,0,1\ntrain/a/0.png,1,0\ntrain/a/1.png,3,1\n".to_owned(),
        "\u{feff}\"Image\",\"B\",\"A\"\n\"train/b/0.png\",1,0\n\"train/a/0.png\",0,1\n\"train/a/1.png\",1,3\n\n"
            .to_owned(),
        "which,0,1\ntrain/b/0.png,0,1\ntrain/a/0.png,1,0\ntrain/a/1.png,3,1\n".to_owned(),
        "which,x,y\ntrain/b/0.png,0,1\ntrain/a/0.png,1,0\ntrain/a/1.png,3,1\n".to_owned(),
        // Indices and what the folders say are left out.
        ",path,label,a,b\n7,train/b/0.png,b,0,1\n2,train/a/0.png,a,1,0\n5,train/a/1.png,a,3,1\n".to_owned(),
        "part,row,class,picture,a,b\ntrain,2,b,train/b/0.png,0,1\ntrain,0,a,train/a/0.png,1,0\ntrain,1,a,train/a/1.png,3,1\n"
            .to_owned(),
        // What `softnce predict --probabilities` writes.
        "picture,class,probability,a,b,error\ntrain/b/0.png,b,1,0,1,\ntrain/a/0.png,a,1,1,0,\ntrain/a/1.png,a,.75,3,1,\n"
            .to_owned(),
        // Paths of another system, and from other folders.
        "train\\b\\0.png,0,1\n./train/a/0.png,1,0\ntrain/a/1.png,3,1\n".to_owned(),
        format!("{},0,1\n{},1,0\n{name}/train/a/1.png,3,1\n", full("train/b/0.png"), full("train/a/0.png")),
    ];
    for table in tables {
        let path = place.file("labels.csv", table.as_bytes());
        assert_eq!(read(&csv(path), set.as_ref(), root).unwrap(), expected, "{table:?}");
    }
    let message = |table: &str| {
        let path = place.file("labels.csv", table.as_bytes());
        let message = read(&csv(path), set.as_ref(), root).unwrap_err().to_string();
        message.replace(&format!("{}{}", root.display(), std::path::MAIN_SEPARATOR), "")
    };
    let cases = [
        (
            "path,a,b\ntrain/b/0.png,0,1\nval/a/0.png,1,0\nx,1,0\n",
            "labels.csv, line 3: no picture has the path 'val/a/0.png' (and 1 more); expected paths from the folder of the \
             set, such as 'train/a/0.png'",
        ),
        (
            "path,a,b\ntrain/b/0.png,0,1\ntrain/a/0.png,1,0\ntrain/b/0.png,1,0\n",
            "labels.csv, line 4: a second row for 'train/b/0.png'; the first one is in line 2",
        ),
        ("path,a,b\ntrain/b/0.png,0,1\n", "labels.csv: no row for 'train/a/0.png' (and 1 more)"),
        ("path,a,b\n", "labels.csv: no row for 'train/a/0.png' (and 2 more)"),
        (
            "path,a\ntrain/b/0.png,1\n",
            "labels.csv, line 1: columns path, a; expected one column per class (a, b); there is none for 'b'",
        ),
        (
            "path,a,b,c\ntrain/b/0.png,0,1,0\n",
            "labels.csv, line 1: a further column 'c'; expected one column per class (a, b), and one of paths",
        ),
        (
            "path,a,b,a\ntrain/b/0.png,0,1,0\n",
            "labels.csv, line 1: a further column 'a'; expected one column per class (a, b), and one of paths",
        ),
        ("path,a,b\ntrain/b/0.png,0,\n", "labels.csv, line 2, class 'b': ''; expected a number"),
    ];
    for (table, expected) in cases {
        assert_eq!(message(table), expected, "{table:?}");
    }
    let path = place.file("w.csv", b"path,c0,c1\nx,1,0\n");
    assert!(place.message(csv(path), 1, 2).ends_with("the pictures of this set are not files of their own"));
}

/// An archive of arrays, deflated as by `numpy.savez_compressed`.
fn npz(arrays: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, array) in arrays {
        archive.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        std::io::Write::write_all(&mut archive, array).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

#[test]
fn archives_of_arrays_are_read_with_and_without_paths() {
    let place = Place::new();
    let set = folders(&place);
    let root = place.0.path();
    let array = npy("<f4", false, "(3, 2)", &bytes([0.0f32, 1.0, 1.0, 0.0, 0.75, 0.25].map(f32::to_le_bytes)));
    let names = ["train/b/0.png", "train/a/0.png", "train/a/1.png"];
    let text = bytes(names.iter().flat_map(|name| name.chars().map(|letter| u32::from(letter).to_le_bytes())));
    let paths = npy("<U13", false, "(3,)", &text);
    let other = npy("<f4", false, "(3, 2)", &[0; 24]);
    let read = |source: &LabelSource| read(source, set.as_ref(), root);
    let ordered = place.file("ordered.npz", &npz(&[("arr_0.npy", array.clone())]));
    let expected = array![[0.0, 1.0], [1.0, 0.0], [0.75, 0.25]];
    assert_eq!(read(&probabilities(ordered.clone())).unwrap(), expected);
    assert_eq!(read(&LabelSource::Votes { path: ordered }).unwrap(), expected);
    let with_paths = place.file("paths.npz", &npz(&[("paths.npy", paths), ("p.npy", array.clone()), ("q.npy", other)]));
    let named = |name: &str| LabelSource::Probabilities { path: with_paths.clone(), tensor: Some(name.to_owned()) };
    assert_eq!(read(&named("p")).unwrap(), array![[1.0, 0.0], [0.75, 0.25], [0.0, 1.0]]);
    // Strings of bytes, shorter ones filled up with zeros; other objects may be paths, but cannot be read.
    let text: Vec<u8> = names.iter().flat_map(|name| format!("{name}\0").into_bytes()).collect();
    let in_bytes = npy("|S14", false, "(3,)", &text);
    let in_bytes = place.file("bytes.npz", &npz(&[("paths.npy", in_bytes), ("p.npy", array.clone())]));
    assert_eq!(read(&probabilities(in_bytes)).unwrap(), array![[1.0, 0.0], [0.75, 0.25], [0.0, 1.0]]);
    let message = |source| read(&source).unwrap_err().to_string();
    let objects = npy("|O", false, "(3,)", b"");
    let objects = place.file("objects.npz", &npz(&[("paths.npy", objects), ("p.npy", array.clone())]));
    let expected = "array 'paths' of Python objects; expected strings, as after numpy.array(paths, dtype=str)";
    assert!(message(probabilities(objects)).ends_with(expected));
    assert!(message(probabilities(with_paths.clone())).ends_with(
        "paths.npz: 2 arrays of two dimensions among paths, p, q; expected one, or the name of the one to read ('tensor')"
    ));
    assert!(message(named("r")).ends_with("paths.npz: arrays paths, p, q; expected an array 'r'"));
    let inner = Path::new("paths.npz").join("q.npy").display().to_string();
    assert!(message(named("q")).contains(&format!("{inner}, row 0 (counted from 0): probabilities with the sum 0;")));
    let cut = place.file("cut.npz", &npz(&[("arr_0.npy", array)])[..60]);
    assert!(message(probabilities(cut)).ends_with("; expected a whole .npz file"));
}

#[test]
fn the_warning_names_what_contradicts() {
    let place = Place::new();
    let set = folders(&place);
    let warning = |rows: Array2<f32>| LabelAgreement::new(rows.view(), set.labels()).warning(set.as_ref());
    let first = place.0.path().join("train/a/0.png");
    let expected = format!(
        "0 of 3 rows have their largest weight on the picture's class (in a random order about 1 would); first: {}, of class 'a', has it on 'b'. Are the rows in the order of `softnce data info --list`, and the columns in \
         the order of the classes?",
        first.display()
    );
    assert_eq!(warning(array![[0.1, 0.9], [0.2, 0.8], [0.7, 0.3]]), Some(expected));
    assert_eq!(warning(array![[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]]), None);
}
