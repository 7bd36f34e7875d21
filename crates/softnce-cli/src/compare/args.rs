//! The options of the command `compare`.

use std::path::PathBuf;

use clap::Args;
use softnce::LossKind;
use softnce_terminal::{PlaceArguments, quoted};
use softnce_train::device::DeviceName;

#[derive(Debug, Args)]
pub struct CompareArguments {
    /// A recipe: a TOML file, or the name of one that comes with the program.
    #[arg(default_value = MAIN_JOB)]
    pub recipe: String,
    /// Change of the recipe, such as training.batch_size=256; may be given several times.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Losses to compare, separated by commas [default: the recipe's compare.losses].
    #[arg(long, value_delimiter = ',', value_name = "LOSS,..", value_parser = parse_loss)]
    pub losses: Option<Vec<LossKind>>,
    /// Number of seeds, the same for every loss [default: the recipe's compare.seeds].
    #[arg(long)]
    pub seeds: Option<u64>,
    /// Passes over the training pictures [default: the recipe's schedule.epochs].
    #[arg(long)]
    pub epochs: Option<usize>,
    /// Learning rates tried on the validation pictures, separated by commas [default: the recipe's
    /// compare.learning_rates].
    #[arg(long, value_delimiter = ',', value_name = "RATE,..", allow_negative_numbers = true)]
    pub learning_rates: Option<Vec<f64>>,
    /// Seeds that each learning rate is tried with; their mean decides [default: the recipe's compare.tuning_seeds].
    #[arg(long)]
    pub tuning_seeds: Option<u64>,
    /// Folder for the results [default: runs/compare for the main job, else runs/compare-NAME].
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub place: PlaceArguments<DeviceName>,
}

/// The recipe of the main job.
const MAIN_JOB: &str = "digits";

impl CompareArguments {
    /// The changes of the recipe, those of the options behind those of `--set`.
    pub fn changes(&self) -> Vec<String> {
        let mut changes = self.set.clone();
        let mut add = |key: &str, value: Option<String>| changes.extend(value.map(|value| format!("{key}={value}")));
        let losses = self.losses.as_ref();
        let names = losses.map(|losses| losses.iter().map(|loss| format!("{:?}", loss.name())).collect::<Vec<_>>());
        add("compare.losses", names.map(|names| format!("[{}]", names.join(", "))));
        add("compare.seeds", self.seeds.map(|seeds| seeds.to_string()));
        add("schedule.epochs", self.epochs.map(|epochs| epochs.to_string()));
        let rates = self.learning_rates.as_ref();
        let rates = rates.map(|rates| rates.iter().map(|rate| format!("{rate:?}")).collect::<Vec<_>>());
        add("compare.learning_rates", rates.map(|rates| format!("[{}]", rates.join(", "))));
        add("compare.tuning_seeds", self.tuning_seeds.map(|seeds| seeds.to_string()));
        changes
    }

    /// Where the results go.
    pub fn folder(&self, name: &str) -> PathBuf {
        let named = if name == MAIN_JOB { "compare".to_owned() } else { format!("compare-{name}") };
        self.out.clone().unwrap_or_else(|| PathBuf::from("runs").join(named))
    }

    /// The command that runs it again.
    pub fn command(&self) -> String {
        let mut words = vec!["cargo run --release -- compare".to_owned()];
        words.extend((self.recipe != MAIN_JOB).then(|| quoted(&self.recipe)));
        words.extend(self.changes().iter().map(|change| format!("--set {}", quoted(change))));
        let device = self.place.device;
        words.extend((device != DeviceName::Cpu).then(|| format!("--device {device}")));
        words.join(" ")
    }
}

fn parse_loss(name: &str) -> Result<LossKind, softnce::Error> {
    name.parse()
}
