//! The two-layer graph convolutional network: `Z = A relu(A X W1) W2` with dropout before each layer.

use ndarray::{Array2, ArrayView2};
use rand::{Rng, RngExt};

use super::graph::Graph;
use super::sparse::Sparse;

/// The weights of both layers, without biases as in the authors' code.
#[derive(Debug, Clone)]
pub(crate) struct Weights {
    /// Shape `[features, hidden]`.
    pub(crate) first: Array2<f32>,
    /// Shape `[hidden, classes]`.
    pub(crate) second: Array2<f32>,
}

/// What the backward pass needs of a forward pass.
pub(crate) struct Pass {
    /// Shape `[nodes, classes]`.
    pub(crate) logits: Array2<f32>,
    features: Sparse,
    /// After the rectifier and dropout. Shape `[nodes, hidden]`.
    hidden: Array2<f32>,
    /// Derivative of `hidden` by what came before both.
    slopes: Array2<f32>,
}

impl Weights {
    /// Uniform within `sqrt(6 / (inputs + outputs))` (Glorot and Bengio 2010).
    pub(crate) fn new(features: usize, hidden: usize, classes: usize, draws: &mut impl Rng) -> Self {
        let mut matrix = |rows: usize, columns: usize| {
            let bound = (6.0 / (rows + columns) as f32).sqrt();
            Array2::from_shape_simple_fn((rows, columns), || draws.random_range(-bound..bound))
        };
        Weights { first: matrix(features, hidden), second: matrix(hidden, classes) }
    }

    /// The logits without dropout. Shape `[nodes, classes]`.
    pub(crate) fn logits(&self, graph: &Graph) -> Array2<f32> {
        self.forward(graph, graph.features.clone(), |_| 1.0).logits
    }

    /// A training pass with dropout: what is kept is scaled up to keep the mean.
    pub(crate) fn training_pass(&self, graph: &Graph, dropout: f32, draws: &mut impl Rng) -> Pass {
        let keep = 1.0 / (1.0 - dropout);
        let mut factor = || if draws.random::<f32>() < dropout { 0.0 } else { keep };
        let features = graph.features.scaled((0..graph.features.len()).map(|_| factor()));
        self.forward(graph, features, |_| factor())
    }

    fn forward(&self, graph: &Graph, features: Sparse, mut factor: impl FnMut(()) -> f32) -> Pass {
        let before = graph.adjacency.times(features.times(self.first.view()).view());
        let slopes = before.mapv(|value| if value > 0.0 { factor(()) } else { 0.0 });
        let hidden = &before * &slopes;
        let logits = graph.adjacency.times(hidden.dot(&self.second).view());
        Pass { logits, features, hidden, slopes }
    }

    /// Gradients by both layers' weights, from that by the logits. Shape of `upstream`: `[nodes, classes]`.
    pub(crate) fn backward(&self, graph: &Graph, pass: &Pass, upstream: ArrayView2<'_, f32>) -> [Array2<f32>; 2] {
        // The adjacency is symmetric.
        let by_product = graph.adjacency.times(upstream);
        let by_second = pass.hidden.t().dot(&by_product);
        let by_before = by_product.dot(&self.second.t()) * &pass.slopes;
        let by_first = pass.features.transposed_times(graph.adjacency.times(by_before.view()).view());
        [by_first, by_second]
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    /// Along random directions, the gradient is the difference quotient of a random linear function of the logits.
    #[test]
    fn gradients_match_finite_differences() {
        let edges = [(0, 1), (1, 2), (2, 3), (3, 4), (4, 0), (1, 3)];
        let graph = Graph::made(&edges, &[vec![0, 2], vec![1], vec![3, 4], vec![0, 1, 5], vec![2, 5]]);
        let mut draws = chacha20::ChaCha8Rng::seed_from_u64(3);
        let weights = Weights::new(6, 4, 3, &mut draws);
        let mut random =
            |shape: (usize, usize)| Array2::from_shape_simple_fn(shape, || draws.random_range(-1.0..1.0_f32));
        let upstream = random((5, 3));
        for layer in 0..2 {
            let direction = random([weights.first.dim(), weights.second.dim()][layer]);
            let moved = |by: f32| {
                let mut weights = weights.clone();
                let matrix = if layer == 0 { &mut weights.first } else { &mut weights.second };
                matrix.scaled_add(by, &direction);
                // The same draws at each call: dropout is part of the function.
                let pass = weights.training_pass(&graph, 0.3, &mut chacha20::ChaCha8Rng::seed_from_u64(9));
                let value = (&pass.logits * &upstream).mapv(f64::from).sum();
                (value, weights.backward(&graph, &pass, upstream.view()))
            };
            let step = 1e-2;
            let slope = (moved(step).0 - moved(-step).0) / f64::from(2.0 * step);
            let found = (&moved(0.0).1[layer] * &direction).mapv(f64::from).sum();
            assert!((slope - found).abs() < 2e-3 * slope.abs().max(0.1), "layer {layer}: {found}, {slope}");
        }
    }

    #[test]
    fn a_pass_without_dropout_is_the_formula() {
        let graph = Graph::made(&[(0, 1)], &[vec![0], vec![1], vec![]]);
        let weights = Weights { first: ndarray::array![[1.0], [-3.0]], second: ndarray::array![[2.0, -1.0]] };
        // A = [[.5, .5, 0], [.5, .5, 0], [0, 0, 1]]; A @ X @ W1 = -1, -1, 0; all cut at 0
        assert!(weights.logits(&graph).iter().all(|&value| value == 0.0));
        let weights = Weights { first: ndarray::array![[1.0], [3.0]], ..weights };
        // hidden 2, 2, 0; A @ hidden = 2, 2, 0
        let off = weights.logits(&graph) - ndarray::array![[4.0, -2.0], [4.0, -2.0], [0.0, 0.0]];
        assert!(off.iter().all(|off| off.abs() < 1e-5), "{off}");
    }
}
