//! Turns the patches of a picture into tokens.

use burn::module::Module;
use burn::tensor::Tensor;

use crate::models::layers::{Init, Linear};
use crate::onnx::{Graph, Value};
use crate::ops::OperationError;

/// Cuts pictures into square patches and projects each one: a convolution whose stride is its kernel size.
#[derive(Module, Debug)]
pub(super) struct PatchEmbed {
    /// `[C p p, D]`; the inputs are in the order of the last three axes of PyTorch's `[D, C, p, p]`.
    proj: Linear,
    patch: usize,
    channels: usize,
    grid_rows: usize,
    grid_columns: usize,
}

impl PatchEmbed {
    pub(super) fn new(input: [usize; 3], patch: usize, width: usize, init: &mut Init) -> PatchEmbed {
        let [channels, height, across] = input;
        PatchEmbed {
            proj: Linear::uniform(channels * patch * patch, width, init),
            patch,
            channels,
            grid_rows: height / patch,
            grid_columns: across / patch,
        }
    }

    /// # Shapes
    /// `[N, C, H, W]` to `[N, H W / p^2, D]`, patches row by row.
    pub(super) fn forward(&self, pictures: Tensor<4>) -> Result<Tensor<3>, OperationError> {
        let PatchEmbed { patch, channels, grid_rows, grid_columns, .. } = *self;
        let found = pictures.dims();
        let (rows, expected) = (found[0], [channels, grid_rows * patch, grid_columns * patch]);
        if found[1..] != expected {
            let expected = format!("pictures of shape {expected:?}");
            return Err(OperationError::shape("patch embedding", "pictures", &found, expected));
        }
        let cut: Tensor<6> = pictures.reshape([rows, channels, grid_rows, patch, grid_columns, patch]);
        let patches =
            cut.permute([0, 2, 4, 1, 3, 5]).reshape([rows, grid_rows * grid_columns, channels * patch * patch]);
        self.proj.forward(patches)
    }

    /// The operations of [`PatchEmbed::forward`], with the tensors of this name.
    pub(super) fn graph(&self, graph: &mut Graph, name: &str, pictures: Value) -> Value {
        graph.patches(name, pictures, self.patch, self.proj.outputs())
    }

    /// Shape of the projection's weight as a convolution, `[D, C, p, p]`.
    pub(super) fn torch_shape(&self) -> Vec<usize> {
        vec![self.proj.outputs(), self.channels, self.patch, self.patch]
    }

    /// Rows and columns of patches.
    pub(super) fn grid(&self) -> [usize; 2] {
        [self.grid_rows, self.grid_columns]
    }
}
