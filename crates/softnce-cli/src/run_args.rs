//! The command line of the commands on runs.

use std::path::PathBuf;

use clap::Args;
use softnce_data::fetch::cache_folder;
use softnce_train::device::{DeviceError, DeviceName};

/// Where the data lies, and the device.
#[derive(Debug, Args)]
pub struct PlaceArguments {
    /// Folder that the recipe's paths start from [default: $SOFTNCE_DATA, else the folder that `data fetch` fills].
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Device: cpu; cuda, vulkan, metal or rocm where the program was built with it.
    #[arg(long, default_value = "cpu", value_parser = parse_device)]
    pub device: DeviceName,
}

impl PlaceArguments {
    /// The folder that the recipe's paths start from.
    pub fn data_folder(&self) -> PathBuf {
        data_folder(self.data.as_ref())
    }
}

/// The folder of all data: the one named, else that of the sets that are fetched.
pub fn data_folder(named: Option<&PathBuf>) -> PathBuf {
    named.cloned().unwrap_or_else(|| cache_folder().unwrap_or_else(|_| PathBuf::from(".")))
}

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
    pub place: PlaceArguments,
}

#[derive(Debug, Args)]
pub struct EvalArguments {
    /// Folder of the run.
    pub run: PathBuf,
    /// Write the metrics to this file as JSON, too.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    #[command(flatten)]
    pub place: PlaceArguments,
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
    #[arg(long, default_value = "cpu", value_parser = parse_device)]
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

fn parse_device(name: &str) -> Result<DeviceName, DeviceError> {
    name.parse()
}
