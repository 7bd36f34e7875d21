//! Shapes and order of values in PyTorch and here.
//!
//! Linear weights are `[inputs, outputs]` here and `[outputs, inputs]` in PyTorch; everything else has the same order.

use crate::models::Network;

/// The shape in PyTorch of the parameter of this name, which has the shape `own` here.
pub(super) fn torch_shape(network: &Network, name: &str, own: &[usize]) -> Vec<usize> {
    network.body().torch_shape(name).unwrap_or_else(|| match *own {
        [inputs, outputs] => vec![outputs, inputs],
        _ => own.to_vec(),
    })
}

/// Values of a tensor of shape `own` here, in PyTorch's order.
pub(super) fn outward(values: Vec<f32>, own: &[usize]) -> Vec<f32> {
    match *own {
        [inputs, outputs] => transposed(&values, inputs, outputs),
        _ => values,
    }
}

/// Values in PyTorch's order, as a tensor of shape `own` here.
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
    use burn::tensor::Device;
    use chacha20::ChaCha8Rng;
    use rand::SeedableRng;

    use super::*;
    use crate::models::{NetworkConfig, VitConfig};

    #[test]
    fn linear_weights_are_transposed() {
        let values: Vec<f32> = (0..6).map(|value| value as f32).collect();
        let outward = outward(values.clone(), &[2, 3]);
        assert_eq!(outward, [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
        assert_eq!(inward(&outward, &[2, 3]), values);
    }

    #[test]
    fn the_patch_projection_is_a_convolution() {
        let config = NetworkConfig::Vit(VitConfig::explicit(24, 1, 3, 4));
        let vit = config.init([3, 8, 8], 5, &mut ChaCha8Rng::seed_from_u64(1), &Device::flex()).unwrap();
        assert_eq!(torch_shape(&vit, "patch_embed.proj.weight", &[48, 24]), [24, 3, 4, 4]);
        assert_eq!(torch_shape(&vit, "head.weight", &[48, 24]), [24, 48]);
        assert_eq!(torch_shape(&vit, "pos_embed", &[1, 5, 24]), [1, 5, 24]);
    }
}
