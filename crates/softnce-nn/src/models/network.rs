//! One type for all networks, and one for all their configurations.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use chacha20::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::architecture::{Architecture, Body, NetworkKind};
use super::error::{NetworkError, check_shapes};
use super::freeze::Freeze;
use super::frozen::{is_frozen, trained, untracked};
use super::layers::{BatchNorm, ForwardPass, Init};
use super::library::Library;
use super::linear::{LinearConfig, LinearNetwork};
use super::mlp::{Mlp, MlpConfig};
use super::names::with_ids;
use super::resnet::{Resnet, ResnetConfig};
use super::running::{Running, RunningUpdates};
use super::size::LayerSize;
use super::vit::{Vit, VitConfig};

// The table of networks: a new one takes a line in each of the seven lists (`NetworkConfig`, `Network`, `KINDS`,
// `architecture`, `build`, `body`, `body_mut`), and its own file.

/// Configuration of a network; `kind` names the family.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum NetworkConfig {
    /// Softmax regression.
    Linear(LinearConfig),
    /// Linear layers with ReLU between them.
    Mlp(MlpConfig),
    /// A residual network.
    Resnet(ResnetConfig),
    /// A vision transformer.
    Vit(VitConfig),
}

/// A network from pictures to class logits.
#[derive(Module, Debug)]
pub enum Network {
    /// Softmax regression.
    Linear(LinearNetwork),
    /// Linear layers with ReLU between them.
    Mlp(Mlp),
    /// A residual network.
    Resnet(Resnet),
    /// A vision transformer.
    Vit(Vit),
}

impl NetworkConfig {
    /// All kinds of networks, in the order in which documents list them.
    pub const KINDS: [&NetworkKind; 4] = [&LinearNetwork::KIND, &Mlp::KIND, &Resnet::KIND, &Vit::KIND];

    fn architecture(&self) -> &dyn Architecture {
        match self {
            NetworkConfig::Linear(config) => config,
            NetworkConfig::Mlp(config) => config,
            NetworkConfig::Resnet(config) => config,
            NetworkConfig::Vit(config) => config,
        }
    }

    fn build(&self, input: [usize; 3], classes: usize, init: &mut Init) -> Result<Network, NetworkError> {
        Ok(match self {
            NetworkConfig::Linear(config) => Network::Linear(config.init(input, classes, init)),
            NetworkConfig::Mlp(config) => Network::Mlp(config.init(input, classes, init)),
            NetworkConfig::Resnet(config) => Network::Resnet(config.init(input[0], classes, init)),
            NetworkConfig::Vit(config) => Network::Vit(config.init(input, classes, init)?),
        })
    }
}

impl Network {
    pub(crate) fn body(&self) -> &dyn Body {
        match self {
            Network::Linear(network) => network,
            Network::Mlp(network) => network,
            Network::Resnet(network) => network,
            Network::Vit(network) => network,
        }
    }

    fn body_mut(&mut self) -> &mut dyn Body {
        match self {
            Network::Linear(network) => network,
            Network::Mlp(network) => network,
            Network::Resnet(network) => network,
            Network::Vit(network) => network,
        }
    }
}

impl NetworkConfig {
    /// Its kind.
    pub fn kind(&self) -> &'static NetworkKind {
        self.architecture().kind()
    }

    /// The network in words, such as `residual network of 20 layers, all but its head frozen`.
    ///
    /// # Shapes
    /// `input`: channels, height and width of the pictures.
    pub fn describe(&self, input: [usize; 3], classes: usize) -> String {
        let network = self.architecture().describe(input, classes);
        match self.freeze() {
            None => network,
            Some(Freeze::Body) => format!("{network}, all but its head frozen"),
            Some(Freeze::Layers(1)) => format!("{network}, its first layer frozen"),
            Some(Freeze::Layers(count)) => format!("{network}, its first {count} layers frozen"),
        }
    }

    /// Lines of Python that make the network as `model`, with timm or torchvision, and load `weights`, a dictionary of its
    /// tensors with the names of this library. They may use `torch`, `torchvision`, `timm`, `functools` and `collections`.
    ///
    /// # Shapes
    /// `input`: channels, height and width of the pictures.
    ///
    /// # Errors
    /// As [`NetworkConfig::check`]; [`NetworkError::Argument`] for a network that the library does not have.
    pub fn python(&self, input: [usize; 3], classes: usize, names: Library) -> Result<Vec<String>, NetworkError> {
        self.check(input, classes)?;
        self.architecture().python(input, classes, names)
    }

    /// Whether a network can be built from this configuration.
    ///
    /// # Shapes
    /// `input`: channels, height and width of the pictures.
    ///
    /// # Errors
    /// [`NetworkError::Argument`] for the first number out of its range.
    pub fn check(&self, input: [usize; 3], classes: usize) -> Result<(), NetworkError> {
        check_shapes(input, classes)?;
        let architecture = self.architecture();
        architecture.check(input)?;
        architecture.freeze().map_or(Ok(()), |freeze| freeze.check(architecture.layers(input, classes)?.len()))
    }

    /// The layers that keep their weights in training.
    pub fn freeze(&self) -> Option<Freeze> {
        self.architecture().freeze()
    }

    /// Builds the network on a device; for training, on `device.autodiff()`. Its frozen layers are outside the graph;
    /// they keep this when [`apply`](crate::weights::apply) or [`import`](crate::weights::import) set their weights.
    ///
    /// # Shapes
    /// `input`: channels, height and width of a picture.
    ///
    /// # Errors
    /// As [`NetworkConfig::check`].
    pub fn init(
        &self,
        input: [usize; 3],
        classes: usize,
        rng: &mut ChaCha8Rng,
        device: &Device,
    ) -> Result<Network, NetworkError> {
        self.check(input, classes)?;
        let mut network = with_ids(self.build(input, classes, &mut Init { rng, device })?);
        if let Some(freeze) = self.freeze() {
            let whole = network.clone();
            network.body_mut().freeze(&|name| is_frozen(freeze, whole.body(), name));
            network = untracked(network, freeze, whole.body());
        }
        Ok(network)
    }

    /// Number of weights and biases, without building the network. Running statistics are not among them.
    ///
    /// # Shapes
    /// `input`: channels, height and width of a picture.
    ///
    /// # Errors
    /// As [`NetworkConfig::check`].
    pub fn parameters(&self, input: [usize; 3], classes: usize) -> Result<usize, NetworkError> {
        self.check(input, classes)?;
        Ok(self.architecture().layers(input, classes)?.into_iter().sum::<LayerSize>().parameters)
    }

    /// The part of [`NetworkConfig::parameters`] that training changes: all but the frozen layers.
    ///
    /// # Shapes
    /// `input`: channels, height and width of a picture.
    ///
    /// # Errors
    /// As [`NetworkConfig::check`].
    pub fn trained_parameters(&self, input: [usize; 3], classes: usize) -> Result<usize, NetworkError> {
        self.check(input, classes)?;
        Ok(trained(self.architecture(), input, classes)?.parameters)
    }

    /// An estimate of the floats that a training pass keeps for the backward pass, per sample; frozen layers keep none.
    ///
    /// It counts the input of every linear layer, convolution, normalisation and activation function, each as a copy of
    /// its own, and in attention the queries, keys, values and probabilities. A fused operation may keep less;
    /// temporary values are not counted.
    ///
    /// # Shapes
    /// `input`: channels, height and width of a picture.
    ///
    /// # Errors
    /// As [`NetworkConfig::check`].
    pub fn activation_floats(&self, input: [usize; 3], classes: usize) -> Result<usize, NetworkError> {
        self.check(input, classes)?;
        Ok(trained(self.architecture(), input, classes)?.activations)
    }
}

impl Network {
    /// Class logits in evaluation: batch normalisation with its running statistics, no branch dropped.
    ///
    /// # Shapes
    /// - pictures: `[N, C, H, W]`, of the size the network was made for
    /// - output: `[N, classes]`
    ///
    /// # Errors
    /// [`NetworkError::Operation`] for pictures of a size that does not fit the network.
    pub fn forward(&self, pictures: Tensor<4>) -> Result<Tensor<2>, NetworkError> {
        Ok(self.body().forward(pictures, &mut ForwardPass::Evaluation)?)
    }

    /// Class logits in training: batch normalisation with the statistics of the batch, and branches dropped at random.
    /// The masks depend on the seed alone: give each step of a run, and each worker's share of it, its own seed. Frozen
    /// layers work as in evaluation.
    ///
    /// The network itself does not change; [`Network::update_running`] adds the batch statistics to the running ones.
    ///
    /// # Shapes
    /// As [`Network::forward`].
    ///
    /// # Errors
    /// As [`Network::forward`].
    pub fn forward_train(&self, pictures: Tensor<4>, seed: u64) -> Result<(Tensor<2>, RunningUpdates), NetworkError> {
        let mut pass = ForwardPass::training(seed);
        let logits = self.body().forward(pictures, &mut pass)?;
        Ok((logits, pass.into_updates()))
    }

    /// Moves the running statistics by a tenth towards those of a batch, with its unbiased variance, as PyTorch does; those
    /// of frozen layers stay.
    ///
    /// # Errors
    /// [`NetworkError::Running`] if the statistics are of another network; nothing changes then.
    pub fn update_running(&mut self, updates: RunningUpdates) -> Result<(), NetworkError> {
        let mut norms = self.body_mut().batch_norms();
        norms.retain(|(_, norm)| !norm.frozen());
        check_channels(&norms, updates.batches.iter().map(|batch| (batch.mean.dims()[0], batch.variance.dims()[0])))?;
        for ((_, norm), batch) in norms.iter_mut().zip(updates.batches) {
            norm.update(batch);
        }
        Ok(())
    }

    /// The running statistics in the order of the forward pass; empty without batch normalisation.
    pub fn running(&self) -> Vec<Running> {
        self.clone().body_mut().batch_norms().into_iter().map(|(name, norm)| norm.running(name)).collect()
    }

    /// Replaces the running statistics, for example by those of another network of the same configuration.
    ///
    /// # Errors
    /// As [`Network::update_running`]; the names are not checked.
    pub fn set_running(&mut self, running: Vec<Running>) -> Result<(), NetworkError> {
        let mut norms = self.body_mut().batch_norms();
        check_channels(&norms, running.iter().map(|one| (one.mean.dims()[0], one.variance.dims()[0])))?;
        for ((_, norm), Running { mean, variance, .. }) in norms.iter_mut().zip(running) {
            norm.set_running(mean, variance);
        }
        Ok(())
    }
}

fn check_channels(
    norms: &[(String, &mut BatchNorm)],
    given: impl Iterator<Item = (usize, usize)>,
) -> Result<(), NetworkError> {
    let expected: Vec<usize> = norms.iter().map(|(_, norm)| norm.channels()).collect();
    let given: Vec<(usize, usize)> = given.collect();
    if given.iter().copied().eq(expected.iter().map(|&channels| (channels, channels))) {
        return Ok(());
    }
    let channels = given.iter().map(|&(mean, variance)| mean.max(variance)).collect();
    Err(NetworkError::Running { got: given.len(), channels, expected })
}
