//! What a type must implement to be a loss. Hidden, so that the losses are those of this crate.

use crate::paths::{Inputs, Outputs};
use crate::{Element, Error};

/// The part of a loss that no other loss shares.
pub trait Compute {
    /// Computes the losses of the rows and, if requested, their gradients. The batch has hard labels if the loss takes
    /// nothing else ([`Batch::for_loss`](crate::Batch::for_loss)).
    fn compute<E: Element, G: Element<Accum = E::Accum>>(
        &self,
        inputs: Inputs<'_, E>,
        outputs: &mut Outputs<'_, E::Accum, G>,
    ) -> Result<(), Error>;
}
