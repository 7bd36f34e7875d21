//! Clipping of the gradient by its norm over all parameters.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

/// Scales all gradients by one factor so that their norm together is at most `limit` (Pascanu et al., arXiv 1211.5063;
/// Burn's own clipping takes each tensor by itself).
///
/// Returns the gradients and their norm before; `None` where it could not be read from the device.
pub fn clip_global_norm<M: Module>(
    module: &M,
    gradients: GradientsParams,
    limit: f64,
) -> (GradientsParams, Option<f64>) {
    let Some(square) = squares(module, &gradients) else { return (gradients, Some(0.0)) };
    let Ok(square) = square.try_into_scalar::<f32>() else { return (gradients, None) };
    let norm = f64::from(square).sqrt();
    if norm <= limit || norm.is_nan() {
        return (gradients, Some(norm));
    }
    (scaled(module, gradients, Factor::Number(limit / norm)), Some(norm))
}

/// The same without reading the norm from the device, which would wait for it. Shape of the norm: `[1]`; none where
/// there is no gradient.
pub fn clip_global_norm_unread<M: Module>(
    module: &M,
    gradients: GradientsParams,
    limit: f64,
) -> (GradientsParams, Option<Tensor<1>>) {
    let Some(square) = squares(module, &gradients) else { return (gradients, None) };
    let norm = square.sqrt();
    let factor = norm.clone().recip().mul_scalar(limit).clamp_max(1.0);
    (scaled(module, gradients, Factor::Unread(Box::new(factor))), Some(norm))
}

/// The sum of the squares of all gradients. Shape `[1]`.
fn squares<M: Module>(module: &M, gradients: &GradientsParams) -> Option<Tensor<1>> {
    let mut squares = Squares { gradients, sum: None };
    module.visit(&mut squares);
    squares.sum
}

fn scaled<M: Module>(module: &M, gradients: GradientsParams, factor: Factor) -> GradientsParams {
    let mut scaled = Scale { from: gradients, to: GradientsParams::new(), factor };
    module.visit(&mut scaled);
    scaled.to
}

struct Squares<'g> {
    gradients: &'g GradientsParams,
    sum: Option<Tensor<1>>,
}

impl ModuleVisitor for Squares<'_> {
    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.get::<D>(parameter.id) {
            let square = gradient.square().sum();
            self.sum = Some(match self.sum.take() {
                Some(sum) => sum + square,
                None => square,
            });
        }
    }
}

struct Scale {
    from: GradientsParams,
    to: GradientsParams,
    factor: Factor,
}

enum Factor {
    Number(f64),
    /// Shape `[1]`.
    Unread(Box<Tensor<1>>),
}

impl ModuleVisitor for Scale {
    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
        if let Some(gradient) = self.from.remove::<D>(parameter.id) {
            let scaled = match &self.factor {
                Factor::Number(factor) => gradient.mul_scalar(*factor),
                Factor::Unread(factor) => gradient * (**factor).clone().reshape([1; D]),
            };
            self.to.register(parameter.id, scaled);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use burn::tensor::Device;

    use super::*;

    #[derive(Module, Debug)]
    struct Two {
        row: Param<Tensor<1>>,
        matrix: Param<Tensor<2>>,
    }

    fn made() -> (Two, GradientsParams) {
        let device = Device::flex();
        let two = Two {
            row: Param::from_tensor(Tensor::from_data([0.0], &device)),
            matrix: Param::from_tensor(Tensor::from_data([[0.0, 0.0]], &device)),
        };
        let mut gradients = GradientsParams::new();
        gradients.register(two.row.id, Tensor::<1>::from_data([3.0], &device));
        gradients.register(two.matrix.id, Tensor::<2>::from_data([[4.0, 12.0]], &device));
        (two, gradients)
    }

    fn values(two: &Two, gradients: &GradientsParams) -> [Vec<f32>; 2] {
        let row = gradients.get::<1>(two.row.id).unwrap().try_to_vec_as().unwrap();
        [row, gradients.get::<2>(two.matrix.id).unwrap().try_to_vec_as().unwrap()]
    }

    #[test]
    fn one_factor_for_all() {
        // The norm of 3, 4, 12 is 13.
        for (limit, row, matrix) in [(6.5, 1.5, [2.0, 6.0]), (13.0, 3.0, [4.0, 12.0])] {
            let (two, gradients) = made();
            let (clipped, norm) = clip_global_norm(&two, gradients, limit);
            assert_eq!((norm, values(&two, &clipped)), (Some(13.0), [vec![row], matrix.to_vec()]));
            let (two, gradients) = made();
            let (clipped, norm) = clip_global_norm_unread(&two, gradients, limit);
            assert_eq!(norm.unwrap().try_into_scalar::<f32>().unwrap(), 13.0);
            assert_eq!(values(&two, &clipped), [vec![row], matrix.to_vec()]);
        }
    }

    #[test]
    fn gradients_of_zero_stay_zero() {
        let (two, _) = made();
        let mut gradients = GradientsParams::new();
        gradients.register(two.row.id, Tensor::<1>::from_data([0.0], &Device::flex()));
        let (clipped, _) = clip_global_norm_unread(&two, gradients, 1.0);
        assert_eq!(clipped.get::<1>(two.row.id).unwrap().try_to_vec_as::<f32>().unwrap(), [0.0]);
    }
}
