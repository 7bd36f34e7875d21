//! A transformer block with a norm before each branch.

use burn::module::Module;
use burn::tensor::Tensor;

use super::config::Sizes;
use crate::models::layers::{ForwardPass, Init, LayerNorm, Linear};
use crate::onnx::{Graph, Value};
use crate::ops::{self, OperationError};

/// Standard deviation of the weights of linear layers, as in timm.
const STD: f64 = 0.02;

/// `x + attention(norm(x))`, then `x + mlp(norm(x))`, with stochastic depth in both branches.
#[derive(Module, Debug)]
pub(super) struct TransformerBlock {
    norm1: LayerNorm,
    attn: Attention,
    norm2: LayerNorm,
    mlp: Feedforward,
    drop_path: f64,
}

/// Self-attention with its projections.
#[derive(Module, Debug)]
struct Attention {
    qkv: Linear,
    proj: Linear,
    heads: usize,
}

/// Two linear layers with GELU between them.
#[derive(Module, Debug)]
struct Feedforward {
    fc1: Linear,
    fc2: Linear,
}

impl TransformerBlock {
    pub(super) fn new(
        sizes: &Sizes,
        qkv_bias: bool,
        epsilon: f64,
        drop_path: f64,
        init: &mut Init,
    ) -> TransformerBlock {
        let Sizes { width, heads, hidden, .. } = *sizes;
        TransformerBlock {
            norm1: LayerNorm::new(width, epsilon, init),
            attn: Attention {
                qkv: Linear::truncated(width, 3 * width, STD, qkv_bias, init),
                proj: Linear::truncated(width, width, STD, true, init),
                heads,
            },
            norm2: LayerNorm::new(width, epsilon, init),
            mlp: Feedforward {
                fc1: Linear::truncated(width, hidden, STD, true, init),
                fc2: Linear::truncated(hidden, width, STD, true, init),
            },
            drop_path,
        }
    }

    /// Turns stochastic depth off.
    pub(super) fn drop_none(&mut self) {
        self.drop_path = 0.0;
    }

    /// # Shapes
    /// `[N, L, D]`, the result the same.
    pub(super) fn forward(&self, tokens: Tensor<3>, pass: &mut ForwardPass) -> Result<Tensor<3>, OperationError> {
        let branch = self.attn.forward(self.norm1.forward(tokens.clone())?)?;
        let tokens = tokens + pass.drop_path(branch, self.drop_path);
        let branch = self.mlp.forward(self.norm2.forward(tokens.clone())?)?;
        Ok(tokens + pass.drop_path(branch, self.drop_path))
    }
}

impl TransformerBlock {
    /// The operations of [`TransformerBlock::forward`] in evaluation, with the tensors below this name.
    pub(super) fn graph(&self, graph: &mut Graph, name: &str, tokens: Value) -> Value {
        let branch = self.norm1.graph(graph, &format!("{name}.norm1"), tokens.clone());
        let branch = graph.linear(&format!("{name}.attn.qkv"), branch);
        let branch = graph.attention(branch, self.attn.heads, self.attn.proj.outputs());
        let branch = graph.linear(&format!("{name}.attn.proj"), branch);
        let tokens = graph.add(tokens, branch);
        let branch = self.norm2.graph(graph, &format!("{name}.norm2"), tokens.clone());
        let branch = graph.linear(&format!("{name}.mlp.fc1"), branch);
        let branch = graph.gelu(branch);
        let branch = graph.linear(&format!("{name}.mlp.fc2"), branch);
        graph.add(tokens, branch)
    }
}

impl Attention {
    fn forward(&self, tokens: Tensor<3>) -> Result<Tensor<3>, OperationError> {
        self.proj.forward(ops::attention(self.qkv.forward(tokens)?, self.heads)?)
    }
}

impl Feedforward {
    fn forward(&self, tokens: Tensor<3>) -> Result<Tensor<3>, OperationError> {
        self.fc2.forward(ops::gelu(self.fc1.forward(tokens)?))
    }
}
