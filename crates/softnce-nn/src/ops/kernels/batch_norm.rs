//! Batch normalisation on slices. A plane is one channel of one picture; planes lie one after another.
//!
//! Each plane is read once for its moments and once for the result. The moments of planes are combined in f64, in the
//! order of the pictures, by the formula of Chan, Golub and LeVeque, so that a large mean does not cancel a small variance.

use rayon::prelude::*;
use softnce_kernels::memory::FreshBuffer;
use softnce_kernels::simd::{sum, sums, vectorised};

/// Number of channels, and of values of a plane.
#[derive(Clone, Copy)]
pub(crate) struct Planes {
    pub(crate) channels: usize,
    pub(crate) size: usize,
}

impl Planes {
    fn step(self) -> usize {
        self.size.max(1)
    }
}

/// Mean and biased variance of each channel.
#[derive(Clone, Debug, Default)]
pub(crate) struct Statistics {
    pub(crate) means: Vec<f32>,
    pub(crate) variances: Vec<f32>,
}

/// Mean and biased variance of each channel over pictures and pixels; 0 if there are none.
pub(crate) fn statistics(planes: Planes, input: &[f32]) -> Statistics {
    let moments: Vec<(f32, f32)> = input
        .par_chunks(planes.step())
        .map(|plane| {
            vectorised(
                #[inline(always)]
                || {
                    let mean = sum(
                        plane,
                        #[inline(always)]
                        |x| x,
                    ) / plane.len() as f32;
                    let apart = sum(
                        plane,
                        #[inline(always)]
                        |x| (x - mean) * (x - mean),
                    );
                    // Corrects the mean by its own rounding error.
                    let rest = sum(
                        plane,
                        #[inline(always)]
                        |x| x - mean,
                    );
                    (mean + rest / plane.len() as f32, apart)
                },
            )
        })
        .collect();
    let size = planes.size as f64;
    let mut statistics = Statistics::default();
    for channel in 0..planes.channels {
        let (mut count, mut mean, mut apart) = (0.0, 0.0, 0.0);
        for &(plane_mean, plane_apart) in moments.iter().skip(channel).step_by(planes.channels) {
            let (off, total) = (f64::from(plane_mean) - mean, count + size);
            apart += f64::from(plane_apart) + off * off * count * size / total;
            mean += off * size / total;
            count = total;
        }
        statistics.means.push(mean as f32);
        statistics.variances.push(if count > 0.0 { (apart / count) as f32 } else { 0.0 });
    }
    statistics
}

/// How a channel is normalised: `(x - mean) factor + shift`, with `factor = scale gamma` and `shift = beta`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Channel {
    mean: f32,
    /// `1 / sqrt(variance + epsilon)`
    scale: f32,
    factor: f32,
    shift: f32,
}

impl Channel {
    /// One for each channel.
    pub(crate) fn each(statistics: &Statistics, epsilon: f64, gamma: &[f32], beta: &[f32]) -> Vec<Self> {
        let channels = statistics.means.iter().zip(&statistics.variances).zip(gamma.iter().zip(beta));
        channels
            .map(|((&mean, &variance), (&gamma, &shift))| {
                let scale = (1.0 / (f64::from(variance) + epsilon).sqrt()) as f32;
                Channel { mean, scale, factor: scale * gamma, shift }
            })
            .collect()
    }

    #[inline(always)]
    fn of(self, x: f32) -> f32 {
        (x - self.mean).mul_add(self.factor, self.shift)
    }

    /// The gradient with respect to the normalised value: upstream, or 0 where `CUT` cut the value off.
    #[inline(always)]
    fn passed<const CUT: bool>(self, x: f32, upstream: f32) -> f32 {
        if !CUT || self.of(x) > 0.0 { upstream } else { 0.0 }
    }
}

/// The normalised planes; with `CUT`, values below 0 become 0 (the rectifier of Nair and Hinton, 2010).
pub(crate) fn forward<const CUT: bool>(planes: Planes, channels: &[Channel], input: &[f32]) -> Vec<f32> {
    let mut output = FreshBuffer::new(input.len());
    let pairs = output.par_parts(planes.step()).zip(input.par_chunks(planes.step())).enumerate();
    pairs.for_each(|(number, (output, input))| {
        let channel = channels[number % planes.channels];
        vectorised(
            #[inline(always)]
            || {
                output.fill(input.iter().map(
                    #[inline(always)]
                    |&x| {
                        let y = channel.of(x);
                        // NaN stays NaN.
                        if CUT && y < 0.0 { 0.0 } else { y }
                    },
                ));
            },
        );
    });
    output.finish()
}

/// Gradients with respect to gamma and beta: `sum of upstream n` and `sum of upstream`, with n the normalised input.
pub(crate) fn by_parameters<const CUT: bool>(
    planes: Planes,
    channels: &[Channel],
    input: &[f32],
    upstream: &[f32],
) -> (Vec<f32>, Vec<f32>) {
    let step = planes.step();
    let parts: Vec<(f32, f32)> = (input.par_chunks(step).zip(upstream.par_chunks(step)).enumerate())
        .map(|(number, (input, upstream))| {
            let channel = channels[number % planes.channels];
            vectorised(
                #[inline(always)]
                || {
                    sums(
                        input,
                        upstream,
                        #[inline(always)]
                        |x, up| {
                            let up = channel.passed::<CUT>(x, up);
                            (up * (x - channel.mean), up)
                        },
                    )
                },
            )
        })
        .collect();
    let total = |number: usize| {
        let add = |sum: (f64, f64), part: &(f32, f32)| (sum.0 + f64::from(part.0), sum.1 + f64::from(part.1));
        let (along, total) = parts.iter().skip(number).step_by(planes.channels).fold((0.0, 0.0), add);
        ((along * f64::from(channels[number].scale)) as f32, total as f32)
    };
    (0..planes.channels).map(total).unzip()
}

/// The gradient with respect to the input: `gamma scale (upstream - mean(upstream) - n mean(upstream n))`.
pub(crate) fn by_input<const CUT: bool>(
    planes: Planes,
    channels: &[Channel],
    (by_gamma, by_beta): (&[f32], &[f32]),
    (input, upstream): (&[f32], &[f32]),
) -> Vec<f32> {
    let mut gradient = FreshBuffer::new(input.len());
    let step = planes.step();
    let count = (upstream.len() / planes.channels.max(1)) as f32;
    let each = gradient.par_parts(step).zip(input.par_chunks(step)).zip(upstream.par_chunks(step));
    each.enumerate().for_each(|(number, ((gradient, input), upstream))| {
        let at = number % planes.channels;
        let channel = channels[at];
        let (level, tilt) = (by_beta[at] / count, by_gamma[at] / count * channel.scale);
        vectorised(
            #[inline(always)]
            || {
                gradient.fill(input.iter().zip(upstream).map(
                    #[inline(always)]
                    |(&x, &up)| {
                        let up = channel.passed::<CUT>(x, up);
                        channel.factor * (channel.mean - x).mul_add(tilt, up - level)
                    },
                ));
            },
        );
    });
    gradient.finish()
}
