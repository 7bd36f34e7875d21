//! Rows of features: values of a pretrained network instead of pictures.

use std::error::Error;

use serde::{Deserialize, Serialize};

use crate::PictureSource;

/// Mean and standard deviation of each feature, with which rows are brought to one scale: `(x - mean) / deviation`,
/// within `-limit..=limit`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Standardisation {
    /// `[features]`.
    pub mean: Vec<f32>,
    /// `[features]`, each above 0.
    pub deviation: Vec<f32>,
    /// The largest size of a standardised value, above 0. Without it, a feature that hardly varies in the training rows
    /// gives values of many thousands on other rows, which decide every score.
    pub limit: f32,
}

/// The least limit: with few training rows, larger values are to be expected on others.
const LEAST_LIMIT: f32 = 10.0;

impl Standardisation {
    /// Mean and deviation over all rows of a source. A feature that is the same in all rows keeps its scale: its
    /// deviation is 1. The limit is the square root of the number of rows: no value of the rows themselves
    /// can be further from its mean (Samuelson's inequality), so that only other rows are limited. It is at least 10.
    ///
    /// # Errors
    /// A row that cannot be read; a value that is not finite; a source of pictures.
    pub fn of(source: &dyn PictureSource) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let features = source.features().unwrap_or(0);
        let mut row = vec![0.0; features];
        let (mut mean, mut squares) = (vec![0.0_f64; features], vec![0.0_f64; features]);
        // Welford's method: one pass, and no cancellation where the mean is large.
        for index in 0..source.labels().len() {
            source.row(index, &mut row)?;
            let weight = 1.0 / (index + 1) as f64;
            for ((mean, squares), &value) in mean.iter_mut().zip(&mut squares).zip(&row) {
                let difference = f64::from(value) - *mean;
                *mean += difference * weight;
                *squares += difference * (f64::from(value) - *mean);
            }
        }
        let rows = source.labels().len().max(1) as f64;
        let limit = LEAST_LIMIT.max(rows.sqrt() as f32);
        let deviation = squares.into_iter().map(|squares| (squares / rows).sqrt() as f32);
        Ok(Standardisation {
            mean: mean.into_iter().map(|mean| mean as f32).collect(),
            deviation: deviation.map(|deviation| if deviation > 0.0 { deviation } else { 1.0 }).collect(),
            limit,
        })
    }

    /// Brings a row to the scale.
    ///
    /// # Shapes
    /// `row`: `[features]`.
    pub fn apply(&self, row: &mut [f32]) {
        for ((value, mean), deviation) in row.iter_mut().zip(&self.mean).zip(&self.deviation) {
            *value = ((*value - mean) / deviation).clamp(-self.limit, self.limit);
        }
    }
}
