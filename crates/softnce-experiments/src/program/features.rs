//! The command `features`.

use std::num::NonZeroUsize;
use std::process::ExitCode;

use clap::Args;
use softnce_data::fetch::data_folder;
use softnce_experiments::features::{self, FeatureTask, FeaturesConfig, FeaturesResults, Head};
use softnce_experiments::{Place, StudyError};
use softnce_report::number::signed;
use softnce_report::table::Table;
use softnce_report::with_interval;
use softnce_terminal::{PlaceArguments, say};
use softnce_train::device::DeviceName;

use super::args::{StudyArguments, jobs, program, recipe_words};
use super::run::carry_out;

#[derive(Debug, Args)]
pub struct FeaturesArguments {
    /// Sets of features: cifar100, cifar100-lt10, cifar100-lt100, fashion-mnist, cifar10h, digits [default: all].
    #[arg(long, value_delimiter = ',', value_name = "SET,..")]
    sets: Option<Vec<String>>,
    /// Networks on the features: linear, mlp [default: both].
    #[arg(long, value_delimiter = ',', value_name = "NETWORK,..", value_parser = parse_head)]
    networks: Option<Vec<Head>>,
    /// Seeds of each tuned loss [default: 10].
    #[arg(long)]
    seeds: Option<u64>,
    /// Trials with which each loss is tuned [default: 16].
    #[arg(long)]
    trials: Option<usize>,
    /// Change every recipe, such as schedule.epochs=5; may be repeated.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Trainings at once [default: the number of cores].
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    #[command(flatten)]
    place: PlaceArguments<DeviceName>,
    #[command(flatten)]
    study: StudyArguments,
}

impl FeaturesArguments {
    fn config(&self) -> Result<FeaturesConfig, StudyError> {
        let mut config = FeaturesConfig { changes: self.set.clone(), ..FeaturesConfig::default() };
        if let Some(names) = &self.sets {
            config.tasks = FeatureTask::named(names)?;
        }
        config.heads = self.networks.clone().unwrap_or(config.heads);
        config.seeds = self.seeds.unwrap_or(config.seeds);
        config.trials = self.trials.unwrap_or(config.trials);
        Ok(config)
    }

    /// The command that runs it again.
    fn command(&self) -> String {
        let mut words = vec![program("features"), "--data DIR".to_owned()];
        words.extend(self.sets.as_ref().map(|sets| format!("--sets {}", sets.join(","))));
        let heads = |heads: &Vec<Head>| heads.iter().map(Head::to_string).collect::<Vec<_>>().join(",");
        words.extend(self.networks.as_ref().map(|networks| format!("--networks {}", heads(networks))));
        words.extend(self.seeds.map(|seeds| format!("--seeds {seeds}")));
        words.extend(self.trials.map(|trials| format!("--trials {trials}")));
        words.extend(recipe_words(&self.set, self.place.device));
        words.join(" ")
    }
}

pub fn run(arguments: &FeaturesArguments) -> ExitCode {
    let PlaceArguments { data, device } = &arguments.place;
    let jobs = jobs(arguments.jobs, true);
    carry_out(
        &arguments.study,
        "features",
        |out, budget, progress| {
            let place = Place { data: &data_folder(data.as_ref()), device: *device, out, budget, progress };
            features::run(arguments.config()?, arguments.command(), place, jobs)
        },
        summary,
    )
}

/// Accuracy of each loss, and its difference from soft target InfoNCE.
fn summary(results: &FeaturesResults) {
    let mut table = Table::new(["set", "network", "soft target InfoNCE minus", "points"]).with_text(1).with_text(2);
    for task in &results.tasks {
        for claim in task.claims.iter().filter(|claim| claim.measure == softnce_experiments::Measure::TOP1) {
            let difference = with_interval(claim.difference, 2, signed);
            table.add([task.task.clone(), task.head.to_string(), claim.other.title().to_string(), difference]);
        }
    }
    say!("{table}");
}

fn parse_head(text: &str) -> Result<Head, String> {
    text.parse().map_err(|_| format!("expected {}", Head::ALL.map(|head| head.to_string()).join(" or ")))
}
