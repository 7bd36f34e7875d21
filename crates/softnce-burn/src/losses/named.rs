//! A module and a configuration of its own name for each loss.

use burn::config::Config;
use burn::module::Module;
use burn::tensor::{Device, Tensor};
use softnce::{LossKind, Reduction};

use super::{ComputePath, HeadLoss, LossConfig, Noise, SelectedLoss};
use crate::{Error, LossBatch};

macro_rules! named_loss {
    ($(#[$doc:meta])* $loss:ident, $config:ident, $kind:expr) => {
        #[doc = concat!("Configuration of [`", stringify!($loss), "`]; the fields are those of [`LossConfig`].")]
        #[derive(Config, Debug)]
        pub struct $config {
            /// Temperature tau, which divides the logits; the starting value where it is learned.
            #[config(default = "1.0")]
            pub temperature: f64,
            /// Whether the temperature is a parameter. It is kept as its logarithm, so it stays above 0.
            #[config(default = "false")]
            pub learnable_temperature: bool,
            /// Noise distribution of the contrastive losses.
            #[config(default = "Noise::Uniform")]
            pub noise: Noise,
            /// Power of the noise distribution: 1 as it is, 0 uniform.
            #[config(default = "1.0")]
            pub alpha: f64,
            /// How the losses of the rows are put together.
            #[config(default = "Reduction::Mean")]
            pub reduction: Reduction,
            /// Which implementation computes the loss.
            #[config(default = "ComputePath::Auto")]
            pub path: ComputePath,
            /// Whether tensor operations look for values that are not finite or off the simplex.
            #[config(default = "true")]
            pub check_values: bool,
            /// Whether the kernels recognise dense rows that hold no more than a floor and a few classes.
            #[config(default = "true")]
            pub recognise: bool,
        }

        impl $config {
            /// Builds the module.
            ///
            /// # Errors
            /// A temperature that is not a finite number above 0; noise that is not a distribution; an alpha out of
            /// range.
            pub fn init(&self, device: &Device) -> Result<$loss, Error> {
                let config = LossConfig {
                    kind: $kind,
                    temperature: self.temperature,
                    learnable_temperature: self.learnable_temperature,
                    noise: self.noise.clone(),
                    alpha: self.alpha,
                    reduction: self.reduction,
                    path: self.path,
                    check_values: self.check_values,
                    recognise: self.recognise,
                };
                Ok($loss { loss: config.init(device)? })
            }
        }

        $(#[$doc])*
        ///
        #[doc = concat!("Should be created using [`", stringify!($config), "`].")]
        #[derive(Module, Debug)]
        pub struct $loss {
            /// The module behind it.
            pub loss: SelectedLoss,
        }

        impl $loss {
            /// The loss.
            ///
            /// # Shapes
            /// - logits: `[N, d]`
            /// - batch: M targets over d classes, as labels, probabilities, [`softnce::Targets`] or a [`LossBatch`];
            ///   M >= N unless the batch names the positives
            /// - output: `[N]` under reduction none, else `[1]`; f64 for logits in f64, else f32
            ///
            /// # Errors
            /// See [`SelectedLoss::forward`].
            pub fn forward(&self, logits: Tensor<2>, batch: impl Into<LossBatch>) -> Result<Tensor<1>, Error> {
                self.loss.forward(logits, batch)
            }

            /// The loss from the features of a linear head.
            ///
            /// # Shapes
            /// - features: `[N, D]`; weights: `[d, D]`; bias: `[d]`
            /// - batch: M hard or compact targets over d classes, with equal uniform shares
            ///
            /// # Errors
            /// See [`SelectedLoss::forward_head`]; a loss that is not contrastive needs every logit and has none.
            pub fn forward_head(
                &self,
                features: Tensor<2>,
                weights: &Tensor<2>,
                bias: Option<&Tensor<1>>,
                batch: impl Into<LossBatch>,
            ) -> Result<HeadLoss, Error> {
                self.loss.forward_head(features, weights, bias, batch)
            }
        }
    };
}

named_loss!(
    /// Soft target InfoNCE ([`softnce::SoftTargetInfoNce`]).
    SoftTargetInfoNceLoss,
    SoftTargetInfoNceLossConfig,
    LossKind::SoftTargetInfoNce
);
named_loss!(
    /// InfoNCE on hard labels ([`softnce::InfoNce`]).
    InfoNceLoss,
    InfoNceLossConfig,
    LossKind::InfoNce
);
named_loss!(
    /// InfoNCE on classes drawn from the soft targets ([`softnce::SoftDistributionInfoNce`]).
    SoftDistributionInfoNceLoss,
    SoftDistributionInfoNceLossConfig,
    LossKind::SoftDistributionInfoNce
);
named_loss!(
    /// Soft target cross-entropy ([`softnce::SoftTargetCrossEntropy`]).
    SoftTargetCrossEntropyLoss,
    SoftTargetCrossEntropyLossConfig,
    LossKind::SoftTargetCrossEntropy
);
named_loss!(
    /// Negative log likelihood on hard labels ([`softnce::Nll`]).
    NllLoss,
    NllLossConfig,
    LossKind::Nll
);
