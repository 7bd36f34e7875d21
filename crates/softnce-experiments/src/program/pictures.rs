//! The command `pictures`.

use std::process::ExitCode;

use clap::Args;
use softnce_data::fetch::data_folder;
use softnce_experiments::pictures::{PictureSet, PicturesConfig, PicturesResults, Place, run as study};
use softnce_experiments::{Budget, StudyError};
use softnce_report::number::signed;
use softnce_report::with_interval;
use softnce_terminal::{PlaceArguments, peak_memory, reset_peak_memory, say, stop_on_ctrl_c};
use softnce_train::compare::PeakMemory;
use softnce_train::device::DeviceName;

use super::args::{StudyArguments, program, recipe_words};
use super::bar::StudyBar;
use super::end::{end, refuse};

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

/// The peak counted by the program's allocator.
struct AllocatorPeak;

impl PeakMemory for AllocatorPeak {
    fn reset(&self) {
        reset_peak_memory();
    }

    fn peak(&self) -> u64 {
        peak_memory()
    }
}

pub fn run(arguments: &PicturesArguments) -> ExitCode {
    let config = match arguments.config() {
        Ok(config) => config,
        Err(error) => return refuse(&error),
    };
    let stop = stop_on_ctrl_c();
    let folder = arguments.study.folder("pictures");
    let bar = StudyBar::new();
    let place = Place {
        data: &data_folder(arguments.place.data.as_ref()),
        device: arguments.place.device,
        out: &folder,
        budget: Budget::new(&stop, arguments.study.time_budget),
        progress: &bar,
        memory: Some(&AllocatorPeak),
    };
    let outcome = study(config, arguments.command(), place);
    bar.clear();
    end(outcome, &folder, summary)
}

/// The claims.
fn summary(results: &PicturesResults) {
    for set in &results.sets {
        for claim in &set.claims {
            let difference = with_interval(claim.difference, 2, signed);
            say!("{:16} {:40} {difference} points: {}", set.name, claim.words(), claim.verdict.name());
        }
    }
}
