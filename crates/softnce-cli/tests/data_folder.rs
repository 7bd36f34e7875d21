//! The data folder as users meet it: where paths start from, what is told if something is missing, and that a run
//! remembers it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use softnce_data::Picture;
use softnce_data::info::write_png;
use tempfile::TempDir;

/// In the folder `place`, with a cache in it.
fn softnce(place: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_softnce"));
    command.env("SOFTNCE_DATA", place.join("cache")).args(arguments).current_dir(place).output().unwrap()
}

fn succeeds(place: &Path, arguments: &[&str]) -> (String, String) {
    let output = softnce(place, arguments);
    let [out, error] = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(output.status.success(), "{arguments:?}: {error}");
    (out, error)
}

fn refused(place: &Path, arguments: &[&str]) -> String {
    let output = softnce(place, arguments);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {error}");
    error
}

/// `data/d/train/CLASS/` and `data/d/val/CLASS/` with pictures of two classes, and a recipe for them.
fn place() -> TempDir {
    let place = TempDir::new().unwrap();
    for (part, count) in [("train", 12u8), ("val", 3)] {
        for (class, name) in ["ant", "bee"].into_iter().enumerate() {
            let folder = place.path().join("data/d").join(part).join(name);
            fs::create_dir_all(&folder).unwrap();
            for number in 0..count {
                let pixels: Vec<u8> = (0..48).map(|at| (at * 3 + number + 90 * class as u8) % 250).collect();
                let picture = Picture { height: 4, width: 4, channels: 3, pixels: pixels.into() };
                write_png(&folder.join(format!("{number}.png")), &picture).unwrap();
            }
        }
    }
    let recipe = "name = \"t\"\n\
        [data]\npath = \"d\"\n\
        [augmentation]\nsize = [4, 4]\n\
        [network]\nkind = \"mlp\"\nhidden = [4]\n\
        [loss]\nkind = \"soft-target-infonce\"\n\
        [optimizer]\nlearning_rate = 1e-2\n\
        [schedule]\nepochs = 1\n\
        [training]\nbatch_size = 8\nworkers = 0\n";
    fs::write(place.path().join("r.toml"), recipe).unwrap();
    place
}

/// Two probabilities for each of the 24 training pictures, as an array of NumPy.
fn probabilities() -> Vec<u8> {
    let mut header = "{'descr': '<f4', 'fortran_order': False, 'shape': (24, 2), }".to_owned();
    header.push_str(&" ".repeat(63 - (10 + header.len()) % 64));
    header.push('\n');
    let values = (0..24).flat_map(|row| if row < 12 { [0.9f32, 0.1] } else { [0.2, 0.8] });
    let length = (header.len() as u16).to_le_bytes();
    let values: Vec<u8> = values.flat_map(f32::to_le_bytes).collect();
    [b"\x93NUMPY\x01\x00".to_vec(), length.to_vec(), header.into_bytes(), values].concat()
}

#[test]
fn label_files_and_weights_start_from_the_data_folder() {
    let place = place();
    let data = place.path().join("data");
    let labels =
        ["train", "r.toml", "--data", "data", "--set", "data.train_labels={kind=\"probabilities\",path=\"p.npy\"}"];
    let error = refused(place.path(), &labels);
    assert!(
        error.contains("data.train_labels.path: data/p.npy does not exist; relative paths start from the data folder"),
        "{error}"
    );
    fs::write(data.join("p.npy"), probabilities()).unwrap();
    succeeds(place.path(), &[&labels[..], &["--out", "one"]].concat());
    // Where earlier versions looked for it.
    fs::rename(data.join("p.npy"), data.join("d/p.npy")).unwrap();
    succeeds(place.path(), &[&labels[..], &["--out", "two"]].concat());
    let last = |run: &str| fs::read(place.path().join(run).join("best.safetensors")).unwrap();
    assert!(last("one") == last("two"));
    // With both, that of the data folder is used, and the other is named.
    fs::write(data.join("p.npy"), probabilities()).unwrap();
    let (_, told) = succeeds(place.path(), &[&labels[..], &["--out", "three"]].concat());
    assert!(told.contains("data/p.npy is used; data/d/p.npy is not"), "{told}");

    let weights = ["train", "r.toml", "--data", "data", "--out", "four", "--set", "weights={path=\"w.safetensors\"}"];
    let error = refused(place.path(), &weights);
    assert!(error.contains("weights.path: ") && error.contains("w.safetensors"), "{error}");
    fs::copy(place.path().join("one/best.safetensors"), data.join("w.safetensors")).unwrap();
    succeeds(place.path(), &weights);
}

#[test]
fn a_run_remembers_the_data_folder() {
    let place = place();
    let train = ["train", "r.toml", "--data", "data", "--out", "run"];
    let (table, _) = succeeds(place.path(), &train);
    let info = place.path().join("run/run.json");
    let folder = place.path().canonicalize().unwrap().join("data");
    let written = fs::read_to_string(&info).unwrap();
    let stored: serde_json::Value = serde_json::from_str(&written).unwrap();
    assert_eq!(Path::new(stored["data_folder"].as_str().unwrap()).canonicalize().unwrap(), folder);
    // From another working folder, too.
    let elsewhere = TempDir::new().unwrap();
    let run = place.path().join("run").display().to_string();
    let (again, _) = succeeds(elsewhere.path(), &["eval", &run]);
    assert!(table.starts_with(again.trim_end()), "{again}\n{table}");
    // Without pictures, the test pictures are predicted.
    let (predicted, _) = succeeds(elsewhere.path(), &["predict", &run]);
    let pictures: Vec<&str> = predicted.lines().skip(1).filter_map(|row| row.split(',').next()).collect();
    assert_eq!(pictures.len(), 6, "{predicted}");
    assert!(pictures[0].ends_with("val/ant/0.png") && pictures[5].ends_with("val/bee/2.png"), "{predicted}");
    // Moved: the error names the folder of the training; --data and the cache help.
    fs::rename(place.path().join("data"), place.path().join("moved")).unwrap();
    let error = refused(place.path(), &["eval", "run"]);
    assert!(error.contains("data.path: ") && error.contains("data/d does not exist"), "{error}");
    assert!(refused(place.path(), &["predict", "run"]).contains("d does not exist"));
    succeeds(place.path(), &["eval", "run", "--data", "moved"]);
    succeeds(place.path(), &["predict", "run", "--data", "moved"]);
    // The data may be moved without another run.
    succeeds(place.path(), &["train", "r.toml", "--data", "moved", "--out", "run"]);
    succeeds(place.path(), &["eval", "run"]);
    fs::rename(place.path().join("moved"), place.path().join("cache")).unwrap();
    succeeds(place.path(), &["eval", "run"]);
    // Runs of earlier versions have stored no folder.
    let mut stored: serde_json::Value = serde_json::from_str(&fs::read_to_string(&info).unwrap()).unwrap();
    for key in ["data_folder", "softnce_checksum"] {
        stored.as_object_mut().unwrap().remove(key).unwrap();
    }
    fs::write(&info, stored.to_string()).unwrap();
    succeeds(place.path(), &["eval", "run"]);
    fs::rename(place.path().join("cache"), place.path().join("data")).unwrap();
    refused(place.path(), &["eval", "run"]);
    succeeds(place.path(), &["eval", "run", "--data", "data"]);
}

#[test]
fn missing_data_is_told_with_what_to_do_next() {
    let place = place();
    for command in [&["train"][..], &["train", "--dry-run"], &["compare"]] {
        let told = |arguments: &[&str]| refused(place.path(), &[command, arguments].concat());
        let error = told(&["cifar100"]);
        assert!(
            error.contains("data.path: ")
                && error
                    .contains("cache/cifar-100 does not exist; `softnce data fetch cifar-100` downloads it, or name")
                && error.contains("--data DIR or $SOFTNCE_DATA"),
            "{error}"
        );
        let error = told(&["cifar100", "--data", "data"]);
        assert!(error.contains("`softnce data fetch cifar-100 --data data`"), "{error}");
        // The user's own pictures: the working folder is not the data folder.
        fs::create_dir_all(place.path().join("d")).unwrap();
        let error = told(&["r.toml"]);
        assert!(error.contains("cache/d does not exist; the working folder has it: add --data .; "), "{error}");
        let error = told(&["r.toml", "--set", "data.path=\"cifar10\""]);
        assert!(error.contains("did you mean cifar-10?"), "{error}");
        // An interrupted download.
        fs::create_dir_all(place.path().join("cache/fashion-mnist")).unwrap();
        let error = told(&["fashion-mnist-resnet"]);
        assert!(error.contains("`softnce data fetch fashion-mnist` completes it"), "{error}");
        let weights =
            ["r.toml", "--data", "data", "--set", "weights={path=\"mae-vit-base/mae_pretrain_vit_base.pth\"}"];
        let error = told(&weights);
        assert!(error.contains("weights.path: ") && error.contains("`softnce data fetch mae-vit-base "), "{error}");
    }
    assert!(!place.path().join("runs").exists());
}
