//! The command `many-classes`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use softnce_data::fetch::data_folder;
use softnce_experiments::classes::{self, ClassesConfig, ClassesResults};
use softnce_experiments::{Place, StudyError};
use softnce_report::number::fixed;
use softnce_report::table::Table;
use softnce_report::with_interval;
use softnce_terminal::say;
use softnce_train::device::DeviceName;

use super::args::{StudyArguments, program};
use super::run::carry_out;

#[derive(Debug, Args)]
pub struct ClassesArguments {
    /// Groups of variants: generated-10000, generated-1000000, next-word-10000, next-word-100000, next-word-rates
    /// [default: all].
    #[arg(long, value_delimiter = ',', value_name = "GROUP,..")]
    groups: Option<Vec<String>>,
    /// Seeds of each variant [default: 1].
    #[arg(long)]
    seeds: Option<u64>,
    /// Change every recipe, such as schedule.steps=100, after the variants' own changes; may be repeated.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Data folder [default: $SOFTNCE_DATA, or the folder that `softnce data fetch` fills].
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    #[command(flatten)]
    study: StudyArguments,
}

impl ClassesArguments {
    fn config(&self) -> Result<ClassesConfig, StudyError> {
        let config = ClassesConfig { seeds: self.seeds.unwrap_or(1), set: self.set.clone(), groups: classes::groups() };
        match &self.groups {
            Some(names) => config.only(names),
            None => Ok(config),
        }
    }

    /// The command that runs it again.
    fn command(&self) -> String {
        let mut words = vec![program("many-classes")];
        words.extend(self.data.as_ref().map(|_| "--data DIR".to_owned()));
        words.extend(self.groups.as_ref().map(|groups| format!("--groups {}", groups.join(","))));
        words.extend(self.seeds.map(|seeds| format!("--seeds {seeds}")));
        words.extend(super::args::recipe_words(&self.set, DeviceName::Cpu));
        words.join(" ")
    }
}

pub fn run(arguments: &ClassesArguments) -> ExitCode {
    carry_out(
        &arguments.study,
        "many-classes",
        |out, budget, progress| {
            let data = data_folder(arguments.data.as_ref());
            let place = Place { data: &data, device: DeviceName::Cpu, out, budget, progress };
            classes::run(arguments.config()?, arguments.command(), place)
        },
        summary,
    )
}

/// The first three measures of each variant.
fn summary(results: &ClassesResults) {
    for (group, found) in results.groups() {
        let shown: Vec<_> = group.measures.iter().copied().take(3).collect();
        let mut table =
            Table::new([group.title.as_str()].into_iter().chain(shown.iter().map(|measure| measure.label())));
        for row in &found.rows {
            let values = shown.iter().map(|measure| {
                let value = row.values.get(measure);
                value.map_or_else(String::new, |value| with_interval(*value, measure.decimals(), fixed))
            });
            table.add([row.name.clone()].into_iter().chain(values));
        }
        say!("{table}");
    }
}
