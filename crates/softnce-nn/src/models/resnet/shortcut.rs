//! Shortcuts of residual blocks.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

/// The shortcut of a block that changes the shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shortcut {
    /// Option A of the paper, without parameters: every second pixel; new channels are 0, half of them before the old
    /// ones and half after.
    Padding,
    /// Option B: a convolution of kernel 1 and batch normalisation.
    Projection,
}

/// The input itself if the block keeps the shape; else every `stride`-th pixel, with channels of zeros before and
/// after.
pub(super) fn padded(input: Tensor<4>, outputs: usize, stride: usize) -> Tensor<4> {
    let inputs = input.dims()[1];
    let sampled = if stride > 1 { every(every(input, 2, stride), 3, stride) } else { input };
    if inputs == outputs {
        return sampled;
    }
    let [rows, _, height, width] = sampled.dims();
    let device = sampled.device();
    let zeros = |channels| Tensor::zeros([rows, channels, height, width], &device);
    let before = (outputs - inputs) / 2;
    Tensor::cat(vec![zeros(before), sampled, zeros(outputs - inputs - before)], 1)
}

/// Every `stride`-th entry of an axis, starting with the first.
fn every(input: Tensor<4>, axis: usize, stride: usize) -> Tensor<4> {
    let length = input.dims()[axis];
    let device = input.device();
    input.select(axis, Tensor::arange_step(0..length as i64, stride, &device))
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;

    #[test]
    fn padding_takes_every_second_pixel_between_channels_of_zeros() {
        let values: Vec<f32> = (1..=15).map(|value| value as f32).collect();
        let input = Tensor::from_data(TensorData::new(values, [1, 1, 3, 5]), &Device::flex());
        let output = padded(input, 3, 2);
        assert_eq!(output.dims(), [1, 3, 2, 3]);
        let mut expected = vec![0.0; 6];
        expected.extend([1.0, 3.0, 5.0, 11.0, 13.0, 15.0]);
        expected.extend([0.0; 6]);
        assert_eq!(output.try_to_vec_as::<f32>().unwrap(), expected);
    }
}
