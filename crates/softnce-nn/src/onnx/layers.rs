//! The operations that networks are described with.

use super::{Graph, Value, float, int, ints};

impl Graph {
    /// A linear layer on rows: `[N, inputs]` to `[N, outputs]`.
    pub(crate) fn linear_rows(&mut self, name: &str, input: Value) -> Value {
        let mut inputs = vec![input, self.weight(&join(name, "weight"))];
        inputs.extend(self.bias(name));
        self.node("Gemm", &inputs, vec![int("transB", 1)])
    }

    /// A linear layer on tokens: `[N, L, inputs]` to `[N, L, outputs]`.
    pub(crate) fn linear(&mut self, name: &str, input: Value) -> Value {
        let weight = self.weight_as(&join(name, "weight"), |(shape, values)| match *shape {
            [outputs, inputs] => {
                let column = |input: usize| values.iter().skip(input).step_by(inputs).copied();
                (vec![inputs, outputs], (0..inputs).flat_map(column).collect())
            }
            _ => (shape, values),
        });
        let product = self.node("MatMul", &[input, weight], Vec::new());
        match self.bias(name) {
            Some(bias) => self.add(product, bias),
            None => product,
        }
    }

    fn bias(&mut self, name: &str) -> Option<Value> {
        let bias = join(name, "bias");
        self.has(&bias).then(|| self.weight(&bias))
    }

    /// A square convolution.
    pub(crate) fn convolution(&mut self, name: &str, input: Value, stride: usize, padding: usize) -> Value {
        let weight = join(name, "weight");
        let kernel = self.shape(&weight).last().copied().unwrap_or_default() as i64;
        let mut inputs = vec![input, self.weight(&weight)];
        inputs.extend(self.bias(name));
        self.node("Conv", &inputs, window(kernel, stride, padding))
    }

    /// Maximum over square windows; the border does not take part.
    pub(crate) fn max_pool(&mut self, input: Value, kernel: usize, stride: usize, padding: usize) -> Value {
        self.node("MaxPool", &[input], window(kernel as i64, stride, padding))
    }

    /// Batch normalisation with its running statistics, `[N, C, ..]`.
    pub(crate) fn batch_norm(&mut self, name: &str, input: Value, epsilon: f64) -> Value {
        let parts = ["weight", "bias", "running_mean", "running_var"].map(|part| self.weight(&join(name, part)));
        let inputs: Vec<Value> = std::iter::once(input).chain(parts).collect();
        self.node("BatchNormalization", &inputs, vec![float("epsilon", epsilon)])
    }

    /// Layer normalisation over the last axis.
    pub(crate) fn layer_norm(&mut self, name: &str, input: Value, epsilon: f64) -> Value {
        let inputs = [input, self.weight(&join(name, "weight")), self.weight(&join(name, "bias"))];
        self.node("LayerNormalization", &inputs, vec![int("axis", -1), float("epsilon", epsilon)])
    }

    pub(crate) fn relu(&mut self, input: Value) -> Value {
        self.node("Relu", &[input], Vec::new())
    }

    /// `x (1 + erf(x / sqrt(2))) / 2`.
    pub(crate) fn gelu(&mut self, input: Value) -> Value {
        let (root, half, one) = (self.number(std::f32::consts::FRAC_1_SQRT_2), self.number(0.5), self.number(1.0));
        let scaled = self.node("Mul", &[input.clone(), root], Vec::new());
        let error = self.node("Erf", &[scaled], Vec::new());
        let raised = self.add(error, one);
        let halved = self.node("Mul", &[input, half], Vec::new());
        self.node("Mul", &[halved, raised], Vec::new())
    }

    pub(crate) fn add(&mut self, one: Value, other: Value) -> Value {
        self.node("Add", &[one, other], Vec::new())
    }

    /// `[N, ..]` to `[N, product of the rest]`.
    pub(crate) fn flatten(&mut self, input: Value) -> Value {
        self.node("Flatten", &[input], vec![int("axis", 1)])
    }

    /// The mean over the pixels: `[N, C, H, W]` to `[N, C]`.
    pub(crate) fn mean_of_pixels(&mut self, input: Value) -> Value {
        let mean = self.node("GlobalAveragePool", &[input], Vec::new());
        self.flatten(mean)
    }

    /// Every `stride`-th pixel, with `more` channels of zeros, half of them before the others and half after.
    pub(crate) fn padded(&mut self, mut input: Value, stride: usize, more: usize) -> Value {
        if stride > 1 {
            let step = stride as i64;
            let [starts, ends] = [[0, 0], [i64::MAX, i64::MAX]].map(|numbers| self.integers(&numbers));
            let [axes, steps] = [[2, 3], [step, step]].map(|numbers| self.integers(&numbers));
            input = self.node("Slice", &[input, starts, ends, axes, steps], Vec::new());
        }
        if more == 0 {
            return input;
        }
        let (before, after) = (more / 2, more.div_ceil(2));
        let pads = self.integers(&[0, before as i64, 0, 0, 0, after as i64, 0, 0]);
        self.node("Pad", &[input, pads], Vec::new())
    }

    /// A convolution whose stride is its kernel, as tokens: `[N, C, H, W]` to `[N, L, D]`, row by row.
    pub(crate) fn patches(&mut self, name: &str, input: Value, patch: usize, width: usize) -> Value {
        let maps = self.convolution(name, input, patch, 0);
        let rows = self.reshape(maps, &[0, width as i64, -1]);
        self.transpose(rows, &[0, 2, 1])
    }

    /// Puts the token of this name before those of each row.
    pub(crate) fn with_token(&mut self, name: &str, tokens: Value) -> Value {
        let (width, token) = (self.shape(name).last().copied().unwrap_or_default() as i64, self.weight(name));
        let rows = self.node("Shape", std::slice::from_ref(&tokens), vec![int("start", 0), int("end", 1)]);
        let rest = self.integers(&[1, width]);
        let shape = self.node("Concat", &[rows, rest], vec![int("axis", 0)]);
        let token = self.node("Expand", &[token, shape], Vec::new());
        self.node("Concat", &[token, tokens], vec![int("axis", 1)])
    }

    /// The first token: `[N, L, D]` to `[N, D]`.
    pub(crate) fn first_token(&mut self, tokens: Value) -> Value {
        self.entry(tokens, 0, 1)
    }

    /// The mean over all tokens but the first: `[N, L, D]` to `[N, D]`.
    pub(crate) fn mean_of_patches(&mut self, tokens: Value) -> Value {
        let [starts, ends, axes] = [1, i64::MAX, 1].map(|number| self.integers(&[number]));
        let patches = self.node("Slice", &[tokens, starts, ends, axes], Vec::new());
        self.node("ReduceMean", &[patches], vec![ints("axes", &[1]), int("keepdims", 0)])
    }

    /// Attention of several heads, from queries, keys and values side by side: `[N, L, 3 D]` to `[N, L, D]`.
    pub(crate) fn attention(&mut self, joined: Value, heads: usize, width: usize) -> Value {
        let (heads, each) = (heads as i64, (width / heads.max(1)) as i64);
        let split = self.reshape(joined, &[0, 0, 3, heads, each]);
        let split = self.transpose(split, &[2, 0, 3, 1, 4]);
        let [queries, keys, values] = [0, 1, 2].map(|part| self.entry(split.clone(), part, 0));
        let keys = self.transpose(keys, &[0, 1, 3, 2]);
        let scores = self.node("MatMul", &[queries, keys], Vec::new());
        let scale = self.number(1.0 / (each as f32).sqrt());
        let scores = self.node("Mul", &[scores, scale], Vec::new());
        let shares = self.node("Softmax", &[scores], vec![int("axis", -1)]);
        let mixed = self.node("MatMul", &[shares, values], Vec::new());
        let mixed = self.transpose(mixed, &[0, 2, 1, 3]);
        self.reshape(mixed, &[0, 0, heads * each])
    }

    /// One entry of an axis, which is then gone.
    fn entry(&mut self, input: Value, index: i64, axis: i64) -> Value {
        let index = self.integers(&[index]);
        let picked = self.node("Gather", &[input, index], vec![int("axis", axis)]);
        let axis = self.integers(&[axis]);
        self.node("Squeeze", &[picked, axis], Vec::new())
    }

    /// 0 keeps a length, -1 takes what is left.
    fn reshape(&mut self, input: Value, shape: &[i64]) -> Value {
        let shape = self.integers(shape);
        self.node("Reshape", &[input, shape], Vec::new())
    }

    fn transpose(&mut self, input: Value, order: &[i64]) -> Value {
        self.node("Transpose", &[input], vec![ints("perm", order)])
    }
}

/// The name of a part of a layer; the layers of a linear network have no names of their own.
fn join(name: &str, part: &str) -> String {
    if name.is_empty() { part.to_owned() } else { format!("{name}.{part}") }
}

fn window(kernel: i64, stride: usize, padding: usize) -> Vec<super::Attribute> {
    let (stride, padding) = (stride as i64, padding as i64);
    vec![ints("kernel_shape", &[kernel; 2]), ints("strides", &[stride; 2]), ints("pads", &[padding; 4])]
}
