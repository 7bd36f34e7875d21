//! Builds small files as `torch.save` writes them.

use std::io::Write;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

pub(super) fn text(text: &str) -> Vec<u8> {
    [b"X", &(text.len() as u32).to_le_bytes()[..], text.as_bytes()].concat()
}

pub(super) fn int(number: i64) -> Vec<u8> {
    [b"\x8a\x08", &number.to_le_bytes()[..]].concat()
}

pub(super) fn global(module: &str, name: &str) -> Vec<u8> {
    format!("c{module}\n{name}\n").into_bytes()
}

pub(super) fn tuple(values: &[Vec<u8>]) -> Vec<u8> {
    [b"(".to_vec(), values.concat(), b"t".to_vec()].concat()
}

pub(super) fn ints(numbers: &[i64]) -> Vec<u8> {
    tuple(&numbers.iter().map(|&number| int(number)).collect::<Vec<_>>())
}

pub(super) fn dict(pairs: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let items: Vec<Vec<u8>> = pairs.iter().map(|(key, value)| [text(key), value.clone()].concat()).collect();
    [b"}(".to_vec(), items.concat(), b"u".to_vec()].concat()
}

pub(super) fn call(function: Vec<u8>, arguments: &[Vec<u8>]) -> Vec<u8> {
    [function, tuple(arguments), b"R".to_vec()].concat()
}

pub(super) fn storage(class: &str, key: &str, count: i64) -> Vec<u8> {
    let id = tuple(&[text("storage"), global("torch", class), text(key), text("cpu"), int(count)]);
    [id, b"Q".to_vec()].concat()
}

pub(super) fn view(storage: Vec<u8>, offset: i64, shape: &[i64], strides: &[i64]) -> Vec<u8> {
    let arguments = [storage, int(offset), ints(shape), ints(strides), b"\x89".to_vec(), dict(&[])];
    call(global("torch._utils", "_rebuild_tensor_v2"), &arguments)
}

pub(super) fn pickle(value: Vec<u8>) -> Vec<u8> {
    [b"\x80\x02".to_vec(), value, b".".to_vec()].concat()
}

pub(super) fn numbers(values: impl IntoIterator<Item = f32>) -> Vec<u8> {
    values.into_iter().flat_map(f32::to_le_bytes).collect()
}

pub(super) fn archive(files: &[(&str, Vec<u8>)], method: CompressionMethod) -> Vec<u8> {
    let mut writer = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in files {
        writer.start_file(*name, SimpleFileOptions::default().compression_method(method)).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// Weights of every form beside what is of no use.
pub(super) fn everything() -> Vec<u8> {
    let weights = dict(&[
        ("whole", view(storage("FloatStorage", "0", 6), 0, &[2, 3], &[3, 1])),
        ("transposed", view(storage("FloatStorage", "0", 6), 0, &[3, 2], &[1, 3])),
        ("part", view(storage("FloatStorage", "0", 6), 4, &[2], &[1])),
        ("half", view(storage("HalfStorage", "1", 1), 0, &[1], &[1])),
        ("count", view(storage("LongStorage", "2", 1), 0, &[], &[])),
        (
            "parameter",
            call(
                global("torch._utils", "_rebuild_parameter"),
                &[view(storage("FloatStorage", "0", 6), 1, &[1], &[1]), b"\x88".to_vec(), dict(&[])],
            ),
        ),
        (
            "bytes",
            call(
                global("torch._utils", "_rebuild_tensor_v3"),
                &[
                    storage("UntypedStorage", "1", 2),
                    int(0),
                    ints(&[1]),
                    ints(&[1]),
                    b"\x89".to_vec(),
                    dict(&[]),
                    global("torch", "uint16"),
                ],
            ),
        ),
        ("complex", view(storage("ComplexFloatStorage", "0", 3), 0, &[3], &[1])),
        ("sparse", call(global("torch._utils", "_rebuild_sparse_tensor"), &[int(0)])),
    ]);
    let history =
        [call(global("collections", "defaultdict"), &[global("builtins", "list")]), text("loss"), b"]K\x01as".to_vec()];
    dict(&[
        ("state_dict", weights),
        ("history", history.concat()),
        ("args", [global("argparse", "Namespace"), b")\x81}".to_vec(), text("lr"), b"K\x01sb".to_vec()].concat()),
        ("best", call(global("numpy.core.multiarray", "scalar"), &[text("f8"), text("12345678")])),
        ("epoch", int(3)),
    ])
}

pub(super) fn storages() -> [(&'static str, Vec<u8>); 3] {
    [
        ("0", numbers([0.0, 1.0, 2.0, 3.0, 4.0, 5.0])),
        ("1", half::f16::from_f32(-1.5).to_le_bytes().to_vec()),
        ("2", 7_i64.to_le_bytes().to_vec()),
    ]
}

pub(super) fn in_archive(value: Vec<u8>, method: CompressionMethod) -> Vec<u8> {
    let mut files =
        vec![("best.pth/data.pkl".to_owned(), pickle(value)), ("best.pth/version".to_owned(), b"3\n".to_vec())];
    files.extend(storages().map(|(key, bytes)| (format!("best.pth/data/{key}"), bytes)));
    let files: Vec<(&str, Vec<u8>)> = files.iter().map(|(name, bytes)| (name.as_str(), bytes.clone())).collect();
    archive(&files, method)
}

pub(super) fn in_stream(value: Vec<u8>) -> Vec<u8> {
    let magic = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.".to_vec();
    let system = pickle(dict(&[("protocol_version", int(1001)), ("little_endian", b"\x88".to_vec())]));
    let keys = pickle([b"](".to_vec(), text("0"), text("1"), text("2"), b"e".to_vec()].concat());
    let counts = [6_u64, 1, 1];
    let storages = storages().into_iter().zip(counts);
    let storages: Vec<Vec<u8>> =
        storages.map(|((_, bytes), count)| [count.to_le_bytes().to_vec(), bytes].concat()).collect();
    [magic, pickle(int(1001)), system, pickle(value), keys, storages.concat()].concat()
}

/// A tar archive with one tensor of two storages' views.
pub(super) fn in_tar() -> Vec<u8> {
    let system = pickle(dict(&[("protocol_version", int(1000)), ("little_endian", b"\x88".to_vec())]));
    let about = pickle(tuple(&[int(11), text("cpu"), global("torch", "FloatStorage")]));
    let views = pickle([b"](".to_vec(), ints(&[12, 11, 2, 4]), b"e".to_vec()].concat());
    let storages = [pickle(int(1)), about, 6_u64.to_le_bytes().to_vec(), storages()[0].1.clone(), views].concat();
    let about = pickle(tuple(&[int(21), int(12), global("torch", "FloatTensor")]));
    let geometry = [2_i64, 2, 2, 1, 0].map(i64::to_le_bytes).concat();
    let tensors = [pickle(int(1)), about, 2_i32.to_le_bytes().to_vec(), vec![0; 4], geometry].concat();
    let value = dict(&[("weight", [text("21"), b"Q".to_vec()].concat())]);
    let mut builder = tar::Builder::new(Vec::new());
    for (name, content) in
        [("sys_info", system), ("pickle", pickle(value)), ("tensors", tensors), ("storages", storages)]
    {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, content.as_slice()).unwrap();
    }
    builder.into_inner().unwrap()
}
