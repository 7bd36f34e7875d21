//! A loss that is chosen at run time.

use ndarray::ArrayView2;

use super::head_loss::HeadLoss;
use super::kind::{LossKind, loss_table};
use super::linear_head::{HeadLossAndGradient, LinearHead};
use super::loss::Loss;
use super::request::{GradientRequest, Wanted};
use super::result::Evaluation;
use super::sealed::Sealed;
use crate::{Batch, Element, Error, LossSettings};

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

        $(impl Sealed for super::$kind {})+
        impl Sealed for AnyLoss {}

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

            fn evaluate<E: Element, G: Element<Accum = E::Accum>>(
                &self,
                logits: ArrayView2<'_, E>,
                batch: &Batch<'_>,
                wanted: Option<Wanted<'_, '_, G>>,
            ) -> Result<Evaluation<E::Accum>, Error> {
                match self {
                    $(AnyLoss::$kind(loss) => loss.evaluate(logits, batch, wanted),)+
                }
            }

            fn evaluate_head<E: Element, G: Element<Accum = E::Accum>>(
                &self,
                head: &LinearHead<'_, E>,
                batch: &Batch<'_>,
                request: Option<&GradientRequest<'_>>,
            ) -> Result<HeadLossAndGradient<G>, Error> {
                match self {
                    $(AnyLoss::$kind(loss) => loss.evaluate_head(head, batch, request),)+
                }
            }
        }
    };
}

loss_table!(define_any_loss);

/// Cross-entropy needs the logits of every class: its head is an error.
impl HeadLoss for AnyLoss {}
