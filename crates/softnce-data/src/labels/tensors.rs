//! Tensors in `.safetensors` files.

use std::fs;

use ndarray::Array2;
use safetensors::SafeTensors;

use super::LabelError;
use super::place::Place;
use super::rule::LabelRows;
use crate::ContentError;
use crate::arrays::safetensors::element;

/// Reads the tensor of this name; without a name, the only tensor of two dimensions.
pub(super) fn read(mut sink: LabelRows<'_>, name: Option<&str>) -> Result<Array2<f32>, LabelError> {
    let path = sink.path;
    let bytes = fs::read(path).map_err(LabelError::io(path))?;
    let file = SafeTensors::deserialize(&bytes)
        .map_err(|error| ContentError::byte::<LabelError>(path, 0, error.to_string(), "a whole .safetensors file"))?;
    let mut names: Vec<&str> = file.iter().map(|(name, _)| name).collect();
    names.sort_unstable();
    let wrong = |found: String, expected: String| ContentError::whole(path, found, expected);
    let name = match name {
        Some(name) => name,
        None => {
            let mut flat = file.iter().filter(|(_, tensor)| tensor.shape().len() == 2).map(|(name, _)| name);
            match (flat.next(), flat.next()) {
                (Some(name), None) => name,
                (first, _) => {
                    let count = if first.is_some() { "several tensors" } else { "no tensor" };
                    let expected = "one, or the name of the one to read ('tensor')".to_owned();
                    return Err(wrong(format!("{count} of two dimensions among {}", names.join(", ")), expected));
                }
            }
        }
    };
    let tensor =
        file.tensor(name).map_err(|_| wrong(format!("tensors {}", names.join(", ")), format!("a tensor '{name}'")))?;
    if tensor.shape() != [sink.rows(), sink.classes()] {
        return Err(sink.shape(format!("tensor '{name}' of shape {:?}", tensor.shape())));
    }
    let Some(element) = element(tensor.dtype()) else {
        let found = format!("tensor '{name}' of {:?}", tensor.dtype());
        return Err(wrong(found, "integers or floating-point numbers".to_owned()));
    };
    for row in tensor.data().chunks_exact((sink.classes() * element.size()).max(1)) {
        let row: Vec<f64> = row.chunks_exact(element.size()).map(|bytes| element.decode(bytes)).collect();
        sink.push(&row, Place::Array(sink.taken()))?;
    }
    sink.finish(None)
}
