//! The losses and gradients that the paths write, and how they are split into blocks of rows.

use ndarray::{ArrayViewMut2, Axis, s};

use crate::{Accum, Element};

/// The losses and gradients of consecutive rows: of all rows, or of a block of them. The gradients are of type G.
pub struct Outputs<'a, A, G> {
    /// The first row, counted in the outputs that these are a block of.
    pub(crate) first: usize,
    /// Loss of each row, before weights and reduction. Shape `[N]`.
    pub(crate) losses: &'a mut [A],
    pub(crate) gradients: Option<Gradients<'a, G>>,
}

/// The gradients of the reduced loss, multiplied by the upstream gradient.
pub(crate) struct Gradients<'a, G> {
    /// Shape `[N, d]`.
    pub(crate) logits: ArrayViewMut2<'a, G>,
    /// Whether `logits` is all 0 before the path writes to it.
    pub(crate) zeroed: bool,
    /// Each row's part of the gradient with respect to the temperature, if requested. Shape `[N]`.
    pub(crate) temperature: Option<&'a mut [f64]>,
    /// Factor of each row: reduction, row weight and upstream gradient. Shape `[N]`.
    pub(crate) factors: &'a [f64],
}

impl<A: Accum, G: Element<Accum = A>> Outputs<'_, A, G> {
    /// Whether gradients are requested that need a scratch buffer: sums cannot be kept in them, because they are of
    /// another type or not contiguous.
    pub(crate) fn gradients_need_scratch(&mut self) -> bool {
        self.gradients.as_mut().is_some_and(|gradients| gradients.in_place().is_none())
    }

    /// The outputs in blocks of `rows` rows; the last block may be smaller.
    pub(crate) fn blocks(&mut self, rows: usize) -> impl Iterator<Item = Outputs<'_, A, G>> + Send {
        let mut gradients = self.gradients.as_mut().map(|gradients| {
            let temperature = gradients.temperature.as_mut().map(|by_row| by_row.chunks_mut(rows));
            let logits = gradients.logits.axis_chunks_iter_mut(Axis(0), rows);
            (logits, temperature, gradients.factors.chunks(rows), gradients.zeroed)
        });
        self.losses.chunks_mut(rows).enumerate().map(move |(block, losses)| {
            let gradients = gradients.as_mut().and_then(|(logits, temperature, factors, zeroed)| {
                let temperature = temperature.as_mut().and_then(Iterator::next);
                Some(Gradients { logits: logits.next()?, zeroed: *zeroed, temperature, factors: factors.next()? })
            });
            Outputs { first: block * rows, losses, gradients }
        })
    }

    /// The memory to compute a row's gradient in: the gradient's own memory if it is contiguous and of type A, else
    /// `scratch`. Shape `[d]`.
    pub(crate) fn row<'r>(&'r mut self, row: usize, scratch: &'r mut [A]) -> &'r mut [A] {
        let in_place = self.gradients.as_mut().and_then(|gradients| gradients.row_in_place(row));
        in_place.unwrap_or(scratch)
    }

    /// Copies a row's gradient from `scratch`, if [`Outputs::row`] returned that.
    pub(crate) fn write_row(&mut self, row: usize, scratch: &[A]) {
        if let Some(gradients) = &mut self.gradients
            && gradients.row_in_place(row).is_none()
        {
            gradients.write(row, 0, scratch);
        }
    }

    /// If gradients are requested: the factor from a row's gradient with respect to its scores to the one with
    /// respect to its logits, and whether the gradient with respect to the temperature is requested too.
    pub(crate) fn demand(&self, row: usize, temperature: f64) -> Option<(A, bool)> {
        let gradients = self.gradients.as_ref()?;
        Some((A::of(gradients.factors[row] / temperature), gradients.temperature.is_some()))
    }

    /// Writes a row's part of the gradient with respect to the temperature, if requested.
    ///
    /// `dot` is `sum_k dL/dS_k (z_k - origin) / tau`. Every loss here depends on the logits through `Z / tau`, so
    /// `dL/dtau = -(Z . dL/dS) / tau^2`. The origin may be any number only if the row of dL/dS sums to 0: then it changes
    /// nothing but the rounding. In binary cross-entropy the row does not sum to 0, so its origin must be 0.
    pub(crate) fn write_temperature(&mut self, row: usize, dot: f64, temperature: f64) {
        if let Some(gradients) = &mut self.gradients
            && let Some(by_row) = &mut gradients.temperature
        {
            by_row[row] = -gradients.factors[row] * dot / temperature;
        }
    }
}

impl<A: Accum, G: Element<Accum = A>> Gradients<'_, G> {
    /// The memory of all gradients, row by row, if it is contiguous and of type A.
    pub(crate) fn in_place(&mut self) -> Option<&mut [A]> {
        self.logits.as_slice_mut().and_then(G::as_accum_mut)
    }

    /// The memory of one row of them, if it is contiguous and of type A.
    pub(crate) fn row_in_place(&mut self, row: usize) -> Option<&mut [A]> {
        self.logits.row_mut(row).into_slice().and_then(G::as_accum_mut)
    }

    /// Rounds values and writes them to a row, from a column on.
    pub(crate) fn write(&mut self, row: usize, column: usize, values: &[A]) {
        let mut out = self.logits.slice_mut(s![row, column..column + values.len()]);
        match out.as_slice_mut() {
            Some(out) => G::narrow(values, out),
            None => out.iter_mut().zip(values).for_each(|(out, &value)| *out = G::from_accum(value)),
        }
    }
}
