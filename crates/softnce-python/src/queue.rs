//! Writes targets into the buffers of a queue.

use ndarray::{Array1, Array2, s};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyByteArray;

use crate::segment::Segment;
use crate::view::View;

/// The buffers of a queue, a ring of rows: classes and weights `[size, K]`, uniform shares and counts `[size]`, and the
/// slot of the next row `[1]`. The count of a row is 1, that of an empty slot 0.
#[derive(Debug, FromPyObject)]
pub(crate) struct Queue(View, View, View, View, View);

/// Writes the last rows of a segment, at most as many as there are slots, and moves the place of the next row on.
/// Returns the slot of the first row and what the rows replace, `[rows, 2 K + 2]` doubles: classes (which doubles hold
/// exactly), weights, uniform share, count.
///
/// The interpreter lock is held, so that no other thread of Python sees rows that are partly written.
#[pyfunction]
pub(crate) fn queue_push<'py>(
    py: Python<'py>,
    segment: Segment,
    queue: Queue,
) -> PyResult<(usize, Bound<'py, PyByteArray>)> {
    // They are copied first, because targets may be taken from the queue itself.
    let (classes, weights, uniform) = segment.entries(queue.0.shape.0)?;
    let (first, replaced) = queue.write(&classes, &weights, &uniform)?;
    Ok((first, PyByteArray::new(py, bytemuck::cast_slice(replaced.as_slice().unwrap_or_default()))))
}

impl Queue {
    fn write(
        &self,
        classes: &Array2<i64>,
        weights: &Array2<f64>,
        uniform: &Array1<f64>,
    ) -> PyResult<(usize, Array2<f64>)> {
        let (mut ring_classes, mut ring_weights) = (self.0.array_mut::<i64>()?, self.1.array_mut::<f64>()?);
        let (mut shares, mut counts) = (self.2.column_mut::<f64>()?, self.3.column_mut::<f64>()?);
        let mut place = self.4.column_mut::<i64>()?;
        let ((size, terms), (rows, held)) = (ring_classes.dim(), classes.dim());
        let is_ring = size > 0 && ring_weights.dim() == (size, terms) && [shares.len(), counts.len()] == [size; 2];
        if !(is_ring && rows <= size && held <= terms && place.len() == 1) {
            let message = format!("found {rows} rows of {held} classes for a queue of {size} rows of {terms} classes");
            return Err(PyValueError::new_err(message));
        }
        let mut replaced = Array2::zeros((rows, 2 * terms + 2));
        let first = place[0].rem_euclid(size as i64) as usize;
        // Up to the last slot, and from slot 0 on.
        let fitting = rows.min(size - first);
        for (slots, given) in [(first..first + fitting, 0..fitting), (0..rows - fitting, fitting..rows)] {
            let mut listed = ring_classes.slice_mut(s![slots.clone(), ..]);
            let mut parts = ring_weights.slice_mut(s![slots.clone(), ..]);
            let mut before = replaced.slice_mut(s![given.clone(), ..]);
            before.slice_mut(s![.., ..terms]).zip_mut_with(&listed, |before, &class| *before = class as f64);
            before.slice_mut(s![.., terms..2 * terms]).assign(&parts);
            before.column_mut(2 * terms).assign(&shares.slice(s![slots.clone()]));
            before.column_mut(2 * terms + 1).assign(&counts.slice(s![slots.clone()]));
            listed.slice_mut(s![.., held..]).fill(0);
            listed.slice_mut(s![.., ..held]).assign(&classes.slice(s![given.clone(), ..]));
            parts.slice_mut(s![.., held..]).fill(0.0);
            parts.slice_mut(s![.., ..held]).assign(&weights.slice(s![given.clone(), ..]));
            shares.slice_mut(s![slots.clone()]).assign(&uniform.slice(s![given]));
            counts.slice_mut(s![slots]).fill(1.0);
        }
        place[0] = ((first + rows) % size) as i64;
        Ok((first, replaced))
    }
}
