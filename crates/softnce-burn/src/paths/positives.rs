//! The targets of the rows themselves, for the losses that sum over classes: cross-entropies.

use burn::tensor::Tensor;

use super::segment::{Rows, Segment};
use super::uploads::{Ints, Place, Sent, Uploads};
use crate::Error;

/// The target of each row, segment by segment.
pub(super) struct Positives {
    /// The rows whose target is in a segment (`None`: all rows, in their order), and these targets.
    parts: Vec<(Option<(Ints, usize)>, Rows)>,
    /// For each row, its place among the rows of all parts; `None` with a single part.
    order: Option<(Ints, usize)>,
}

impl Positives {
    pub(super) fn new(
        segments: &[Segment<'_>],
        positives: &[usize],
        place: &Place,
        uploads: &mut Uploads,
    ) -> Result<Self, Error> {
        let (mut parts, mut order) = (Vec::new(), Vec::new());
        let mut first = 0;
        for segment in segments {
            let last = first + segment.len();
            let here = positives.iter().enumerate().filter(|(_, positive)| (first..last).contains(*positive));
            let (rows, targets): (Vec<usize>, Vec<usize>) =
                here.map(|(row, &positive)| (row, positive - first)).unzip();
            first = last;
            if rows.is_empty() {
                continue;
            }
            let whole = targets.len() == segment.len() && targets.iter().enumerate().all(|(at, &target)| at == target);
            let targets = segment.rows((!whole).then_some(&targets), false, place, uploads)?;
            let all = rows.len() == positives.len();
            let index = (!all).then(|| (uploads.ints(rows.iter().map(|&row| row as u32)), rows.len()));
            parts.push((index, targets));
            order.extend(rows);
        }
        let order = (parts.len() > 1).then(|| {
            let mut back = vec![0; order.len()];
            (0..).zip(&order).for_each(|(place, &row)| back[row] = place);
            (uploads.ints(back), order.len())
        });
        Ok(Positives { parts, order })
    }

    /// `sum_k W_p(i),k values_ik`. Shape of the output: `[N]`.
    pub(super) fn weighted_sum(self, values: Tensor<2>, sent: &Sent) -> Tensor<1> {
        let sums = self.parts.into_iter().map(|(rows, targets)| {
            let values = match rows {
                Some((rows, count)) => values.clone().select(0, sent.ints(&rows, [count])),
                None => values.clone(),
            };
            targets.weighted_sum(values, sent)
        });
        let mut sums: Vec<_> = sums.collect();
        match self.order {
            Some((order, rows)) => Tensor::cat(sums, 0).select(0, sent.ints(&order, [rows])),
            None => sums.remove(0),
        }
    }
}
