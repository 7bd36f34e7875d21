//! Freezes layers of a built network, and counts what is left to train.

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::Tensor;

use super::architecture::{Architecture, Body};
use super::error::NetworkError;
use super::freeze::Freeze;
use super::names::ModulePath;
use super::size::LayerSize;

/// Size of the layers that train.
pub(super) fn trained(
    architecture: &dyn Architecture,
    input: [usize; 3],
    classes: usize,
) -> Result<LayerSize, NetworkError> {
    let layers = architecture.layers(input, classes)?;
    Ok(match architecture.freeze() {
        None => layers.into_iter().sum(),
        Some(Freeze::Layers(count)) => layers.into_iter().skip(count).sum(),
        Some(Freeze::Body) => architecture.head(input, classes)?,
    })
}

/// Whether the parameter of this name is frozen.
pub(super) fn is_frozen(freeze: Freeze, body: &dyn Body, name: &str) -> bool {
    match freeze {
        Freeze::Body => !body.is_head(name),
        Freeze::Layers(count) => body.layer_of(name).is_some_and(|layer| layer < count),
    }
}

/// Takes the frozen parameters of a module out of the graph; `body` is that of a clone of it.
pub(super) fn untracked<M: Module>(module: M, freeze: Freeze, body: &dyn Body) -> M {
    module.map(&mut Untrack { path: ModulePath::default(), freeze, body })
}

struct Untrack<'a> {
    path: ModulePath,
    freeze: Freeze,
    body: &'a dyn Body,
}

impl ModuleMapper for Untrack<'_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.exit();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if is_frozen(self.freeze, self.body, &self.path.name()) { param.set_require_grad(false) } else { param }
    }
}
