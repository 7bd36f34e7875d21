//! The registered backward pass: a loss that is already computed, tied to what it was computed from.
//!
//! The kernels compute the gradient together with the loss, from an upstream gradient of 1. What is left for the
//! backward pass is to multiply by the upstream gradient that comes.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::{DType, Shape, Tensor};

/// A computed loss with the parts it is tied to.
pub(super) struct Computed {
    /// `[N]` or `[1]`.
    pub(super) value: Tensor<1>,
    /// Gradient of each row's loss, or of the reduced one, not yet rounded to the logits' type. Shape `[N, d]`.
    pub(super) logits_gradient: Tensor<2>,
    /// Derivative by the temperature's logarithm, of the shape of `value`, in that logarithm's type.
    pub(super) temperature_gradient: Tensor<1>,
}

/// The loss as part of the graph of `logits` and `log_temperature`.
pub(super) fn attach(logits: Tensor<2>, log_temperature: Tensor<1>, computed: Computed) -> Tensor<1> {
    Tensor::from_dispatch(<Dispatch as AttachGradient>::attach_gradient(
        logits.into_dispatch(),
        log_temperature.into_dispatch(),
        computed.value.into_dispatch(),
        computed.logits_gradient.into_dispatch(),
        computed.temperature_gradient.into_dispatch(),
    ))
}

#[backend_extension(Flex, Autodiff)]
pub trait AttachGradient: Backend {
    fn attach_gradient(
        logits: FloatTensor<Self>,
        log_temperature: FloatTensor<Self>,
        value: FloatTensor<Self>,
        logits_gradient: FloatTensor<Self>,
        temperature_gradient: FloatTensor<Self>,
    ) -> FloatTensor<Self>;
}

impl AttachGradient for Flex {
    fn attach_gradient(
        _logits: FloatTensor<Self>,
        _log_temperature: FloatTensor<Self>,
        value: FloatTensor<Self>,
        _logits_gradient: FloatTensor<Self>,
        _temperature_gradient: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        value
    }
}

impl<B: Backend + AttachGradient, C: CheckpointStrategy> AttachGradient for Autodiff<B, C> {
    fn attach_gradient(
        logits: FloatTensor<Self>,
        log_temperature: FloatTensor<Self>,
        value: FloatTensor<Self>,
        logits_gradient: FloatTensor<Self>,
        temperature_gradient: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let logits_type = logits.dtype();
        let parents = [logits.node(), log_temperature.node()];
        let value = value.into_primitive();
        match LossBackward.prepare::<C>(parents).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => {
                let gradients = (logits_gradient.into_primitive(), temperature_gradient.into_primitive());
                prepared.finish((gradients.0, gradients.1, logits_type), value)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(value),
        }
    }
}

#[derive(Debug)]
struct LossBackward;

impl<B: Backend> Backward<B, 2> for LossBackward {
    /// Gradients by the logits and by the temperature's logarithm, from an upstream gradient of 1, and the logits'
    /// type. They are rounded to it only once the upstream gradient is in: it may be a loss scale.
    type State = (FloatTensor<B>, FloatTensor<B>, DType);

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _checkpointer: &mut Checkpointer) {
        let upstream = grads.consume::<B>(&ops.node);
        let [logits, temperature] = ops.parents;
        let (logits_gradient, temperature_gradient, logits_type) = ops.state;
        if let Some(node) = temperature {
            let upstream = B::float_cast(upstream.clone(), temperature_gradient.dtype().into());
            grads.register::<B>(node.id, B::float_sum(B::float_mul(temperature_gradient, upstream)));
        }
        if let Some(node) = logits {
            // [N] or [1] against [N, d]: one factor a row, or one for all.
            let rows = upstream.shape().num_elements();
            let upstream = B::float_cast(upstream, logits_gradient.dtype().into());
            let upstream = B::float_reshape(upstream, Shape::new([rows, 1]));
            let gradient = B::float_mul(logits_gradient, upstream);
            grads.register::<B>(node.id, B::float_cast(gradient, logits_type.into()));
        }
    }
}
