//! Flex tensors as slices of `f32`, and slices as Flex tensors.

use burn::backend::flex::FlexTensor;
use burn::backend::{DispatchDevice, Flex};
use burn::tensor::{DType, Shape, Tensor, TensorData};

/// The tensor's values in row-major order, if it lies on the CPU device and holds `f32`. They are copied only if the tensor
/// is strided.
pub(super) fn read<const D: usize>(tensor: &Tensor<D>) -> Option<FlexTensor> {
    let here = matches!(tensor.device().without_autodiff().as_dispatch(), DispatchDevice::Flex(_));
    if !here || tensor.dtype() != DType::F32 {
        return None;
    }
    let primitive = tensor.clone().without_autodiff().try_into_primitive::<Flex>().ok()?;
    Some(primitive.to_contiguous())
}

/// Whether a backward pass may need this tensor's gradient.
pub(super) fn tracked<const D: usize>(tensor: &Tensor<D>) -> bool {
    tensor.is_autodiff() && tensor.is_tracked()
}

/// The values of a tensor that [`read`] returned, or of an upstream gradient.
pub(super) fn values(tensor: &FlexTensor) -> &[f32] {
    tensor.as_slice().unwrap_or_default()
}

/// A new tensor of these values.
pub(super) fn tensor(shape: impl Into<Shape>, values: Vec<f32>) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, shape.into()))
}
