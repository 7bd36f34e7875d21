//! A resumed run continues bit for bit, on however many threads.

use burn::tensor::{Device, Tensor};

use super::{leaf, random};
use crate::ops::{add_relu, attention, batch_norm_relu, conv2d, gelu, layer_norm, linear, max_pool2d};

/// The bits of a value and of the gradients of a small network of each kind.
fn bits() -> Vec<u32> {
    let flex = Device::flex();
    let x = leaf(&random([9, 65, 48], 1, &flex));
    let (w, b) = (leaf(&random([48, 144], 2, &flex)), leaf(&random([144], 3, &flex)));
    let (g, s) = (leaf(&random([48], 4, &flex)), leaf(&random([48], 5, &flex)));
    let y = attention(
        linear(layer_norm(x.clone(), g.clone(), s.clone(), 1e-5).unwrap(), w.clone(), Some(b.clone())).unwrap(),
        3,
    )
    .unwrap();
    let value = gelu(y).sum();
    let gradients = value.backward();
    let mut all = data(Some(value.without_autodiff()));
    all.extend([data(x.grad(&gradients)), data(w.grad(&gradients)), data(b.grad(&gradients))].concat());
    all.extend([data(g.grad(&gradients)), data(s.grad(&gradients))].concat());

    let x = leaf(&random([37, 5, 9, 8], 6, &flex));
    let (w, g, s) = (leaf(&random([5, 5, 3, 3], 7, &flex)), leaf(&random([5], 8, &flex)), leaf(&random([5], 9, &flex)));
    let y = batch_norm_relu(conv2d(x.clone(), w.clone(), 1, 1).unwrap(), g.clone(), s.clone(), 1e-5).unwrap().0;
    let value = max_pool2d(add_relu(x.clone(), y).unwrap(), 3, 2, 1).unwrap().sum();
    let gradients = value.backward();
    all.extend(data(Some(value.without_autodiff())));
    all.extend([data(x.grad(&gradients)), data(w.grad(&gradients))].concat());
    all.extend([data(g.grad(&gradients)), data(s.grad(&gradients))].concat());
    all
}

fn data<const D: usize>(tensor: Option<Tensor<D>>) -> Vec<u32> {
    tensor.expect("a tensor").to_data().iter::<f32>().map(f32::to_bits).collect()
}

#[test]
fn values_and_gradients_have_the_same_bits_on_any_number_of_threads() {
    let on =
        |threads: usize| rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool").install(bits);
    let alone = on(1);
    assert!(alone.len() > 28_000);
    for threads in [2, 3, 8] {
        assert!(on(threads) == alone, "{threads} threads give other bits than 1");
    }
}
