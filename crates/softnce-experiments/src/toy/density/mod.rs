//! The continuous categorical distribution (Gordon-Rodriguez, Loaiza-Ganem and Cunningham, 2020): on the simplex of soft
//! targets, with density proportional to `exp(parameter . w)`. Adding a constant to the parameter changes nothing.

mod divided;
mod moments;
mod sample;

pub(crate) use moments::{log_normaliser, mean, mode, second_moments};
pub(crate) use sample::sample;
