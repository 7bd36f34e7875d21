//! Times forward and backward passes of a small vision transformer and a small residual network, with the fused
//! operations beside the composed ones, without optimiser and data.
//!
//! `cargo run --release -p softnce-nn --example step -- [batch] [rounds] [fused] [operations]`: `fused` leaves out the
//! composed networks, `operations` also times each operation alone. `bench/step_against_pytorch.py` times the same in
//! PyTorch.

#[path = "step/operations.rs"]
mod operations;
#[path = "step/resnet.rs"]
mod resnet;
#[path = "step/vit.rs"]
mod vit;

use std::time::Instant;

use burn::tensor::{Device, Distribution, Tensor};
use softnce_kernels::system::keep_freed_memory;
use softnce_nn::ops::{self, Normalised, OperationError, composed};

/// One set of the operations.
pub struct Form {
    name: &'static str,
    linear: fn(Tensor<3>, Tensor<2>, Option<Tensor<1>>) -> Result<Tensor<3>, OperationError>,
    gelu: fn(Tensor<3>) -> Tensor<3>,
    layer_norm: fn(Tensor<3>, Tensor<1>, Tensor<1>, f64) -> Result<Tensor<3>, OperationError>,
    attention: fn(Tensor<3>, usize) -> Result<Tensor<3>, OperationError>,
    conv2d: fn(Tensor<4>, Tensor<4>, usize, usize) -> Result<Tensor<4>, OperationError>,
    max_pool2d: fn(Tensor<4>, usize, usize, usize) -> Result<Tensor<4>, OperationError>,
    batch_norm: fn(Tensor<4>, Tensor<1>, Tensor<1>, f64) -> Result<Normalised, OperationError>,
    add_relu: fn(Tensor<4>, Tensor<4>) -> Result<Tensor<4>, OperationError>,
    batch_norm_relu: fn(Tensor<4>, Tensor<1>, Tensor<1>, f64) -> Result<Normalised, OperationError>,
}

const FORMS: [Form; 2] = [
    Form {
        name: "fused",
        linear: ops::linear,
        gelu: ops::gelu,
        layer_norm: ops::layer_norm,
        attention: ops::attention,
        conv2d: ops::conv2d,
        max_pool2d: ops::max_pool2d,
        batch_norm: ops::batch_norm,
        add_relu: ops::add_relu,
        batch_norm_relu: ops::batch_norm_relu,
    },
    Form {
        name: "composed",
        linear: composed::linear,
        gelu: composed::gelu,
        layer_norm: composed::layer_norm,
        attention: composed::attention,
        conv2d: composed::conv2d,
        max_pool2d: composed::max_pool2d,
        batch_norm: composed::batch_norm,
        add_relu: composed::add_relu,
        batch_norm_relu: composed::batch_norm_relu,
    },
];

/// A parameter, or an input that asks for its gradient.
pub fn leaf<const D: usize>(shape: [usize; D], deviation: f64) -> Tensor<D> {
    Tensor::random(shape, Distribution::Normal(0.0, deviation), &Device::flex().autodiff()).require_grad()
}

/// Seconds of the fastest call, after one that does not count.
pub fn fastest<R, E>(rounds: usize, mut call: impl FnMut() -> Result<R, E>) -> Result<f64, E> {
    call()?;
    let mut fastest = f64::INFINITY;
    for _ in 0..rounds {
        let start = Instant::now();
        call()?;
        fastest = fastest.min(start.elapsed().as_secs_f64());
    }
    Ok(fastest)
}

/// CPU time of all threads so far, 0 if the system does not tell. It is meaningful on a busy machine too.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // Fields 14 and 15 of proc(5), in ticks of 10 ms. The closing bracket of the program's name ends field 2.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

fn step<R>(
    name: &str,
    form: &Form,
    rounds: usize,
    mut call: impl FnMut() -> Result<R, OperationError>,
) -> Result<(), OperationError> {
    call()?;
    let before = processor_seconds();
    let fastest = fastest(rounds, call)?;
    let processor = (processor_seconds() - before) / (rounds + 1) as f64;
    println!("{name:6} {:9} {:8.1} ms, {:8.1} ms of CPU time", form.name, fastest * 1e3, processor * 1e3);
    Ok(())
}

/// Mean cross-entropy against class `row % classes`.
pub fn loss(logits: Tensor<2>) -> Tensor<1> {
    let [rows, classes] = logits.dims();
    let labels =
        Tensor::<1, burn::tensor::Int>::arange(0..rows as i64, &Device::flex()).remainder_scalar(classes as i64);
    let picked = burn::tensor::activation::log_softmax(logits, 1).gather(1, labels.reshape([rows, 1]));
    -picked.mean()
}

fn main() -> Result<(), OperationError> {
    keep_freed_memory();
    let mut arguments = std::env::args().skip(1).filter_map(|argument| argument.parse().ok());
    let (batch, rounds) = (arguments.next().unwrap_or(128), arguments.next().unwrap_or(5));
    println!("batch {batch}, fastest of {rounds}, {} threads\n", rayon::current_num_threads());
    let vit = vit::Vit::new();
    let resnet = resnet::ResNet::new();
    let (tokens, pictures) = (leaf([batch, 64, 48], 1.0).detach(), leaf([batch, 3, 32, 32], 1.0).detach());
    let composed = !std::env::args().any(|argument| argument == "fused");
    for form in &FORMS[..if composed { 2 } else { 1 }] {
        step("ViT", form, rounds, || Ok(vit.loss(form, tokens.clone())?.backward()))?;
        step("ResNet", form, rounds, || Ok(resnet.loss(form, pictures.clone())?.backward()))?;
    }
    if std::env::args().any(|argument| argument == "operations") {
        operations::print(batch, rounds)?;
    }
    Ok(())
}
