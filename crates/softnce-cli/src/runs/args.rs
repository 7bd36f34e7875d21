//! The options of the commands on runs.

use std::path::PathBuf;

use clap::Args;
use softnce_data::sets::Split;
use softnce_terminal::PlaceArguments;
use softnce_train::device::DeviceName;
use softnce_train::runs::Library;

use crate::data::args::parts;

#[derive(Debug, Args)]
pub struct TrainArguments {
    /// Recipe: a TOML file, or a name that `softnce recipes` lists.
    pub recipe: String,
    /// Change the recipe, such as loss.kind=nll; may be repeated.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Folder for the run [default: runs/NAME].
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Print the complete recipe, the network's size and the expected memory; train nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Train even if the expected memory is more than is available.
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    pub place: PlaceArguments<DeviceName>,
}

#[derive(Debug, Args)]
pub struct EvalArguments {
    /// Folder of the run.
    pub run: PathBuf,
    /// Also write the metrics to this JSON file.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    #[command(flatten)]
    pub place: PlaceArguments<DeviceName>,
}

#[derive(Debug, Args)]
pub struct PredictArguments {
    /// Folder of the run.
    pub run: PathBuf,
    /// Pictures, or folders of pictures [default: the run's test pictures, in the data folder as for `eval`]. For a run
    /// over many classes: one file of rows, in the format of the run's data.
    pub pictures: Vec<PathBuf>,
    /// Predict all pictures of this split of the run's set, in their order. With `--split train --logits` the file can be
    /// the `data.train_labels` of another recipe.
    #[arg(long, value_parser = parts(), conflicts_with = "pictures")]
    pub split: Option<Split>,
    /// CSV file for the predictions [default: the terminal]; it is FILE.part until all rows are there.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Write the K most probable classes.
    #[arg(long, value_name = "K")]
    pub top: Option<usize>,
    /// Write the probability of every class.
    #[arg(long)]
    pub probabilities: bool,
    /// Write the logit of every class.
    #[arg(long)]
    pub logits: bool,
    /// Divide the logits by the temperature that was fitted on the validation pictures.
    #[arg(long)]
    pub scaled: bool,
    #[command(flatten)]
    pub place: PlaceArguments<DeviceName>,
}

#[derive(Debug, Args)]
pub struct ExportArguments {
    /// Folder of the run.
    pub run: PathBuf,
    /// File to write: .safetensors, or .onnx.
    pub file: PathBuf,
    /// Names of the tensors in .safetensors: timm or torchvision [default: timm]. For residual networks both are the same.
    #[arg(long)]
    pub names: Option<Library>,
}

#[derive(Debug, Args)]
pub struct RecipesArguments {
    /// Print this recipe as TOML.
    pub name: Option<String>,
}
