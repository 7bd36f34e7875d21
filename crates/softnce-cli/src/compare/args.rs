//! The options of the command `compare`.

use std::path::PathBuf;

use clap::Args;
use softnce::LossKind;
use softnce_terminal::{PlaceArguments, quoted};
use softnce_train::device::DeviceName;

#[derive(Debug, Args)]
pub struct CompareArguments {
    /// Recipe: a TOML file, or a name that `softnce recipes` lists.
    #[arg(default_value = MAIN_JOB)]
    pub recipe: String,
    /// Change the recipe, such as training.batch_size=256; may be repeated.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Losses to compare [default: the recipe's compare.losses].
    #[arg(long, value_delimiter = ',', value_name = "LOSS,..")]
    pub losses: Option<Vec<LossKind>>,
    /// Seeds of each loss [default: the recipe's compare.seeds].
    #[arg(long)]
    pub seeds: Option<u64>,
    /// Epochs of each run [default: the recipe's schedule.epochs].
    #[arg(long)]
    pub epochs: Option<usize>,
    /// Learning rates to choose from by validation accuracy [default: the recipe's compare.learning_rates].
    #[arg(long, value_delimiter = ',', value_name = "RATE,..", allow_negative_numbers = true)]
    pub learning_rates: Option<Vec<f64>>,
    /// Seeds to try each learning rate with [default: the recipe's compare.tuning_seeds].
    #[arg(long)]
    pub tuning_seeds: Option<u64>,
    /// Folder for the results [default: runs/compare for the recipe digits, else runs/compare-NAME].
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Train even if the expected memory is more than is available.
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    pub place: PlaceArguments<DeviceName>,
}

/// The recipe that `compare` trains by default.
const MAIN_JOB: &str = "digits";

impl CompareArguments {
    /// The changes of the recipe: those of `--set`, then those of the other options.
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
