//! Soft distribution InfoNCE: InfoNCE on classes drawn from the soft targets.

use std::sync::atomic::{AtomicU64, Ordering};

use chacha20::ChaCha8Rng;
use ndarray::ArrayView2;
use rand::SeedableRng;

use super::call::Rows;
use super::{Evaluation, Loss, LossSettings, SoftTargetInfoNce, Wanted};
use crate::{Batch, Element, Error, LossKind};

/// Soft distribution InfoNCE: each target is replaced by a class drawn from it, `y_j ~ Cat(W_j)`, then InfoNCE.
///
/// The draws come from a seeded generator: call number t of a loss with seed s always draws the same, whatever the
/// machine. A clone goes on from the same call. A candidate with a multiplicity is drawn once and counted as often.
///
/// ```
/// use ndarray::array;
/// use softnce::{Loss, LossSettings, SoftDistributionInfoNce, Targets};
///
/// let targets = Targets::smoothed(&[0, 1, 2], 3, 0.5)?;
/// let logits = array![[2.0_f32, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 2.0]];
/// let value = |seed| SoftDistributionInfoNce::new(LossSettings::new(), seed).loss(logits.view(), &targets);
/// assert_eq!(value(7)?, value(7)?);
/// # Ok::<(), softnce::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct SoftDistributionInfoNce {
    soft: SoftTargetInfoNce,
    seed: u64,
    calls: AtomicU64,
}

impl Clone for SoftDistributionInfoNce {
    fn clone(&self) -> Self {
        SoftDistributionInfoNce { soft: self.soft.clone(), seed: self.seed, calls: AtomicU64::new(self.calls()) }
    }
}

impl SoftDistributionInfoNce {
    /// The loss with these settings, drawing from this seed.
    pub fn new(settings: LossSettings, seed: u64) -> Self {
        SoftDistributionInfoNce { soft: SoftTargetInfoNce::new(settings), seed, calls: AtomicU64::new(0) }
    }

    /// How many calls have drawn so far.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Goes to a call by number, to repeat it or to resume a run.
    #[must_use]
    pub fn at_call(self, call: u64) -> Self {
        self.calls.store(call, Ordering::Relaxed);
        self
    }

    /// The batch of the next call: every candidate replaced by a class drawn from it.
    pub fn draw<'b>(&self, batch: &'b Batch<'_>) -> Batch<'b> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        let mut generator = ChaCha8Rng::seed_from_u64(self.seed);
        generator.set_stream(call);
        batch.draw(&mut generator)
    }
}

impl Loss for SoftDistributionInfoNce {
    fn kind(&self) -> LossKind {
        LossKind::SoftDistributionInfoNce
    }

    fn settings(&self) -> &LossSettings {
        self.soft.settings()
    }

    fn evaluate<E: Element, G: Element<Accum = E::Accum>>(
        &self,
        logits: ArrayView2<'_, E>,
        batch: &Batch<'_>,
        wanted: Option<Wanted<'_, '_, G>>,
    ) -> Result<Evaluation<E::Accum>, Error> {
        // Before the draw: a call that is refused must not move the generator.
        let request = wanted.as_ref().map(|wanted| wanted.request);
        Rows::new::<E::Accum>(self.settings(), self.settings().noise(), logits.dim(), batch, request)?;
        self.soft.evaluate(logits, &self.draw(batch), wanted)
    }
}
