//! What is trained: the targets, the loss with its candidates, the learning rate.

use ndarray::Array1;
use serde::{Deserialize, Serialize};
use softnce::rand::Rng;
use softnce::{Batch, ClassCandidates, LossKind, NoiseDistribution, Targets};

/// Where the targets come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Source {
    /// The labelled nodes, with label smoothing.
    Labels,
    /// All nodes, with the probabilities of a network trained on the labels; the labelled ones with their labels.
    Teacher,
}

impl Source {
    /// Its name in files.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// The candidates of a contrastive loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Candidates {
    /// The targets of all nodes that are trained on.
    #[default]
    Targets,
    /// All classes, each with its noise probability; the targets are left out of the sum.
    Classes,
    /// So many classes drawn from the noise distribution at each step, and nothing else: the classes that the targets
    /// weigh are left to chance too, unlike in [`softnce::ClassCandidates::draw`].
    Draws(usize),
}

impl Candidates {
    fn are_targets(&self) -> bool {
        *self == Candidates::Targets
    }

    /// Their name in files.
    pub fn name(self) -> String {
        match self {
            Candidates::Targets => "targets".into(),
            Candidates::Classes => "classes".into(),
            Candidates::Draws(count) => format!("draws{count}"),
        }
    }

    /// The targets with these candidates at a step.
    pub(super) fn of<'t>(
        self,
        targets: &'t Targets<'_>,
        noise: &NoiseDistribution,
        draws: &mut impl Rng,
    ) -> Result<Batch<'t>, softnce::Error> {
        let (own, classes) = (Batch::from(targets), targets.classes());
        match self {
            Candidates::Targets => Ok(own),
            Candidates::Classes => own.with_class_candidates(&ClassCandidates::all(noise, classes)?),
            Candidates::Draws(count) => {
                let eta = noise.probabilities(classes)?;
                let rows = eta.broadcast((count, classes)).map(|rows| rows.to_owned()).unwrap_or_default();
                let counts = std::iter::repeat_n(0.0, targets.len());
                let counts: Vec<f64> = counts.chain(std::iter::repeat_n(1.0 / count as f64, count)).collect();
                own.with_further(Targets::dense(rows)?.draw(draws))?.with_multiplicities(Array1::from(counts))
            }
        }
    }
}

/// What is trained over several seeds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Unit {
    /// Folder of the graph.
    pub graph: String,
    /// Where the targets come from.
    pub source: Source,
    /// The loss.
    pub loss: LossKind,
    /// Its candidates.
    #[serde(default, skip_serializing_if = "Candidates::are_targets")]
    pub candidates: Candidates,
    /// The learning rate.
    pub rate: f64,
    /// Whether the rate is tried out, with seeds of its own.
    pub tuning: bool,
}

impl Unit {
    /// The title of the loss, with its candidates if they are not the targets.
    pub fn title(&self) -> String {
        let title = self.loss.title();
        match self.candidates {
            Candidates::Targets => title.to_owned(),
            Candidates::Classes => format!("{title}, class candidates"),
            Candidates::Draws(count) => format!("{title}, {count} drawn classes"),
        }
    }
}
