//! Where the paths put their results, and how they are split into blocks of rows.

use ndarray::{ArrayViewMut2, Axis, s};

use crate::{Accum, Element};

/// Losses and gradients of all rows; gradients come in the type G.
pub(crate) struct Outputs<'a, A, G> {
    /// Loss of each row, before weights and reduction. Shape `[N]`.
    pub(crate) losses: Vec<A>,
    pub(crate) gradients: Option<Gradients<'a, G>>,
}

/// Gradients of the reduced loss times the upstream gradient.
pub(crate) struct Gradients<'a, G> {
    /// Shape `[N, d]`.
    pub(crate) logits: ArrayViewMut2<'a, G>,
    /// Whether they are all 0 so far.
    pub(crate) zeroed: bool,
    /// Each row's part of the gradient with respect to the temperature, where asked for. Shape `[N]`.
    pub(crate) temperature: Option<Vec<f64>>,
    /// Factor of each row: reduction, row weight and upstream gradient. Shape `[N]`.
    pub(crate) factors: &'a [f64],
}

/// The outputs of some rows that follow one another.
pub(crate) struct Part<'p, A, G> {
    /// The first of the rows.
    pub(crate) first: usize,
    pub(crate) losses: &'p mut [A],
    pub(crate) gradients: Option<PartGradients<'p, G>>,
}

pub(crate) struct PartGradients<'p, G> {
    pub(crate) logits: ArrayViewMut2<'p, G>,
    pub(crate) zeroed: bool,
    pub(crate) temperature: Option<&'p mut [f64]>,
    pub(crate) factors: &'p [f64],
}

/// A view in chunks of so many rows.
fn chunks_of_rows<G>(mut left: ArrayViewMut2<'_, G>, rows: usize) -> impl Iterator<Item = ArrayViewMut2<'_, G>> {
    std::iter::from_fn(move || {
        if left.is_empty() {
            return None;
        }
        let at = rows.min(left.nrows());
        let columns = left.ncols();
        let empty = ArrayViewMut2::from_shape((0, columns), &mut []).ok()?;
        let (chunk, others) = std::mem::replace(&mut left, empty).split_at(Axis(0), at);
        left = others;
        Some(chunk)
    })
}

/// Outputs in parts of so many rows, the last one with the rest; `first` counts from the first of them.
fn in_parts<'p, A: Accum, G: Element<Accum = A>>(
    losses: &'p mut [A],
    gradients: Option<PartGradients<'p, G>>,
    rows: usize,
) -> impl Iterator<Item = Part<'p, A, G>> + Send {
    let mut gradients = gradients.map(|gradients| {
        let logits = chunks_of_rows(gradients.logits, rows);
        let temperature = gradients.temperature.map(|parts| parts.chunks_mut(rows));
        (logits, temperature, gradients.factors.chunks(rows), gradients.zeroed)
    });
    losses.chunks_mut(rows).enumerate().map(move |(part, losses)| {
        let gradients = gradients.as_mut().and_then(|(logits, temperature, factors, zeroed)| {
            let temperature = temperature.as_mut().and_then(Iterator::next);
            let (logits, factors) = (logits.next()?, factors.next()?);
            Some(PartGradients { logits, zeroed: *zeroed, temperature, factors })
        });
        Part { first: part * rows, losses, gradients }
    })
}

impl<A: Accum, G: Element<Accum = A>> Outputs<'_, A, G> {
    /// Whether gradients are wanted and lie where, or are of a type in which, they cannot be summed in place.
    pub(crate) fn gradients_apart(&mut self) -> bool {
        self.gradients
            .as_mut()
            .is_some_and(|gradients| gradients.logits.as_slice_mut().and_then(G::as_accum_mut).is_none())
    }

    /// The outputs in parts of so many rows, the last one with the rest.
    pub(crate) fn parts(&mut self, rows: usize) -> impl Iterator<Item = Part<'_, A, G>> + Send {
        let gradients = self.gradients.as_mut().map(|gradients| PartGradients {
            logits: gradients.logits.view_mut(),
            zeroed: gradients.zeroed,
            temperature: gradients.temperature.as_deref_mut(),
            factors: gradients.factors,
        });
        in_parts(&mut self.losses, gradients, rows)
    }
}

impl<A: Accum, G: Element<Accum = A>> Part<'_, A, G> {
    /// The same in parts of so many rows, the last one with the rest; `first` counts within this part.
    pub(crate) fn parts(&mut self, rows: usize) -> impl Iterator<Item = Part<'_, A, G>> + Send {
        let gradients = self.gradients.as_mut().map(|gradients| PartGradients {
            logits: gradients.logits.view_mut(),
            zeroed: gradients.zeroed,
            temperature: gradients.temperature.as_deref_mut(),
            factors: gradients.factors,
        });
        in_parts(self.losses, gradients, rows)
    }

    /// Where a row's gradient is computed: in its place, or in `scratch` where that is of another type, lies apart or
    /// was not asked for.
    pub(crate) fn row<'r>(&'r mut self, row: usize, scratch: &'r mut [A]) -> &'r mut [A] {
        let in_place = self.gradients.as_mut().and_then(|gradients| gradients.row_in_place(row));
        in_place.unwrap_or(scratch)
    }

    /// Takes a row over from `scratch`, where it is not in its place already.
    pub(crate) fn write_row(&mut self, row: usize, scratch: &[A]) {
        if let Some(gradients) = &mut self.gradients
            && gradients.row_in_place(row).is_none()
        {
            gradients.write(row, 0, scratch);
        }
    }

    /// The factor from a row's derivative by its scores to that by its logits, where gradients are wanted, and whether
    /// the one by the temperature is.
    pub(crate) fn demand(&self, row: usize, temperature: f64) -> Option<(A, bool)> {
        let gradients = self.gradients.as_ref()?;
        Some((A::of(gradients.factors[row] / temperature), gradients.temperature.is_some()))
    }

    /// Takes `sum_k dL/dS_k (z_k - origin) / tau` of a row.
    ///
    /// Every loss here depends on `Z / tau` alone, so `dL/dtau = -(Z . dL/dS) / tau^2`; a row of dL/dS sums to 0, so that
    /// an origin changes nothing but the rounding.
    pub(crate) fn write_temperature(&mut self, row: usize, dot: f64, temperature: f64) {
        if let Some(gradients) = &mut self.gradients
            && let Some(parts) = &mut gradients.temperature
        {
            parts[row] = -gradients.factors[row] * dot / temperature;
        }
    }
}

impl<A: Accum, G: Element<Accum = A>> PartGradients<'_, G> {
    /// All the part's gradients as they lie in memory, row by row, where they are of the accumulating type.
    pub(crate) fn in_place(&mut self) -> Option<&mut [A]> {
        self.logits.as_slice_mut().and_then(G::as_accum_mut)
    }

    /// One row of them likewise.
    pub(crate) fn row_in_place(&mut self, row: usize) -> Option<&mut [A]> {
        self.logits.row_mut(row).into_slice().and_then(G::as_accum_mut)
    }

    /// Rounds values into a row, from a column on.
    pub(crate) fn write(&mut self, row: usize, column: usize, values: &[A]) {
        let mut out = self.logits.slice_mut(s![row, column..column + values.len()]);
        match out.as_slice_mut() {
            Some(out) => G::narrow(values, out),
            None => out.iter_mut().zip(values).for_each(|(out, &value)| *out = G::from_accum(value)),
        }
    }
}
