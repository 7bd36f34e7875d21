//! What is learned from a teacher: its targets, and the classes that come of them.

use ndarray::{Array2, Axis};
use serde::{Deserialize, Serialize};
use softnce::{LossKind, NoiseDistribution, Targets};
use softnce_metrics::largest_entry;

use super::graph::Graph;
use super::node::NodeSplit;
use super::optimum::optimum;
use super::unit::{Candidates, Unit};
use crate::StudyError;

/// A network that learned from a teacher's probabilities, beside the teacher.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Distilled {
    /// The network.
    pub network: Classed,
    /// The teacher, the same for every loss of a seed.
    pub teacher: Classed,
    /// The mean probability that the teacher gives its most probable class, over the nodes of each class, as it classes
    /// them; `None` if there are none. Shape `[d]`.
    pub confidence: Vec<Option<f64>>,
    /// The labels.
    pub labels: Classed,
    /// The optimum of soft target InfoNCE on the teacher's probabilities, where the logits of a node can be anything;
    /// for the network of that loss, where it is found.
    pub optimum: Option<Classed>,
}

/// The classes that the test nodes are given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Classed {
    /// Share of the nodes that are given their label.
    pub top1: f64,
    /// Share of the nodes that are given the teacher's class.
    pub agreement: f64,
    /// Share of the nodes that are given each class. Shape `[d]`.
    pub shares: Vec<f64>,
}

impl Classed {
    /// From the classes that are given, the labels, and the teacher's classes. Shapes `[nodes]`.
    fn new(given: &[usize], labels: &[usize], teacher: &[usize], classes: usize) -> Self {
        let share = |count: usize| count as f64 / given.len().max(1) as f64;
        let same = |others: &[usize]| share(given.iter().zip(others).filter(|(a, b)| a == b).count());
        let of = |class: usize| share(given.iter().filter(|&&given| given == class).count());
        Classed { top1: same(labels), agreement: same(teacher), shares: (0..classes).map(of).collect() }
    }
}

/// The teacher's probabilities of every node, by its logits; the labelled ones have their labels.
pub(super) fn probabilities(graph: &Graph, logits: &Array2<f32>) -> Array2<f64> {
    let mut probabilities = logits.mapv(f64::from);
    for mut row in probabilities.rows_mut() {
        let most = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        row.mapv_inplace(|value| (value - most).exp());
        let sum = row.sum();
        row /= sum;
    }
    let (labelled, labels) = graph.of(NodeSplit::Train);
    for (node, label) in labelled.into_iter().zip(labels) {
        probabilities.row_mut(node).fill(0.0);
        probabilities[[node, label]] = 1.0;
    }
    probabilities
}

/// The teacher's probabilities, or its most probable classes, in the form that a loss takes.
pub(super) fn targets(probabilities: &Array2<f64>, loss: LossKind) -> Result<Targets<'static>, StudyError> {
    if loss.takes_soft_targets() {
        return Ok(Targets::dense(probabilities.clone())?);
    }
    Ok(Targets::hard(&classes(probabilities), probabilities.ncols())?)
}

/// The most probable class of each row.
fn classes(rows: &Array2<f64>) -> Vec<usize> {
    rows.rows().into_iter().map(largest_entry).collect()
}

/// What classes the test nodes are given: by the network, by the teacher, by the optimum of the loss.
pub(super) fn compare_classes(
    graph: &Graph,
    unit: &Unit,
    probabilities: &Array2<f64>,
    logits: &Array2<f32>,
) -> Result<Distilled, StudyError> {
    let (nodes, labels) = graph.of(NodeSplit::Test);
    let own = probabilities.select(Axis(0), &nodes);
    let teacher = classes(&own);
    let given = |given: &[usize]| Classed::new(given, &labels, &teacher, graph.classes);
    let optimum_logits = match (unit.loss, unit.candidates) {
        (LossKind::SoftTargetInfoNce, Candidates::Targets) => {
            let noise = NoiseDistribution::try_from(&Targets::dense(probabilities.view())?)?;
            let log_noise = noise.log_probabilities();
            log_noise.and_then(|log_noise| optimum(probabilities.view(), log_noise, &nodes))
        }
        _ => None,
    };
    let confidence = (0..graph.classes).map(|class| {
        let of = own.rows().into_iter().zip(&teacher).filter(|(_, given)| **given == class);
        let sure: Vec<f64> = of.map(|(row, _)| row[class]).collect();
        (!sure.is_empty()).then(|| sure.iter().sum::<f64>() / sure.len() as f64)
    });
    Ok(Distilled {
        network: given(&classes(&logits.select(Axis(0), &nodes).mapv(f64::from))),
        teacher: given(&teacher),
        confidence: confidence.collect(),
        labels: given(&labels),
        optimum: optimum_logits.map(|logits| given(&classes(&logits))),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_teachers_targets_keep_the_labels_that_are_known() {
        let mut graph = Graph::made(&[(0, 1)], &[vec![0], vec![1], vec![]]);
        (graph.classes, graph.labels[1], graph.parts[1]) = (2, Some(0), Some(NodeSplit::Train));
        let logits = ndarray::array![[0.0_f32, 3.0_f32.ln()], [0.0, 5.0], [2.0, 2.0]];
        let found = probabilities(&graph, &logits);
        let soft = targets(&found, LossKind::SoftTargetInfoNce).unwrap();
        let expected = ndarray::array![[0.25, 0.75], [1.0, 0.0], [0.5, 0.5]];
        assert!((soft.to_dense().unwrap() - expected).iter().all(|off| off.abs() < 1e-7));
        let hard = targets(&found, LossKind::Nll).unwrap();
        assert_eq!(hard.labels().unwrap().to_vec(), [1, 0, 0]);
    }

    #[test]
    fn nodes_are_counted_by_the_classes_that_they_are_given() {
        let found = Classed::new(&[1, 0, 1, 1], &[0, 0, 1, 1], &[0, 1, 1, 1], 3);
        assert_eq!(found, Classed { top1: 0.75, agreement: 0.5, shares: vec![0.25, 0.75, 0.0] });
    }
}
