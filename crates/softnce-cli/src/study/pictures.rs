//! The study of the claims on real pictures.

use std::process::ExitCode;

use softnce_experiments::pictures::{PicturesResults, Place, run as study};
use softnce_experiments::{Budget, estimate};
use softnce_report::number::signed;

use super::args::PicturesArguments;
use super::end;
use crate::exit::{USAGE, fail};
use crate::interrupt::stop_on_ctrl_c;
use crate::memory::AllocatorPeak;
use crate::output::say;
use crate::progress::Bars;

pub fn run(arguments: &PicturesArguments) -> ExitCode {
    let config = match arguments.config() {
        Ok(config) => config,
        Err(error) => return fail(&error, USAGE),
    };
    let stop = stop_on_ctrl_c();
    let folder = arguments.study.folder("pictures");
    let bars = Bars::new();
    let place = Place {
        data: &arguments.place.data_folder(),
        device: arguments.place.device,
        out: &folder,
        budget: Budget::new(&stop, arguments.study.time_budget),
        progress: &bars,
        memory: Some(&AllocatorPeak),
    };
    let outcome = study(config, arguments.command(), place);
    bars.clear();
    end(outcome, &folder, summary)
}

/// The claims.
fn summary(results: &PicturesResults) {
    for set in &results.sets {
        for claim in &set.claims {
            let difference = estimate(claim.difference, 2, signed);
            say!("{:16} {:40} {difference} points: {}", set.name, claim.words(), claim.verdict.name());
        }
    }
}
