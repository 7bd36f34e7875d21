//! Functions that several paths share. The *terms* of a row are `exp(A_ij)`, one per candidate j. Here: when an offset
//! is needed, the loss from the sums of the terms, and logarithms to base 2 and base e.

use crate::Accum;

/// Whether a row's sum of terms `2^(score - offset)` must be computed again with the largest score as the offset: the
/// sum is so small that terms may have underflowed, or it is not finite.
///
/// The first attempt uses the offset 0, which saves a pass over the candidates to find the largest score. It mostly
/// works, because every score is at most 0 and the scores that matter are rarely far below 0.
pub(crate) fn needs_offset<A: Accum>(total: A) -> bool {
    // Written so that NaN gives true.
    !(total >= A::of(1e-6) && total < A::infinity())
}

/// The loss of a row, `log(own + others) - log(own / multiplicity)`, in double precision because large terms cancel.
///
/// - `own`: the positive's term, multiplicity included; `others`: the sum of the other candidates' terms; both are
///   divided by `exp(offset)`.
/// - `score`: gives the positive's score without its multiplicity. It replaces `log(own)` where `own` is 0 or nearly
///   underflows; elsewhere it is not computed.
///
/// If `own` is the larger part, `log(1 + others / own)` keeps all digits of a loss near 0.
pub(crate) fn row_loss<A: Accum>(
    own: A,
    others: A,
    log_multiplicity: f64,
    offset: f64,
    score: impl FnOnce() -> f64,
) -> A {
    let in_range = own > A::min_positive_value() * A::of(1e6);
    let (own, others) = (own.as_f64(), others.as_f64());
    A::of(if own >= others && own > 0.0 {
        f64::ln_1p(others / own) + log_multiplicity
    } else if in_range {
        f64::ln((own + others) / own) + log_multiplicity
    } else {
        f64::ln(own + others) + (offset - score())
    })
}

/// Converts a logarithm from base 2 to base e.
pub(crate) fn natural(log2: impl Into<f64>) -> f64 {
    log2.into() * std::f64::consts::LN_2
}

/// Converts a logarithm from base e to base 2. Minus infinity becomes a finite number so low that `2^(it + score)` is
/// 0 for every score.
pub(crate) fn to_base_2<A: Accum>(log: f64) -> A {
    num_traits::Float::max(A::of(log * std::f64::consts::LOG2_E), A::min_value() / A::of(4.0))
}

/// The logarithms of the multiplicities divided by the largest multiplicity, shape `[M]`, and the logarithm of the
/// largest.
///
/// A multiplicity of 0 gives minus infinity.
pub(crate) fn relative_logs(multiplicities: &[f64]) -> (Vec<f64>, f64) {
    let largest = multiplicities.iter().copied().fold(0.0, f64::max).ln();
    // Most multiplicities are small integers: compute the logarithm of each integer once.
    let mut known = [f64::NAN; 256];
    let mut log = |multiplicity: f64| {
        let count = multiplicity as usize;
        if count as f64 != multiplicity || count >= known.len() {
            return multiplicity.ln();
        }
        if known[count].is_nan() {
            known[count] = multiplicity.ln();
        }
        known[count]
    };
    (multiplicities.iter().map(|&multiplicity| log(multiplicity) - largest).collect(), largest)
}
