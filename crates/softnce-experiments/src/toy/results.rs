//! What the study found: plain data.

use serde::{Deserialize, Serialize};
use softnce::LossKind;
use softnce_metrics::{Estimate, mean_interval};

use super::estimator::Candidates;
use super::plan::{CLASSES, COMPARED, ToyConfig};
use super::problem::Problem;
use super::theory::{InBatch, mutual_information, with_one_other};
use super::trial::{Found, Setting, points};
use crate::StudyError;

/// All that the study found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToyResults {
    /// Version of the program.
    pub version: String,
    /// The command that runs it again.
    pub command: String,
    /// The settings.
    pub config: ToyConfig,
    /// Mutual information of input and target with two classes, in nats.
    pub information: f64,
    /// What was trained, setting by setting; without those of which every seed diverged.
    pub cells: Vec<Cell>,
    /// The trainings that diverged. They are in no cell.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub diverged: Vec<(Setting, Found)>,
}

/// One setting over its seeds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// The setting.
    pub setting: Setting,
    /// What it finds with unlimited data, as [`Found::curve`]; none if that is not known.
    pub predicted: Option<Vec<f64>>,
    /// Root mean square distance between prediction and true parameter.
    pub bias: Option<f64>,
    /// Root mean square distance to the true parameter, over the points and the classes except the last.
    pub to_truth: Estimate,
    /// The same to what is predicted.
    pub to_prediction: Option<Estimate>,
    /// `ln M - L`, contrastive losses alone.
    pub bound: Option<Estimate>,
    /// Seed by seed, those that did not diverge.
    pub runs: Vec<Found>,
}

/// Candidates from which on the end point is that of any number, to a hundredth.
const MANY: usize = 100;

/// Closed forms at the points, each a curve as [`Found::curve`].
pub(crate) struct Known {
    classes: usize,
    truth: Vec<f64>,
    in_batch: Vec<f64>,
    /// With two candidates; two classes alone.
    in_pairs: Option<Vec<f64>>,
    log_mean: Vec<f64>,
    log_mode: Vec<f64>,
}

impl Known {
    pub(crate) fn new(classes: usize) -> Self {
        let problem = Problem { classes };
        let points = points();
        let means: Vec<Vec<f64>> = points.iter().map(|&x| problem.mean(x)).collect();
        let logs = |rows: &[Vec<f64>]| -> Vec<Vec<f64>> {
            rows.iter().map(|row| row.iter().map(|value| value.ln()).collect()).collect()
        };
        let modes: Vec<Vec<f64>> = points.iter().map(|&x| problem.mode(x)).collect();
        Known {
            classes,
            truth: truth(classes),
            in_pairs: (classes == 2).then(|| with_one_other(&points)),
            in_batch: curve(&InBatch::new(problem).parameters(&means)),
            log_mean: curve(&logs(&means)),
            log_mode: curve(&logs(&modes)),
        }
    }

    /// What a setting finds with unlimited data, if that is known.
    fn predicted(&self, setting: &Setting) -> Option<Vec<f64>> {
        let Setting { estimator, candidates, .. } = *setting;
        Some(match (estimator.loss, estimator.candidates) {
            (LossKind::SoftTargetInfoNce, Candidates::Batch | Candidates::Training) => match candidates {
                2 => self.in_pairs.clone()?,
                MANY.. => self.in_batch.clone(),
                _ => return None,
            },
            (LossKind::SoftTargetInfoNce, Candidates::Skewed) if !estimator.corrected && self.classes == 2 => {
                let off = super::SKEW[0] - super::SKEW[1];
                self.truth.iter().map(|value| value - off).collect()
            }
            (LossKind::SoftTargetInfoNce, Candidates::Density | Candidates::Skewed) => self.truth.clone(),
            (LossKind::SoftTargetCrossEntropy | LossKind::SoftDistributionInfoNce, _) => self.log_mean.clone(),
            (LossKind::InfoNce | LossKind::Nll, _) => self.log_mode.clone(),
            _ => return None,
        })
    }
}

/// Rows of one value a class, less that of the last class: class by class.
fn curve(rows: &[Vec<f64>]) -> Vec<f64> {
    let last = rows.first().map_or(0, |row| row.len() - 1);
    (0..last).flat_map(|class| rows.iter().map(move |row| row[class] - row[last])).collect()
}

impl ToyResults {
    /// Puts the trainings together.
    pub(crate) fn new(
        config: ToyConfig,
        command: String,
        trained: Vec<(Setting, Vec<Found>)>,
    ) -> Result<Self, StudyError> {
        let known = CLASSES.map(Known::new);
        let mut diverged = Vec::new();
        let trained = trained.into_iter().map(|(setting, runs)| {
            let (lost, runs): (Vec<Found>, Vec<Found>) = runs.into_iter().partition(|run| run.diverged.is_some());
            diverged.extend(lost.into_iter().map(|run| (setting, run)));
            (setting, runs)
        });
        let trained: Vec<(Setting, Vec<Found>)> = trained.filter(|(_, runs)| !runs.is_empty()).collect();
        let cells = trained.into_iter().map(|(setting, runs)| {
            let known = if setting.classes == 2 { &known[0] } else { &known[1] };
            let length = known.truth.len();
            if let Some(run) = runs.iter().find(|run| run.curve.len() != length) {
                let expected = "one value a point and class, of the same version";
                return Err(StudyError::argument("curve", run.curve.len(), expected));
            }
            let predicted = known.predicted(&setting);
            let away = |from: &[f64]| -> Vec<f64> { runs.iter().map(|run| distance(&run.curve, from)).collect() };
            let bounds: Option<Vec<f64>> = runs.iter().map(|run| run.bound).collect();
            let cell = Cell {
                to_truth: mean_interval(&away(&known.truth))?,
                to_prediction: predicted.as_deref().map(|curve| mean_interval(&away(curve))).transpose()?,
                bias: predicted.as_deref().map(|curve| root_mean_square(curve, &known.truth)),
                bound: bounds.map(|bounds| mean_interval(&bounds)).transpose()?,
                setting,
                predicted,
                runs,
            };
            Ok(cell)
        });
        let cells = cells.collect::<Result<Vec<Cell>, StudyError>>()?;
        let information = mutual_information();
        Ok(ToyResults { version: env!("CARGO_PKG_VERSION").to_owned(), command, config, information, cells, diverged })
    }

    /// Distances of each seed of a cell to the truth and to what is predicted.
    pub(crate) fn distances(cell: &Cell) -> Vec<(f64, Option<f64>)> {
        let truth = truth(cell.setting.classes);
        let each = cell.runs.iter().map(|run| {
            let to = |curve: &[f64]| distance(&run.curve, curve);
            (to(&truth), cell.predicted.as_deref().map(to))
        });
        each.collect()
    }

    /// The estimators that are compared side by side, by name.
    pub fn side_by_side(&self) -> impl Iterator<Item = (String, &Cell)> {
        let settings =
            CLASSES.into_iter().flat_map(|classes| COMPARED.map(|estimator| self.config.usual(classes, estimator)));
        settings.filter_map(|setting| Some((setting.estimator.title(), self.cell(&setting)?)))
    }

    /// The cell of a setting.
    pub(crate) fn cell(&self, setting: &Setting) -> Option<&Cell> {
        self.cells.iter().find(|cell| cell.setting == *setting)
    }
}

/// The true parameter at the points.
pub(crate) fn truth(classes: usize) -> Vec<f64> {
    let problem = Problem { classes };
    let rows: Vec<Vec<f64>> = points().iter().map(|&x| problem.parameter(x)).collect();
    curve(&rows)
}

/// Root mean square distance.
fn distance(found: &[f32], from: &[f64]) -> f64 {
    let found: Vec<f64> = found.iter().map(|&value| f64::from(value)).collect();
    root_mean_square(&found, from)
}

fn root_mean_square(a: &[f64], b: &[f64]) -> f64 {
    let squares: f64 = a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum();
    (squares / b.len().max(1) as f64).sqrt()
}
