//! What the study found: plain data.

use serde::{Deserialize, Serialize};
use softnce::LossKind;
use softnce_metrics::{Estimate, StatsError, mean_interval, paired_difference};
use softnce_report::results::REFERENCE_LOSS;

use super::graph::Graph;
use super::node::NodeSplit;
use super::plan::GraphsConfig;
use super::teacher::{Classed, Distilled};
use super::trial::{Found, Tested};
use super::unit::{Candidates, Source, Unit};
use crate::StudyError;
use crate::measure::Measure;

/// All that the study found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GraphsResults {
    /// Version of the program.
    pub version: String,
    /// The command that runs it again.
    pub command: String,
    /// The settings.
    pub config: GraphsConfig,
    /// Nodes, features, classes, and labelled, validation and test nodes of each graph.
    pub sizes: Vec<(String, [usize; 6])>,
    /// The trials of the learning rates.
    pub tuning: Vec<(Unit, Vec<Found>)>,
    /// What is compared, a row for each graph, source and loss; without those of which every seed diverged.
    pub rows: Vec<Row>,
    /// The compared trainings that diverged. They are in no row.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub diverged: Vec<(Unit, Found)>,
}

/// One loss on one graph.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// What was trained, at the rate that was chosen.
    pub unit: Unit,
    /// Test accuracy in %, NLL, calibration error in %, and both of these after temperature scaling.
    pub values: [Estimate; 5],
    /// The difference from soft target cross-entropy in each, paired by seed; none for that loss itself.
    pub differences: Option<[Estimate; 5]>,
    /// Compared with the teacher, if there is one.
    pub distilled: Option<DistilledSummary>,
    /// Seed by seed, those that did not diverge.
    pub runs: Vec<Found>,
}

/// What learned from a teacher, beside the teacher, over the seeds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DistilledSummary {
    /// The network.
    pub network: ClassedSummary,
    /// The teacher.
    pub teacher: ClassedSummary,
    /// The mean probability that the teacher gives its most probable class, of the nodes of each class, in %; none
    /// where no seed has any. Shape `[d]`.
    pub confidence: Vec<Option<Estimate>>,
    /// The labels.
    pub labels: ClassedSummary,
    /// The optimum, for soft target InfoNCE, if it was found under every seed.
    pub optimum: Option<ClassedSummary>,
}

/// The classes that the test nodes are given, over the seeds, in %.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassedSummary {
    /// Nodes that are given their label.
    pub top1: Estimate,
    /// Nodes that are given their label, minus those to which the teacher gives it, paired by seed.
    pub over_teacher: Estimate,
    /// Nodes that are given the teacher's class.
    pub agreement: Estimate,
    /// Nodes that are given each class. Shape `[d]`.
    pub shares: Vec<Estimate>,
}

impl DistilledSummary {
    /// Over seeds; none without a teacher.
    fn new(runs: &[Found]) -> Result<Option<Self>, StatsError> {
        let found = runs.iter().filter_map(|run| run.test.as_ref()?.distilled.as_ref());
        let found: Vec<&Distilled> = found.collect();
        let over = |of: fn(&Distilled) -> Option<&Classed>| {
            ClassedSummary::new(&found.iter().filter_map(|run| Some((of(run)?, &run.teacher))).collect::<Vec<_>>())
        };
        let (Some(network), Some(teacher), Some(labels)) =
            (over(|run| Some(&run.network))?, over(|run| Some(&run.teacher))?, over(|run| Some(&run.labels))?)
        else {
            return Ok(None);
        };
        let confidence = (0..teacher.shares.len()).map(|class| {
            let sure = found.iter().filter_map(|run| run.confidence.get(class).copied().flatten());
            let sure: Vec<f64> = sure.map(|sure| 100.0 * sure).collect();
            if sure.is_empty() { Ok(None) } else { mean_interval(&sure).map(Some) }
        });
        let confidence = confidence.collect::<Result<_, StatsError>>()?;
        let whole = found.iter().all(|run| run.optimum.is_some());
        let optimum = if whole { over(|run| run.optimum.as_ref())? } else { None };
        Ok(Some(DistilledSummary { network, teacher, confidence, labels, optimum }))
    }
}

impl ClassedSummary {
    /// From what is given under each seed, and by its teacher.
    fn new(found: &[(&Classed, &Classed)]) -> Result<Option<Self>, StatsError> {
        let Some((first, _)) = found.first() else { return Ok(None) };
        let percent = |of: &dyn Fn(&Classed) -> f64| {
            mean_interval(&found.iter().map(|(classed, _)| 100.0 * of(classed)).collect::<Vec<f64>>())
        };
        let (own, teachers): (Vec<f64>, Vec<f64>) =
            found.iter().map(|(classed, teacher)| (100.0 * classed.top1, 100.0 * teacher.top1)).unzip();
        let shares = (0..first.shares.len()).map(|class| percent(&|classed| classed.shares[class]));
        Ok(Some(ClassedSummary {
            top1: percent(&|classed| classed.top1)?,
            over_teacher: paired_difference(&own, &teachers)?,
            agreement: percent(&|classed| classed.agreement)?,
            shares: shares.collect::<Result<_, _>>()?,
        }))
    }
}

/// What is measured on the test nodes.
pub(crate) const MEASURES: [Measure; 5] =
    [Measure::TOP1, Measure::NLL, Measure::ECE, Measure::SCALED_NLL, Measure::SCALED_ECE];

impl Tested {
    /// The values of [`MEASURES`], shares in %.
    fn measured(&self) -> [f64; 5] {
        [100.0 * self.top1, self.nll, 100.0 * self.ece, self.scaled_nll, 100.0 * self.scaled_ece]
    }
}

/// Sources of targets, in the order that they are shown.
pub(crate) const SOURCES: [Source; 2] = [Source::Labels, Source::Teacher];

/// The losses with their candidates, in the order that they are shown.
pub(crate) const LOSSES: [(LossKind, Candidates); 8] = [
    (LossKind::SoftTargetInfoNce, Candidates::Targets),
    (LossKind::SoftTargetInfoNce, Candidates::Classes),
    (LossKind::SoftTargetInfoNce, Candidates::Draws(4)),
    (LossKind::SoftTargetInfoNce, Candidates::Draws(2)),
    (LossKind::SoftTargetCrossEntropy, Candidates::Targets),
    (LossKind::SoftDistributionInfoNce, Candidates::Targets),
    (LossKind::InfoNce, Candidates::Targets),
    (LossKind::Nll, Candidates::Targets),
];

impl GraphsResults {
    /// Puts the trainings together.
    pub(crate) fn new(
        config: GraphsConfig,
        command: String,
        graphs: &[(String, Graph)],
        tuning: Vec<(Unit, Vec<Found>)>,
        compared: Vec<(Unit, Vec<Found>)>,
    ) -> Result<Self, StudyError> {
        let sizes = graphs.iter().map(|(name, graph)| {
            let [train, validation, test] =
                [NodeSplit::Train, NodeSplit::Validation, NodeSplit::Test].map(|part| graph.of(part).0.len());
            (name.clone(), [graph.nodes(), graph.width(), graph.classes, train, validation, test])
        });
        let sizes = sizes.collect();
        let mut diverged = Vec::new();
        let compared = compared.into_iter().map(|(unit, runs)| {
            let (lost, runs): (Vec<Found>, Vec<Found>) = runs.into_iter().partition(|run| run.diverged);
            diverged.extend(lost.into_iter().map(|run| (unit.clone(), run)));
            (unit, runs)
        });
        let compared: Vec<(Unit, Vec<Found>)> = compared.filter(|(_, runs)| !runs.is_empty()).collect();
        let rows = compared.iter().map(|(unit, runs)| {
            let baseline = compared.iter().find(|(other, _)| {
                other.graph == unit.graph
                    && other.source == unit.source
                    && other.loss == REFERENCE_LOSS
                    && unit.loss != REFERENCE_LOSS
            });
            let measured = |run: &Found, at: usize| Some(run.test.as_ref()?.measured()[at]);
            let of = |at: usize| -> Vec<f64> { runs.iter().filter_map(|run| measured(run, at)).collect() };
            let values = each(|at| mean_interval(&of(at)))?;
            // The seeds that both finished.
            let pairs = |base: &[Found], at: usize| -> (Vec<f64>, Vec<f64>) {
                let pair = |run: &Found| {
                    let other = base.iter().find(|other| other.seed == run.seed)?;
                    Some((measured(run, at)?, measured(other, at)?))
                };
                runs.iter().filter_map(pair).unzip()
            };
            let base = baseline.map(|(_, base)| base.as_slice()).filter(|base| !pairs(base, 0).0.is_empty());
            let differences = base.map(|base| {
                each(|at| {
                    let (own, others) = pairs(base, at);
                    paired_difference(&own, &others)
                })
            });
            let (differences, distilled) = (differences.transpose()?, DistilledSummary::new(runs)?);
            Ok(Row { unit: unit.clone(), values, differences, distilled, runs: runs.clone() })
        });
        let rows = rows.collect::<Result<Vec<Row>, StudyError>>()?;
        let version = env!("CARGO_PKG_VERSION").to_owned();
        Ok(GraphsResults { version, command, config, sizes, tuning, rows, diverged })
    }

    /// The rows of a graph and a source of targets.
    pub fn of<'a>(&'a self, graph: &'a str, source: Source) -> impl Iterator<Item = &'a Row> {
        self.rows.iter().filter(move |row| row.unit.graph == graph && row.unit.source == source)
    }
}

/// One estimate a measure.
fn each<E>(estimate: impl Fn(usize) -> Result<Estimate, E>) -> Result<[Estimate; 5], E> {
    let mut all = [Estimate { mean: 0.0, half_width: None }; 5];
    for (at, place) in all.iter_mut().enumerate() {
        *place = estimate(at)?;
    }
    Ok(all)
}
