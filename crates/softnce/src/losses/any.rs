//! The types of the table of losses as losses, and a loss that is chosen at run time.

use super::compute::Compute;
use super::head_loss::HeadLoss;
use super::kind::{LossKind, loss_table};
use super::loss::Loss;
use crate::paths::{Inputs, Outputs};
use crate::{Element, Error, LossSettings};

// The types are named through `super`, which exports them, so that a new loss needs no import here.
macro_rules! define_any_loss {
    ($($(#[$doc:meta])* $kind:ident, $name:tt, $spec:expr;)+) => {
        /// Any of the losses, chosen at run time.
        ///
        /// ```
        /// use softnce::{AnyLoss, Loss, LossKind, LossSettings};
        ///
        /// let kind: LossKind = "soft-target-infonce".parse()?;
        /// assert_eq!(AnyLoss::new(kind, LossSettings::new()).kind(), kind);
        /// # Ok::<(), softnce::Error>(())
        /// ```
        #[derive(Debug, Clone, PartialEq)]
        #[non_exhaustive]
        pub enum AnyLoss {
            $($(#[$doc])* $kind(super::$kind),)+
        }

        impl AnyLoss {
            /// The loss of this kind.
            pub fn new(kind: LossKind, settings: LossSettings) -> Self {
                match kind {
                    $(LossKind::$kind => AnyLoss::$kind(super::$kind::new(settings)),)+
                }
            }
        }

        $(
            impl Loss for super::$kind {
                fn kind(&self) -> LossKind {
                    LossKind::$kind
                }

                fn settings(&self) -> &LossSettings {
                    &self.settings
                }
            }
        )+

        impl Loss for AnyLoss {
            fn kind(&self) -> LossKind {
                match self {
                    $(AnyLoss::$kind(_) => LossKind::$kind,)+
                }
            }

            fn settings(&self) -> &LossSettings {
                match self {
                    $(AnyLoss::$kind(loss) => loss.settings(),)+
                }
            }
        }

        impl Compute for AnyLoss {
            fn compute<E: Element, G: Element<Accum = E::Accum>>(
                &self,
                inputs: Inputs<'_, E>,
                outputs: &mut Outputs<'_, E::Accum, G>,
            ) -> Result<(), Error> {
                match self {
                    $(AnyLoss::$kind(loss) => loss.compute(inputs, outputs),)+
                }
            }
        }
    };
}

loss_table!(define_any_loss);

/// Those that are not contrastive need the logits of every class: their head is an error.
impl HeadLoss for AnyLoss {}
