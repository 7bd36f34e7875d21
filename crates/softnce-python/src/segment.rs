//! The targets of a call: builds each segment of the candidates from its tensors.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, s};
use num_traits::PrimInt;
use pyo3::exceptions::PyIndexError;
use pyo3::prelude::*;
use softnce::{Batch, Element, Error, Targets};

use crate::error::{exception, segment_exception};
use crate::threads;
use crate::view::{Entry, View, with_float, with_integer};

/// One segment of the candidates: `(first, second, uniform, shares, multiplicities)`.
///
/// Labels: `first` has shape `[M]`. Compact rows: classes and weights have shape `[M, K]`; the uniform share is one
/// number for all rows or one for each, `[M]`. Dense rows: `first` has shape `[M, d]`.
#[derive(Debug, FromPyObject)]
pub(crate) struct Segment(View, Option<View>, f64, Option<View>, Option<View>);

impl Segment {
    fn rows(&self) -> usize {
        self.0.shape.0
    }

    fn targets<'a>(&self, argument: &'static str, classes: usize, recognise: bool) -> PyResult<Targets<'a>> {
        let Segment(first, second, uniform, shares, _) = self;
        if let Some(weights) = second {
            return compact(argument, first, weights, *uniform, shares.as_ref(), classes);
        }
        if first.kind.is_float() {
            return with_float!(first, argument, E => {
                let rows = first.array::<E>()?;
                if rows.ncols() != classes {
                    let expected = format!("[M, {classes}], as the logits have {classes} classes");
                    return Err(exception(Error::shape(argument, rows.shape(), expected)));
                }
                let targets = if recognise { Targets::dense(rows) } else { Targets::dense_as_is(rows) };
                targets.map_err(|error| segment_exception(argument, error))
            });
        }
        with_integer!(first, argument, L => {
            Targets::hard(first.column::<L>()?, classes).map_err(|error| segment_exception(argument, error))
        })
    }

    /// The classes, weights and uniform shares of the last rows of labels or compact rows, as they were given.
    pub(crate) fn entries(&self, rows: usize) -> PyResult<(Array2<i64>, Array2<f64>, Array1<f64>)> {
        let Segment(first, second, uniform, shares, _) = self;
        let lengths =
            [second.as_ref().map(|weights| weights.shape), shares.map(|shares| (shares.shape.0, first.shape.1))];
        if let Some(other) = lengths.into_iter().flatten().find(|&shape| shape != first.shape) {
            let (found, expected) = ([other.0, other.1], format!("{:?}, as the class indices", first.shape));
            return Err(exception(Error::shape("targets", &found, expected)));
        }
        let last = self.rows().saturating_sub(rows)..;
        let classes = with_integer!(first, "targets", L => wide::<L>(first.array()?.slice(s![last.clone(), ..])))?;
        let weights = match second {
            Some(weights) => with_float!(weights, "targets", E => {
                Ok(weights.array::<E>()?.slice(s![last.clone(), ..]).map(|weight| weight.as_f64()))
            })?,
            None => Array2::ones(classes.dim()),
        };
        let uniform = match shares {
            Some(shares) => floats("targets", *shares)?.slice_move(s![last]),
            None => Array1::from_elem(classes.nrows(), *uniform),
        };
        Ok((classes, weights, uniform))
    }
}

/// Class indices as signed integers of 64 bits.
fn wide<L: PrimInt>(classes: ArrayView2<'_, L>) -> PyResult<Array2<i64>> {
    let wide = classes.iter().map(|class| class.to_i64()).collect::<Option<Vec<_>>>();
    let wide = wide.and_then(|wide| Array2::from_shape_vec(classes.dim(), wide).ok());
    wide.ok_or_else(|| PyIndexError::new_err("targets has a class of 2^63 or above, expected a smaller one"))
}

/// Largest error of the sum of a row of doubles.
const ROUNDING: f64 = 1e-14;

/// Compact rows. If all rows have the same uniform share, the weights are scaled to sum to 1 minus this share. So the
/// shares stay equal and cancel, however coarsely the weights were rounded.
fn compact<'a>(
    argument: &str,
    classes: &View,
    weights: &View,
    uniform: f64,
    shares: Option<&View>,
    num_classes: usize,
) -> PyResult<Targets<'a>> {
    let mut wide = with_float!(weights, "weights", E => Ok(weights.array::<E>()?.map(|weight| weight.as_f64())))?;
    let uniform = match shares {
        Some(shares) => floats("uniform", *shares)?,
        None => {
            let left = 1.0 - uniform;
            let tolerance = with_float!(weights, "weights", E => Ok(<E as Element>::SIMPLEX_TOLERANCE))?;
            let entries = wide.ncols().max(1);
            wide = in_row_order(wide);
            for row in wide.as_slice_mut().unwrap_or_default().chunks_exact_mut(entries) {
                let sum: f64 = row.iter().sum();
                let off = (sum - left).abs();
                if off > ROUNDING && off <= tolerance && sum != 0.0 {
                    let factor = left / sum;
                    row.iter_mut().for_each(|weight| *weight *= factor);
                }
            }
            Array1::from_elem(wide.nrows(), uniform)
        }
    };
    with_integer!(classes, "classes", L => {
        let targets = Targets::compact(&uniform, classes.array::<L>()?, &wide, num_classes);
        targets.map_err(|error| segment_exception(argument, error))
    })
}

fn in_row_order(rows: Array2<f64>) -> Array2<f64> {
    if rows.is_standard_layout() { rows } else { rows.as_standard_layout().into_owned() }
}

/// A column of floats of any type.
pub(crate) fn floats(argument: &'static str, column: View) -> PyResult<Array1<f64>> {
    fn read<E: Element + Entry>(column: View) -> PyResult<Array1<f64>> {
        Ok(column.column::<E>()?.map(|value| value.as_f64()))
    }
    with_float!(column, argument, E => read::<E>(column))
}

/// The positive of each row: candidate `offset + i` for row i, or the index given.
#[derive(Debug, FromPyObject)]
pub(crate) struct Positives(usize, Option<View>);

/// The batch that consists of these segments.
pub(crate) fn batch<'a>(
    segments: &[Segment],
    positives: &Positives,
    row_weights: Option<View>,
    classes: usize,
    recognise: bool,
) -> PyResult<Batch<'a>> {
    let argument = |index: usize| if index == 0 { "targets" } else { "candidates" };
    let mut parts = segments.iter().enumerate().map(|(index, part)| part.targets(argument(index), classes, recognise));
    let Some(first) = parts.next() else {
        return Err(exception(Error::empty("targets", &[0, classes])));
    };
    let mut batch = Batch::from(first?);
    for further in parts {
        batch = batch.with_further(further?).map_err(exception)?;
    }
    batch = match positives.1 {
        Some(index) => batch.with_positives(with_integer!(index, "positives", L => indices(index.column::<L>()?))?),
        None => batch.with_offset(positives.0),
    };
    if segments.iter().any(|segment| segment.4.is_some()) {
        batch = batch.with_multiplicities(multiplicities(segments)?).map_err(exception)?;
    }
    if let Some(weights) = row_weights {
        batch = batch.with_row_weights(floats("row_weights", weights)?).map_err(exception)?;
    }
    Ok(batch)
}

/// The multiplicities of all segments; 1 for segments without any.
fn multiplicities(segments: &[Segment]) -> PyResult<Array1<f64>> {
    let mut all = Vec::with_capacity(segments.iter().map(Segment::rows).sum());
    for segment in segments {
        match segment.4 {
            Some(column) if column.shape.0 != segment.rows() => {
                let expected = format!("[{}]", segment.rows());
                return Err(exception(Error::shape("multiplicities", &[column.shape.0], expected)));
            }
            Some(column) => all.extend(floats("multiplicities", column)?),
            None => all.extend(std::iter::repeat_n(1.0, segment.rows())),
        }
    }
    Ok(Array1::from_vec(all))
}

/// Indices of candidates.
fn indices<L: PrimInt>(values: ArrayView1<'_, L>) -> PyResult<Vec<usize>> {
    let index = |(row, value): (usize, &L)| {
        value.to_usize().ok_or_else(|| {
            let value = value.to_i128().unwrap_or(i128::MAX);
            PyIndexError::new_err(format!("positives[{row}] is {value}, expected the index of a candidate"))
        })
    };
    values.iter().enumerate().map(index).collect()
}

/// Finds the compact form of dense rows. Writes `classes` and `weights` `[M, 3]` and `uniform` `[M]` and returns the
/// number of classes that they list, or `None` if the rows have no compact form.
#[pyfunction]
pub(crate) fn recognise(
    py: Python<'_>,
    probabilities: View,
    classes: View,
    weights: View,
    uniform: View,
) -> PyResult<Option<usize>> {
    let mut classes = classes.array_mut::<i64>()?;
    let mut weights = weights.array_mut::<f64>()?;
    let mut uniform = uniform.column_mut::<f64>()?;
    py.detach(move || {
        let targets = threads::run(|| find(probabilities))?;
        let (shares, listed, parts): (Array1<f64>, Array2<u32>, Array2<f64>) = match targets.compact_parts() {
            Some((shares, listed, parts)) => (shares.to_owned(), listed.to_owned(), parts.to_owned()),
            None => match targets.labels() {
                Some(labels) => {
                    let rows = labels.len();
                    let listed = labels.to_owned().insert_axis(Axis(1));
                    (Array1::zeros(rows), listed, Array2::ones((rows, 1)))
                }
                None => return Ok(None),
            },
        };
        let entries = listed.ncols();
        uniform.assign(&shares);
        for entry in 0..entries {
            classes.column_mut(entry).zip_mut_with(&listed.column(entry), |out, &class| *out = i64::from(class));
            weights.column_mut(entry).assign(&parts.column(entry));
        }
        Ok(Some(entries))
    })
}

fn find<'a>(probabilities: View) -> PyResult<Targets<'a>> {
    with_float!(probabilities, "probabilities", E => {
        let targets = Targets::dense(probabilities.array::<E>()?);
        targets.map_err(|error| segment_exception("probabilities", error))
    })
}
