//! The commands of the studies made of variants of a recipe: one for each in the table of them.

use std::num::NonZeroUsize;
use std::process::ExitCode;

use clap::{ArgMatches, Args, Command, FromArgMatches};
use softnce_data::fetch::data_folder;
use softnce_experiments::variants::{self, Study, VariantsConfig, VariantsResults};
use softnce_experiments::{Place, StudyError};
use softnce_report::number::fixed;
use softnce_report::table::Table;
use softnce_report::with_interval;
use softnce_terminal::{PlaceArguments, answer, say};
use softnce_train::device::DeviceName;

use super::args::{StudyArguments, jobs, program, recipe_words};
use super::run::carry_out;

#[derive(Debug, Args)]
struct VariantsArguments {
    /// Groups of variants [default: all].
    #[arg(long, value_delimiter = ',', value_name = "GROUP,..")]
    groups: Option<Vec<String>>,
    /// Seeds of each variant.
    #[arg(long)]
    seeds: Option<u64>,
    /// Change every recipe, such as schedule.epochs=5, before the variants' own changes; may be repeated.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Trainings at once.
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    #[command(flatten)]
    place: PlaceArguments<DeviceName>,
    #[command(flatten)]
    study: StudyArguments,
}

/// The command of a study.
pub fn command(study: &Study) -> Command {
    let names: Vec<String> = (study.groups)().into_iter().map(|group| group.name).collect();
    let groups = format!("Groups of variants: {} [default: all]", names.join(", "));
    let seeds = format!("Seeds of each variant [default: {}]", study.seeds);
    let jobs = format!("Trainings at once [default: {}]", if study.small { "the number of cores" } else { "1" });
    // What the arguments are flattened from brings a description of its own.
    VariantsArguments::augment_args(Command::new(study.name))
        .about(study.about)
        .long_about(None)
        .mut_arg("groups", |argument| argument.help(groups))
        .mut_arg("seeds", |argument| argument.help(seeds))
        .mut_arg("jobs", |argument| argument.help(jobs))
}

impl VariantsArguments {
    /// The settings of a study.
    fn config(&self, study: &Study) -> Result<VariantsConfig, StudyError> {
        let mut config = study.config();
        if let Some(names) = &self.groups {
            config = config.only(names)?;
        }
        config.seeds = self.seeds.unwrap_or(config.seeds);
        config.groups.iter_mut().for_each(|group| group.changes.extend(self.set.iter().cloned()));
        Ok(config)
    }

    /// The command that runs the study again.
    fn again(&self, study: &Study) -> String {
        let mut words = vec![program(study.name)];
        words.extend(self.place.data.as_ref().map(|_| "--data DIR".to_owned()));
        words.extend(self.groups.as_ref().map(|groups| format!("--groups {}", groups.join(","))));
        words.extend(self.seeds.map(|seeds| format!("--seeds {seeds}")));
        words.extend(recipe_words(&self.set, self.place.device));
        words.join(" ")
    }
}

/// Runs a study with what its command was given.
pub fn run(study: &Study, matches: &ArgMatches) -> ExitCode {
    let arguments = match VariantsArguments::from_arg_matches(matches) {
        Ok(arguments) => arguments,
        Err(error) => return answer(&error),
    };
    let jobs = jobs(arguments.jobs, study.small);
    let PlaceArguments { data, device } = &arguments.place;
    carry_out(
        &arguments.study,
        study.name,
        |out, budget, progress| {
            let place = Place { data: &data_folder(data.as_ref()), device: *device, out, budget, progress };
            variants::run(study, arguments.config(study)?, arguments.again(study), place, jobs)
        },
        summary,
    )
}

/// The first measure of each variant.
fn summary(results: &VariantsResults) {
    for (group, found) in results.groups() {
        let Some(&measure) = group.measures.first() else { continue };
        let mut table = Table::new([&group.title, &measure.label()]);
        for row in &found.rows {
            let value = row.values.get(&measure).map(|value| with_interval(*value, measure.decimals(), fixed));
            table.add([row.name.clone(), value.unwrap_or_else(|| "diverged".into())]);
        }
        say!("{table}");
    }
}
