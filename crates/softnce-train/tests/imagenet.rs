//! The recipe `imagenet-mae-vit-b16` from end to end, on an ImageNet-shaped tree of made pictures and a random checkpoint
//! under MAE's names; only sizes are changed.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use burn::tensor::{Device, Tensor, TensorData};
use softnce_data::Picture;
use softnce_data::augmentation::Augmentation;
use softnce_data::info::write_png;
use softnce_data::loader::Loader;
use softnce_nn::weights::{named, read_checkpoint};
use softnce_train::device::DeviceName;
use softnce_train::recipe::Recipe;
use softnce_train::runs::{Outcome, Run};
use tempfile::TempDir;

/// As in `fixtures/make_mae.py`.
fn picture(number: usize, height: usize, width: usize) -> Picture<'static> {
    let value = |row: usize, column: usize, channel: usize| {
        ((7 * row + 13 * column + 50 * channel + 31 * number + row * column / 16) % 256) as u8
    };
    let mut pixels = Vec::with_capacity(height * width * 3);
    for row in 0..height {
        for column in 0..width {
            pixels.extend((0..3).map(|channel| value(row, column, channel)));
        }
    }
    Picture { height, width, channels: 3, pixels: pixels.into() }
}

/// `train/CLASS/` with pictures of many sizes, `val/CLASS/` with one of 224 x 224 each, and the checkpoint.
fn place() -> TempDir {
    let folder = TempDir::new().unwrap();
    for (class, name) in ["n01440764", "n01443537"].into_iter().enumerate() {
        let train = folder.path().join("imagenet/train").join(name);
        let val = folder.path().join("imagenet/val").join(name);
        fs::create_dir_all(&train).unwrap();
        fs::create_dir_all(&val).unwrap();
        for number in 0..6 {
            let made = picture(class + 2 * number, 240 + 17 * number, 300 - 29 * number);
            write_png(&train.join(format!("{name}_{number}.png")), &made).unwrap();
        }
        write_png(&val.join(format!("ILSVRC2012_val_0000000{class}.png")), &picture(class, 224, 224)).unwrap();
    }
    fs::copy(fixture("mae.pth"), folder.path().join("mae_pretrain_vit_base.pth")).unwrap();
    folder
}

fn fixture(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn recipe() -> Recipe {
    let changes = [
        "network.width=24",
        "network.depth=2",
        "network.heads=3",
        // So that the logits show the features; the recipe's own starts at next to nothing.
        "network.head_std=1.0",
        "augmentation.evaluation.crop_ratio=1.0",
        "data.validation_share=0.34",
        "training.batch_size=4",
        "training.accumulate=2",
        "schedule.epochs=2",
        "schedule.warmup_epochs=1",
        "evaluation.pictures=2",
        "evaluation.best=false",
    ];
    Recipe::read("imagenet-mae-vit-b16", &changes.map(str::to_owned)).unwrap()
}

#[test]
fn the_forward_pass_from_a_mae_checkpoint_equals_pytorch() {
    let folder = place();
    let run = Run::open(recipe(), folder.path(), DeviceName::Cpu, &folder.path().join("run")).unwrap();
    let network = run.state().evaluated_network();
    let augmentation = Augmentation::new(run.recipe().augmentation.clone()).unwrap();
    let loader = Loader::evaluation(Arc::clone(&run.data().test.pictures), augmentation, None, 2, 0).unwrap();
    let batch = loader.epoch(0, 0).next().unwrap().unwrap();
    let inputs = Tensor::<4>::from_data(TensorData::new(batch.pixels, batch.shape), &Device::flex());
    let logits = network.forward(inputs).unwrap().try_to_vec_as::<f32>().unwrap();

    let features: Vec<Vec<f64>> = serde_json::from_slice(&fs::read(fixture("mae_features.json")).unwrap()).unwrap();
    let tensors = named(&network).unwrap();
    let values = |name: &str| &tensors.iter().find(|tensor| tensor.name == name).unwrap().values;
    let (weight, bias) = (values("head.weight"), values("head.bias"));
    for (row, features) in features.iter().enumerate() {
        for class in 0..2 {
            let products = weight[class * 24..][..24].iter().zip(features).map(|(w, f)| f64::from(*w) * f);
            let expected = products.sum::<f64>() + f64::from(bias[class]);
            let found = f64::from(logits[row * 2 + class]);
            assert!((found - expected).abs() < 1e-5 * (1.0 + expected.abs()), "{row}, {class}: {found}, {expected}");
        }
    }
}

#[test]
fn the_whole_recipe_runs_and_exports_what_it_learned() {
    let folder = place();
    let out = folder.path().join("run");
    let mut run = Run::open(recipe(), folder.path(), DeviceName::Cpu, &out).unwrap();
    let before = named(&run.state().network).unwrap();
    let Outcome::Finished(report) = run.train(&AtomicBool::new(false), &()).unwrap() else {
        panic!("nothing asked for a stop")
    };
    assert_eq!(report.result.overall.examples, 2);
    assert_eq!(report.class_names, ["n01440764", "n01443537"]);
    // 8 training pictures in batches of 4, two of which make a step: 2 steps, the first of the warm-up at rate 0.
    assert_eq!(run.state().position.optimizer_steps, 2);
    let after = read_checkpoint(&out.join("best.safetensors")).unwrap();
    assert_eq!(before.len(), after.len());
    let moved = |name: &str| {
        let (old, new) = (before.iter().find(|tensor| tensor.name == name).unwrap(), &after[name]);
        old.values.iter().zip(&new.values).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
    };
    // AdamW moves a weight by at most about its rate; a layer further from the head by 0.65 of it.
    let (head, second, first) =
        (moved("head.weight"), moved("blocks.1.mlp.fc1.weight"), moved("blocks.0.mlp.fc1.weight"));
    assert!(head > 1e-5 && head < 2e-5, "{head}");
    for (ratio, expected) in [(second / head, 0.65), (first / head, 0.65_f32.powi(2))] {
        assert!((ratio - expected).abs() < 0.06, "{ratio}, {expected}");
    }
    assert!(after.keys().any(|name| name == "fc_norm.weight") && after.contains_key("blocks.1.attn.qkv.weight"));
    for file in ["last.safetensors", "metrics.json", "report.html"] {
        assert!(fs::metadata(out.join(file)).unwrap().len() > 0, "{file}");
    }
}
