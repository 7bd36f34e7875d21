//! Shapes of the blocks of a residual network.

/// Kind of the blocks of a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BlockKind {
    /// Two convolutions of kernel 3.
    Basic,
    /// Convolutions of kernel 1, 3 and 1. The last one has four times as many outputs as the others.
    Bottleneck,
}

/// Shape of a convolution.
#[derive(Debug, Clone, Copy)]
pub(super) struct ConvolutionPlan {
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    pub(super) kernel: usize,
    pub(super) stride: usize,
}

/// Shape of one block.
#[derive(Debug, Clone, Copy)]
pub(super) struct BlockPlan {
    kind: BlockKind,
    pub(super) layer: usize,
    pub(super) inputs: usize,
    /// Outputs of the convolutions before the last.
    width: usize,
    pub(super) outputs: usize,
    pub(super) stride: usize,
}

impl BlockPlan {
    /// Whether the output's shape differs from the input's.
    pub(super) fn changes(&self) -> bool {
        self.stride != 1 || self.inputs != self.outputs
    }

    /// The convolutions in order. A bottleneck has its stride at the kernel of 3, as in torchvision; the paper has it at
    /// the first convolution.
    pub(super) fn convolutions(&self) -> (ConvolutionPlan, ConvolutionPlan, Option<ConvolutionPlan>) {
        let BlockPlan { inputs, width, outputs, stride, .. } = *self;
        let plan = |inputs, outputs, kernel, stride| ConvolutionPlan { inputs, outputs, kernel, stride };
        match self.kind {
            BlockKind::Basic => (plan(inputs, width, 3, stride), plan(width, outputs, 3, 1), None),
            BlockKind::Bottleneck => {
                (plan(inputs, width, 1, 1), plan(width, width, 3, stride), Some(plan(width, outputs, 1, 1)))
            }
        }
    }

    /// The convolution of a shortcut that is a projection.
    pub(super) fn projection(&self) -> ConvolutionPlan {
        ConvolutionPlan { inputs: self.inputs, outputs: self.outputs, kernel: 1, stride: self.stride }
    }
}

/// The blocks in order; `counts`: number of blocks of each layer. The width doubles from layer to layer, and each layer
/// but the first halves the picture.
pub(super) fn blocks(kind: BlockKind, counts: &[usize], width: usize) -> Vec<BlockPlan> {
    let expansion = if kind == BlockKind::Bottleneck { 4 } else { 1 };
    let mut inputs = width;
    let mut plan = Vec::new();
    for (layer, &count) in counts.iter().enumerate() {
        let width = width << layer;
        for number in 0..count {
            let stride = if number == 0 && layer > 0 { 2 } else { 1 };
            plan.push(BlockPlan { kind, layer, inputs, width, outputs: width * expansion, stride });
            inputs = width * expansion;
        }
    }
    plan
}
