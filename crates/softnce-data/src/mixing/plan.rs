//! The random draws: which rows are mixed, how, and with which weight.

use chacha20::ChaCha8Rng;
use rand::RngExt;
use rand::seq::SliceRandom;
use rand_distr::{Beta, Distribution};

use super::cut::Cut;
use super::{MixingConfig, MixingError, Mode, Partner};

/// The distributions of the weights.
#[derive(Debug, Clone)]
pub(super) struct MixingWeights {
    mixup: Option<Beta<f64>>,
    cutmix: Option<Beta<f64>>,
    probability: f64,
    /// Share of CutMix among the mixed rows.
    cutmix_share: f64,
}

/// How one row is mixed.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Blend {
    /// Not mixed.
    None,
    /// The weighted mean of both pictures; the value is the weight of the row's own.
    MixUp(f64),
    /// A rectangle of the partner is pasted in.
    CutMix(Cut),
}

impl Blend {
    fn lambda(&self, size: [usize; 2]) -> f64 {
        match self {
            Blend::None => 1.0,
            Blend::MixUp(lambda) => *lambda,
            Blend::CutMix(cut) => cut.remaining(size),
        }
    }
}

/// How a batch is mixed.
#[derive(Debug)]
pub(super) struct MixingPlan {
    /// A permutation of the rows.
    pub(super) partners: Vec<usize>,
    pub(super) blends: Vec<Blend>,
    pub(super) lambda: Vec<f64>,
}

impl MixingPlan {
    pub(super) fn into_parts(self) -> (Vec<f64>, Vec<usize>) {
        (self.lambda, self.partners)
    }

    /// Whether any row is mixed.
    pub(super) fn mixes(&self) -> bool {
        self.blends.iter().any(|blend| *blend != Blend::None)
    }
}

impl MixingWeights {
    pub(super) fn new(config: &MixingConfig) -> Result<Self, MixingError> {
        let beta = |argument, value: f64| match value {
            0.0 => Ok(None),
            _ => {
                let error = MixingError::Setting { argument, value, expected: "a finite number, 0 (off) or above" };
                if !value.is_finite() || value < 0.0 {
                    return Err(error);
                }
                Beta::new(value, value).map(Some).map_err(|_| error)
            }
        };
        let shares = [
            ("probability", config.probability),
            ("switch_probability", config.switch_probability),
            ("smoothing", config.smoothing),
        ];
        for (argument, value) in shares {
            if !(0.0..=1.0).contains(&value) {
                return Err(MixingError::Setting { argument, value, expected: "a share from 0 to 1" });
            }
        }
        let (mixup, cutmix) = (beta("mixup", config.mixup)?, beta("cutmix", config.cutmix)?);
        let cutmix_share = match (&mixup, &cutmix) {
            (Some(_), Some(_)) => config.switch_probability,
            (None, Some(_)) => 1.0,
            _ => 0.0,
        };
        Ok(MixingWeights { mixup, cutmix, probability: config.probability, cutmix_share })
    }

    /// Draws one row's mixing.
    pub(super) fn blend(&self, size: [usize; 2], generator: &mut ChaCha8Rng) -> Blend {
        if self.probability < 1.0 && generator.random::<f64>() >= self.probability {
            return Blend::None;
        }
        let cut = self.cutmix_share >= 1.0 || generator.random::<f64>() < self.cutmix_share;
        let method = if cut { &self.cutmix } else { &self.mixup };
        let Some(beta) = method else { return Blend::None };
        // A tiny alpha can give NaN.
        let lambda = beta.sample(generator);
        let lambda = if lambda.is_nan() { 1.0 } else { lambda.clamp(0.0, 1.0) };
        if cut { Blend::CutMix(Cut::draw(lambda, size, generator)) } else { Blend::MixUp(lambda) }
    }

    /// Draws the weight of the first of two pictures of this size.
    pub(super) fn lambda(&self, size: [usize; 2], generator: &mut ChaCha8Rng) -> f64 {
        self.blend(size, generator).lambda(size)
    }

    /// Draws a batch's mixing.
    pub(super) fn plan(&self, config: &MixingConfig, shape: [usize; 4], generator: &mut ChaCha8Rng) -> MixingPlan {
        let [rows, _, height, width] = shape;
        let size = [height, width];
        let partners = partners(config, rows, generator);
        let mut blends: Vec<Blend> = match config.mode {
            Mode::Batch => vec![self.blend(size, generator); rows],
            Mode::Element => (0..rows).map(|_| self.blend(size, generator)).collect(),
            Mode::Pair => {
                let mut blends = vec![Blend::None; rows];
                for row in 0..rows {
                    // The second row of a pair takes the draw of the first.
                    blends[row] = match partners[row] {
                        partner if partner < row => blends[partner].clone(),
                        _ => self.blend(size, generator),
                    };
                }
                blends
            }
        };
        for (row, blend) in blends.iter_mut().enumerate() {
            if partners[row] == row {
                *blend = Blend::None;
            }
        }
        let lambda = blends.iter().map(|blend| blend.lambda(size)).collect();
        MixingPlan { partners, blends, lambda }
    }
}

/// The partner of each row: a permutation, which in mode `pair` is its own inverse.
fn partners(config: &MixingConfig, rows: usize, generator: &mut ChaCha8Rng) -> Vec<usize> {
    if config.partner == Partner::Flip {
        return (0..rows).rev().collect();
    }
    let mut order: Vec<usize> = (0..rows).collect();
    order.shuffle(generator);
    if config.mode != Mode::Pair {
        return order;
    }
    let mut partners = vec![0; rows];
    for (&row, &partner) in order.iter().zip(order.iter().rev()) {
        partners[row] = partner;
    }
    partners
}
