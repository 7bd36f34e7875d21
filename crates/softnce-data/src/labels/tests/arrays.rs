//! Arrays of NumPy and tensors.

use half::f16;
use ndarray::array;
use safetensors::Dtype;
use safetensors::tensor::TensorView;

use super::*;

#[test]
fn votes_are_counted_alike_from_either_file() {
    let place = Place::new();
    let counts = [[0u8, 10, 30], [1, 1, 2]];
    let expected = array![[0.0, 0.25, 0.75], [0.25, 0.25, 0.5]];
    let raw = place.file("counts.u8", counts.as_flattened());
    assert_eq!(labels(&votes(raw), 2, 3).unwrap(), expected);
    let wide = bytes(counts.as_flattened().iter().map(|&count| i64::from(count).to_le_bytes()));
    let array = place.file("counts.npy", &npy("<i8", false, "(2, 3)", &wide));
    assert_eq!(labels(&votes(array), 2, 3).unwrap(), expected);
    // Told by its content where the name says nothing; column after column.
    let turned = [0u8, 1, 10, 1, 30, 2];
    let array = place.file("counts", &npy("|u1", true, "(2, 3)", &turned));
    assert_eq!(labels(&votes(array), 2, 3).unwrap(), expected);
}

#[test]
fn probabilities_in_every_precision_and_order() {
    let place = Place::new();
    let rows = [0.5f32, 0.25, 0.25, 0.0, 0.125, 0.875];
    let turned = [0.5f32, 0.0, 0.25, 0.125, 0.25, 0.875];
    let expected = array![[0.5, 0.25, 0.25], [0.0, 0.125, 0.875]];
    let files = [
        npy("<f2", false, "(2, 3)", &bytes(rows.map(|value| f16::from_f32(value).to_le_bytes()))),
        npy("<f4", true, "(2, 3)", &bytes(turned.map(f32::to_le_bytes))),
        npy(">f8", false, "(2, 3)", &bytes(rows.map(|value| f64::from(value).to_be_bytes()))),
    ];
    for (number, file) in files.iter().enumerate() {
        let path = place.file(&format!("{number}.npy"), file);
        assert_eq!(labels(&probabilities(path), 2, 3).unwrap(), expected);
    }
    // Rounding is scaled away.
    let path = place.file("rounded.npy", &npy("<f4", false, "(1, 2)", &bytes([0.501f32, 0.501].map(f32::to_le_bytes))));
    assert_eq!(labels(&probabilities(path), 1, 2).unwrap(), array![[0.5, 0.5]]);
}

#[test]
fn tensors_are_found_by_shape_or_name() {
    let place = Place::new();
    let one = bytes([0.5f32, 0.5].map(f32::to_le_bytes));
    let two = bytes([0.25f32, 0.75].map(f32::to_le_bytes));
    let write = |name: &str, tensors: Vec<(&str, TensorView<'_>)>| {
        place.file(name, &safetensors::serialize(tensors, None).unwrap())
    };
    let view = |shape: &[usize], data| TensorView::new(Dtype::F32, shape.to_vec(), data).unwrap();
    let single = write("single.safetensors", vec![("names", view(&[2], &one)), ("teacher", view(&[1, 2], &two))]);
    assert_eq!(labels(&probabilities(single.clone()), 1, 2).unwrap(), array![[0.25, 0.75]]);
    let several = write("several.safetensors", vec![("a", view(&[1, 2], &one)), ("b", view(&[1, 2], &two))]);
    let named = |path, name: &str| LabelSource::Probabilities { path, tensor: Some(name.to_owned()) };
    assert_eq!(labels(&named(several.clone(), "b"), 1, 2).unwrap(), array![[0.25, 0.75]]);

    let expected = "expected one, or the name of the one to read ('tensor')";
    assert_eq!(
        place.message(probabilities(several.clone()), 1, 2),
        format!("several.safetensors: several tensors of two dimensions among a, b; {expected}")
    );
    assert_eq!(place.message(named(several, "c"), 1, 2), "several.safetensors: tensors a, b; expected a tensor 'c'");
    assert_eq!(
        place.message(probabilities(single.clone()), 2, 2),
        "single.safetensors: tensor 'teacher' of shape [1, 2]; expected 2 rows of 2 classes, one row a picture"
    );
    let cut = place.file("cut.safetensors", &fs::read(single).unwrap()[..50]);
    assert!(place.message(probabilities(cut), 1, 2).starts_with("cut.safetensors, byte 0: "));
    let array = place.file("a.npy", &npy("<f4", false, "(1, 2)", &one));
    assert!(place.message(named(array, "a"), 1, 2).starts_with("a.npy: tensor 'a'; expected no name"));
}

#[test]
fn damaged_arrays_are_named_with_the_byte() {
    let place = Place::new();
    let whole = npy("<f4", false, "(2, 2)", &bytes([0.5f32, 0.5, 1.0, 0.0].map(f32::to_le_bytes)));
    assert_eq!(whole.len(), 128 + 16);
    let message = |content: &[u8]| place.message(probabilities(place.file("p.npy", content)), 2, 2);
    assert_eq!(message(&whole[..141]), "p.npy, byte 141: the file ends in row 1; expected 16 bytes from byte 128 on");
    assert_eq!(message(&[&whole[..], b"x"].concat()), "p.npy, byte 144: further bytes; expected the end of the file");
    for content in [&whole[..0], &whole[..7], &whole[..60], b"text, not an array", b"\x93NUMPY\x04\x00 "] {
        let message = message(content);
        assert!(
            message.starts_with("p.npy, byte 0: ") && message.ends_with("; expected the header of an .npy file"),
            "{message}"
        );
    }
    let turned = npy("<f4", true, "(2, 2)", &[0; 15]);
    assert!(message(&turned).starts_with("p.npy, byte 143: the file ends in row 0; "));
    for shape in ["(2,)", "(1, 2)", "(2, 2, 1)", "(2, 3)", "()"] {
        assert!(
            message(&npy("<f4", false, shape, &[])).ends_with("; expected 2 rows of 2 classes, one row a picture"),
            "{shape}"
        );
    }
    assert!(
        message(&npy("<c8", false, "(2, 2)", &[]))
            .ends_with("; expected integers or floating-point numbers, as after array.astype(numpy.float32)")
    );
    let raw = place.file("counts.u8", &[1, 2, 3]);
    assert_eq!(place.message(votes(raw), 2, 2), "counts.u8: 3 bytes; expected 2 rows of 2 classes, one row a picture");
    let text = place.file("p.txt", b"0.5 0.5");
    assert_eq!(
        place.message(probabilities(text), 1, 2),
        "p.txt: unknown ending; expected .npy, .npz, .safetensors or .csv"
    );
    let absent = place.0.path().join("absent.npy");
    for source in [votes(absent.clone()), probabilities(absent.clone()), LabelSource::Csv { path: absent }] {
        assert!(place.message(source, 1, 2).starts_with("absent.npy: "));
    }
}

#[test]
fn values_that_are_no_labels_are_named_with_their_row() {
    let place = Place::new();
    let array =
        |values: [f32; 4]| place.file("v.npy", &npy("<f4", false, "(2, 2)", &bytes(values.map(f32::to_le_bytes))));
    let good = [0.5, 0.5];
    for bad in [-0.5, f32::NAN, f32::INFINITY] {
        let path = array([good[0], good[1], 0.5, bad]);
        let expected =
            format!("v.npy, row 1, column 1 (counted from 0): {bad}; expected a finite number of at least 0");
        assert_eq!(place.message(votes(path.clone()), 2, 2), expected);
        let expected = format!("{expected}; for logits set kind = \"logits\"");
        assert_eq!(place.message(probabilities(path), 2, 2), expected);
    }
    for bad in [f32::NAN, f32::NEG_INFINITY] {
        let path = array([good[0], good[1], 0.5, bad]);
        assert_eq!(
            place.message(logits(path, 1.0), 2, 2),
            format!("v.npy, row 1, column 1 (counted from 0): {bad}; expected a finite number")
        );
    }
    let path = array([0.5, 0.5, 0.0, 0.0]);
    assert_eq!(
        place.message(votes(path.clone()), 2, 2),
        "v.npy, row 1 (counted from 0): weights with the sum 0; expected a finite sum above 0"
    );
    assert_eq!(
        place.message(probabilities(path), 2, 2),
        "v.npy, row 1 (counted from 0): probabilities with the sum 0; expected 1 within 0.005"
    );
    let path = array([0.5, 0.5, 0.5, 0.625]);
    assert_eq!(
        place.message(probabilities(path), 2, 2),
        "v.npy, row 1 (counted from 0): probabilities with the sum 1.125; expected 1 within 0.005"
    );
}

#[test]
fn every_spelling_of_a_header_is_read() {
    let place = Place::new();
    let values = bytes([0.5f32, 0.5, 1.0, 0.0].map(f32::to_le_bytes));
    let file = |version: u8, header: &str, data: &[u8]| {
        let length = header.len() as u32;
        let length = if version == 1 { length.to_le_bytes()[..2].to_vec() } else { length.to_le_bytes().to_vec() };
        [NPY, &[version, 0], &length, header.as_bytes(), data].concat()
    };
    let expected = array![[0.5, 0.5], [1.0, 0.0]];
    for header in [
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }          \n",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2L, 2L), }\n",
        "{'shape': (2L, 2L), 'fortran_order': False, 'descr': '<f4'}",
        "  {\"descr\":\"<f4\",\"fortran_order\":False,\"shape\":(2,2)}  ",
        "{'descr' : '<f4' ,\n 'fortran_order' : False ,\n 'shape' : ( 2 , 2 ) , }\n",
        "{'descr': '<f4',\t'fortran_order': False, 'shape': [2, 2]}",
    ] {
        for version in 1..=3 {
            let path = place.file("p.npy", &file(version, header, &values));
            assert_eq!(labels(&probabilities(path), 2, 2).unwrap(), expected, "{version} {header:?}");
        }
    }
    for (descr, data) in [
        (">f2", bytes([0.5f32, 0.5, 1.0, 0.0].map(|value| f16::from_f32(value).to_be_bytes()))),
        ("<f8", bytes([0.5f64, 0.5, 1.0, 0.0].map(f64::to_le_bytes))),
        (">i4", bytes([1i32, 1, 2, 0].map(i32::to_be_bytes))),
        ("<u8", bytes([1u64, 1, 2, 0].map(u64::to_le_bytes))),
        ("|i1", vec![1, 1, 2, 0]),
        ("|b1", vec![1, 1, 1, 0]),
    ] {
        let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': (2L, 2L), }}\n");
        let path = place.file("p.npy", &file(1, &header, &data));
        assert_eq!(labels(&votes(path), 2, 2).unwrap(), expected, "{descr}");
    }
    let object = "{'descr': '|O', 'fortran_order': False, 'shape': (2, 2), }\n";
    let path = place.file("p.npy", &file(1, object, b""));
    let message = place.message(votes(path), 2, 2);
    assert!(message.starts_with("p.npy: an array of Python objects; expected integers or "), "{message}");
}
