//! One type for all networks, and one for all their configurations.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use chacha20::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::error::check_shapes;
use super::layers::{BatchNorm, Init, Pass};
use super::names::with_ids;
use super::{Mlp, MlpConfig, NetworkError, Resnet, ResnetConfig, Running, RunningUpdates, Vit, VitConfig};

/// Configuration of a network; `kind` names the family.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum NetworkConfig {
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
    /// Linear layers with ReLU between them.
    Mlp(Mlp),
    /// A residual network.
    Resnet(Resnet),
    /// A vision transformer.
    Vit(Vit),
}

impl NetworkConfig {
    /// Whether a network can be made from this configuration.
    ///
    /// # Shapes
    /// `input`: channels, height and width of the pictures.
    ///
    /// # Errors
    /// [`NetworkError::Argument`] for the first number out of its range.
    pub fn check(&self, input: [usize; 3], classes: usize) -> Result<(), NetworkError> {
        check_shapes(input, classes)?;
        match self {
            NetworkConfig::Mlp(config) => config.check(),
            NetworkConfig::Resnet(config) => config.check(),
            NetworkConfig::Vit(config) => config.check(input),
        }
    }

    /// Builds the network on a device; for training, on `device.autodiff()`.
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
        let init = &mut Init { rng, device };
        Ok(with_ids(match self {
            NetworkConfig::Mlp(config) => Network::Mlp(config.init(input, classes, init)),
            NetworkConfig::Resnet(config) => Network::Resnet(config.init(input[0], classes, init)),
            NetworkConfig::Vit(config) => Network::Vit(config.init(input, classes, init)?),
        }))
    }

    /// Number of weights and biases, without building the network. Running statistics are not among them.
    ///
    /// # Errors
    /// As [`NetworkConfig::check`].
    pub fn parameters(&self, input: [usize; 3], classes: usize) -> Result<usize, NetworkError> {
        self.check(input, classes)?;
        match self {
            NetworkConfig::Mlp(config) => Ok(config.parameters(input, classes)),
            NetworkConfig::Resnet(config) => Ok(config.parameters(input[0], classes)),
            NetworkConfig::Vit(config) => config.parameters(input, classes),
        }
    }

    /// An estimate of the floats a training pass keeps for the backward pass, per sample.
    ///
    /// It counts what the layers need again: the input of every linear layer, convolution, normalisation and activation
    /// function, each its own copy, and in attention the queries, keys, values and probabilities. A fused operation may
    /// keep less; temporary values are left out.
    ///
    /// # Errors
    /// As [`NetworkConfig::check`].
    pub fn activation_floats(&self, input: [usize; 3], classes: usize) -> Result<usize, NetworkError> {
        self.check(input, classes)?;
        match self {
            NetworkConfig::Mlp(config) => Ok(config.activations(input)),
            NetworkConfig::Resnet(config) => Ok(config.activations(input, classes)),
            NetworkConfig::Vit(config) => config.activations(input, classes),
        }
    }
}

impl Network {
    /// Class logits in evaluation: running statistics, every branch kept.
    ///
    /// # Shapes
    /// - pictures: `[N, C, H, W]`, of the size the network was made for
    /// - output: `[N, classes]`
    ///
    /// # Panics
    /// Burn panics on pictures of another size.
    pub fn forward(&self, pictures: Tensor<4>) -> Tensor<2> {
        self.run(pictures, &mut Pass::Evaluation)
    }

    /// Class logits in training: batch statistics, and drop path masks drawn from the seed alone. A step of a run has a
    /// seed of its own, and so has each worker's share.
    ///
    /// The network is left as it is: [`Network::update_running`] takes the batch statistics in.
    ///
    /// # Shapes
    /// As [`Network::forward`].
    ///
    /// # Panics
    /// Burn panics on pictures of another size.
    pub fn forward_train(&self, pictures: Tensor<4>, seed: u64) -> (Tensor<2>, RunningUpdates) {
        let mut pass = Pass::training(seed);
        let logits = self.run(pictures, &mut pass);
        (logits, pass.into_updates())
    }

    fn run(&self, pictures: Tensor<4>, pass: &mut Pass) -> Tensor<2> {
        match self {
            Network::Mlp(network) => network.forward(pictures),
            Network::Resnet(network) => network.forward(pictures, pass),
            Network::Vit(network) => network.forward(pictures, pass),
        }
    }

    /// Moves the running statistics by a tenth towards those of a batch, with its unbiased variance, as PyTorch does.
    ///
    /// # Errors
    /// [`NetworkError::Running`] where the statistics are not those of this network; it is left as it was.
    pub fn update_running(&mut self, updates: RunningUpdates) -> Result<(), NetworkError> {
        let mut norms = self.batch_norms();
        check_channels(&norms, updates.batches.iter().map(|batch| (batch.mean.dims()[0], batch.variance.dims()[0])))?;
        for ((_, norm), batch) in norms.iter_mut().zip(updates.batches) {
            norm.update(batch);
        }
        Ok(())
    }

    /// The running statistics, in the order of the forward pass; empty without batch normalisation.
    pub fn running(&self) -> Vec<Running> {
        self.clone().batch_norms().into_iter().map(|(name, norm)| norm.running(name)).collect()
    }

    /// Replaces the running statistics, for example by those of another network of the same configuration.
    ///
    /// # Errors
    /// As [`Network::update_running`]; the names are not looked at.
    pub fn set_running(&mut self, running: Vec<Running>) -> Result<(), NetworkError> {
        let mut norms = self.batch_norms();
        check_channels(&norms, running.iter().map(|one| (one.mean.dims()[0], one.variance.dims()[0])))?;
        for ((_, norm), Running { mean, variance, .. }) in norms.iter_mut().zip(running) {
            norm.set_running(mean, variance);
        }
        Ok(())
    }

    fn batch_norms(&mut self) -> Vec<(String, &mut BatchNorm)> {
        match self {
            Network::Mlp(_) => Vec::new(),
            Network::Resnet(network) => network.batch_norms(),
            Network::Vit(network) => network.batch_norms(),
        }
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
