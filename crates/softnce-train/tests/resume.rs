//! Runs that go on with other settings, on other data, from damaged files and from those of earlier revisions.

mod common;

use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use common::{finish, open, place, recipe};
use softnce_data::Picture;
use softnce_data::info::write_png;
use softnce_report::results::RunReport;
use softnce_store::StoreError;
use softnce_train::device::DeviceName;
use softnce_train::recipe::Recipe;
use softnce_train::runs::{BEST, LAST, Outcome, Run, RunData, RunError, TrainedRun};
use softnce_train::write_report_again;
use tempfile::TempDir;

/// The header of a safetensors file, and the rest.
fn taken_apart(file: &Path) -> (serde_json::Value, Vec<u8>) {
    let bytes = fs::read(file).unwrap();
    let length = u64::from_le_bytes(*bytes.first_chunk().unwrap()) as usize;
    (serde_json::from_slice(&bytes[8..8 + length]).unwrap(), bytes[8 + length..].to_vec())
}

fn put_together(file: &Path, header: &serde_json::Value, rest: &[u8]) {
    let header = serde_json::to_vec(header).unwrap();
    fs::write(file, [&(header.len() as u64).to_le_bytes()[..], &header, rest].concat()).unwrap();
}

/// Turns the files into those of earlier revisions: without checksums.
fn without_checksums(run: &Path) {
    let (mut header, rest) = taken_apart(&run.join(LAST));
    let text = header["__metadata__"]["softnce"].as_str().unwrap().to_owned();
    let mut metadata: serde_json::Value = serde_json::from_str(&text).unwrap();
    metadata.as_object_mut().unwrap().remove("softnce_checksum").unwrap();
    if let Some(best) = metadata["position"]["best"].as_object_mut() {
        best.remove("checksum");
    }
    header["__metadata__"]["softnce"] = metadata.to_string().into();
    put_together(&run.join(LAST), &header, &rest);
    if run.join(BEST).exists() {
        let (mut header, rest) = taken_apart(&run.join(BEST));
        header["__metadata__"].as_object_mut().unwrap().remove("softnce_checksum").unwrap();
        put_together(&run.join(BEST), &header, &rest);
    }
    let text = fs::read_to_string(run.join("recipe.toml")).unwrap();
    assert!(text.starts_with("# softnce_checksum: "));
    fs::write(run.join("recipe.toml"), text.split_once('\n').unwrap().1).unwrap();
    let mut info: serde_json::Value = serde_json::from_slice(&fs::read(run.join("run.json")).unwrap()).unwrap();
    info.as_object_mut().unwrap().remove("softnce_checksum").unwrap();
    info.as_object_mut().unwrap().remove("fingerprints").unwrap();
    fs::write(run.join("run.json"), info.to_string()).unwrap();
}

fn copied(from: &Path) -> TempDir {
    let to = place();
    for entry in fs::read_dir(from).unwrap().flatten() {
        fs::copy(entry.path(), to.path().join(entry.file_name())).unwrap();
    }
    to
}

#[test]
fn every_damaged_byte_of_a_run_is_found_or_changes_nothing() {
    let folder = place();
    let (recipe, out) = (recipe(&[]), folder.path().join("run"));
    let expected = finish(&recipe, &out).unwrap();
    let kept = TrainedRun::open(&out, DeviceName::Cpu).unwrap();
    for (name, way_on) in [
        (LAST, "remove it to train from the first epoch"),
        (BEST, "--set evaluation.best=false"),
        ("recipe.toml", "put it back as it was"),
        ("run.json", "put it back as it was"),
        ("times.json", "remove it to continue without the times so far"),
    ] {
        let whole = fs::read(out.join(name)).unwrap();
        let place = copied(&out);
        let mut found = 0;
        // Every byte of what is text, some of each tensor.
        let text = whole.len().min(4000);
        for at in (0..text).step_by(7).chain((text..whole.len()).step_by(211)).chain([whole.len() - 1]) {
            let mut damaged = whole.clone();
            damaged[at] ^= 1 << (at % 8);
            fs::write(place.path().join(name), damaged).unwrap();
            match finish(&recipe, place.path()) {
                Ok(end) => assert_eq!(end, expected, "{name}, byte {at}"),
                Err(error) => {
                    let text = error.to_string();
                    assert!(
                        text.contains(name) && text.contains(way_on) && error.is_usage(),
                        "{name}, byte {at}: {text}"
                    );
                    found += 1;
                    // Nor is it used for anything else.
                    if name != LAST {
                        match TrainedRun::open(place.path(), DeviceName::Cpu) {
                            Ok(run) => assert_eq!(run.recipe(), kept.recipe(), "{name}, byte {at}"),
                            Err(error) => assert!(error.to_string().contains(name), "{name}, byte {at}: {error}"),
                        }
                    }
                }
            }
        }
        assert!(found > 20, "{name}: {found} found");
        // Half of it, and nothing of it.
        for damaged in [&whole[..whole.len() / 2], b""] {
            fs::write(place.path().join(name), damaged).unwrap();
            let text = finish(&recipe, place.path()).err().unwrap().to_string();
            assert!(text.contains(name) && text.contains("is not valid"), "{name}: {text}");
        }
    }
}

#[test]
fn equal_runs_have_equal_files_however_they_were_stopped_and_keep_their_times() {
    let folder = place();
    let [whole, again, stopped] = ["whole", "again", "stopped"].map(|name| folder.path().join(name));
    let recipe = recipe(&["loss.learn_temperature=true"]);
    finish(&recipe, &whole).unwrap();
    finish(&recipe, &again).unwrap();
    // In the second epoch.
    stopped_after(&recipe, &stopped, 23);
    let run = open(&recipe, &stopped).unwrap();
    let (before, sums) = (run.state().position.seconds, run.state().position.sums);
    assert!(before > sums.seconds && sums.seconds > 0.0 && run.state().history[0].seconds > 0.0);
    drop(run);
    finish(&recipe, &stopped).unwrap();
    for name in [LAST, BEST, "recipe.toml", "run.json", "temperature.json"] {
        let expected = fs::read(whole.join(name)).unwrap();
        assert!(fs::read(again.join(name)).unwrap() == expected, "{name}");
        assert!(fs::read(stopped.join(name)).unwrap() == expected, "{name} of the run that was stopped");
    }
    let run = open(&recipe, &stopped).unwrap();
    let (state, history) = (run.state(), &run.state().history);
    assert!(run.times().is_some() && state.position.seconds >= before);
    assert!(history.iter().all(|record| record.samples_per_second > 0.0));
    assert!(history.is_sorted_by(|one, other| 0.0 < one.seconds && one.seconds < other.seconds));
    drop(run);
    // Without the file, a run still continues; nobody knows its times.
    fs::remove_file(stopped.join("times.json")).unwrap();
    assert_eq!(open(&recipe, &stopped).unwrap().state().position.seconds, 0.0);
}

#[test]
fn a_damaged_file_of_results_is_not_reported() {
    let folder = place();
    let out = folder.path().join("run");
    finish(&recipe(&["schedule.epochs=1"]), &out).unwrap();
    write_report_again(&out).unwrap();
    let file = out.join("metrics.json");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replacen("\"top1\":0.", "\"top1\":1.", 1)).unwrap();
    let error = write_report_again(&out).unwrap_err().to_string();
    assert!(error.contains("metrics.json is not valid: its content does not match its checksum"), "{error}");
}

#[test]
fn what_the_message_about_damage_names_leads_on() {
    let folder = place();
    let (recipe, out) = (recipe(&[]), folder.path().join("run"));
    let expected = finish(&recipe, &out).unwrap();
    for name in [LAST, BEST] {
        let place = copied(&out);
        let file = place.path().join(name);
        let mut damaged = fs::read(&file).unwrap();
        let last = damaged.len() - 1;
        damaged[last] ^= 1;
        fs::write(&file, damaged).unwrap();
        assert!(finish(&recipe, place.path()).is_err());
        if name == BEST {
            let mut of_the_last = recipe.clone();
            of_the_last.evaluation.best = false;
            finish(&of_the_last, copied(place.path()).path()).unwrap();
        }
        fs::remove_file(place.path().join(LAST)).unwrap();
        assert_eq!(finish(&recipe, place.path()).unwrap(), expected);
    }
}

#[test]
fn runs_of_earlier_revisions_go_on_and_are_read() {
    let folder = place();
    let recipe = recipe(&["schedule.epochs=4"]);
    let expected = finish(&recipe, &folder.path().join("whole")).unwrap();
    // Finished, and stopped in the third epoch.
    let out = folder.path().join("finished");
    finish(&recipe, &out).unwrap();
    without_checksums(&out);
    TrainedRun::open(&out, DeviceName::Cpu).unwrap();
    assert_eq!(finish(&recipe, &out).unwrap(), expected);
    let out = folder.path().join("stopped");
    stopped_after(&recipe, &out, 23);
    without_checksums(&out);
    assert_eq!(finish(&recipe, copied(&out).path()).unwrap(), expected);
    // Earlier revisions replaced the best weights before the checkpoint: such a run comes to its end, too.
    let (mut header, rest) = taken_apart(&out.join(BEST));
    header["__metadata__"]["epoch"] = "3".into();
    put_together(&out.join(BEST), &header, &rest);
    finish(&recipe, &out).unwrap();
}

/// Stops a run after so many batches.
fn stopped_after(recipe: &Recipe, out: &Path, batches: usize) {
    struct Stop(std::cell::Cell<usize>, std::sync::Arc<AtomicBool>);
    impl softnce_train::runs::Progress for Stop {
        fn start(&self, _: usize, _: usize, _: usize) {}
        fn step(&self, _: &softnce_train::runs::StepReport) {
            self.0.set(self.0.get() - 1);
            self.1.store(self.0.get() == 0, std::sync::atomic::Ordering::Relaxed);
        }
        fn epoch(&self, _: &softnce_report::results::EpochRecord) {}
        fn note(&self, _: &str) {}
    }
    let stop = std::sync::Arc::new(AtomicBool::new(false));
    let progress = Stop(batches.into(), std::sync::Arc::clone(&stop));
    let outcome = open(recipe, out).unwrap().train(&stop, &progress).unwrap();
    assert!(matches!(outcome, Outcome::Interrupted { .. }));
}

#[test]
fn a_finished_run_is_extended_and_settings_that_teach_nothing_may_change() {
    let folder = place();
    let out = folder.path().join("run");
    let short = recipe(&["schedule.epochs=2"]);
    let first = finish(&short, &out).unwrap();
    let mut more = short.clone();
    more.evaluation.bins = 10;
    more.evaluation.pictures = 3;
    more.evaluation.batch_size = 100;
    more.evaluation.scale_temperature = false;
    more.training.checkpoint_steps = None;
    more.training.workers = 1;
    // Nothing is trained for these, and the report has them.
    finish(&more, &out).unwrap();
    let written: RunReport = serde_json::from_slice(&fs::read(out.join("metrics.json")).unwrap()).unwrap();
    assert_eq!(written.result.overall.reliability.len(), 10);
    assert!(written.scaled.is_none());
    more.schedule.epochs = 5;
    let run = open(&more, &out).unwrap();
    assert!(!run.state().history.is_empty());
    drop(run);
    // It may be stopped on the way.
    stopped_after(&more, &out, 3);
    let longer = finish(&more, &out).unwrap();
    assert_ne!(longer, first);
    let run = open(&more, &out).unwrap();
    let history = &run.state().history;
    assert!(history.iter().map(|record| record.epoch).eq(1..=5));
    // The rate of an epoch follows the length at its time: at the end of two it had come down, then it is that of five.
    assert!(history[2].learning_rate > history[1].learning_rate && history[4].learning_rate < history[3].learning_rate);
    drop(run);
    let refused = |change: &dyn Fn(&mut Recipe)| {
        let mut other = more.clone();
        change(&mut other);
        open(&other, &out).err().unwrap().to_string()
    };
    assert!(refused(&|other| other.schedule.epochs = 4).contains("schedule.epochs: 5 there, 4 here"));
    assert!(refused(&|other| other.optimizer.learning_rate = Some(0.5)).contains("optimizer.learning_rate"));
    assert!(refused(&|other| other.training.patience = Some(1)).contains("training.patience"));
    // What is compared is no part of a run.
    let mut other = more.clone();
    other.compare.seeds = 7;
    open(&other, &out).unwrap();
}

/// A set of two classes below `root/set`, with `count` pictures each.
fn make_set(root: &Path, count: u8) {
    for class in ["ant", "bee"] {
        fs::create_dir_all(root.join("set").join(class)).unwrap();
        for number in 0..count {
            paint(&root.join(format!("set/{class}/{number}.png")), number + if class == "bee" { 100 } else { 0 });
        }
    }
}

fn paint(path: &Path, value: u8) {
    let pixels = (0..48).map(|at| value ^ at).collect::<Vec<u8>>();
    write_png(path, &Picture { height: 4, width: 4, channels: 3, pixels: pixels.into() }).unwrap();
}

const ON_A_SET: &str = r#"
name = "set"
[data]
path = "set"
layout = "image-folder"
test_share = 0.2
validation_share = 0.2
[augmentation]
size = [4, 4]
[network]
kind = "linear"
[loss]
kind = "nll"
[optimizer]
learning_rate = 1e-2
[schedule]
epochs = 2
[training]
batch_size = 8
workers = 0
"#;

#[test]
fn a_changed_set_is_noticed_and_what_kept_nothing_blocks_nothing() {
    let folder = place();
    let (root, out) = (folder.path(), folder.path().join("run"));
    make_set(root, 20);
    let recipe = Recipe::parse(Path::new("set.toml"), ON_A_SET, &[]).unwrap();
    let open = || Run::open(recipe.clone(), root, DeviceName::Cpu, &out);
    let train = || open().and_then(|mut run| run.train(&AtomicBool::new(false), &()));
    // A picture that cannot be read ends the run before its first checkpoint; without it the next start starts.
    let data = RunData::open(&recipe.data, root).unwrap();
    let bad = data.train.pictures.path(0).unwrap();
    let whole = fs::read(&bad).unwrap();
    fs::write(&bad, b"no picture").unwrap();
    assert!(train().is_err());
    assert!(out.join("recipe.toml").exists() && !out.join(LAST).exists());
    fs::remove_file(&bad).unwrap();
    train().unwrap();

    let refused = |words: &str| {
        let error = open().err().unwrap();
        let text = error.to_string();
        assert!(matches!(error, RunError::Store(StoreError::OtherData { .. })) && error.is_usage(), "{text}");
        assert!(text.contains(words) && text.contains("put them back") && text.contains("--out"), "{text}");
    };
    fs::write(&bad, whole).unwrap();
    refused(" pictures: ");
    fs::remove_file(&bad).unwrap();
    open().unwrap();
    // One that is there, before and after.
    let other = data.train.pictures.path(1).unwrap();
    let whole = fs::read(&other).unwrap();
    paint(&other, 9);
    refused("other contents of the ");
    fs::write(&other, &whole).unwrap();
    open().unwrap();
    fs::rename(&other, other.with_extension("PNG")).unwrap();
    refused("other names of classes or files of the ");
    fs::rename(other.with_extension("PNG"), &other).unwrap();
    fs::rename(root.join("set/bee"), root.join("set/wasp")).unwrap();
    refused("class \"bee\" there, \"wasp\" here");
    fs::rename(root.join("set/wasp"), root.join("set/bee")).unwrap();
    fs::create_dir(root.join("set/cat")).unwrap();
    for number in 0..10 {
        paint(&root.join(format!("set/cat/{number}.png")), number + 50);
    }
    refused("classes: 2 there, 3 here");
    fs::remove_dir_all(root.join("set/cat")).unwrap();
    // The set may be elsewhere, with other times; and one may go on with other data knowingly.
    fs::rename(root.join("set"), root.join("moved")).unwrap();
    fs::create_dir(root.join("set")).unwrap();
    for class in ["ant", "bee"] {
        fs::create_dir(root.join("set").join(class)).unwrap();
        for entry in fs::read_dir(root.join("moved").join(class)).unwrap().flatten() {
            fs::copy(entry.path(), root.join("set").join(class).join(entry.file_name())).unwrap();
        }
    }
    open().unwrap();
    paint(&other, 9);
    refused("other contents of the ");
    fs::remove_file(out.join("run.json")).unwrap();
    open().unwrap();
    open().unwrap();
}

#[test]
fn a_recipe_of_the_users_own_is_not_taken_for_a_run() {
    let folder = place();
    let (root, mine) = (folder.path(), folder.path().join("mine"));
    make_set(root, 10);
    fs::create_dir(&mine).unwrap();
    let text = format!("# my notes\n{ON_A_SET}");
    fs::write(mine.join("recipe.toml"), &text).unwrap();
    let recipe = Recipe::read(mine.join("recipe.toml").to_str().unwrap(), &[]).unwrap();
    let error = Run::open(recipe, root, DeviceName::Cpu, &mine).err().unwrap();
    assert!(matches!(error, RunError::Store(StoreError::Foreign { .. })), "{error}");
    assert_eq!(fs::read_to_string(mine.join("recipe.toml")).unwrap(), text);
}
