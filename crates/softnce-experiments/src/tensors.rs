//! Matrices between ndarray and Burn.

use burn::tensor::{Device, Tensor, TensorData};
use ndarray::Array2;

use crate::StudyError;

/// The matrix as a tensor of the device.
pub(crate) fn tensor(matrix: Array2<f32>, device: &Device) -> Tensor<2> {
    let shape = [matrix.nrows(), matrix.ncols()];
    // Row by row, whatever the layout of the matrix.
    Tensor::from_data(TensorData::new(matrix.into_iter().collect::<Vec<f32>>(), shape), device)
}

/// The values of a tensor, without its gradients.
///
/// # Errors
/// [`StudyError::Read`] if the device does not hand them out.
pub(crate) fn matrix(tensor: Tensor<2>) -> Result<Array2<f32>, StudyError> {
    let [rows, columns] = tensor.dims();
    let read = |reason: String| StudyError::Read { reason };
    let values = tensor.without_autodiff().try_to_vec_as::<f32>().map_err(|error| read(format!("{error:?}")))?;
    Array2::from_shape_vec((rows, columns), values).map_err(|error| read(error.to_string()))
}
