//! Small files as `torch.save` writes them, and damaged ones. The pytest files of the program read files of PyTorch
//! itself.

mod parts;

use std::path::PathBuf;

use proptest::prelude::*;
use tempfile::TempDir;
use zip::CompressionMethod;

use parts::*;

use crate::weights::{Checkpoint, NamedTensor, WeightsError, read_checkpoint};

fn file(bytes: &[u8]) -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("model_best.pth.tar");
    std::fs::write(&path, bytes).unwrap();
    (folder, path)
}

fn tensors(bytes: &[u8]) -> Vec<(String, Vec<usize>, Vec<f32>)> {
    let (_folder, path) = file(bytes);
    let tensors = read_checkpoint(&path).unwrap();
    tensors.into_values().map(|NamedTensor { name, shape, values }| (name, shape, values)).collect()
}

fn refusal(bytes: &[u8]) -> String {
    let (_folder, path) = file(bytes);
    let error = read_checkpoint(&path).unwrap_err();
    assert!(matches!(error, WeightsError::Format { .. }), "{error}");
    error.to_string()
}

#[test]
fn every_form_of_tensor_is_read_and_everything_else_is_not() {
    let expected: Vec<(String, Vec<usize>, Vec<f32>)> = [
        ("bytes", vec![1], vec![f32::from(half::f16::from_f32(-1.5).to_bits())]),
        ("count", vec![], vec![7.0]),
        ("half", vec![1], vec![-1.5]),
        ("parameter", vec![1], vec![1.0]),
        ("part", vec![2], vec![4.0, 5.0]),
        ("transposed", vec![3, 2], vec![0.0, 3.0, 1.0, 4.0, 2.0, 5.0]),
        ("whole", vec![2, 3], vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0]),
    ]
    .map(|(name, shape, values)| (format!("state_dict.{name}"), shape, values))
    .into();
    assert_eq!(tensors(&in_archive(everything(), CompressionMethod::Stored)), expected);
    assert_eq!(tensors(&in_archive(everything(), CompressionMethod::Deflated)), expected);

    let (_folder, path) = file(&in_archive(everything(), CompressionMethod::Stored));
    let checkpoint = Checkpoint::open(&path).unwrap();
    let what = |name: &str| {
        let entry = checkpoint.entries().iter().find(|entry| entry.name.ends_with(name)).unwrap();
        entry.tensor.clone().unwrap_err()
    };
    assert_eq!(what("complex"), "a tensor of type torch.ComplexFloatStorage");
    assert_eq!(what("sparse"), "a sparse tensor of PyTorch");
}

#[test]
fn files_of_older_versions_are_read() {
    assert_eq!(tensors(&in_stream(everything())), tensors(&in_archive(everything(), CompressionMethod::Stored)));
    assert_eq!(tensors(&in_tar()), [("weight".to_owned(), vec![2, 2], vec![2.0, 3.0, 4.0, 5.0])]);
}

#[test]
fn older_versions_write_the_lowest_byte_first_on_every_machine() {
    let mut file = in_stream(everything());
    let expected = tensors(&file);
    let key = b"little_endian";
    let flag = file.windows(key.len()).position(|window| window == key).unwrap() + key.len();
    assert_eq!(file[flag], 0x88);
    // False, as a machine writes that stores the highest byte first. torch.load reads the same numbers.
    file[flag] = 0x89;
    assert_eq!(tensors(&file), expected);
}

#[test]
fn big_endian_archives_are_read() {
    let value = dict(&[("w", view(storage("FloatStorage", "0", 2), 0, &[2], &[1]))]);
    let bytes: Vec<u8> = [1.5_f32, -2.0].into_iter().flat_map(f32::to_be_bytes).collect();
    let files = [("a/data.pkl", pickle(value)), ("a/byteorder", b"big".to_vec()), ("a/data/0", bytes)];
    assert_eq!(tensors(&archive(&files, CompressionMethod::Stored))[0].2, [1.5, -2.0]);
    let files = [("a/data.pkl", pickle(dict(&[]))), ("a/byteorder", b"middle".to_vec())];
    assert!(refusal(&archive(&files, CompressionMethod::Stored)).contains("middle"));
}

#[test]
fn whole_models_are_read_as_their_state_dictionary() {
    let object = |class: &str, state: &[(&str, Vec<u8>)]| {
        [global("user.code", class), b")\x81".to_vec(), dict(state), b"b".to_vec()].concat()
    };
    let one = |at| view(storage("FloatStorage", "0", 6), at, &[1], &[1]);
    let linear = object(
        "Linear",
        &[
            ("training", b"\x89".to_vec()),
            ("_parameters", dict(&[("weight", one(2)), ("bias", b"N".to_vec())])),
            ("_buffers", dict(&[("kept", one(3)), ("cache", one(4))])),
            (
                "_non_persistent_buffers_set",
                call(global("builtins", "set"), &[[b"]".to_vec(), text("cache"), b"a".to_vec()].concat()]),
            ),
            ("_modules", dict(&[])),
            ("attribute", one(5)),
        ],
    );
    let model =
        object("Net", &[("_parameters", dict(&[])), ("_buffers", dict(&[])), ("_modules", dict(&[("fc", linear)]))]);
    let found = tensors(&in_archive(dict(&[("ema", model)]), CompressionMethod::Stored));
    assert_eq!(
        found,
        [("ema.fc.kept".to_owned(), vec![1], vec![3.0]), ("ema.fc.weight".to_owned(), vec![1], vec![2.0])]
    );
}

#[test]
fn damaged_files_are_refused() {
    let good = in_archive(everything(), CompressionMethod::Stored);
    assert!(refusal(&good[..good.len() / 2]).contains("zip archive"));
    assert!(refusal(&archive(&[("a/b", vec![1])], CompressionMethod::Stored)).contains("without data.pkl"));
    // A flipped bit of a number, or of the pickle.
    for wanted in [&numbers([4.0])[..], b"transposed"] {
        let mut bad = good.clone();
        let place = bad.windows(wanted.len()).position(|window| window == wanted).unwrap();
        bad[place + wanted.len() - 2] ^= 4;
        assert!(refusal(&bad).contains("the file is damaged"), "{}", refusal(&bad));
    }
    let stream = in_stream(everything());
    assert!(refusal(&stream[..200]).contains("ends"), "{}", refusal(&stream[..200]));
    let tar = in_tar();
    assert!(refusal(&tar[..tar.len() / 2]).contains("tar"), "{}", refusal(&tar[..tar.len() / 2]));
    // A tensor that its storage cannot hold, and a storage that is not there.
    let what = |value: Vec<u8>| {
        let (_folder, path) = file(&in_archive(dict(&[("w", value)]), CompressionMethod::Stored));
        Checkpoint::open(&path).unwrap().shape(0).unwrap_err().to_string()
    };
    let text = what(view(storage("FloatStorage", "0", 6), 3, &[4], &[1]));
    assert_eq!(
        text,
        "w is a view of shape [4] with strides [1] from 3 in a storage of 6 numbers; expected a tensor of finite numbers"
    );
    assert!(what(view(storage("FloatStorage", "0", 7), 0, &[1], &[1])).contains("the file is truncated"));
    assert!(what(view(storage("FloatStorage", "9", 1), 0, &[1], &[1])).contains("storage 9"));
    assert!(what(view(storage("FloatStorage", "0", i64::MAX), 0, &[1], &[1])).contains("truncated"));
    assert!(what(view(storage("FloatStorage", "0", 6), 0, &[i64::MAX, 3], &[0, 0])).contains("a view of shape"));
    assert!(what(view(storage("FloatStorage", "0", 6), -1, &[1], &[1])).contains("without a valid storage"));
}

#[test]
fn a_small_file_takes_little_memory() {
    // 64 MiB of zeros in 64 KiB, of which one number is wanted.
    let count = 1 << 24;
    let value = dict(&[("w", view(storage("FloatStorage", "0", count), count - 1, &[1], &[1]))]);
    let files = [("a/data.pkl", pickle(value)), ("a/data/0", vec![0; 4 << 24])];
    let words = refusal(&archive(&files, CompressionMethod::Deflated));
    assert!(words.contains("67108864 bytes when unpacked, of which the weights need 4"), "{words}");
    // Dictionaries that each hold the next one twice: 2^60 paths, each value is searched once.
    let mut value = dict(&[("w", view(storage("FloatStorage", "0", 6), 0, &[1], &[1]))]);
    value.extend(b"q\x00");
    let twice = [b"0}(".to_vec(), text("a"), b"h\x00".to_vec(), text("b"), b"h\x00uq\x00".to_vec()].concat();
    value.extend(twice.repeat(60));
    let found = tensors(&in_archive(value, CompressionMethod::Stored));
    assert_eq!(found.len(), 1);
    // A dictionary within itself.
    let value = [
        dict(&[("w", view(storage("FloatStorage", "0", 6), 0, &[1], &[1]))]),
        b"q\x00".to_vec(),
        text("self"),
        b"h\x00s".to_vec(),
    ]
    .concat();
    assert_eq!(tensors(&in_archive(value, CompressionMethod::Stored)).len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Files with some bytes changed and the end cut off.
    #[test]
    fn damaged_files_end_in_tensors_or_an_error(
        kind in 0..5_usize,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = match kind {
            0 => in_archive(everything(), CompressionMethod::Stored),
            1 => in_archive(everything(), CompressionMethod::Deflated),
            2 => in_stream(everything()),
            3 => in_tar(),
            _ => {
                let values = numbers([1.0, 2.0]);
                let view = safetensors::tensor::TensorView::new(safetensors::Dtype::F32, vec![2], &values).unwrap();
                safetensors::serialize([("w", view)], None).unwrap()
            }
        };
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let (_folder, path) = file(&bytes);
        if let Err(error) = read_checkpoint(&path) {
            prop_assert!(error.to_string().contains("model_best.pth.tar"));
        }
    }
}
