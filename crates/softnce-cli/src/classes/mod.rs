//! The commands on runs over many classes, whose recipes have a `data.kind`.

mod eval;
mod export;
mod predict;
mod progress;
mod train;

use std::process::ExitCode;

pub use eval::run as eval;
pub use export::run as export;
pub use predict::run as predict;
use softnce_classes::ClassesError;
use softnce_classes::recipe::{ClassesRecipe, built_in};
pub use softnce_classes::run::is_run;
use softnce_terminal::{FAILED, USAGE, fail};
use softnce_train::device::DeviceName;
use softnce_train::recipe::{RecipeError, read_table, read_text};
pub use train::run as train;

use crate::runs::TrainArguments;

/// The recipe of a run over many classes, from a file or by its name; `None` for other recipes, and for files that are no
/// recipes at all.
pub fn recipe(arguments: &TrainArguments) -> Option<Result<ClassesRecipe, ClassesError>> {
    let name = &arguments.recipe;
    let (origin, text) = match built_in(name) {
        Ok(text) => (name.into(), text.to_owned()),
        Err(_) => read_text(name).ok()?,
    };
    let table = |changes: &[String]| read_table(&origin, &text, changes);
    let has_kind = |changes| table(changes).ok()?.get("data")?.get("kind").map(drop);
    // A change may add the kind, and it may be at fault in a recipe that has one.
    has_kind(&arguments.set).or_else(|| has_kind(&[]))?;
    let refused = |error: RecipeError| ClassesError::Recipe { name: name.clone(), reason: error.to_string() };
    Some(table(&arguments.set).map_err(refused).and_then(|table| ClassesRecipe::from_table(name, table)))
}

/// Prints the error of a command, if there is one.
pub fn end(outcome: Result<ExitCode, ClassesError>) -> ExitCode {
    outcome.unwrap_or_else(|error| fail(&error, if error.is_usage() { USAGE } else { FAILED }))
}

/// Refuses a device other than the CPU.
fn check_device(device: DeviceName) -> Result<(), ClassesError> {
    if device == DeviceName::Cpu {
        return Ok(());
    }
    Err(ClassesError::Setting {
        setting: "--device",
        found: device.to_string(),
        expected: "cpu, the only one on which many classes are trained (softnce.head trains them on a GPU)".to_owned(),
    })
}
