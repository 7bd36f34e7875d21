//! Networks taken apart and put together again.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor};
use chacha20::ChaCha8Rng;
use rand::SeedableRng;
use softnce_store::StoreError;

use super::*;
use crate::models::{HeadKind, MlpConfig, Network, NetworkConfig, ResnetConfig, VitConfig};

/// A configuration of three kinds, and the example of every kind.
pub(super) fn configs() -> Vec<NetworkConfig> {
    let mut configs = vec![
        NetworkConfig::Mlp(MlpConfig { hidden: vec![6], ..MlpConfig::default() }),
        NetworkConfig::Vit(VitConfig { head: HeadKind::Mlp, ..VitConfig::explicit(6, 2, 2, 4) }),
        NetworkConfig::Resnet(ResnetConfig { width: Some(4), ..ResnetConfig::new(18) }),
    ];
    configs.extend(NetworkConfig::KINDS.into_iter().map(|kind| serde_json::from_str(kind.example).unwrap()));
    configs
}

pub(super) fn network(config: &NetworkConfig, seed: u64, device: &Device) -> Network {
    config.init([2, 8, 8], 3, &mut ChaCha8Rng::seed_from_u64(seed), device).unwrap()
}

fn by_name(tensors: Vec<NamedTensor>) -> BTreeMap<String, NamedTensor> {
    tensors.into_iter().map(|tensor| (tensor.name.clone(), tensor)).collect()
}

/// Tensors unlike any initial value, running statistics included.
fn made(network: &Network) -> Vec<NamedTensor> {
    let mut tensors = named(network).unwrap();
    for (number, tensor) in tensors.iter_mut().enumerate() {
        for (place, value) in tensor.values.iter_mut().enumerate() {
            *value = number as f32 + place as f32 / 1024.0;
        }
    }
    tensors
}

#[test]
fn what_was_taken_apart_is_put_together() {
    struct Trains(usize);
    impl ModuleVisitor for Trains {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            assert!(param.is_require_grad() && param.val().is_autodiff());
            self.0 += 1;
        }
    }
    let device = Device::flex().autodiff();
    for config in configs() {
        let first = network(&config, 1, &device);
        let tensors = made(&first);
        let ids = parameter_ids(&first);
        let before = named(&first).unwrap();
        let second = apply(first.clone(), &by_name(tensors.clone())).unwrap();
        assert_eq!(named(&second).unwrap(), tensors);
        assert_eq!(named(&first).unwrap(), before, "the clone shares nothing");
        assert_eq!(parameter_ids(&second), ids);
        let mut trains = Trains(0);
        second.visit(&mut trains);
        assert_eq!(trains.0, ids.len());
    }
}

#[test]
fn tensors_that_do_not_fit_are_named() {
    let first = network(&configs()[2], 1, &Device::flex());
    let good = by_name(named(&first).unwrap());
    let refuse = |tensors: &BTreeMap<String, NamedTensor>| apply(first.clone(), tensors).unwrap_err();

    let mut missing = good.clone();
    missing.remove("layer2.0.downsample.1.running_var");
    let text = refuse(&missing).to_string();
    assert_eq!(text, "layer2.0.downsample.1.running_var is missing; expected shape [8]");

    let mut shape = good.clone();
    shape.get_mut("fc.weight").unwrap().shape = vec![32, 3];
    assert_eq!(refuse(&shape).to_string(), "fc.weight has shape [32, 3]; expected [3, 32]");

    let mut short = good.clone();
    short.get_mut("fc.weight").unwrap().values.pop();
    assert!(matches!(refuse(&short), WeightsError::Values { values: 95, .. }));

    let mut unknown = good;
    let extra = NamedTensor { name: "layer5".to_string(), shape: vec![0], values: Vec::new() };
    unknown.insert("layer5".to_string(), extra);
    assert!(matches!(refuse(&unknown), WeightsError::Unknown { names } if names == ["layer5"]));
}

#[test]
fn files_keep_every_bit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("network.safetensors");
    for config in configs() {
        let mut tensors = made(&network(&config, 1, &Device::flex()));
        tensors[0].values[0] = f32::MIN_POSITIVE / 8.0;
        let metadata = BTreeMap::from([("epoch".to_string(), "3".to_string())]);
        write_safetensors(&path, &tensors, &metadata).unwrap();
        assert_eq!(read_checkpoint(&path).unwrap(), by_name(tensors.clone()));
        assert_eq!(read_metadata(&path).unwrap(), metadata);
        let bytes = std::fs::read(&path).unwrap();
        let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
        assert_eq!(header.metadata().as_ref().unwrap()["epoch"], "3");
        assert_eq!(bytes.len() % 4, 0);
        // A file cut short is named, not read as far as it goes.
        std::fs::write(folder.path().join("cut"), &bytes[..bytes.len() - 4]).unwrap();
        let error = read_checkpoint(&folder.path().join("cut")).unwrap_err().to_string();
        assert!(error.contains("truncated"), "{error}");
        std::fs::remove_file(folder.path().join("cut")).unwrap();
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
}

#[test]
fn files_that_are_none_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let refuse = |name: &str, bytes: Option<&[u8]>| {
        let path = folder.path().join(name);
        if let Some(bytes) = bytes {
            std::fs::write(&path, bytes).unwrap();
        }
        let error = read_checkpoint(&path).unwrap_err();
        assert!(error.to_string().contains(name), "{error}");
        error
    };
    assert!(matches!(refuse("none.pth", None), WeightsError::Store(StoreError::File { .. })));
    assert!(matches!(refuse("none.safetensors", None), WeightsError::Store(StoreError::File { .. })));
    assert!(matches!(refuse("text.pth", Some(b"no pickle")), WeightsError::Format { .. }));
    assert!(matches!(refuse("text.safetensors", Some(b"no header")), WeightsError::Format { .. }));
    assert!(matches!(refuse("weights.onnx", Some(b"x")), WeightsError::Format { .. }));
    assert!(matches!(refuse("empty.safetensors", Some(b"\x02\0\0\0\0\0\0\0{}")), WeightsError::Format { .. }));
    let huge = [&u64::MAX.to_le_bytes()[..], b"{"].concat();
    assert!(matches!(refuse("huge.safetensors", Some(&huge)), WeightsError::Format { .. }));
    let nowhere = folder.path().join("missing").join("a.safetensors");
    let error = write_safetensors(&nowhere, &[], &BTreeMap::new()).unwrap_err();
    assert!(matches!(error, WeightsError::Store(StoreError::File { action: "write", .. })));
}

#[test]
fn layers_are_counted_from_the_pictures_to_the_head() {
    let device = Device::flex();
    let vit = network(&configs()[1], 1, &device);
    assert_eq!(layers(&vit), 4);
    let of = |name| layer_of(&vit, name);
    assert_eq!(["cls_token", "pos_embed", "patch_embed.proj.weight"].map(of), [0; 3]);
    assert_eq!(
        ["blocks.0.norm1.bias", "blocks.1.mlp.fc2.weight", "norm.weight", "head.fc1.weight"].map(of),
        [1, 2, 3, 3]
    );

    let resnet = network(&configs()[2], 1, &device);
    assert_eq!(layers(&resnet), 10);
    let of = |name| layer_of(&resnet, name);
    assert_eq!(["conv1.weight", "bn1.bias", "layer1.0.bn1.weight", "layer1.1.conv2.weight"].map(of), [0, 0, 1, 2]);
    assert_eq!(["layer2.0.downsample.0.weight", "layer4.1.bn2.bias", "fc.weight"].map(of), [3, 8, 9]);

    let mlp = network(&configs()[0], 1, &device);
    assert_eq!(layers(&mlp), 2);
    assert_eq!(["layers.0.weight", "layers.1.bias"].map(|name| layer_of(&mlp, name)), [0, 1]);
    // Layers rise with the order of the parameters, from the first to the last, which the head is in.
    for config in configs() {
        let network = network(&config, 1, &device);
        let names: Vec<String> = parameter_ids(&network).into_iter().map(|(_, name)| name).collect();
        let found: Vec<usize> = names.iter().map(|name| layer_of(&network, name)).collect();
        assert!(found.is_sorted() && found[0] == 0 && found.last().unwrap() + 1 == layers(&network), "{config:?}");
        let head = names.iter().zip(&found).filter(|(name, _)| network.body().is_head(name));
        let layers_of_head: Vec<usize> = head.map(|(_, &layer)| layer).collect();
        assert!(!layers_of_head.is_empty() && layers_of_head.iter().all(|&layer| layer + 1 == layers(&network)));
    }
}

#[test]
fn matrices_decay_and_vectors_do_not() {
    let decaying = |config: &NetworkConfig| -> Vec<String> {
        let tensors = named(&network(config, 1, &Device::flex())).unwrap();
        tensors.into_iter().filter(|tensor| decays(&tensor.name, &tensor.shape)).map(|tensor| tensor.name).collect()
    };
    assert_eq!(decaying(&configs()[0]), ["layers.0.weight", "layers.1.weight"]);
    let vit = decaying(&configs()[1]);
    assert_eq!(vit.len(), 1 + 2 * 4 + 3);
    assert!(vit.iter().all(|name| name.ends_with("weight") && !name.contains("norm")));
}

#[test]
fn a_head_for_other_classes_is_left_out_on_request() {
    let device = Device::flex();
    for config in configs() {
        let other = config.init([2, 8, 8], 4, &mut ChaCha8Rng::seed_from_u64(9), &device).unwrap();
        let checkpoint = by_name(named(&other).unwrap());
        let own = network(&config, 1, &device);
        let error = import(own.clone(), checkpoint.clone(), &ImportOptions::default()).unwrap_err();
        assert!(matches!(error, WeightsError::Head { .. }), "{error}");

        let options = ImportOptions { head: HeadImport::Skip, ..ImportOptions::default() };
        let (loaded, report) = import(own.clone(), checkpoint.clone(), &options).unwrap();
        assert!(!report.left_as_initialised.is_empty());
        let skipped = report.skipped.iter().map(|(name, _)| name).collect::<std::collections::BTreeSet<_>>();
        assert!(report.left_as_initialised.iter().all(|name| skipped.contains(name)));
        let before = by_name(named(&own).unwrap());
        for tensor in named(&loaded).unwrap() {
            let source = if report.loaded.contains(&tensor.name) { &checkpoint } else { &before };
            assert_eq!(tensor, source[&tensor.name]);
        }
    }
}

#[test]
fn tensors_without_a_place_are_an_error_unless_ignored() {
    let own = network(&configs()[1], 1, &Device::flex());
    let mut checkpoint = by_name(named(&own).unwrap());
    let extra = NamedTensor { name: "blocks.0.ls1.gamma".to_string(), shape: vec![1], values: vec![1.0] };
    checkpoint.insert(extra.name.clone(), extra);
    let error = import(own.clone(), checkpoint.clone(), &ImportOptions::default()).unwrap_err();
    assert!(matches!(error, WeightsError::NotOfNetwork { names } if names == ["blocks.0.ls1.gamma"]));
    let options = ImportOptions { ignore_unknown: true, ..ImportOptions::default() };
    let (_, report) = import(own, checkpoint, &options).unwrap();
    assert_eq!(report.skipped[0].0, "blocks.0.ls1.gamma");
}

#[test]
fn equal_weights_are_written_as_equal_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let tensors = made(&network(&configs()[1], 1, &Device::flex()));
    let metadata: BTreeMap<String, String> =
        (0..9).map(|key| (format!("key {key}"), "\"value\"".repeat(key))).collect();
    let written: Vec<Vec<u8>> = (0..4)
        .map(|number| {
            let path = folder.path().join(number.to_string());
            write_safetensors(&path, &tensors, &metadata).unwrap();
            std::fs::read(path).unwrap()
        })
        .collect();
    assert!(written.iter().all(|bytes| *bytes == written[0]));
    assert_eq!(read_metadata(&folder.path().join("0")).unwrap(), metadata);
    // The crate itself reads the file, and without metadata the bytes are those of the crate.
    assert_eq!(safetensors::SafeTensors::deserialize(&written[0]).unwrap().len(), tensors.len());
    write_safetensors(&folder.path().join("none"), &[], &metadata).unwrap();
    assert_eq!(read_metadata(&folder.path().join("none")).unwrap(), metadata);
}
