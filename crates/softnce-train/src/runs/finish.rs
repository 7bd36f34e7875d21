//! What a finished run writes: the metrics, the epochs, the report.

use softnce_data::info::thumbnail;
use softnce_metrics::EvaluatedExample;
use softnce_report::ReportError;
use softnce_report::results::{ReportPicture, RunReport, ScaledResult};
use softnce_report::run::{caption, files, history, json};
use softnce_store::Folder;

use super::data::{Labelled, RunData};
use super::error::RunError;
use super::evaluate::TestResult;
use super::fitted;
use super::manifest::RunInfo;
use super::state::TrainState;
use crate::recipe::Recipe;

/// Adds its epochs to the report of a run, and writes `temperature.json`, `metrics.json`, `metrics.md`, `history.csv` and
/// `report.html`. `epoch`: that of the weights that were tested.
pub(super) fn write(
    folder: &Folder,
    state: &TrainState,
    epoch: usize,
    mut report: RunReport,
) -> Result<RunReport, RunError> {
    report.wall_seconds = state.position.seconds;
    report.curves.clone_from(&state.history);
    let failed = |error: ReportError| RunError::Report { reason: error.to_string() };
    fitted::write(folder, epoch, report.scaled.as_ref().map(|scaled| scaled.fit))?;
    folder.write_sealed("metrics.json", &json(&report).map_err(failed)?)?;
    folder.write_csv("history.csv", history(&state.history))?;
    for (name, content) in files(&report).map_err(failed)? {
        folder.write(name, content)?;
    }
    Ok(report)
}

/// The report of a network that was tested, without the epochs that led to it.
pub(super) fn figures(
    recipe: &Recipe,
    info: &RunInfo,
    data: &RunData,
    tested: TestResult,
) -> Result<RunReport, RunError> {
    let class_names = data.test.pictures.class_names().to_vec();
    let pictures = |examples: &[EvaluatedExample]| shown(&data.test, examples, &class_names);
    let (hardest, confidently_wrong) = (pictures(&tested.test.hardest), pictures(&tested.test.confidently_wrong));
    Ok(RunReport {
        title: format!("{}: {}", recipe.name, recipe.loss.kind.title()),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        recipe_toml: recipe.to_toml()?,
        split: "test".to_owned(),
        parameters: info.parameters,
        wall_seconds: 0.0,
        class_names,
        curves: Vec::new(),
        result: tested.test,
        scaled: tested.fit.zip(tested.scaled).map(|(fit, result)| ScaledResult { fit, result }),
        hardest,
        confidently_wrong,
    })
}

/// The longer side of a picture in the report, in pixels.
const LONGEST: u32 = 224;

/// The pictures of a list, reduced in size. One that cannot be read any more has only its name: it must not cost the report.
fn shown(pictures: &Labelled, examples: &[EvaluatedExample], class_names: &[String]) -> Vec<ReportPicture> {
    let show = |example: &EvaluatedExample| {
        // Rows of features have nothing to show but their place.
        let png = match pictures.pictures.features() {
            Some(_) => Ok(Vec::new()),
            None => thumbnail(&*pictures.pictures, example.index, LONGEST),
        };
        let png = png.unwrap_or_else(|error| {
            log::warn!("a picture is missing in the report: {error}");
            Vec::new()
        });
        ReportPicture { name: pictures.pictures.describe(example.index), png, caption: caption(example, class_names) }
    };
    examples.iter().map(show).collect()
}
