//! Adam on one matrix (Kingma and Ba, arXiv 1412.6980), with weight decay as an L2 penalty, as PyTorch's.

use ndarray::{Array2, Zip};

const BETAS: [f32; 2] = [0.9, 0.999];
const EPSILON: f32 = 1e-8;

/// The moments of a matrix.
#[derive(Debug, Clone)]
pub(crate) struct Adam {
    moments: [Array2<f32>; 2],
    steps: i32,
    decay: f32,
}

impl Adam {
    /// For a matrix of this shape.
    pub(crate) fn new(shape: (usize, usize), decay: f64) -> Self {
        Adam { moments: [Array2::zeros(shape), Array2::zeros(shape)], steps: 0, decay: decay as f32 }
    }

    /// One step of the weights along a gradient.
    pub(crate) fn step(&mut self, weights: &mut Array2<f32>, gradient: &Array2<f32>, rate: f64) {
        self.steps += 1;
        let [first, second] = &mut self.moments;
        let (decay, rate) = (self.decay, rate as f32);
        let unbiased = BETAS.map(|beta| 1.0 - beta.powi(self.steps));
        Zip::from(weights).and(first).and(second).and(gradient).for_each(|weight, first, second, &gradient| {
            let gradient = gradient + decay * *weight;
            *first += (1.0 - BETAS[0]) * (gradient - *first);
            *second += (1.0 - BETAS[1]) * (gradient * gradient - *second);
            *weight -= rate * (*first / unbiased[0]) / ((*second / unbiased[1]).sqrt() + EPSILON);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // w = torch.tensor([[1., -2.]], requires_grad=True); o = torch.optim.Adam([w], lr=0.1, weight_decay=0.5)
    // for g in ([[0.5, 1.0]], [[-1.0, 3.0]], [[0.0, 0.25]]): w.grad = torch.tensor(g); o.step()
    #[test]
    fn steps_equal_pytorch() {
        let (mut weights, mut adam) = (ndarray::array![[1.0, -2.0]], Adam::new((1, 2), 0.5));
        for gradient in [[0.5, 1.0], [-1.0, 3.0], [0.0, 0.25]] {
            adam.step(&mut weights, &ndarray::array![gradient], 0.1);
        }
        for (found, expected) in weights.iter().zip(EXPECTED) {
            assert!((found - expected).abs() < 1e-6, "{weights}");
        }
    }

    const EXPECTED: [f32; 2] = [0.837_766_3, -2.104_528_4];
}
