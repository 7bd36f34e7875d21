//! Between this crate's layouts and PyTorch's.

use crate::models::Network;

/// Name of the weight that PyTorch keeps as a convolution and this crate as a linear layer.
const PATCHES: &str = "patch_embed.proj.weight";

/// How a network's tensors lie in PyTorch. Linear weights are transposed, `[inputs, outputs]` here and `[outputs,
/// inputs]` there; the patch projection is `[D, C, p, p]` there; everything else is the same.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    /// Side of a patch and channels.
    patch: Option<(usize, usize)>,
}

impl Layout {
    pub(super) fn of(network: &Network) -> Layout {
        match network {
            Network::Vit(vit) => Layout { patch: Some(vit.patch()) },
            Network::Mlp(_) | Network::Resnet(_) => Layout { patch: None },
        }
    }

    /// The shape in PyTorch of a tensor that has the shape `own` here.
    pub(super) fn shape(&self, name: &str, own: &[usize]) -> Vec<usize> {
        match (own, self.patch) {
            (&[_, outputs], Some((side, channels))) if name == PATCHES => vec![outputs, channels, side, side],
            (&[inputs, outputs], _) => vec![outputs, inputs],
            _ => own.to_vec(),
        }
    }
}

/// Values of a tensor of shape `own` here in PyTorch's order.
pub(super) fn outward(values: Vec<f32>, own: &[usize]) -> Vec<f32> {
    match *own {
        [inputs, outputs] => transposed(&values, inputs, outputs),
        _ => values,
    }
}

/// Values in PyTorch's order as a tensor of shape `own` here.
pub(super) fn inward(values: &[f32], own: &[usize]) -> Vec<f32> {
    match *own {
        [inputs, outputs] => transposed(values, outputs, inputs),
        _ => values.to_vec(),
    }
}

fn transposed(values: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    (0..columns).flat_map(|column| values.iter().skip(column).step_by(columns.max(1)).take(rows).copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linear_weights_are_transposed() {
        let values: Vec<f32> = (0..6).map(|value| value as f32).collect();
        let outward = outward(values.clone(), &[2, 3]);
        assert_eq!(outward, [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
        assert_eq!(inward(&outward, &[2, 3]), values);
        assert_eq!(Layout { patch: None }.shape("head.weight", &[2, 3]), [3, 2]);
    }

    #[test]
    fn the_patch_projection_is_a_convolution() {
        let layout = Layout { patch: Some((4, 3)) };
        assert_eq!(layout.shape(PATCHES, &[48, 24]), [24, 3, 4, 4]);
        assert_eq!(layout.shape("head.weight", &[48, 24]), [24, 48]);
    }
}
