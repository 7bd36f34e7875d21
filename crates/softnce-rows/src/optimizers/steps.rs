//! The learning rates of the steps so far, and what many steps without gradient amount to.

use super::RowOptimizerConfig;

/// A linear map of a weight and its momentum: `[w', b'] = [[m0, m1], [m2, m3]] [w, b]`.
pub(super) type Map = [f64; 4];

const IDENTITY: Map = [1.0, 0.0, 0.0, 1.0];

/// First `first`, then `second`.
fn after(second: &Map, first: &Map) -> Map {
    let [a, b, c, d] = *second;
    let [e, f, g, h] = *first;
    [a * e + b * g, a * f + b * h, c * e + d * g, c * f + d * h]
}

/// What is known of the steps so far. Steps are counted from 1; step 0 is the start.
#[derive(Debug, Clone, Default)]
pub(super) struct Steps {
    /// Of each step.
    rates: Vec<f64>,
    /// The sum of `ln(1 - rate * decay)` up to each step, for decoupled weight decay; empty without decay.
    log_decays: Vec<f64>,
    /// For SGD, where steps without gradient change anything: the map of `2^l` steps in `maps[l]`, one after another. A
    /// range of k steps is then made of O(log k) of them. Products of all steps up to one, as for the decays, would not
    /// do: the momentum vanishes in them, and they cannot be divided.
    maps: Vec<Vec<Map>>,
}

impl Steps {
    pub(super) fn count(&self) -> u32 {
        self.rates.len() as u32
    }

    pub(super) fn rates(&self) -> &[f64] {
        &self.rates
    }

    /// The rate of a step, from 1.
    pub(super) fn rate(&self, step: u32) -> f64 {
        self.rates[step as usize - 1]
    }

    /// The rate of the last step.
    pub(super) fn last_rate(&self) -> f64 {
        self.rate(self.count())
    }

    pub(super) fn push(&mut self, rate: f64, config: &RowOptimizerConfig) {
        self.rates.push(rate);
        match *config {
            RowOptimizerConfig::Sgd { momentum, nesterov, weight_decay } => {
                if momentum > 0.0 || weight_decay > 0.0 {
                    self.push_map(idle(rate, momentum, nesterov, weight_decay));
                }
            }
            RowOptimizerConfig::Adamw { weight_decay, .. } | RowOptimizerConfig::Adagrad { weight_decay, .. } => {
                if weight_decay > 0.0 {
                    let sum = self.log_decays.last().copied().unwrap_or(0.0);
                    self.log_decays.push(sum + f64::ln_1p(-rate * weight_decay));
                }
            }
        }
    }

    /// The product of `1 - rate * decay` over the steps after `last` up to `until`.
    pub(super) fn decay(&self, last: u32, until: u32) -> f64 {
        if self.log_decays.is_empty() {
            return 1.0;
        }
        let sum = |step: u32| if step == 0 { 0.0 } else { self.log_decays[step as usize - 1] };
        (sum(until) - sum(last)).exp()
    }

    /// The factor of weights in one step: `1 - rate * decay`.
    pub(super) fn decay_of(&self, step: u32) -> f64 {
        self.decay(step - 1, step)
    }

    fn push_map(&mut self, map: Map) {
        let mut map = map;
        for level in 0.. {
            if self.maps.len() == level {
                self.maps.push(Vec::new());
            }
            let maps = &mut self.maps[level];
            maps.push(map);
            let count = maps.len();
            if count % 2 == 1 {
                return;
            }
            map = after(&maps[count - 1], &maps[count - 2]);
        }
    }

    /// The map of the steps after `last` up to `until`; `None`: it changes nothing.
    pub(super) fn map(&self, last: u32, until: u32) -> Option<Map> {
        if self.maps.is_empty() {
            return None;
        }
        let (mut at, until) = (last as usize, until as usize);
        let mut product = IDENTITY;
        while at < until {
            // The longest range that begins here and ends in time.
            let fitting = (until - at).ilog2();
            let level = fitting.min(at.trailing_zeros()) as usize;
            product = after(&self.maps[level][at >> level], &product);
            at += 1 << level;
        }
        Some(product)
    }
}

/// A step of SGD without gradient: `b' = momentum b + decay w`, `w' = w - rate b'`; Nesterov's:
/// `w' = w - rate (decay w + momentum b')`.
fn idle(rate: f64, momentum: f64, nesterov: bool, decay: f64) -> Map {
    let (by_weight, by_buffer) = match nesterov {
        true => (decay + momentum * decay, momentum * momentum),
        false => (decay, momentum),
    };
    [1.0 - rate * by_weight, -rate * by_buffer, decay, momentum]
}
