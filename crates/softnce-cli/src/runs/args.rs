//! The command line of the commands on runs.

use std::path::PathBuf;

use clap::Args;
use softnce_terminal::PlaceArguments;
use softnce_train::device::DeviceName;

#[derive(Debug, Args)]
pub struct TrainArguments {
    /// A recipe: a TOML file, or the name of one that comes with the program.
    pub recipe: String,
    /// Change of the recipe, such as loss.kind=nll; may be given several times.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Folder for the run, instead of runs/NAME.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Print the resolved recipe, the network's size and the expected memory, and train nothing.
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub place: PlaceArguments<DeviceName>,
}

#[derive(Debug, Args)]
pub struct EvalArguments {
    /// Folder of the run.
    pub run: PathBuf,
    /// Write the metrics to this file as JSON, too.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    #[command(flatten)]
    pub place: PlaceArguments<DeviceName>,
}

#[derive(Debug, Args)]
pub struct PredictArguments {
    /// Folder of the run.
    pub run: PathBuf,
    /// Pictures, or folders of pictures.
    #[arg(required = true)]
    pub pictures: Vec<PathBuf>,
    /// Write the table to this file instead of the terminal.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Give the probability of every class, not of the most probable alone.
    #[arg(long)]
    pub probabilities: bool,
    /// Device: cpu; cuda, vulkan, metal or rocm where the program was built with it.
    #[arg(long, default_value = "cpu")]
    pub device: DeviceName,
}

#[derive(Debug, Args)]
pub struct ExportArguments {
    /// Folder of the run.
    pub run: PathBuf,
    /// The file, ending in .safetensors.
    pub file: PathBuf,
}

#[derive(Debug, Args)]
pub struct RecipesArguments {
    /// Recipe to print as TOML.
    pub name: Option<String>,
}
