//! Flex tensors as slices of `f32`, and slices as Flex tensors.
#![allow(unsafe_code)] // New memory is handed to a kernel before it is set: a pass over it is saved.

use burn::backend::flex::FlexTensor;
use burn::backend::{DispatchDevice, Flex};
use burn::tensor::{DType, Shape, Tensor, TensorData};

/// The tensor's values one after another, where it lies on the CPU device and holds `f32`; copied only where it is
/// strided.
pub(super) fn read<const D: usize>(tensor: &Tensor<D>) -> Option<FlexTensor> {
    let here = matches!(tensor.device().without_autodiff().as_dispatch(), DispatchDevice::Flex(_));
    if !here || tensor.dtype() != DType::F32 {
        return None;
    }
    let primitive = tensor.clone().without_autodiff().try_into_primitive::<Flex>().ok()?;
    Some(primitive.to_contiguous())
}

/// Whether a backward pass can come by this tensor.
pub(super) fn tracked<const D: usize>(tensor: &Tensor<D>) -> bool {
    tensor.is_autodiff() && tensor.is_tracked()
}

/// The values of a tensor that [`read`] returned, or of an upstream gradient.
pub(super) fn values(tensor: &FlexTensor) -> &[f32] {
    tensor.as_slice().unwrap_or_default()
}

/// A new tensor, every value of which `fill` sets.
pub(super) fn filled(shape: impl Into<Shape>, fill: impl FnOnce(&mut [f32])) -> FlexTensor {
    let shape = shape.into();
    let len = shape.num_elements();
    let mut memory: Vec<f32> = Vec::with_capacity(len);
    // SAFETY: the capacity is `len`, any bits are a float, and the kernels write each value before they read it.
    unsafe {
        fill(std::slice::from_raw_parts_mut(memory.as_mut_ptr(), len));
        memory.set_len(len);
    }
    FlexTensor::from_data(TensorData::new(memory, shape))
}
