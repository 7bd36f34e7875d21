//! Checkpoints with the weights at any path.

use std::collections::BTreeMap;

use burn::tensor::Device;

use crate::models::Network;
use crate::weights::tests::{configs, network};
use crate::weights::{Checkpoint, ImportOptions, NamedTensor, import, named, write_safetensors};

/// A checkpoint whose tensors have these paths before their names, with other numbers at each path.
fn nested(network: &Network, paths: &[&str]) -> BTreeMap<String, NamedTensor> {
    let mut checkpoint = BTreeMap::new();
    for (number, path) in paths.iter().enumerate() {
        for mut tensor in named(network).unwrap() {
            tensor.values.fill(number as f32);
            tensor.name = format!("{path}{}", tensor.name);
            checkpoint.insert(tensor.name.clone(), tensor);
        }
    }
    checkpoint
}

#[test]
fn weights_are_found_below_any_path() {
    let device = Device::flex();
    for config in configs() {
        let own = network(&config, 1, &device);
        for path in [
            "",
            "module.",
            "_orig_mod.",
            "module._orig_mod.module.",
            "state_dict.",
            "model.net.",
            "my.own.path.",
            "ema.module.",
        ] {
            let mut checkpoint = nested(&own, &[path]);
            let other = NamedTensor { name: "optimizer.state.0.exp_avg".into(), shape: vec![1], values: vec![9.0] };
            if path.starts_with("state") {
                checkpoint.insert(other.name.clone(), other);
            }
            let (loaded, report) = import(own.clone(), checkpoint, &ImportOptions::default()).unwrap();
            assert!(
                named(&loaded).unwrap().iter().all(|tensor| tensor.values.iter().all(|&value| value == 0.0)),
                "{path}"
            );
            assert_eq!(report.loaded.len(), named(&own).unwrap().len());
            assert!(report.skipped.is_empty() && !report.prefix.contains("module"), "{report:?}");
        }
    }
}

#[test]
fn what_lies_beside_a_wrapper_is_not_one_of_the_weights() {
    let own = network(&configs()[2], 1, &Device::flex());
    for (path, outer) in [("module.", ""), ("ema._orig_mod.", "ema.")] {
        let mut checkpoint = nested(&own, &[path]);
        let name = format!("{outer}n_averaged");
        checkpoint.insert(name.clone(), NamedTensor { name, shape: vec![], values: vec![3.0] });
        import(own.clone(), checkpoint.clone(), &ImportOptions::default()).unwrap();
        let name = format!("{path}other.weight");
        checkpoint.insert(name.clone(), NamedTensor { name, shape: vec![1], values: vec![3.0] });
        let error = import(own.clone(), checkpoint, &ImportOptions::default()).unwrap_err().to_string();
        assert_eq!(error, "the network has no tensors other.weight; weights.ignore_unknown = true leaves them out");
    }
}

#[test]
fn wrappers_inside_names_are_removed() {
    let own = network(&configs()[1], 1, &Device::flex());
    let checkpoint = nested(&own, &["state_dict."]).into_values().map(|tensor| {
        let name =
            tensor.name.replace("blocks.0.", "blocks.0._orig_mod.").replace(".attn.", "._fsdp_wrapped_module.attn.");
        (name.clone(), NamedTensor { name, ..tensor })
    });
    let (_, report) = import(own, checkpoint.collect::<BTreeMap<_, _>>(), &ImportOptions::default()).unwrap();
    assert_eq!(report.prefix, "state_dict");
}

#[test]
fn of_several_copies_the_averaged_one_is_taken_or_the_chosen() {
    let own = network(&configs()[2], 1, &Device::flex());
    let take = |paths: &[&str], prefix: Option<&str>| {
        let options = ImportOptions { prefix: prefix.map(str::to_owned), ..ImportOptions::default() };
        import(own.clone(), nested(&own, paths), &options).map(|(network, report)| {
            let value = named(&network).unwrap()[0].values[0];
            (value, report.prefix, report.others)
        })
    };
    let others = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    assert_eq!(
        take(&["state_dict.", "state_dict_ema."], None).unwrap(),
        (1.0, "state_dict_ema".into(), others(&["state_dict"]))
    );
    assert_eq!(take(&["model.", "model_ema.module."], None).unwrap().0, 1.0);
    assert_eq!(take(&["ema.module.", "model."], None).unwrap().0, 0.0);
    assert_eq!(take(&["state_dict.", "state_dict_ema."], Some("state_dict")).unwrap().0, 0.0);
    assert_eq!(take(&["a.model.", "a.ema.", "b.model."], Some("b")).unwrap().0, 2.0);
    assert_eq!(take(&["best.", "state_dict."], None).unwrap().0, 1.0);
    let error = take(&["student.", "teacher."], None).unwrap_err().to_string();
    assert_eq!(
        error,
        "two sets of weights fit equally well, at student and at teacher; choose one with weights.prefix"
    );
    let error = take(&["student.", "teacher."], Some("tutor")).unwrap_err().to_string();
    assert!(
        error.starts_with("no tensors of the network below \"tutor\" (weights.prefix); the file has student."),
        "{error}"
    );
    assert!(error.len() < 400, "{error}");
}

#[test]
fn a_linear_head_may_have_another_name_and_lie_beside_the_network() {
    let own = network(&configs()[2], 1, &Device::flex());
    let renamed = |body: &str, head: &str| -> BTreeMap<String, NamedTensor> {
        let tensors = nested(&own, &[""]).into_iter().map(|(name, tensor)| {
            let name = match name.strip_prefix("fc.") {
                Some(part) => format!("{head}.{part}"),
                None => format!("{body}{name}"),
            };
            (name.clone(), NamedTensor { name, ..tensor })
        });
        tensors.collect()
    };
    let places = [
        ("backbone.", "head.fc"),
        ("model.backbone.", "model.classifier"),
        ("module.encoder.", "module.fc"),
        ("", "head"),
        ("net.", "net.linear"),
    ];
    for (body, head) in places {
        let (loaded, report) = import(own.clone(), renamed(body, head), &ImportOptions::default()).unwrap();
        assert!(named(&loaded).unwrap().iter().all(|tensor| tensor.values.iter().all(|&value| value == 0.0)));
        assert!(report.skipped.is_empty() && report.left_as_initialised.is_empty(), "{report:?}");
    }
    // Neither of two heads is taken, nor one that lies elsewhere, nor one for other classes.
    let refused = |checkpoint| import(own.clone(), checkpoint, &ImportOptions::default()).unwrap_err().to_string();
    let mut two = renamed("backbone.", "head");
    two.extend(renamed("backbone.", "classifier"));
    for checkpoint in [two, renamed("a.b.backbone.", "a.head"), renamed("", "head.mlp")] {
        let error = refused(checkpoint);
        assert!(
            error.starts_with("2 of 102 tensors of the network are missing: fc.weight [3, 32], fc.bias [3];"),
            "{error}"
        );
        assert!(error.ends_with("; weights.head = false keeps the initial head"), "{error}");
    }
    let mut other = renamed("backbone.", "head");
    let head = other.get_mut("head.weight").unwrap();
    (head.shape, head.values) = (vec![4, 32], vec![0.0; 128]);
    assert!(refused(other).starts_with("fc.weight has shape [4, 32]; expected [3, 32]"));
}

#[test]
fn weights_that_are_not_finite_are_refused() {
    let own = network(&configs()[1], 1, &Device::flex());
    let mut checkpoint = nested(&own, &[""]);
    checkpoint.get_mut("norm.bias").unwrap().values[2] = f32::NAN;
    let error = import(own, checkpoint, &ImportOptions::default()).unwrap_err().to_string();
    assert_eq!(error, "norm.bias is a tensor with the value NaN; expected a tensor of finite numbers");
}

#[test]
fn errors_name_the_file_and_a_few_tensors() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other");
    let (vit, resnet) = (network(&configs()[1], 1, &Device::flex()), network(&configs()[2], 1, &Device::flex()));
    write_safetensors(&path, &named(&resnet).unwrap(), &BTreeMap::new()).unwrap();
    let error = import(vit, Checkpoint::open(&path).unwrap(), &ImportOptions::default()).unwrap_err().to_string();
    assert!(error.starts_with(&path.display().to_string()) && error.len() < 1000, "{error}");
    assert!(error.contains("tensors of the network are missing: cls_token [1, 1, 6], "), "{error}");
    let found = " more; the checkpoint is of a residual network with depth = 18, form = \"small\", width = 4";
    assert!(error.contains("bn1.bias [4]") && error.contains(found), "{error}");

    let mut tensors = named(&resnet).unwrap();
    let head = tensors.iter_mut().find(|tensor| tensor.name == "fc.weight").unwrap();
    (head.shape, head.values) = (vec![1000, 32], vec![0.0; 32_000]);
    write_safetensors(&path, &tensors, &BTreeMap::new()).unwrap();
    let error = import(resnet, Checkpoint::open(&path).unwrap(), &ImportOptions::default()).unwrap_err().to_string();
    let expected =
        "fc.weight has shape [1000, 32]; expected [3, 32]; weights.head = false leaves out a head for other classes";
    assert_eq!(error, format!("{}: {expected}", path.display()));
}
