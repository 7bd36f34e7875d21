//! A linear head over any number of classes.

use ndarray::{Array1, Array2, ArrayView2, Axis};
use softnce::{Batch, GradientRequest, HeadLoss, LinearHead, LossSettings, SoftTargetInfoNce};
use softnce_rows::{RowStore, RowTable};

use super::{NoiseSource, Normalised, Temperature};
use crate::ClassesError;

/// A linear head: a row of weights, and optionally a bias, for each class.
///
/// A step computes the logits of the classes that occur in the batch alone, and reads and changes only their rows.
#[derive(Debug, Clone)]
pub struct Head {
    /// The weights. `[d, D]`.
    pub table: RowTable,
    /// The biases. `[d, 1]`.
    pub bias: Option<RowTable>,
    /// Whether features and weights are divided by their norms.
    pub normalise: bool,
    /// The temperature.
    pub temperature: Temperature,
}

/// A step of a head.
#[derive(Debug, Clone)]
pub struct HeadStep {
    /// The loss before the step, in nats.
    pub loss: f64,
    /// Gradient of the loss with respect to the features. Shape `[N, D]`.
    pub features_gradient: Array2<f32>,
    /// Number of classes that took part.
    pub classes: usize,
}

impl Head {
    /// Makes a step of the optimiser on the rows of the classes that occur.
    ///
    /// # Shapes
    /// `features`: `[N, D]`; `batch`: N targets over d classes, with their candidates.
    ///
    /// # Errors
    /// What [`HeadLoss`] refuses: dense candidates, unequal uniform shares, values that are not finite; a learning rate out
    /// of its range; rows that cannot be read.
    pub fn step(
        &mut self,
        store: &mut RowStore,
        features: ArrayView2<'_, f32>,
        batch: &Batch<'_>,
        noise: &NoiseSource,
        rate: f64,
    ) -> Result<HeadStep, ClassesError> {
        let (batch, classes) = batch.over_occurring_classes::<f32>()?;
        self.table.begin_step(rate)?;
        let rows = self.table.gather(store, &classes)?;
        let normalised = self.normalise.then(|| [Normalised::new(features), Normalised::new(rows.weights())]);
        let [features, weights] = match &normalised {
            Some(pair) => pair.each_ref().map(|normalised| normalised.rows.view()),
            None => [features, rows.weights()],
        };
        let biases = match &mut self.bias {
            Some(table) => {
                table.begin_step(rate)?;
                Some(table.gather(store, &classes)?)
            }
            None => None,
        };
        let mut head = LinearHead::new(features, weights)?;
        if let Some(biases) = &biases {
            head = head.with_bias(biases.weights().index_axis_move(Axis(1), 0))?;
        }
        let noise = noise.over_classes(&classes)?;
        let loss =
            SoftTargetInfoNce::new(LossSettings::new().with_temperature(self.temperature.value())?.with_noise(noise));
        let request = match self.temperature.is_learned() {
            true => GradientRequest::new().with_temperature_gradient(),
            false => GradientRequest::new(),
        };
        let out = loss.head_loss_and_gradient(&head, &batch, &request)?;
        let value = out.value.scalar().map_or(f64::NAN, f64::from);
        // All classes of the batch occur, so the gradients are those of all rows.
        let (mut by_features, mut by_weights) = (out.features_gradient, out.weights_gradient);
        if let Some([features, weights]) = &normalised {
            features.backward(&mut by_features);
            weights.backward(&mut by_weights);
        }
        self.table.update(store, rows, by_weights.view())?;
        if let (Some(table), Some(biases), Some(gradient)) = (&self.bias, biases, out.bias_gradient) {
            table.update(store, biases, gradient.insert_axis(Axis(1)).view())?;
        }
        if let Some(gradient) = out.temperature_gradient {
            self.temperature.step(gradient.sum(), rate)?;
        }
        Ok(HeadStep { loss: value, features_gradient: by_features, classes: classes.len() })
    }

    /// All biases as after the last step. Shape `[d]`.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn biases(&self, store: &RowStore) -> Result<Option<Array1<f32>>, ClassesError> {
        use softnce_rows::RowBlocks;
        let Some(table) = &self.bias else { return Ok(None) };
        let current = table.current(store)?;
        let mut biases = vec![0.0; current.rows()];
        current.read(0..current.rows(), &mut biases)?;
        Ok(Some(Array1::from_vec(biases)))
    }
}
