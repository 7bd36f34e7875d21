//! Logits of a whole set.

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use ndarray::{Array2, Axis, concatenate};

use super::TrainError;
use crate::data::PictureSet;
use crate::model::Mlp;

/// Rows predicted at a time.
const ROWS: usize = 1024;

/// Logits of every picture. Shape `[N, classes]`.
///
/// # Errors
/// No pictures; pictures of another size than the network's; logits that cannot be read from the device.
pub fn predict(model: &Mlp, pictures: &PictureSet, device: &Device) -> Result<Array2<f32>, TrainError> {
    let size = pictures.pixels.ncols();
    if pictures.is_empty() || model.inputs() != Some(size) {
        let expected = "at least one picture, of the size the network takes";
        return Err(TrainError::Setting {
            argument: "pictures",
            value: format!("{:?}", pictures.pixels.shape()),
            expected,
        });
    }
    let model = model.valid();
    let device = device.clone().without_autodiff();
    let mut parts = Vec::new();
    for block in pictures.pixels.axis_chunks_iter(Axis(0), ROWS) {
        let values: Vec<f32> = block.iter().copied().collect();
        let inputs = Tensor::<2>::from_data(TensorData::new(values, [block.nrows(), block.ncols()]), &device);
        let logits = model.forward(inputs);
        let [rows, classes] = logits.dims();
        let read = |reason| TrainError::Read { what: "logits", reason };
        let values = logits.try_to_vec_as::<f32>().map_err(|error| read(format!("{error:?}")))?;
        parts.push(Array2::from_shape_vec((rows, classes), values).map_err(|error| read(error.to_string()))?);
    }
    let views: Vec<_> = parts.iter().map(|part| part.view()).collect();
    concatenate(Axis(0), &views).map_err(|error| TrainError::Read { what: "logits", reason: error.to_string() })
}
