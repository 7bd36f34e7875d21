//! The log-sum-exp of scores that arrive in parts.

use softnce_kernels::simd::{exp, sum, vectorised};

/// `sum = sum_c exp(score_c - largest)` over some classes, with the largest of their scores.
#[derive(Debug, Clone, Copy)]
pub(super) struct LogSum {
    largest: f32,
    sum: f64,
}

impl LogSum {
    /// Over no classes.
    pub(super) const EMPTY: LogSum = LogSum { largest: f32::NEG_INFINITY, sum: 0.0 };

    /// Over finite scores, of which there is at least one; `largest` is the largest of them.
    pub(super) fn of(scores: &[f32], largest: f32) -> Self {
        /// Terms are added in `f32` within a chunk, eight to a lane, and in `f64` from chunk to chunk.
        const CHUNK: usize = 256;
        let part = |chunk: &[f32]| {
            vectorised(
                #[inline(always)]
                || {
                    sum(
                        chunk,
                        #[inline(always)]
                        |score| exp(score - largest),
                    )
                },
            )
        };
        LogSum { largest, sum: scores.chunks(CHUNK).map(|chunk| f64::from(part(chunk))).sum() }
    }

    /// Adds the sum over other classes, at least one.
    pub(super) fn add(&mut self, other: LogSum) {
        let largest = self.largest.max(other.largest);
        let scale = |part: LogSum| part.sum * (f64::from(part.largest) - f64::from(largest)).exp();
        *self = LogSum { largest, sum: scale(*self) + scale(other) };
    }

    /// `log sum_c exp(score_c)`, in nats.
    pub(super) fn value(&self) -> f64 {
        f64::from(self.largest) + self.sum.ln()
    }
}
