//! The command `pictures`.

use std::process::ExitCode;

use clap::Args;
use softnce_data::fetch::data_folder;
use softnce_experiments::pictures::{self, PictureSet, PicturesConfig, PicturesResults};
use softnce_experiments::{Place, StudyError};
use softnce_report::number::signed;
use softnce_report::table::Table;
use softnce_report::with_interval;
use softnce_terminal::{PlaceArguments, peak_memory, reset_peak_memory, say};
use softnce_train::compare::PeakMemory;
use softnce_train::device::DeviceName;

use super::args::{StudyArguments, program, recipe_words};
use super::run::carry_out;

#[derive(Debug, Args)]
pub struct PicturesArguments {
    /// Sets of pictures [default: digits,fashion-mnist,cifar10h,cifar100].
    #[arg(long, value_delimiter = ',', value_name = "SET,..")]
    pub sets: Option<Vec<String>>,
    /// Margin of the equivalence test, in percentage points; state it before any run [default: 0.5].
    #[arg(long, value_name = "POINTS", allow_negative_numbers = true)]
    pub margin: Option<f64>,
    /// Change the recipe of every set, such as compare.seeds=3; may be repeated.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    #[command(flatten)]
    pub place: PlaceArguments<DeviceName>,
    #[command(flatten)]
    pub study: StudyArguments,
}

impl PicturesArguments {
    /// The settings of the experiment.
    fn config(&self) -> Result<PicturesConfig, StudyError> {
        let mut config = PicturesConfig::default();
        if let Some(names) = &self.sets {
            config.sets = PictureSet::named(names)?;
        }
        config.margin = self.margin.unwrap_or(config.margin);
        config.sets.iter_mut().for_each(|set| set.changes.extend(self.set.iter().cloned()));
        Ok(config)
    }

    /// The command that runs it again.
    fn command(&self) -> String {
        let mut words = vec![program("pictures"), "--data DIR".to_owned()];
        words.extend(self.sets.as_ref().map(|sets| format!("--sets {}", sets.join(","))));
        words.extend(self.margin.map(|margin| format!("--margin {margin}")));
        words.extend(recipe_words(&self.set, self.place.device));
        words.join(" ")
    }
}

pub fn run(arguments: &PicturesArguments) -> ExitCode {
    let PlaceArguments { data, device } = &arguments.place;
    let memory = PeakMemory { reset: reset_peak_memory, peak: peak_memory };
    carry_out(
        &arguments.study,
        "pictures",
        |out, budget, progress| {
            let place = Place { data: &data_folder(data.as_ref()), device: *device, out, budget, progress };
            pictures::run(arguments.config()?, arguments.command(), place, Some(memory))
        },
        summary,
    )
}

/// The claims.
fn summary(results: &PicturesResults) {
    let mut table = Table::new(["set", "claim", "points", "verdict"]).with_text(1).with_text(3);
    for set in &results.sets {
        for claim in &set.claims {
            let difference = with_interval(claim.difference, 2, signed);
            table.add([set.name.as_str(), &claim.words(), &difference, claim.verdict.name()]);
        }
    }
    say!("{table}");
}
