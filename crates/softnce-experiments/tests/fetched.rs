//! From nothing to a trained network: every registered set is fetched into an empty folder, from a server on this machine
//! that has small files in place of the published ones, and every built-in recipe and every study trains on what is there, and on
//! small files in place of those that a user makes.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "common/npy.rs"]
mod npy;
#[path = "common/planetoid.rs"]
mod planetoid;
#[path = "common/prepared.rs"]
mod prepared;
#[path = "common/publisher.rs"]
mod publisher;
#[path = "../../softnce-data/src/fetch/tests/server.rs"]
mod server;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use publisher::Publisher;
use softnce_data::fetch::{KnownSet, Registry, SetKind, fetch};
use softnce_data::sets::Layout;
use softnce_experiments::graphs::GraphsConfig;
use softnce_experiments::pictures::{PictureSet, PicturesConfig};
use softnce_experiments::variants::{STUDIES, Variant};
use softnce_experiments::{Budget, Place, Progress, StudyError, graphs, pictures, variants};
use softnce_train::device::DeviceName;
use softnce_train::recipe::{BUILT_IN, Recipe};
use softnce_train::runs::{Outcome, Run, RunData, RunError, TrainedRun};
use tempfile::TempDir;

/// What cannot be fetched: recipes for it need data that the user lays out.
const USER_SUPPLIED: [&str; 1] = ["imagenet-mae-vit-b16"];

struct Silent;

impl Progress for Silent {
    fn start(&self, _: usize, _: usize) {}
    fn part(&self, _: &str) {}
    fn finished(&self) {}
}

/// Runs a study, with as much time as it takes.
fn whole<T>(run: impl Fn(Budget<'_>, &dyn Progress) -> Result<T, StudyError>) -> Result<T, StudyError> {
    run(Budget::new(&AtomicBool::new(false), None), &Silent)
}

/// Fetches sets into an empty data folder.
fn fetched<'s>(publisher: &Publisher, sets: impl IntoIterator<Item = &'s KnownSet>) -> TempDir {
    let data = TempDir::new().unwrap();
    for set in sets {
        let folder = fetch(publisher.set(&set.name), data.path(), &mut |_| {}).unwrap();
        assert_eq!(folder, data.path().join(&set.name));
    }
    data
}

/// Changes that make a recipe small: one epoch, few batches, a network of few parameters.
fn small(recipe: &Recipe) -> Vec<String> {
    let mut changes = vec![
        "schedule.epochs=1",
        "schedule.warmup_epochs=0",
        "training.batch_size=16",
        "training.accumulate=1",
        "training.workers=0",
        "evaluation.pictures=1",
    ];
    match recipe.network.kind().name {
        "resnet" => changes.extend(["network.depth=8", "network.width=4"]),
        // The size of the small checkpoint.
        "vit" if recipe.weights.is_some() => changes.extend(["network.width=24", "network.depth=2", "network.heads=3"]),
        "vit" => changes.extend(["network.width=12", "network.depth=1"]),
        _ => {}
    }
    if recipe.data.imbalance.is_some() {
        changes.push("data.imbalance=2.0");
    }
    changes.into_iter().map(str::to_owned).collect()
}

fn train(name: &str, more: &[&str], data: &Path) -> Result<TempDir, RunError> {
    let mut changes = small(&Recipe::read(name, &[])?);
    changes.extend(more.iter().map(|&change| change.to_owned()));
    let out = TempDir::new().unwrap();
    let mut run = Run::open(Recipe::read(name, &changes)?, data, DeviceName::Cpu, out.path())?;
    match run.train(&AtomicBool::new(false), &())? {
        Outcome::Finished(report) => assert!(report.result.overall.examples > 0),
        Outcome::Interrupted { .. } => panic!("nothing asked for a stop"),
    }
    Ok(out)
}

#[test]
fn every_built_in_recipe_trains_on_what_was_fetched_for_it() {
    let publisher = Publisher::new();
    let mut used = BTreeSet::new();
    for (name, _) in BUILT_IN.iter().filter(|(name, _)| !USER_SUPPLIED.contains(name)) {
        let recipe = Recipe::read(name, &[]).unwrap();
        let sets = recipe.known_sets();
        // Without the sets, what to do next is told for each of them.
        let mut there: Vec<&KnownSet> = Vec::new();
        for set in &sets {
            let data = fetched(&publisher, there.iter().copied());
            let error = train(name, &[], data.path()).unwrap_err();
            assert!(error.is_usage(), "{name}: {error}");
            let command = format!("`softnce data fetch {} --data {}`", set.name, data.path().display());
            let message = error.to_string();
            assert!(message.contains(&command) && message.contains("$SOFTNCE_DATA"), "{name}: {message}");
            there.push(set);
        }
        let data = fetched(&publisher, sets.iter().copied());
        train(name, &[], data.path()).unwrap_or_else(|error| panic!("{name}: {error}"));
        used.extend(sets.iter().map(|set| set.name.clone()));
    }
    // What no recipe names trains with a recipe of its like.
    for set in Registry::known().sets().iter().filter(|set| !used.contains(&set.name)) {
        if let SetKind::Pictures(layout) = set.kind {
            let data = fetched(&publisher, [set]);
            let changes = [format!("data.path={}", set.name), format!("data.layout={layout}")];
            let changes: Vec<&str> = changes.iter().map(String::as_str).collect();
            train("fashion-mnist-resnet", &changes, data.path())
                .unwrap_or_else(|error| panic!("{}: {error}", set.name));
        }
    }
    assert!(publisher.requests() > 0);
}

#[test]
fn recipes_with_the_folders_of_the_publishers_archives_read_the_same() {
    let publisher = Publisher::new();
    let votes = "{kind=\"votes\", path=\"cifar10h_counts.u8\"}";
    let labels = [format!("data.train_labels={votes}"), format!("data.test_labels={votes}")];
    for (name, changes) in [
        ("cifar100", vec!["data.path=\"cifar-100-binary\""]),
        ("cifar10h", vec!["data.path=\"cifar-10-batches-bin\"", &labels[0], &labels[1]]),
        ("tiny-imagenet", vec!["data.path=\"tiny-imagenet-200\"", "weights.path=\"mae_pretrain_vit_base.pth\""]),
    ] {
        let recipe = Recipe::read(name, &[]).unwrap();
        let data = fetched(&publisher, recipe.known_sets());
        let changes: Vec<String> = changes.into_iter().map(str::to_owned).collect();
        let old = Recipe::read(name, &changes).unwrap();
        let [one, other] = [&recipe, &old].map(|recipe| RunData::open(&recipe.data, data.path()).unwrap());
        assert_eq!(one.train.pictures.labels(), other.train.pictures.labels());
        assert_eq!(one.train.distributions, other.train.distributions);
        // A run that was begun with the old names goes on with the new ones, and is evaluated.
        let out = train(name, &changes.iter().map(String::as_str).collect::<Vec<_>>(), data.path()).unwrap();
        let changes = small(&recipe);
        Run::open(Recipe::read(name, &changes).unwrap(), data.path(), DeviceName::Cpu, out.path()).unwrap();
        let trained = TrainedRun::open(out.path(), DeviceName::Cpu).unwrap();
        let data = trained.open_data(None).unwrap();
        assert!(trained.test(&data, &AtomicBool::new(false)).unwrap().is_some());
    }
}

#[test]
fn every_study_trains_on_what_was_fetched_for_it() {
    let publisher = Publisher::new();
    for mut set in PictureSet::all() {
        let recipe = Recipe::read(&set.recipe, &set.changes).unwrap();
        let sets = recipe.known_sets();
        if recipe.data.path.is_none() {
            continue;
        }
        assert!(!sets.is_empty(), "{}", set.name);
        set.changes.extend(small(&recipe));
        set.changes.extend(
            [
                "compare.seeds=2",
                "compare.learning_rates=[]",
                "compare.losses=[\"soft-target-infonce\", \"soft-target-cross-entropy\"]",
            ]
            .map(str::to_owned),
        );
        let (data, out) = (fetched(&publisher, sets), TempDir::new().unwrap());
        let config = PicturesConfig { sets: vec![set], ..PicturesConfig::default() };
        whole(|budget, progress| {
            let place = Place { data: data.path(), device: DeviceName::Cpu, out: out.path(), budget, progress };
            pictures::run(config.clone(), String::new(), place, None)
        })
        .unwrap();
    }
    for study in STUDIES {
        let mut config = study.config();
        config.seeds = 1;
        config.groups.retain_mut(|group| {
            let recipe = Recipe::read(&group.recipe, &group.changes).unwrap();
            group.changes.extend(small(&recipe));
            // The first, one in the middle and the last: each kind of variant of the studies is among them.
            let last = group.variants.len() - 1;
            group.variants =
                [0, last / 2, last].map(|at| Variant { against: None, ..group.variants[at].clone() }).into();
            group.variants.dedup();
            recipe.data.path.is_some()
        });
        for group in &config.groups {
            let recipe = Recipe::read(&group.recipe, &group.changes).unwrap();
            let sets = recipe.known_sets();
            assert!(!sets.is_empty() || recipe.data.layout == Some(Layout::FEATURES), "{}", group.name);
            let (data, out) = (fetched(&publisher, sets), TempDir::new().unwrap());
            prepared::prepare(data.path());
            let config = config.clone().only(std::slice::from_ref(&group.name)).unwrap();
            whole(|budget, progress| {
                let place = Place { data: data.path(), device: DeviceName::Cpu, out: out.path(), budget, progress };
                variants::run(study, config.clone(), String::new(), place, 1)
            })
            .unwrap();
        }
    }
}

#[test]
fn the_graph_study_trains_on_what_was_fetched_for_it() {
    let publisher = Publisher::new();
    let config = GraphsConfig { seeds: 1, rates: vec![0.01], epochs: 2, ..GraphsConfig::default() };
    let sets = config.graphs.iter().map(|name| Registry::known().find(name).unwrap());
    let run = |data: &Path| {
        let out = TempDir::new().unwrap();
        whole(|budget, progress| graphs::run(config.clone(), String::new(), data, out.path(), budget, progress))
    };
    let data = fetched(&publisher, sets.clone().take(1));
    let error = run(data.path()).unwrap_err();
    let command = format!("`softnce data fetch citeseer --data {}`", data.path().display());
    assert!(error.is_usage() && error.to_string().contains(&command), "{error}");
    let data = fetched(&publisher, sets);
    assert_eq!(run(data.path()).unwrap().sizes.len(), 2);
    std::fs::remove_file(data.path().join("cora/ind.cora.tx")).unwrap();
    let message = run(data.path()).unwrap_err().to_string();
    let completed = format!("`softnce data fetch cora --data {}` completes it", data.path().display());
    assert!(message.contains("ind.cora.tx") && message.ends_with(&completed), "{message}");
    // Every graph in the registry is one that the study reads.
    let graphs = Registry::known().sets().iter().filter(|set| set.kind == SetKind::Graph);
    assert!(graphs.map(|set| &set.name).eq(&config.graphs));
}
