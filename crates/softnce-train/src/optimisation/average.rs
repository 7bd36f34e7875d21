//! Weights averaged over the steps.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use softnce_nn::models::{Network, NetworkError, Running};

/// Exponential moving average of a network's weights and running statistics (Polyak and Juditsky 1992; as timm's
/// `ModelEmaV2`): `average = decay * average + (1 - decay) * weights` after each step.
///
/// The decay of the n-th step is at most `(1 + n) / (10 + n)`, so that the first weights do not linger.
#[derive(Debug, Clone)]
pub struct WeightAverage {
    /// The averaged weights, outside any graph.
    pub network: Network,
    /// Decay at each step once under way.
    pub decay: f64,
}

impl WeightAverage {
    /// Starts from a network's weights as they are.
    pub fn new(network: &Network, decay: f64) -> Self {
        WeightAverage { network: network.valid(), decay }
    }

    /// Takes in the weights after a step; `steps`: optimiser steps so far, this one among them.
    ///
    /// # Errors
    /// Running statistics of another network.
    pub fn update(&mut self, network: &Network, steps: usize) -> Result<(), NetworkError> {
        let decay = self.decay.min((1 + steps) as f64 / (10 + steps) as f64);
        let mut values = Collect { values: GradientsParams::new() };
        network.visit(&mut values);
        let running: Vec<Running> = self.network.running();
        self.network = self.network.clone().map(&mut Mix { values: values.values, decay });
        let mix = |average: Tensor<1>, value: Tensor<1>| {
            average.mul_scalar(decay).add(value.without_autodiff().mul_scalar(1.0 - decay))
        };
        let pairs = running.into_iter().zip(network.running());
        // What is frozen is left out: an average of equal numbers is not always the number, by rounding.
        let mixed = pairs.map(|(average, value)| {
            if value.frozen {
                return average;
            }
            let (mean, variance) = (mix(average.mean, value.mean), mix(average.variance, value.variance));
            Running { mean, variance, ..average }
        });
        self.network.set_running(mixed.collect())
    }
}

/// Collects the values that are not frozen by the ids of their parameters; Burn's container of gradients is one of tensors by id.
struct Collect {
    values: GradientsParams,
}

impl ModuleVisitor for Collect {
    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
        if parameter.is_require_grad() {
            self.values.register(parameter.id, parameter.val().without_autodiff());
        }
    }
}

struct Mix {
    values: GradientsParams,
    decay: f64,
}

impl ModuleMapper for Mix {
    fn map_float<const D: usize>(&mut self, parameter: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (id, average, mapper) = parameter.consume();
        let mixed = match self.values.remove::<D>(id) {
            Some(value) => average.mul_scalar(self.decay).add(value.mul_scalar(1.0 - self.decay)),
            None => average,
        };
        Param::from_mapped_value(id, mixed, mapper)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use burn::tensor::Device;
    use chacha20::ChaCha8Rng;
    use rand::SeedableRng;
    use softnce_nn::models::NetworkConfig;
    use softnce_nn::weights::named;

    use super::*;

    #[test]
    fn weights_and_running_statistics_are_averaged() {
        let config: NetworkConfig = toml::from_str("kind = \"resnet\"\ndepth = 8").unwrap();
        let device = Device::flex().autodiff();
        let made = |seed| config.init([1, 8, 8], 3, &mut ChaCha8Rng::seed_from_u64(seed), &device).unwrap();
        let (first, mut second) = (made(1), made(2));
        let pictures = Tensor::<4>::ones([2, 1, 8, 8], &device);
        let (_, updates) = second.forward_train(pictures, 0).unwrap();
        second.update_running(updates).unwrap();
        let mut average = WeightAverage::new(&first, 0.9);
        average.update(&second, 1).unwrap();
        average.update(&second, 100).unwrap();
        // The first decay is min(0.9, 2 / 11).
        let decay = 2.0 / 11.0 * 0.9;
        let (first, second, found) =
            (named(&first).unwrap(), named(&second).unwrap(), named(&average.network).unwrap());
        for ((one, other), found) in first.iter().zip(&second).zip(&found) {
            assert_eq!(one.name, found.name);
            for ((one, other), found) in one.values.iter().zip(&other.values).zip(&found.values) {
                let expected = f64::from(*one) * decay + f64::from(*other) * (1.0 - decay);
                assert!((f64::from(*found) - expected).abs() < 1e-6 * (1.0 + expected.abs()));
            }
        }
        let moved = |name: &str| found.iter().zip(&first).any(|(a, b)| a.name.ends_with(name) && a != b);
        assert!(moved("running_mean") && moved("weight"));
    }
}
