//! Connects a computed value to the tensors that it was computed from, with a backward rule on Flex tensors.
//!
//! Burn's autodiff sees one operation for all fused ones; it carries the rule as a closure.

use std::fmt;
use std::sync::Arc;

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, DispatchTensor, Flex, backend_extension};
use burn::tensor::{Tensor, TensorData};

/// The largest number of tensors that an operation has gradients for.
const PARENTS: usize = 5;

/// Gradients with respect to the parents, where they are needed.
type ByParents = [Option<FlexTensor>; PARENTS];

/// Maps the upstream gradient and the mask of parents that need one to their gradients.
#[derive(Clone)]
pub struct Rule(Arc<dyn Fn(FlexTensor, [bool; PARENTS]) -> ByParents + Send + Sync>);

impl Rule {
    /// `rule` gives the gradients of the first `P` parents; the others need none.
    pub(super) fn new<const P: usize>(
        rule: impl Fn(FlexTensor, [bool; PARENTS]) -> [Option<FlexTensor>; P] + Send + Sync + 'static,
    ) -> Self {
        Rule(Arc::new(move |upstream, needed| {
            let mut gradients = rule(upstream, needed).into_iter();
            std::array::from_fn(|_| gradients.next().flatten())
        }))
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Rule")
    }
}

/// The value as a node of the autodiff graph of its parents; there are at most [`PARENTS`].
pub(super) fn attach<const D: usize, const P: usize>(
    parents: [DispatchTensor; P],
    value: FlexTensor,
    rule: Rule,
) -> Tensor<D> {
    const { assert!(P <= PARENTS) };
    let nothing = || {
        let empty = FlexTensor::from_data(TensorData::new(vec![0.0_f32], [1]));
        Tensor::<1>::from_primitive::<Flex>(empty).into_dispatch()
    };
    let mut parents = parents.into_iter();
    let mut next = || parents.next().unwrap_or_else(nothing);
    let value = Tensor::<D>::from_primitive::<Flex>(value).into_dispatch();
    Tensor::from_dispatch(<Dispatch as Attach>::attach(next(), next(), next(), next(), next(), value, rule))
}

#[backend_extension(Flex, Autodiff)]
pub trait Attach: Backend {
    fn attach(
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        third: FloatTensor<Self>,
        fourth: FloatTensor<Self>,
        fifth: FloatTensor<Self>,
        value: FloatTensor<Self>,
        rule: Rule,
    ) -> FloatTensor<Self>;
}

/// A backend on whose gradients a rule can run.
pub trait Apply: Backend {
    fn apply(rule: &Rule, upstream: FloatTensor<Self>, needed: [bool; PARENTS])
    -> [Option<FloatTensor<Self>>; PARENTS];
}

impl Apply for Flex {
    fn apply(rule: &Rule, upstream: FlexTensor, needed: [bool; PARENTS]) -> ByParents {
        (rule.0)(upstream.to_contiguous(), needed)
    }
}

impl Attach for Flex {
    fn attach(
        _first: FloatTensor<Self>,
        _second: FloatTensor<Self>,
        _third: FloatTensor<Self>,
        _fourth: FloatTensor<Self>,
        _fifth: FloatTensor<Self>,
        value: FloatTensor<Self>,
        _rule: Rule,
    ) -> FloatTensor<Self> {
        value
    }
}

impl<B: Apply + Attach, C: CheckpointStrategy> Attach for Autodiff<B, C> {
    fn attach(
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        third: FloatTensor<Self>,
        fourth: FloatTensor<Self>,
        fifth: FloatTensor<Self>,
        value: FloatTensor<Self>,
        rule: Rule,
    ) -> FloatTensor<Self> {
        let parents = [first.node(), second.node(), third.node(), fourth.node(), fifth.node()];
        let value = value.into_primitive();
        match RuleBackward.prepare::<C>(parents).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => prepared.finish(rule, value),
            OpsKind::UnTracked(prepared) => prepared.finish(value),
        }
    }
}

#[derive(Debug)]
struct RuleBackward;

impl<B: Apply> Backward<B, PARENTS> for RuleBackward {
    type State = Rule;

    fn backward(self, ops: Ops<Self::State, PARENTS>, grads: &mut Gradients, _checkpointer: &mut Checkpointer) {
        let upstream = grads.consume::<B>(&ops.node);
        let needed = ops.parents.each_ref().map(Option::is_some);
        let gradients = B::apply(&ops.state, upstream, needed);
        for (node, gradient) in ops.parents.into_iter().zip(gradients) {
            if let (Some(node), Some(gradient)) = (node, gradient) {
                grads.register::<B>(node.id, gradient);
            }
        }
    }
}
