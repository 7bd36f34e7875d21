//! Node classification on citation graphs with a two-layer graph convolutional network (Kipf and Welling, arXiv
//! 1609.02907): the loss is not for pictures alone.
//!
//! Two sources of targets. *Labels*: the 20 labelled nodes of each class, smoothed for the losses that take soft targets.
//! *Teacher*: every node, with the probabilities that a network trained on the labels gives it (self-distillation), the
//! labelled ones with their labels. There the study also looks at the classes that nodes are given, beside those of the
//! teacher and of the optimum of soft target InfoNCE. This loss is also trained with classes as candidates: all of them,
//! under which its optimum is the target, and some drawn at each step.

mod adam;
mod classes;
mod gcn;
mod graph;
mod node;
mod optimum;
mod page;
mod plan;
mod planetoid;
mod results;
mod run;
mod sparse;
mod tables;
mod teacher;
mod trial;
mod unit;

pub use graph::Graph;
pub use node::NodeSplit;
pub use plan::GraphsConfig;
pub use results::{ClassedSummary, DistilledSummary, GraphsResults, Row};
pub use run::run;
pub use teacher::{Classed, Distilled};
pub use trial::{Found, Tested};
pub use unit::{Candidates, Source, Unit};

pub(crate) use page::files;
