//! Shapes of the blocks of a residual network.

/// Shape of one block.
#[derive(Debug, Clone, Copy)]
pub(super) struct BlockPlan {
    pub(super) layer: usize,
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    pub(super) stride: usize,
}

impl BlockPlan {
    /// Whether the output's shape differs from the input's.
    pub(super) fn changes(&self) -> bool {
        self.stride != 1 || self.inputs != self.outputs
    }
}

/// The blocks in order. The width doubles from layer to layer, and each layer but the first halves the picture.
pub(super) fn blocks(layers: usize, blocks: usize, width: usize) -> Vec<BlockPlan> {
    let one = |layer: usize, number: usize| {
        let enters = number == 0 && layer > 0;
        let outputs = width << layer;
        BlockPlan {
            layer,
            inputs: if enters { outputs / 2 } else { outputs },
            outputs,
            stride: if enters { 2 } else { 1 },
        }
    };
    (0..layers).flat_map(|layer| (0..blocks).map(move |number| one(layer, number))).collect()
}
