//! Operations on one row, class by class: exponentials, sums and gradients of contiguous values.

use num_traits::Float;
use pulp::{Simd, WithSimd};

use crate::Accum;

/// Vectors that are added up in the accumulating type, by four accumulators, before the sum goes on in double
/// precision. Rounding errors of nearly equal terms all have one sign: in a longer sum they would show in the loss.
const VECTORS_IN_SUM: usize = 128;

/// Computes the terms `2^((z - origin) rate + bias - offset)` of a row and their sum without one class.
pub(super) struct Exponentials<'r, A> {
    pub(super) logits: &'r [A],
    pub(super) origin: A,
    pub(super) rate: A,
    /// Finite. Shape `[d]`.
    pub(super) bias: Option<&'r [A]>,
    pub(super) offset: A,
    /// The class whose term is left out of the sum.
    pub(super) own: usize,
    /// Receives the terms, and 0 for the class `own`. Shape `[d]`.
    pub(super) out: &'r mut [A],
}

/// The term of the class `own`, and the sum of the other terms.
pub(super) struct Terms<A> {
    pub(super) own: A,
    pub(super) others: A,
}

/// The constants of a row, in every lane of a vector.
#[derive(Clone, Copy)]
struct Constants<V> {
    origin: V,
    rate: V,
    offset: V,
}

#[inline(always)]
fn term<A: Accum, S: Simd>(
    simd: S,
    constants: Constants<A::Vector<S>>,
    logits: A::Vector<S>,
    bias: Option<A::Vector<S>>,
) -> A::Vector<S> {
    let centred = A::v_sub(simd, logits, constants.origin);
    let score = match bias {
        Some(bias) => A::v_mul_add(simd, centred, constants.rate, bias),
        None => A::v_mul(simd, centred, constants.rate),
    };
    A::v_exp2(simd, A::v_sub(simd, score, constants.offset))
}

impl<A: Accum> WithSimd for Exponentials<'_, A> {
    type Output = Terms<A>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Terms<A> {
        match self.bias {
            Some(bias) => self.run::<S, true>(simd, bias),
            None => self.run::<S, false>(simd, &[]),
        }
    }
}

impl<A: Accum> Exponentials<'_, A> {
    #[inline(always)]
    fn run<S: Simd, const BIAS: bool>(self, simd: S, bias: &[A]) -> Terms<A> {
        let (logits, logits_tail) = A::vectors::<S>(self.logits);
        let (bias, bias_tail) = A::vectors::<S>(bias);
        let lanes = A::lanes::<S>();
        let vectors = logits.len();
        let bias = &bias[..if BIAS { vectors } else { 0 }];
        let (out, out_tail) = A::vectors_mut::<S>(self.out);
        let out = &mut out[..vectors];
        let constants = Constants {
            origin: A::splat(simd, self.origin),
            rate: A::splat(simd, self.rate),
            offset: A::splat(simd, self.offset),
        };
        let (mut own, mut total) = (A::zero(), 0.0);
        let own_vector = self.own / lanes;
        for first in (0..vectors).step_by(VECTORS_IN_SUM) {
            let last = (first + VECTORS_IN_SUM).min(vectors);
            let mut sums = [A::splat(simd, A::zero()); 4];
            // The vector with the own class comes last: its term is kept out of the sum.
            for (from, to) in [(first, own_vector.clamp(first, last)), ((own_vector + 1).clamp(first, last), last)] {
                let mut at = from;
                while at + 4 <= to {
                    for (step, sum) in sums.iter_mut().enumerate() {
                        let bias = if BIAS { Some(bias[at + step]) } else { None };
                        let term = term::<A, S>(simd, constants, logits[at + step], bias);
                        out[at + step] = term;
                        *sum = A::v_add(simd, *sum, term);
                    }
                    at += 4;
                }
                for at in at..to {
                    let bias = if BIAS { Some(bias[at]) } else { None };
                    out[at] = term::<A, S>(simd, constants, logits[at], bias);
                    sums[0] = A::v_add(simd, sums[0], out[at]);
                }
            }
            if (first..last).contains(&own_vector) {
                let bias = if BIAS { Some(bias[own_vector]) } else { None };
                let mut with_own = term::<A, S>(simd, constants, logits[own_vector], bias);
                let values: &mut [A] = bytemuck::cast_slice_mut(std::slice::from_mut(&mut with_own));
                own = std::mem::replace(&mut values[self.own % lanes], A::zero());
                out[own_vector] = with_own;
                sums[1] = A::v_add(simd, sums[1], with_own);
            }
            let sum = A::v_add(simd, A::v_add(simd, sums[0], sums[1]), A::v_add(simd, sums[2], sums[3]));
            total += A::sum_lanes(simd, sum).as_f64();
        }
        let mut others = A::of(total);
        if !out_tail.is_empty() {
            let bias = if BIAS { Some(A::load_part(simd, bias_tail)) } else { None };
            let terms = term::<A, S>(simd, constants, A::load_part(simd, logits_tail), bias);
            A::store_part(simd, out_tail, terms);
            if own_vector >= vectors {
                own = std::mem::replace(&mut out_tail[self.own - vectors * lanes], A::zero());
            }
            others += out_tail.iter().copied().sum();
        }
        Terms { own, others }
    }
}

/// The largest of `(z - origin) rate + bias` of a row.
pub(super) fn largest<A: Accum>(logits: &[A], origin: A, rate: A, bias: Option<&[A]>) -> A {
    let scores = logits.iter().map(|&z| (z - origin) * rate);
    match bias {
        Some(bias) => scores.zip(bias).map(|(s, &b)| s + b).fold(A::neg_infinity(), Float::max),
        None => scores.fold(A::neg_infinity(), Float::max),
    }
}

/// Finds the index of the first entry that equals `value`; 0 if there is none.
pub(super) struct Find<'r, A> {
    pub(super) values: &'r [A],
    pub(super) value: A,
}

impl<A: Accum> WithSimd for Find<'_, A> {
    type Output = usize;

    // Stretches are compared without a branch, which the compiler vectorises for the instruction set.
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> usize {
        const STRETCH: usize = 64;
        for (number, stretch) in self.values.chunks(STRETCH).enumerate() {
            let mut found = false;
            for &value in stretch {
                found |= value == self.value;
            }
            if found {
                return number * STRETCH + stretch.iter().position(|&value| value == self.value).unwrap_or(0);
            }
        }
        0
    }
}

/// `values <- (values share + floor) scale`
pub(super) struct Scale<'r, A> {
    pub(super) values: &'r mut [A],
    pub(super) share: A,
    pub(super) floor: A,
    pub(super) scale: A,
}

impl<A: Accum> WithSimd for Scale<'_, A> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let splat = |value| A::splat(simd, value);
        let (share, floor, scale) = (splat(self.share), splat(self.floor), splat(self.scale));
        let (vectors, tail) = A::vectors_mut::<S>(self.values);
        for value in vectors {
            *value = A::v_mul(simd, A::v_mul_add(simd, *value, share, floor), scale);
        }
        tail.iter_mut().for_each(|value| *value = (*value * self.share + self.floor) * self.scale);
    }
}

/// A row of soft target cross-entropy with target `W = weights weight_share`: replaces `terms` by the gradient
/// `(terms share - W) scale` and returns the loss `sum W (log_total - (z - origin) rate)`.
pub(super) struct LessTargets<'r, A> {
    pub(super) logits: &'r [A],
    pub(super) origin: A,
    pub(super) rate: A,
    pub(super) log_total: A,
    pub(super) weights: &'r [A],
    pub(super) weight_share: A,
    pub(super) terms: &'r mut [A],
    pub(super) share: A,
    pub(super) scale: A,
}

impl<A: Accum> WithSimd for LessTargets<'_, A> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f64 {
        let splat = |value| A::splat(simd, value);
        let (share, scale, weight_share) = (splat(self.share), splat(self.scale), splat(self.weight_share));
        let (origin, rate, log_total) = (splat(self.origin), splat(-self.rate), splat(self.log_total));
        let (logits, logits_tail) = A::vectors::<S>(self.logits);
        let (weights, weights_tail) = A::vectors::<S>(self.weights);
        let (terms, terms_tail) = A::vectors_mut::<S>(self.terms);
        // In stretches, so that the rounding error does not grow with the number of classes.
        const STRETCH: usize = 64;
        let mut loss = 0.0;
        let stretches = logits.chunks(STRETCH).zip(weights.chunks(STRETCH)).zip(terms.chunks_mut(STRETCH));
        for ((logits, weights), terms) in stretches {
            let mut part = splat(A::zero());
            for ((&z, &weight), term) in logits.iter().zip(weights).zip(terms) {
                let surprise = A::v_mul_add(simd, A::v_sub(simd, z, origin), rate, log_total);
                let weight = A::v_mul(simd, weight, weight_share);
                part = A::v_mul_add(simd, weight, surprise, part);
                *term = A::v_mul(simd, A::v_sub(simd, A::v_mul(simd, *term, share), weight), scale);
            }
            loss += A::sum_lanes(simd, part).as_f64();
        }
        for ((&z, &weight), term) in logits_tail.iter().zip(weights_tail).zip(terms_tail) {
            let weight = weight * self.weight_share;
            loss += (weight * (self.log_total - (z - self.origin) * self.rate)).as_f64();
            *term = (*term * self.share - weight) * self.scale;
        }
        loss
    }
}

/// `sum (z - origin) rate` over a row, in double precision.
pub(super) fn sum_of_scores<A: Accum>(logits: &[A], origin: A, rate: A) -> f64 {
    partial_sums(logits.iter().map(|&z| ((z - origin) * rate).as_f64()))
}

/// `sum g (z - origin) rate` over a row, in double precision. The origin matters unless `g` sums to 0.
pub(super) fn dot_with_scores<A: Accum>(gradient: &[A], logits: &[A], origin: A, rate: A) -> f64 {
    partial_sums(gradient.iter().zip(logits).map(|(&g, &z)| g.as_f64() * ((z - origin) * rate).as_f64()))
}

/// A sum in eight independent parts, which the processor adds up in parallel.
pub(super) fn partial_sums(values: impl Iterator<Item = f64>) -> f64 {
    let mut sums = [0.0; 8];
    values.enumerate().for_each(|(at, value)| sums[at % 8] += value);
    sums.iter().sum()
}
