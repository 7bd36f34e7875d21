//! The command line of the studies.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use softnce_experiments::StudyError;
use softnce_experiments::graphs::GraphsConfig;
use softnce_experiments::pictures::{PictureSet, PicturesConfig};
use softnce_experiments::toy::ToyConfig;
use softnce_experiments::variants::VariantsConfig;
use softnce_train::device::DeviceName;

use crate::args::quoted;
use crate::run_args::{PlaceArguments, data_folder};

#[derive(Debug, Subcommand)]
pub enum StudyCommand {
    /// What each loss estimates, on a problem whose truth is known.
    Toy(ToyArguments),
    /// The paper's claims on real pictures: optdigits, Fashion-MNIST, CIFAR-10H, CIFAR-100.
    Pictures(PicturesArguments),
    /// Node classification on citation graphs with a graph convolutional network.
    Graphs(GraphsArguments),
    /// Candidates, temperature, smoothing, mixing and noise power, on optdigits.
    Ablations(VariantsArguments),
    /// Long-tailed Fashion-MNIST and CIFAR-100: balanced accuracy over alpha, beside balanced softmax and logit adjustment.
    LongTail(VariantsArguments),
    /// Calibration, divergence from human votes and selective prediction on CIFAR-10H.
    Human(VariantsArguments),
}

#[derive(Debug, Args)]
pub struct ToyArguments {
    /// Seeds that each setting is trained from [default: 10].
    #[arg(long)]
    pub seeds: Option<u64>,
    /// Optimiser steps of each training [default: 1500].
    #[arg(long)]
    pub steps: Option<usize>,
    /// Numbers of training samples, separated by commas; the largest is the one of the other figures
    /// [default: 256,1024,4096,16384,65536].
    #[arg(long, value_delimiter = ',', value_name = "N,..")]
    pub samples: Option<Vec<usize>>,
    /// Numbers of candidates, separated by commas [default: 2,8,32,128,512,4096].
    #[arg(long, value_delimiter = ',', value_name = "M,..")]
    pub candidates: Option<Vec<usize>>,
    #[command(flatten)]
    pub study: StudyArguments,
}

#[derive(Debug, Args)]
pub struct PicturesArguments {
    /// Sets of pictures, separated by commas [default: digits,fashion-mnist,cifar10h,cifar100].
    #[arg(long, value_delimiter = ',', value_name = "SET,..")]
    pub sets: Option<Vec<String>>,
    /// Margin of the equivalence test, in percentage points of accuracy; to be stated before any run [default: 0.5].
    #[arg(long, value_name = "POINTS", allow_negative_numbers = true)]
    pub margin: Option<f64>,
    /// Change of the recipe of every set, such as compare.seeds=3; may be given several times.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    #[command(flatten)]
    pub place: PlaceArguments,
    #[command(flatten)]
    pub study: StudyArguments,
}

#[derive(Debug, Args)]
pub struct GraphsArguments {
    /// Folders of the graphs within that of the data, each with edges.csv and nodes.csv.gz, separated by commas
    /// [default: planetoid/cora,planetoid/citeseer].
    #[arg(long, value_delimiter = ',', value_name = "NAME,..")]
    pub graphs: Option<Vec<String>>,
    /// Seeds that are compared [default: 20].
    #[arg(long)]
    pub seeds: Option<u64>,
    /// Steps of each training [default: 200].
    #[arg(long)]
    pub epochs: Option<usize>,
    /// Learning rates tried for each loss, separated by commas [default: 0.003,0.01,0.03,0.1].
    #[arg(long, value_delimiter = ',', value_name = "RATE,..")]
    pub rates: Option<Vec<f64>>,
    /// Folder that holds those of the graphs [default: $SOFTNCE_DATA, else that of the sets that `data fetch` brings].
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    #[command(flatten)]
    pub study: StudyArguments,
}

#[derive(Debug, Args)]
pub struct VariantsArguments {
    /// Groups of variants, separated by commas [default: all].
    #[arg(long, value_delimiter = ',', value_name = "GROUP,..")]
    pub groups: Option<Vec<String>>,
    /// Seeds of each variant [default: 10 for ablations, else 5].
    #[arg(long)]
    pub seeds: Option<u64>,
    /// Change of every recipe, such as schedule.epochs=5, before those of the variants; may be given several times.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Trainings at once [default: one a core for ablations, whose networks are small, else 1].
    #[arg(long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
    #[command(flatten)]
    pub place: PlaceArguments,
    #[command(flatten)]
    pub study: StudyArguments,
}

/// What all studies take.
#[derive(Debug, Args)]
pub struct StudyArguments {
    /// Folder for the results [default: runs/NAME].
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Minutes after which nothing more is started; the same command continues.
    #[arg(long, value_name = "MINUTES", value_parser = parse_minutes)]
    pub time_budget: Option<Duration>,
}

impl StudyArguments {
    /// Where the results go.
    pub fn folder(&self, name: &str) -> PathBuf {
        self.out.clone().unwrap_or_else(|| PathBuf::from("runs").join(name))
    }
}

impl ToyArguments {
    /// The settings of the study.
    pub fn config(&self) -> ToyConfig {
        let mut config = ToyConfig::default();
        config.seeds = self.seeds.unwrap_or(config.seeds);
        config.training.steps = self.steps.unwrap_or(config.training.steps);
        config.samples = self.samples.clone().unwrap_or(config.samples);
        config.candidates = self.candidates.clone().unwrap_or(config.candidates);
        config
    }

    /// The command that runs it again.
    pub fn command(&self) -> String {
        let list = |values: &[usize]| values.iter().map(usize::to_string).collect::<Vec<_>>().join(",");
        let mut words = vec!["cargo run --release -- toy".to_owned()];
        words.extend(self.seeds.map(|seeds| format!("--seeds {seeds}")));
        words.extend(self.steps.map(|steps| format!("--steps {steps}")));
        words.extend(self.samples.as_deref().map(|samples| format!("--samples {}", list(samples))));
        words.extend(self.candidates.as_deref().map(|candidates| format!("--candidates {}", list(candidates))));
        words.join(" ")
    }
}

impl PicturesArguments {
    /// The settings of the study.
    pub fn config(&self) -> Result<PicturesConfig, StudyError> {
        let mut config = PicturesConfig::default();
        if let Some(names) = &self.sets {
            config.sets = PictureSet::named(names)?;
        }
        config.margin = self.margin.unwrap_or(config.margin);
        config.sets.iter_mut().for_each(|set| set.changes.extend(self.set.iter().cloned()));
        Ok(config)
    }

    /// The command that runs it again.
    pub fn command(&self) -> String {
        let mut words = vec!["cargo run --release -- study pictures --data DIR".to_owned()];
        words.extend(self.sets.as_ref().map(|sets| format!("--sets {}", sets.join(","))));
        words.extend(self.margin.map(|margin| format!("--margin {margin}")));
        words.extend(recipe_words(&self.set, self.place.device));
        words.join(" ")
    }
}

impl VariantsArguments {
    /// The settings of the study, from those that it has by default.
    pub fn config(&self, default: VariantsConfig) -> Result<VariantsConfig, StudyError> {
        let mut config = match &self.groups {
            Some(names) => default.only(names)?,
            None => default,
        };
        config.seeds = self.seeds.unwrap_or(config.seeds);
        config.groups.iter_mut().for_each(|group| group.changes.extend(self.set.iter().cloned()));
        Ok(config)
    }

    /// The command that runs the study again.
    pub fn command(&self, study: &str) -> String {
        let mut words = vec![format!("cargo run --release -- study {study}")];
        words.extend(self.place.data.as_ref().map(|_| "--data DIR".to_owned()));
        words.extend(self.groups.as_ref().map(|groups| format!("--groups {}", groups.join(","))));
        words.extend(self.seeds.map(|seeds| format!("--seeds {seeds}")));
        words.extend(recipe_words(&self.set, self.place.device));
        words.join(" ")
    }
}

impl GraphsArguments {
    /// The settings of the study.
    pub fn config(&self) -> GraphsConfig {
        let mut config = GraphsConfig::default();
        config.graphs = self.graphs.clone().unwrap_or(config.graphs);
        config.seeds = self.seeds.unwrap_or(config.seeds);
        config.epochs = self.epochs.unwrap_or(config.epochs);
        config.rates = self.rates.clone().unwrap_or(config.rates);
        config
    }

    /// The folder that holds those of the graphs.
    pub fn data_folder(&self) -> PathBuf {
        data_folder(self.data.as_ref())
    }

    /// The command that runs it again.
    pub fn command(&self) -> String {
        let mut words = vec!["cargo run --release -- study graphs --data DIR".to_owned()];
        words.extend(self.graphs.as_ref().map(|graphs| format!("--graphs {}", graphs.join(","))));
        words.extend(self.seeds.map(|seeds| format!("--seeds {seeds}")));
        words.extend(self.epochs.map(|epochs| format!("--epochs {epochs}")));
        let list = |rates: &Vec<f64>| rates.iter().map(f64::to_string).collect::<Vec<_>>().join(",");
        words.extend(self.rates.as_ref().map(|rates| format!("--rates {}", list(rates))));
        words.join(" ")
    }
}

/// What a command says of changes of the recipes and of the device.
fn recipe_words(changes: &[String], device: DeviceName) -> impl Iterator<Item = String> {
    let changes = changes.iter().map(|change| format!("--set {}", quoted(change)));
    changes.chain((device != DeviceName::Cpu).then(|| format!("--device {device}")))
}

fn parse_minutes(text: &str) -> Result<Duration, String> {
    let minutes: f64 = text.parse().map_err(|_| format!("{text:?}, expected a number of minutes"))?;
    let expected = |_| format!("{text}, expected a finite number of minutes, not below 0");
    Duration::try_from_secs_f64(60.0 * minutes).map_err(expected)
}
