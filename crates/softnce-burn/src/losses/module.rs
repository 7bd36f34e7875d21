//! The module behind all losses.

use std::borrow::Cow;
use std::sync::Arc;

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};
use softnce::{Error as LossError, ErrorKind, LossKind, LossSettings};

use super::{ComputePath, LossConfig};
use crate::paths::{self, Call};
use crate::{Error, LossBatch};

/// Any loss of the family as a Burn module, chosen by [`LossConfig::kind`].
#[derive(Module, Debug)]
pub struct LossModule {
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
    path: ComputePath,
    check_values: bool,
    recognise: bool,
}

impl LossConfig {
    /// Builds the module.
    pub fn init(&self, device: &Device) -> LossModule {
        let log_temperature = self.learnable_temperature.then(|| {
            let logarithm = self.settings.temperature().ln() as f32;
            Param::from_tensor(Tensor::from_data(TensorData::from([logarithm]), device))
        });
        let shared = Shared {
            kind: self.kind,
            settings: self.settings.clone(),
            path: self.path,
            check_values: self.check_values,
            recognise: self.recognise,
        };
        LossModule { log_temperature, shared: Arc::new(shared) }
    }
}

impl LossModule {
    /// Which loss this is.
    pub fn kind(&self) -> LossKind {
        self.shared.kind
    }

    /// Temperature (its starting value where it is learned), noise distribution and reduction.
    pub fn settings(&self) -> &LossSettings {
        &self.shared.settings
    }

    /// The temperature as it is now, in the precision of its parameter.
    ///
    /// # Errors
    /// A learned temperature that cannot be read, or that left the range of numbers above 0.
    pub fn temperature(&self) -> Result<f64, Error> {
        match &self.log_temperature {
            None => Ok(self.shared.settings.temperature()),
            Some(log_temperature) => {
                let log = log_temperature.val().without_autodiff().try_into_scalar::<f32>();
                let log = log.map_err(|error| crate::batch::read_error("temperature", error))?;
                // Its reciprocal must stay in range as well: the scores are multiplied by it.
                let in_range = log.exp().is_normal() && (-log).exp().is_normal();
                let value = f64::from(log).exp();
                if in_range { Ok(value) } else { Err(LossError::temperature(value).into()) }
            }
        }
    }

    /// The loss.
    ///
    /// # Shapes
    /// - logits: `[N, d]`, f16, bf16, f32 or f64
    /// - batch: M targets over d classes
    /// - output: `[N]` under reduction none, else `[1]`; f64 for logits in f64, else f32, for in half precision a sum over
    ///   many rows is soon infinite
    ///
    /// Soft distribution InfoNCE takes a batch whose classes are drawn ([`LossBatch::draw`]).
    ///
    /// # Errors
    /// What [`softnce::Loss`] refuses; a tensor that cannot be read; the kernel path on a device other than Flex.
    pub fn forward(&self, logits: Tensor<2>, batch: impl Into<LossBatch>) -> Result<Tensor<1>, Error> {
        self.compute(self.shared.settings.clone(), logits, &batch.into())
    }

    /// The loss with these settings and the temperature as it is now.
    pub(super) fn compute(
        &self,
        settings: LossSettings,
        logits: Tensor<2>,
        batch: &LossBatch,
    ) -> Result<Tensor<1>, Error> {
        let on_cpu = paths::on_cpu(&logits);
        if self.shared.path == ComputePath::Kernel && !on_cpu {
            let expected = "the CPU device Flex, for the kernel path";
            return Err(device_error("logits", &logits.device(), expected));
        }
        let by_kernels = on_cpu && self.shared.path != ComputePath::Tensor;
        // Reading a learned temperature waits for the device. The tensor operations take the parameter itself.
        let read = by_kernels || self.shared.check_values;
        let settings = if read { settings.with_temperature(self.temperature()?)? } else { settings };
        let call = Call {
            kind: self.kind(),
            settings,
            log_temperature: self.log_temperature_for(&logits)?,
            check_values: self.shared.check_values,
            recognise: self.shared.recognise,
        };
        if by_kernels { paths::kernel(&call, logits, batch) } else { paths::tensor(&call, logits, batch) }
    }

    /// The parameter as the logits' graph takes it.
    fn log_temperature_for(&self, logits: &Tensor<2>) -> Result<Option<Tensor<1>>, Error> {
        let Some(parameter) = &self.log_temperature else { return Ok(None) };
        let parameter = parameter.val();
        let (found, expected) = (parameter.device(), logits.device());
        if found != expected {
            return Err(device_error("temperature", &found, format!("{expected:?}, as the logits")));
        }
        Ok(Some(match logits.gradient_checkpointing_strategy() {
            Some(strategy) if parameter.is_autodiff() => parameter.with_gradient_checkpointing_strategy(strategy),
            _ => parameter,
        }))
    }
}

/// A tensor on another device than expected.
fn device_error(argument: &'static str, found: &Device, expected: impl Into<Cow<'static, str>>) -> Error {
    Error::Loss(LossError::new(ErrorKind::Unsupported, argument, format!("device {found:?}"), expected))
}
