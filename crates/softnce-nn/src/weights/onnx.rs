//! Writes networks as ONNX files.

use std::collections::BTreeMap;
use std::path::Path;

use softnce_store::write;

use super::{NamedTensor, WeightsError, named};
use crate::models::Network;
use crate::onnx::Graph;

/// Writes a network in evaluation mode as an ONNX file (operators of version 17), atomically: from `pictures` of shape
/// `[batch, C, H, W]`, normalised, to `logits` of shape `[batch, classes]`, for any batch size. Equal networks and metadata
/// give equal bytes.
///
/// # Shapes
/// `input`: channels, height and width of a picture.
///
/// # Errors
/// [`WeightsError::Device`] where a tensor cannot be read, [`WeightsError::Format`] for a network that ONNX cannot hold,
/// [`WeightsError::Store`] if the file cannot be written. An existing file is then unchanged.
pub fn write_onnx(
    path: &Path,
    network: &Network,
    input: [usize; 3],
    classes: usize,
    metadata: &BTreeMap<String, String>,
) -> Result<(), WeightsError> {
    let tensors = named(network)?.into_iter().map(|NamedTensor { name, shape, values }| (name, (shape, values)));
    let (mut graph, pictures) = Graph::new(tensors.collect());
    let logits = network.body().graph(&mut graph, pictures);
    let bytes = graph.finish(logits, input, classes, metadata).map_err(|reason| WeightsError::Format {
        path: path.to_owned(),
        reason,
        expected: "a network that an ONNX file can hold",
    })?;
    Ok(write(path, &bytes)?)
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::models::{Library, NetworkConfig, Pool, VitConfig};
    use crate::weights::tests::{configs, network};

    /// The pytest files of the program run the files with ONNX Runtime.
    #[test]
    fn every_network_describes_all_of_its_tensors() {
        let folder = tempfile::tempdir().unwrap();
        let metadata = BTreeMap::from([("classes".to_owned(), "[]".to_owned())]);
        let mut configs = configs();
        configs.push(NetworkConfig::Vit(VitConfig {
            pool: Pool::Mean,
            qkv_bias: false,
            ..VitConfig::explicit(6, 1, 2, 4)
        }));
        for config in configs {
            let network = network(&config, 1, &Device::flex());
            let written = ["a", "b"].map(|name| {
                let path = folder.path().join(name);
                write_onnx(&path, &network, [2, 8, 8], 3, &metadata).unwrap();
                std::fs::read(path).unwrap()
            });
            assert_eq!(written[0], written[1], "{config:?}");
            let numbers: usize = named(&network).unwrap().iter().map(|tensor| tensor.values.len()).sum();
            assert!(written[0].len() > 4 * numbers, "{config:?}");
            assert!(
                config.python([2, 8, 8], 3, Library::Timm).unwrap().iter().any(|line| line.starts_with("model = ")),
                "{config:?}"
            );
        }
    }
}
