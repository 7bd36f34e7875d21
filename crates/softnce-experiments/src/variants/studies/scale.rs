//! Whether soft target InfoNCE needs a lower temperature or a higher learning rate than cross-entropy.

use crate::measure::Measure;
use crate::variants::plan::{ChartPlan, Group, Variant};
use crate::variants::study::Study;

pub(super) const STUDY: Study = Study {
    name: "scale",
    title: "Temperature and learning rate",
    about: "Temperature and learning rate against cross-entropy, on optdigits",
    seeds: 10,
    small: true,
    groups: || vec![scale()],
};

/// The learning rate of the recipe.
const RATE: f64 = 1e-2;

fn scale() -> Group {
    let named = |factor: f64, loss: &str| format!("{loss}, rate x {factor}");
    let rate = |factor: f64| format!("optimizer.learning_rate={:?}", factor * RATE);
    let factors = [0.5, 1.0, 2.0, 4.0];
    let mut variants = Vec::new();
    for factor in factors {
        let changes = ["loss.kind=\"soft-target-cross-entropy\"".to_owned(), rate(factor)];
        variants.push(Variant::new(named(factor, "cross-entropy"), changes).at("cross-entropy", factor));
    }
    for temperature in [1.0, 0.8, 0.6, 0.4] {
        let series = format!("temperature {temperature}");
        for factor in factors {
            let changes = [format!("loss.temperature={temperature:?}"), rate(factor)];
            let variant = Variant::new(named(factor, &series), changes).at(&series, factor);
            variants.push(variant.against(&named(factor, "cross-entropy")));
        }
    }
    Group {
        name: "scale".to_owned(),
        title: "Temperature by learning rate".to_owned(),
        theory: "Soft target InfoNCE and soft target cross-entropy have the same gradient where all logits are 0. Elsewhere, the \
            curvature of cross-entropy is the covariance of one-hot vectors; that of soft target InfoNCE is the covariance of the \
            candidates, divided by the squared temperature. Smoothed and mixed candidates lie inside the simplex, so their covariance \
            is smaller, by a factor of about (1 - b)^2 E[lambda^2 + (1 - lambda)^2] for smoothing b and mixing weight lambda: \
            0.81 x 0.68 = 0.55 with the mixing of the recipe digits. The hypothesis: a temperature of about this factor, or a \
            higher learning rate, brings both losses to the same scale."
            .to_owned(),
        recipe: "digits".to_owned(),
        changes: Vec::new(),
        variants,
        measures: vec![Measure::TOP1, Measure::NLL, Measure::SCALED_NLL, Measure::ECE, Measure::FittedTemperature],
        chart: Some(ChartPlan { axis: "learning rate over the recipe's".into(), log: true, measure: Measure::TOP1 }),
    }
}
