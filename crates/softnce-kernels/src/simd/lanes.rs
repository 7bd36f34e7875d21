//! Reductions over slices of `f32` as plain loops that the compiler turns into vector instructions.
//!
//! No function has a branch that depends on the data, and every function is inlined into the closure passed to
//! [`vectorised`]. Sums run in a fixed number of lanes, so a result depends neither on the instruction set nor on the
//! number of threads.

use std::f32::consts::LOG2_E;

use super::{Instructions, exp2};

/// Number of partial sums of a reduction: two of the widest vectors, so that additions overlap.
const LANES: usize = 32;

/// Runs a closure compiled for the widest vectors that this CPU has.
///
/// Mark the closure, and each closure inside it, `#[inline(always)]`: code that is not inlined is compiled for the
/// oldest CPUs.
#[inline(always)]
pub fn vectorised<R>(work: impl FnOnce() -> R) -> R {
    Instructions::widest().run(work)
}

/// `e^x` for `x <= 0`; below 1e-38 for `x <= -87`. NaN stays NaN.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    exp2(x * LOG2_E)
}

/// Adds up the lanes: the upper half onto the lower half, until one is left.
#[inline(always)]
fn fold(mut lanes: [f32; LANES]) -> f32 {
    let mut half = LANES / 2;
    while half > 0 {
        for lane in 0..half {
            lanes[lane] += lanes[lane + half];
        }
        half /= 2;
    }
    lanes[0]
}

/// The sum of `term(value)` over the values.
#[inline(always)]
pub fn sum(values: &[f32], term: impl Fn(f32) -> f32) -> f32 {
    let (chunks, rest) = values.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for chunk in chunks {
        for lane in 0..LANES {
            sums[lane] += term(chunk[lane]);
        }
    }
    for (sum, &value) in sums.iter_mut().zip(rest) {
        *sum += term(value);
    }
    fold(sums)
}

/// The two sums of `terms(a, b)` over pairs of values.
#[inline(always)]
pub fn sums(a: &[f32], b: &[f32], terms: impl Fn(f32, f32) -> (f32, f32)) -> (f32, f32) {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let (mut firsts, mut seconds) = ([0.0; LANES], [0.0; LANES]);
    for (a, b) in a.iter().zip(b) {
        for lane in 0..LANES {
            let (first, second) = terms(a[lane], b[lane]);
            firsts[lane] += first;
            seconds[lane] += second;
        }
    }
    for (lane, (&a, &b)) in a_rest.iter().zip(b_rest).enumerate() {
        let (first, second) = terms(a, b);
        firsts[lane] += first;
        seconds[lane] += second;
    }
    (fold(firsts), fold(seconds))
}

/// The largest value; NaN is ignored, and of no values it is minus infinity.
#[inline(always)]
pub fn largest(values: &[f32]) -> f32 {
    let (chunks, rest) = values.as_chunks::<LANES>();
    let mut most = [f32::NEG_INFINITY; LANES];
    for chunk in chunks {
        for lane in 0..LANES {
            most[lane] = if chunk[lane] > most[lane] { chunk[lane] } else { most[lane] };
        }
    }
    let most = most.into_iter().chain(rest.iter().copied());
    most.fold(f32::NEG_INFINITY, |most, value| if value > most { value } else { most })
}

/// `sums += values`, entry by entry.
#[inline(always)]
pub fn add_to(sums: &mut [f32], values: &[f32]) {
    for (sum, &value) in sums.iter_mut().zip(values) {
        *sum += value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::values;

    /// Results with every instruction set of this CPU, which must be equal.
    #[allow(clippy::redundant_closure)] // Only a closure can be marked for inlining.
    fn on_every_set<R: PartialEq + std::fmt::Debug>(work: impl Fn() -> R) -> R {
        let portable = Instructions::Portable.run(
            #[inline(always)]
            || work(),
        );
        for instructions in Instructions::available() {
            let found = instructions.run(
                #[inline(always)]
                || work(),
            );
            assert_eq!(found, portable, "{instructions}");
        }
        portable
    }

    #[test]
    fn the_exponential_is_within_a_few_units_of_f64() {
        let x: Vec<f32> = (0..=200_000).map(|step| (-87.0 * f64::from(step) / 200_000.0) as f32).collect();
        let x: Vec<f32> = x.into_iter().chain((0..120).map(|power| -(2.0_f32.powi(-power)))).collect();
        let found = on_every_set(
            #[inline(always)]
            || x.iter().map(|&x| exp(x).to_bits()).collect::<Vec<_>>(),
        );
        for (&x, found) in x.iter().zip(found) {
            let (found, expected) = (f32::from_bits(found), f64::from(x).exp());
            let bound = 2e-7 * (1.0 + f64::from(x).abs() / 2.0);
            assert!((f64::from(found) / expected - 1.0).abs() < bound, "exp({x}) = {found}, not {expected}");
        }
        assert!([f32::NEG_INFINITY, -1e30, -200.0].iter().all(|&x| (0.0..2e-38).contains(&exp(x))));
        assert!(exp(f32::NAN).is_nan());
    }

    #[test]
    fn reductions_take_every_value_once_at_every_length() {
        for len in 0..100 {
            let counted: Vec<f32> = (0..len).map(|n| n as f32).collect();
            let expected = (0..len).sum::<usize>() as f32;
            let found = on_every_set(
                #[inline(always)]
                || {
                    let pair = sums(
                        &counted,
                        &counted,
                        #[inline(always)]
                        |a, b| (a + b, a - b + 1.0),
                    );
                    let one = sum(
                        &counted,
                        #[inline(always)]
                        |x| x,
                    );
                    (one, pair, largest(&counted))
                },
            );
            let most = if len == 0 { f32::NEG_INFINITY } else { len as f32 - 1.0 };
            assert_eq!(found, (expected, (2.0 * expected, len as f32), most));
        }
    }

    #[test]
    fn sums_have_the_same_bits_with_every_instruction_set() {
        for len in 0..100 {
            let (a, b) = (values(len, 1), values(len, 2));
            let expected: f64 = a.iter().zip(&b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum();
            let found = on_every_set(
                #[inline(always)]
                || {
                    let terms = sums(
                        &a,
                        &b,
                        #[inline(always)]
                        |a, b| (a * b, a.mul_add(b, 1.0)),
                    );
                    let mut added = a.clone();
                    add_to(&mut added, &b);
                    (terms, added)
                },
            );
            assert!((f64::from(found.0.0) - expected).abs() < 1e-5);
            assert!((f64::from(found.0.1) - expected - len as f64).abs() < 1e-4);
            assert!(found.1.iter().zip(a.iter().zip(&b)).all(|(sum, (a, b))| *sum == a + b));
        }
    }

    #[test]
    fn the_largest_value_is_found_in_every_place() {
        for len in 1..70 {
            for at in 0..len {
                let mut values = vec![-3.0; len];
                values[(at + 1) % len] = f32::NAN;
                values[at] = 2.0;
                assert_eq!(vectorised(|| largest(&values)), 2.0);
            }
        }
    }
}
