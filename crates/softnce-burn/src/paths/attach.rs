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
use burn::tensor::{Shape, Tensor};

/// A computed loss with the parts it is tied to.
pub(super) struct Computed {
    /// `[N]` or `[1]`.
    pub(super) value: Tensor<1>,
    /// Gradient of each row's loss, or of the reduced one. Shape `[N, d]`.
    pub(super) logits_gradient: Tensor<2>,
    /// Derivative by the temperature, of the shape of `value`, in the temperature's type.
    pub(super) temperature_gradient: Tensor<1>,
}

/// The loss as part of the graph of `logits` and `temperature`.
pub(super) fn attach(logits: Tensor<2>, temperature: Tensor<1>, computed: Computed) -> Tensor<1> {
    Tensor::from_dispatch(<Dispatch as AttachGradient>::attach_gradient(
        logits.into_dispatch(),
        temperature.into_dispatch(),
        computed.value.into_dispatch(),
        computed.logits_gradient.into_dispatch(),
        computed.temperature_gradient.into_dispatch(),
    ))
}

#[backend_extension(Flex, Autodiff)]
pub trait AttachGradient: Backend {
    fn attach_gradient(
        logits: FloatTensor<Self>,
        temperature: FloatTensor<Self>,
        value: FloatTensor<Self>,
        logits_gradient: FloatTensor<Self>,
        temperature_gradient: FloatTensor<Self>,
    ) -> FloatTensor<Self>;
}

impl AttachGradient for Flex {
    fn attach_gradient(
        _logits: FloatTensor<Self>,
        _temperature: FloatTensor<Self>,
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
        temperature: FloatTensor<Self>,
        value: FloatTensor<Self>,
        logits_gradient: FloatTensor<Self>,
        temperature_gradient: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let parents = [logits.node(), temperature.node()];
        let value = value.into_primitive();
        match LossBackward.prepare::<C>(parents).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => {
                prepared.finish((logits_gradient.into_primitive(), temperature_gradient.into_primitive()), value)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(value),
        }
    }
}

#[derive(Debug)]
struct LossBackward;

impl<B: Backend> Backward<B, 2> for LossBackward {
    /// Gradients by the logits and by the temperature, from an upstream gradient of 1.
    type State = (FloatTensor<B>, FloatTensor<B>);

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _checkpointer: &mut Checkpointer) {
        let upstream = grads.consume::<B>(&ops.node);
        let [logits, temperature] = ops.parents;
        let (logits_gradient, temperature_gradient) = ops.state;
        if let Some(node) = temperature {
            let upstream = B::float_cast(upstream.clone(), temperature_gradient.dtype().into());
            grads.register::<B>(node.id, B::float_sum(B::float_mul(temperature_gradient, upstream)));
        }
        if let Some(node) = logits {
            // [N] or [1] against [N, d]: one factor a row, or one for all.
            let rows = upstream.shape().num_elements();
            let upstream = B::float_reshape(upstream, Shape::new([rows, 1]));
            grads.register::<B>(node.id, B::float_mul(logits_gradient, upstream));
        }
    }
}
