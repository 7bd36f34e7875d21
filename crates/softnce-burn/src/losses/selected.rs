//! The module behind all losses.

use std::sync::Arc;

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};
use softnce::{Error as LossError, LossKind, LossSettings, SoftDistributionInfoNce};

use super::{ComputePath, LossConfig};
use crate::paths::{self, Call};
use crate::{Error, LossBatch};

/// Any loss of the family as a Burn module, chosen by [`LossConfig::kind`].
#[derive(Module, Debug)]
pub struct SelectedLoss {
    /// Logarithm of the temperature, where it is learned. Shape `[1]`.
    pub log_temperature: Option<Param<Tensor<1>>>,
    #[module(skip)]
    shared: Arc<Shared>,
}

/// What does not change with training.
#[derive(Debug)]
struct Shared {
    kind: LossKind,
    settings: LossSettings,
    draws: SoftDistributionInfoNce,
    path: ComputePath,
    check_values: bool,
}

impl LossConfig {
    /// Builds the module.
    ///
    /// # Errors
    /// A temperature that is not a finite number above 0; noise that is not a distribution; an alpha out of range.
    pub fn init(&self, device: &Device) -> Result<SelectedLoss, Error> {
        let settings = self.settings()?;
        let log_temperature = self
            .learnable_temperature
            .then(|| Param::from_tensor(Tensor::from_data(TensorData::from([self.temperature.ln() as f32]), device)));
        let draws = SoftDistributionInfoNce::new(settings.clone(), self.seed);
        let shared = Shared { kind: self.kind, settings, draws, path: self.path, check_values: self.check_values };
        Ok(SelectedLoss { log_temperature, shared: Arc::new(shared) })
    }
}

impl SelectedLoss {
    /// Which loss this is.
    pub fn kind(&self) -> LossKind {
        self.shared.kind
    }

    /// Temperature (its starting value where it is learned), noise distribution and reduction.
    pub fn settings(&self) -> &LossSettings {
        &self.shared.settings
    }

    /// The temperature as it is now.
    ///
    /// # Errors
    /// A learned temperature that cannot be read, or that left the range of numbers above 0.
    pub fn temperature(&self) -> Result<f64, Error> {
        match &self.log_temperature {
            None => Ok(self.shared.settings.temperature()),
            Some(log_temperature) => {
                let log = log_temperature.val().without_autodiff().try_into_scalar::<f64>();
                let value = log.map_err(|error| crate::batch::read_error("temperature", error))?.exp();
                if value > 0.0 && value.is_finite() { Ok(value) } else { Err(LossError::Temperature { value }.into()) }
            }
        }
    }

    /// The loss.
    ///
    /// # Shapes
    /// - logits: `[N, d]`, f16, bf16, f32 or f64
    /// - batch: M >= N targets over d classes
    /// - output: `[N]` under reduction none, else `[1]`, in the type of the logits
    ///
    /// # Errors
    /// What [`softnce::Loss`] refuses; a tensor that cannot be read; the kernel path on a device other than Flex.
    pub fn forward(&self, logits: Tensor<2>, batch: impl Into<LossBatch>) -> Result<Tensor<1>, Error> {
        let batch = batch.into();
        let temperature = self.temperature()?;
        let call = Call {
            kind: self.shared.kind,
            settings: self.shared.settings.clone().with_temperature(temperature)?,
            // The tensor the gradient flows to; its value is read above.
            temperature: self.log_temperature.as_ref().map(|log_temperature| log_temperature.val().exp()),
            draws: &self.shared.draws,
            check_values: self.shared.check_values,
        };
        let on_cpu = paths::on_cpu(&logits);
        match self.shared.path {
            ComputePath::Kernel if !on_cpu => Err(Error::Device { device: format!("{:?}", logits.device()) }),
            ComputePath::Kernel => paths::kernel(&call, logits, &batch),
            ComputePath::Auto if on_cpu => paths::kernel(&call, logits, &batch),
            ComputePath::Auto | ComputePath::Tensor => paths::tensor(&call, logits, &batch),
        }
    }
}
