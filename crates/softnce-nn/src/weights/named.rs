//! A network as named tensors, and back.

use std::collections::{BTreeMap, HashMap};

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::{Device, Tensor, TensorData};

use super::error::WeightsError;
use super::torch::{inward, outward, torch_shape};
use crate::models::{ModulePath, Network, Running};

/// A tensor with its name in timm or torchvision and its values in PyTorch's order.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedTensor {
    /// Such as `blocks.0.attn.qkv.weight`.
    pub name: String,
    /// A linear weight is `[outputs, inputs]`, a convolution's `[outputs, inputs, k, k]`.
    pub shape: Vec<usize>,
    /// Row by row.
    pub values: Vec<f32>,
}

/// The parameters and running statistics of a network, in the order of its modules.
///
/// # Errors
/// [`WeightsError::Device`] where a tensor cannot be read.
pub fn named(network: &Network) -> Result<Vec<NamedTensor>, WeightsError> {
    let mut reader = TensorReader { path: ModulePath::default(), network, tensors: Vec::new(), error: None };
    network.visit(&mut reader);
    if let Some(error) = reader.error {
        return Err(error);
    }
    let mut tensors = reader.tensors;
    for running in network.running() {
        let [mean, variance] = running_names(&running.name);
        let pair = [(mean, &running.mean), (variance, &running.variance)];
        let pair = pair.map(|(name, tensor)| {
            let values = values(&name, tensor)?;
            Ok::<_, WeightsError>(NamedTensor { name, shape: vec![values.len()], values })
        });
        // After the normalisation's weight and bias, as in PyTorch.
        let bias = format!("{}.bias", running.name);
        let place = tensors.iter().position(|tensor| tensor.name == bias).map_or(tensors.len(), |place| place + 1);
        for (offset, tensor) in pair.into_iter().enumerate() {
            tensors.insert(place + offset, tensor?);
        }
    }
    Ok(tensors)
}

/// The network with these parameters and running statistics. Ids, device and which parameters need a gradient stay.
///
/// # Errors
/// [`WeightsError::Missing`], [`WeightsError::Shape`] or [`WeightsError::Values`] for the first tensor that does not
/// fit, [`WeightsError::Unknown`] with all names that the network does not have.
pub fn apply(network: Network, tensors: &BTreeMap<String, NamedTensor>) -> Result<Network, WeightsError> {
    let running = network.running();
    let shapes = shapes(&network).into_iter().collect();
    let mut writer = TensorWriter { path: ModulePath::default(), shapes, tensors, known: Vec::new(), error: None };
    let mut network = network.map(&mut writer);
    let TensorWriter { mut known, error, .. } = writer;
    if let Some(error) = error {
        return Err(error);
    }
    let mut replaced = Vec::with_capacity(running.len());
    for Running { name, mean, frozen, .. } in running {
        let (device, [channels]) = (mean.device(), mean.dims());
        let [mean, variance] = running_names(&name).map(|name| {
            let values = fitting(tensors, &name, vec![channels]).map(|tensor| tensor.values.clone());
            known.push(name);
            values.map(|values| Tensor::<1>::from_data(TensorData::new(values, [channels]), &device))
        });
        replaced.push(Running { name, mean: mean?, variance: variance?, frozen });
    }
    network.set_running(replaced)?;
    known.sort_unstable();
    let names: Vec<String> = tensors.keys().filter(|name| known.binary_search(name).is_err()).cloned().collect();
    if names.is_empty() { Ok(network) } else { Err(WeightsError::Unknown { names }) }
}

/// Id and name of every parameter, in the order of the modules, without the running statistics.
pub fn parameter_ids(network: &Network) -> Vec<(ParamId, String)> {
    list(network).into_iter().map(|(id, name, _)| (id, name)).collect()
}

/// Name and PyTorch's shape of every parameter, in the order of the modules, without reading values.
pub fn shapes(network: &Network) -> Vec<(String, Vec<usize>)> {
    list(network).into_iter().map(|(_, name, shape)| (name, shape)).collect()
}

fn list(network: &Network) -> Vec<(ParamId, String, Vec<usize>)> {
    let mut lister = Lister { path: ModulePath::default(), network, parameters: Vec::new() };
    network.visit(&mut lister);
    lister.parameters
}

fn running_names(norm: &str) -> [String; 2] {
    [format!("{norm}.running_mean"), format!("{norm}.running_var")]
}

fn values<const D: usize>(name: &str, tensor: &Tensor<D>) -> Result<Vec<f32>, WeightsError> {
    let values = tensor.try_to_vec_as::<f32>();
    values.map_err(|error| WeightsError::Device { name: name.to_string(), reason: format!("{error:?}") })
}

/// The tensor of this name, if it has the expected shape and fills it.
fn fitting<'a>(
    tensors: &'a BTreeMap<String, NamedTensor>,
    name: &str,
    expected: Vec<usize>,
) -> Result<&'a NamedTensor, WeightsError> {
    let name = name.to_string();
    let Some(tensor) = tensors.get(&name) else { return Err(WeightsError::Missing { name, expected }) };
    let NamedTensor { shape, values, .. } = tensor;
    if *shape != expected {
        return Err(WeightsError::Shape { name, shape: shape.clone(), expected });
    }
    if values.len() != shape.iter().product::<usize>() {
        return Err(WeightsError::Values { name, values: values.len(), shape: shape.clone() });
    }
    Ok(tensor)
}

struct TensorReader<'a> {
    path: ModulePath,
    network: &'a Network,
    tensors: Vec<NamedTensor>,
    error: Option<WeightsError>,
}

impl ModuleVisitor for TensorReader<'_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let (name, tensor) = (self.path.name(), param.val());
        let own = tensor.dims();
        match values(&name, &tensor) {
            Ok(values) => {
                let (shape, values) = (torch_shape(self.network, &name, &own), outward(values, &own));
                self.tensors.push(NamedTensor { name, shape, values });
            }
            Err(error) => self.error = self.error.take().or(Some(error)),
        }
    }
}

struct TensorWriter<'a> {
    path: ModulePath,
    /// PyTorch's shape of each parameter.
    shapes: HashMap<String, Vec<usize>>,
    tensors: &'a BTreeMap<String, NamedTensor>,
    /// Names the network has.
    known: Vec<String>,
    error: Option<WeightsError>,
}

impl ModuleMapper for TensorWriter<'_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.exit();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let name = self.path.name();
        let own = param.lazy_shape().dims::<D>();
        let found = fitting(self.tensors, &name, self.shapes.remove(&name).unwrap_or_default());
        self.known.push(name);
        match found {
            Ok(tensor) => {
                let data = TensorData::new(inward(&tensor.values, &own), own);
                param.map(|old| {
                    let device: Device = old.device();
                    let new = Tensor::from_data(data, &device);
                    if old.is_require_grad() { new.require_grad() } else { new }
                })
            }
            Err(error) => {
                self.error = self.error.take().or(Some(error));
                param
            }
        }
    }
}

struct Lister<'a> {
    path: ModulePath,
    network: &'a Network,
    parameters: Vec<(ParamId, String, Vec<usize>)>,
}

impl ModuleVisitor for Lister<'_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let name = self.path.name();
        let shape = torch_shape(self.network, &name, &param.lazy_shape().dims::<D>());
        self.parameters.push((param.id, name, shape));
    }
}
