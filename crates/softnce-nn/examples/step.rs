//! Forward and backward pass of a small vision transformer and a small residual network, with the fused operations and
//! with their composed twins side by side; then, where asked, each operation alone.
//!
//! `cargo run --release -p softnce-nn --example step [batch] [rounds] [fused] [operations]`; bench/step_against_pytorch.py times the same in
//! PyTorch. With `fused` the composed networks are left out. Optimiser and data are no part of it.

#[path = "step/operations.rs"]
mod operations;
#[path = "step/resnet.rs"]
mod resnet;
#[path = "step/vit.rs"]
mod vit;

use std::time::Instant;

use burn::tensor::{Device, Distribution, Tensor};
use softnce_nn::ops::{self, composed};

/// One set of the operations.
pub struct Form {
    name: &'static str,
    linear: fn(Tensor<3>, Tensor<2>, Option<Tensor<1>>) -> Tensor<3>,
    gelu: fn(Tensor<3>) -> Tensor<3>,
    layer_norm: fn(Tensor<3>, Tensor<1>, Tensor<1>, f64) -> Tensor<3>,
    attention: fn(Tensor<3>, usize) -> Tensor<3>,
    conv2d: fn(Tensor<4>, Tensor<4>, usize, usize) -> Tensor<4>,
    batch_norm: fn(Tensor<4>, Tensor<1>, Tensor<1>, f64) -> (Tensor<4>, Tensor<1>, Tensor<1>),
    add_relu: fn(Tensor<4>, Tensor<4>) -> Tensor<4>,
    batch_norm_relu: fn(Tensor<4>, Tensor<1>, Tensor<1>, f64) -> (Tensor<4>, Tensor<1>, Tensor<1>),
}

const FORMS: [Form; 2] = [
    Form {
        name: "fused",
        linear: ops::linear,
        gelu: ops::gelu,
        layer_norm: ops::layer_norm,
        attention: ops::attention,
        conv2d: ops::conv2d,
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
pub fn fastest(rounds: usize, mut call: impl FnMut()) -> f64 {
    call();
    let time = |()| {
        let start = Instant::now();
        call();
        start.elapsed().as_secs_f64()
    };
    std::iter::repeat_n((), rounds).map(time).fold(f64::INFINITY, f64::min)
}

/// Processor time of all threads so far, where the system tells: it means something on a busy machine too.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // Fields 14 and 15 of proc(5), in ticks of 10 ms, counted from the name's closing bracket, which ends field 2.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

fn step(name: &str, form: &Form, rounds: usize, mut call: impl FnMut()) {
    call();
    let before = processor_seconds();
    let fastest = fastest(rounds, call);
    let processor = (processor_seconds() - before) / (rounds + 1) as f64;
    println!("{name:6} {:9} {:8.1} ms, {:8.1} ms of processors", form.name, fastest * 1e3, processor * 1e3);
}

/// Mean cross-entropy against class `row % classes`.
pub fn loss(logits: Tensor<2>) -> Tensor<1> {
    let [rows, classes] = logits.dims();
    let labels =
        Tensor::<1, burn::tensor::Int>::arange(0..rows as i64, &Device::flex()).remainder_scalar(classes as i64);
    let picked = burn::tensor::activation::log_softmax(logits, 1).gather(1, labels.reshape([rows, 1]));
    -picked.mean()
}

/// Keeps freed memory in the process, as the program does: new pages cost more than what is written on them.
fn keep_freed_pages() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[allow(unsafe_code)]
    {
        unsafe extern "C" {
            fn mallopt(parameter: i32, value: i32) -> i32;
        }
        const TRIM_THRESHOLD: i32 = -1;
        const TOP_PAD: i32 = -2;
        const MMAP_THRESHOLD: i32 = -3;
        // SAFETY: mallopt only sets parameters of the allocator, and no other thread runs yet.
        unsafe {
            mallopt(MMAP_THRESHOLD, 32 << 20);
            mallopt(TRIM_THRESHOLD, i32::MAX);
            mallopt(TOP_PAD, 64 << 20);
        }
    }
}

fn main() {
    keep_freed_pages();
    let mut arguments = std::env::args().skip(1).filter_map(|argument| argument.parse().ok());
    let (batch, rounds) = (arguments.next().unwrap_or(128), arguments.next().unwrap_or(5));
    println!("batch {batch}, fastest of {rounds}, {} threads\n", rayon::current_num_threads());
    let vit = vit::Vit::new();
    let resnet = resnet::ResNet::new();
    let (tokens, pictures) = (leaf([batch, 64, 48], 1.0).detach(), leaf([batch, 3, 32, 32], 1.0).detach());
    let composed = !std::env::args().any(|argument| argument == "fused");
    for form in &FORMS[..if composed { 2 } else { 1 }] {
        step("ViT", form, rounds, || drop(vit.loss(form, tokens.clone()).backward()));
        step("ResNet", form, rounds, || drop(resnet.loss(form, pictures.clone()).backward()));
    }
    if std::env::args().any(|argument| argument == "operations") {
        operations::print(batch, rounds);
    }
}
