//! Node classification on citation graphs with a two-layer graph convolutional network (Kipf and Welling, arXiv
//! 1609.02907): the loss is not for pictures alone.
//!
//! Two sources of targets. *Labels*: the 20 labelled nodes of each class, smoothed for the losses that take soft targets.
//! *Teacher*: every node, with the probabilities that a network trained on the labels gives it (self-distillation), the
//! labelled ones with their labels.

mod adam;
mod gcn;
mod graph;
mod page;
mod plan;
mod results;
mod run;
mod sparse;
mod trial;

pub use graph::{Graph, Part};
pub use plan::GraphsConfig;
pub use results::{GraphsResults, Row};
pub use run::run;
pub use trial::{Found, Source, Tested, Unit};
