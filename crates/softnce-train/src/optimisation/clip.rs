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
    let mut squares = Squares { gradients: &gradients, sum: None };
    module.visit(&mut squares);
    let Some(sum) = squares.sum else { return (gradients, Some(0.0)) };
    let Ok(square) = sum.try_into_scalar::<f32>() else { return (gradients, None) };
    let norm = f64::from(square).sqrt();
    if norm <= limit || norm.is_nan() {
        return (gradients, Some(norm));
    }
    let mut scaled = Scale { from: gradients, to: GradientsParams::new(), factor: limit / norm };
    module.visit(&mut scaled);
    (scaled.to, Some(norm))
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
    factor: f64,
}

impl ModuleVisitor for Scale {
    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
        if let Some(gradient) = self.from.remove::<D>(parameter.id) {
            self.to.register(parameter.id, gradient.mul_scalar(self.factor));
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

    fn gradients(limit: f64) -> (Vec<f32>, Vec<f32>, f64) {
        let device = Device::flex();
        let two = Two {
            row: Param::from_tensor(Tensor::from_data([0.0], &device)),
            matrix: Param::from_tensor(Tensor::from_data([[0.0, 0.0]], &device)),
        };
        let mut gradients = GradientsParams::new();
        gradients.register(two.row.id, Tensor::<1>::from_data([3.0], &device));
        gradients.register(two.matrix.id, Tensor::<2>::from_data([[4.0, 12.0]], &device));
        let (clipped, norm) = clip_global_norm(&two, gradients, limit);
        let row = clipped.get::<1>(two.row.id).unwrap().try_to_vec_as().unwrap();
        (row, clipped.get::<2>(two.matrix.id).unwrap().try_to_vec_as().unwrap(), norm.unwrap())
    }

    #[test]
    fn one_factor_for_all() {
        // The norm of 3, 4, 12 is 13.
        let (row, matrix, norm) = gradients(6.5);
        assert_eq!((norm, row, matrix), (13.0, vec![1.5], vec![2.0, 6.0]));
        let (row, matrix, norm) = gradients(13.0);
        assert_eq!((norm, row, matrix), (13.0, vec![3.0], vec![4.0, 12.0]));
    }
}
