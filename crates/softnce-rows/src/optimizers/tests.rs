#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::{RowOptimizer, RowOptimizerConfig};

/// The definition of each optimiser in float64, one value at a time, as in PyTorch's documentation. A step without
/// gradient is a step whose gradient is 0.
struct Dense {
    config: RowOptimizerConfig,
    step: i32,
    weight: f64,
    state: [f64; 2],
}

impl Dense {
    fn new(config: RowOptimizerConfig, weight: f64) -> Self {
        Dense { config, step: 0, weight, state: [0.0; 2] }
    }

    fn step(&mut self, rate: f64, gradient: f64) {
        self.step += 1;
        let [first, second] = &mut self.state;
        match self.config {
            RowOptimizerConfig::Sgd { momentum, nesterov, weight_decay } => {
                let gradient = gradient + weight_decay * self.weight;
                *first = momentum * *first + gradient;
                self.weight -= rate * if nesterov { gradient + momentum * *first } else { *first };
            }
            RowOptimizerConfig::Adamw { betas: [beta1, beta2], epsilon, weight_decay } => {
                self.weight *= 1.0 - rate * weight_decay;
                *first = beta1 * *first + (1.0 - beta1) * gradient;
                *second = beta2 * *second + (1.0 - beta2) * gradient * gradient;
                let corrected = *first / (1.0 - beta1.powi(self.step));
                let root = (*second / (1.0 - beta2.powi(self.step))).sqrt();
                self.weight -= rate * corrected / (root + epsilon);
            }
            // A row of one value is its own mean.
            RowOptimizerConfig::Adagrad { epsilon, weight_decay } => {
                *first += gradient * gradient;
                self.weight *= 1.0 - rate * weight_decay;
                self.weight -= rate * gradient / (first.sqrt() + epsilon);
            }
        }
    }
}

fn configs() -> impl Strategy<Value = RowOptimizerConfig> {
    let decay = || prop::sample::select(vec![0.0, 0.01, 0.3]);
    let sgd = (prop::sample::select(vec![0.0, 0.5, 0.95]), any::<bool>(), decay()).prop_map(
        |(momentum, nesterov, weight_decay)| {
            let nesterov = nesterov && momentum > 0.0;
            RowOptimizerConfig::Sgd { momentum, nesterov, weight_decay }
        },
    );
    let betas = prop::sample::select(vec![[0.9, 0.999], [0.0, 0.9], [0.95, 0.95], [0.99, 0.9]]);
    let epsilon = prop::sample::select(vec![1e-8, 1e-3, 1.0]);
    let adamw = (betas, epsilon, decay()).prop_map(|(betas, epsilon, weight_decay)| RowOptimizerConfig::Adamw {
        betas,
        epsilon,
        weight_decay,
    });
    let adagrad = decay().prop_map(|weight_decay| RowOptimizerConfig::Adagrad { epsilon: 1e-10, weight_decay });
    prop_oneof![sgd, adamw, adagrad]
}

/// How long a row waits for its next gradient: mostly not, sometimes for very long.
fn gaps() -> impl Strategy<Value = usize> {
    prop_oneof![Just(0_usize), 1..8_usize, 8..900_usize]
}

proptest! {
    #[test]
    fn a_lazy_optimiser_equals_the_dense_one(
        config in configs(),
        seed_weight in -2.0..2.0_f64,
        course in prop::collection::vec((gaps(), -1.0..1.0_f64, 0.0..0.02_f64), 1..8),
        rest in 0..500_usize,
    ) {
        let mut lazy = RowOptimizer::new(config).unwrap();
        let mut dense = Dense::new(config, seed_weight);
        let (mut weights, mut state, mut last) = ([seed_weight as f32], vec![0.0; lazy.state_width(1)], 0);
        let mut size = seed_weight.abs();
        for &(gap, gradient, rate) in &course {
            for idle in 0..gap {
                // The rate changes from step to step.
                let rate = rate * (1.0 + 0.5 * (idle as f64 * 0.1).sin());
                lazy.begin_step(rate).unwrap();
                dense.step(rate, 0.0);
            }
            let before = lazy.steps();
            lazy.begin_step(rate).unwrap();
            lazy.catch_up(last, before, &mut weights, &mut state).unwrap();
            lazy.update(&mut weights, &mut state, &[gradient as f32]).unwrap();
            dense.step(rate, f64::from(gradient as f32));
            last = lazy.steps();
            size = size.max(dense.weight.abs());
        }
        for _ in 0..rest {
            lazy.begin_step(0.01).unwrap();
            dense.step(0.01, 0.0);
        }
        lazy.catch_up(last, lazy.steps(), &mut weights, &mut state).unwrap();
        size = size.max(dense.weight.abs());
        let off = (f64::from(weights[0]) - dense.weight).abs();
        prop_assert!(off <= 2e-5 * (1.0 + size), "{config:?}: {} against {}", weights[0], dense.weight);
        if let Some(&first) = state.first() {
            prop_assert!((f64::from(first) - dense.state[0]).abs() <= 2e-5 * (1.0 + dense.state[0].abs()));
        }
    }

    /// One row of many values at a time has what each of its values has alone.
    #[test]
    fn values_of_a_row_do_not_touch_each_other(config in configs(), width in 1..70_usize, gap in 1..40_u32) {
        let Some(config) = Some(config).filter(|config| !matches!(config, RowOptimizerConfig::Adagrad { .. })) else {
            return Ok(());
        };
        let mut optimizer = RowOptimizer::new(config).unwrap();
        let value = |at: usize, seed: f32| (at as f32 * 0.7 + seed).sin();
        let mut weights: Vec<f32> = (0..width).map(|at| value(at, 0.0)).collect();
        let mut state = vec![0.0; optimizer.state_width(width)];
        let gradient: Vec<f32> = (0..width).map(|at| value(at, 1.0)).collect();
        optimizer.begin_step(0.01).unwrap();
        optimizer.update(&mut weights, &mut state, &gradient).unwrap();
        (0..gap).for_each(|_| optimizer.begin_step(0.02).unwrap());
        optimizer.catch_up(1, 1 + gap, &mut weights, &mut state).unwrap();
        for (at, together) in weights.iter().enumerate() {
            let mut optimizer = RowOptimizer::new(config).unwrap();
            let (mut alone, mut state) = ([value(at, 0.0)], vec![0.0; optimizer.state_width(1)]);
            optimizer.begin_step(0.01).unwrap();
            optimizer.update(&mut alone, &mut state, &[value(at, 1.0)]).unwrap();
            (0..gap).for_each(|_| optimizer.begin_step(0.02).unwrap());
            optimizer.catch_up(1, 1 + gap, &mut alone, &mut state).unwrap();
            prop_assert_eq!(alone[0].to_bits(), together.to_bits(), "value {}", at);
        }
    }
}

/// The sum of Adagrad is of the whole row.
#[test]
fn adagrad_divides_by_the_mean_over_the_row() {
    let config = RowOptimizerConfig::Adagrad { epsilon: 1e-10, weight_decay: 0.1 };
    let mut optimizer = RowOptimizer::new(config).unwrap();
    optimizer.begin_step(0.5).unwrap();
    let (mut weights, mut state) = ([1.0, -1.0], [0.0]);
    optimizer.update(&mut weights, &mut state, &[3.0, 1.0]).unwrap();
    // mean of squares 5: 0.95 - 0.5 * 3 / sqrt(5), -0.95 - 0.5 / sqrt(5)
    assert_eq!(state, [5.0]);
    assert!((weights[0] - 0.279_179_6).abs() < 1e-6 && (weights[1] + 1.173_606_8).abs() < 1e-6, "{weights:?}");
}

/// A resumed optimiser has the same bits.
#[test]
fn rates_resume_an_optimiser() {
    for config in [
        RowOptimizerConfig::Sgd { momentum: 0.9, nesterov: true, weight_decay: 0.01 },
        RowOptimizerConfig::Adamw { betas: [0.9, 0.999], epsilon: 1e-8, weight_decay: 0.05 },
        RowOptimizerConfig::Adagrad { epsilon: 1e-10, weight_decay: 0.05 },
    ] {
        let mut whole = RowOptimizer::new(config).unwrap();
        (0..100).for_each(|step| whole.begin_step(0.01 * f64::from(step % 7)).unwrap());
        let resumed = RowOptimizer::resumed(config, whole.rates()).unwrap();
        let bits = |optimizer: &RowOptimizer| {
            let (mut weights, mut state) = ([0.3, -0.7], vec![0.25; optimizer.state_width(2)]);
            optimizer.catch_up(13, 99, &mut weights, &mut state).unwrap();
            optimizer.update(&mut weights, &mut state, &[0.1, 0.2]).unwrap();
            (weights.map(f32::to_bits), state)
        };
        assert_eq!(bits(&whole), bits(&resumed), "{config:?}");
    }
}

#[test]
fn settings_and_rates_out_of_range_are_named() {
    let adamw = |betas, epsilon, weight_decay| RowOptimizerConfig::Adamw { betas, epsilon, weight_decay };
    for (config, expected) in [
        (RowOptimizerConfig::Sgd { momentum: 1.0, nesterov: false, weight_decay: 0.0 }, "momentum is 1, expected"),
        (RowOptimizerConfig::Sgd { momentum: 0.0, nesterov: true, weight_decay: 0.0 }, "nesterov is true"),
        (adamw([0.9, 1.0], 1e-8, 0.0), "betas is 1, expected"),
        (adamw([0.9, 0.99], 0.0, 0.0), "epsilon is 0, expected"),
        (adamw([0.9, 0.99], 1e-8, f64::NAN), "weight_decay is NaN, expected"),
        (RowOptimizerConfig::Adagrad { epsilon: -1.0, weight_decay: 0.0 }, "epsilon is -1, expected"),
    ] {
        let message = RowOptimizer::new(config).unwrap_err().to_string();
        assert!(message.starts_with(expected), "{message}");
    }
    let mut optimizer = RowOptimizer::new(adamw([0.9, 0.99], 1e-8, 0.5)).unwrap();
    for rate in [-0.1, f64::NAN, 2.0] {
        let message = optimizer.begin_step(rate).unwrap_err().to_string();
        assert!(message.starts_with(&format!("learning rate is {rate}, expected")), "{message}");
    }
    assert_eq!(optimizer.steps(), 0);
    let (mut weights, mut state) = ([0.0; 3], [0.0; 6]);
    let refused = |result: Result<(), crate::RowsError>| result.unwrap_err().to_string();
    assert_eq!(
        refused(optimizer.update(&mut weights, &mut state, &[0.0; 3])),
        "steps is 0, expected a step that was begun"
    );
    optimizer.begin_step(0.1).unwrap();
    let message = refused(optimizer.update(&mut weights, &mut state, &[0.0; 2]));
    assert_eq!(message, "gradient is [2], expected [3], as the weights");
    let message = refused(optimizer.update(&mut weights, &mut state[..3], &[0.0; 3]));
    assert_eq!(message, "state is [3], expected [6] for 3 weights");
    for (last, until) in [(0, 2), (1, 0)] {
        let message = refused(optimizer.catch_up(last, until, &mut weights, &mut state));
        assert_eq!(message, format!("last, until is {last}, {until}, expected steps in this order, at most 1"));
    }
}
