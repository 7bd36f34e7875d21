//! Each operation alone, in the shapes of the two networks, times how often a step calls it.

use burn::tensor::Tensor;
use softnce_nn::ops::OperationError;

use crate::{FORMS, Form, fastest, leaf};

type Outcome<T> = Result<T, OperationError>;

/// Forward and backward seconds of a function of its inputs, all of which need gradients.
fn passes<const D: usize>(rounds: usize, call: impl Fn() -> Outcome<Tensor<D>>) -> Outcome<(f64, f64)> {
    let weights = leaf(call()?.dims(), 1.0).detach();
    let forward = fastest(rounds, &call)?;
    let both = fastest(rounds, || Ok((call()? * weights.clone()).sum().backward()))?;
    // The time of the product with fixed weights, which is subtracted.
    let output = leaf(weights.dims(), 1.0);
    let end = fastest(rounds, || Ok((output.clone() * weights.clone()).sum().backward()))?;
    Ok((forward, (both - forward - end).max(0.0)))
}

fn line<const D: usize>(
    name: &str,
    calls: usize,
    rounds: usize,
    call: impl Fn(&Form) -> Outcome<Tensor<D>>,
) -> Outcome<()> {
    print!("{name:34} x {calls:2}");
    for form in &FORMS {
        let (forward, backward) = passes(rounds, || call(form))?;
        print!("{:12.2} +{:8.2}", forward * 1e3 * calls as f64, backward * 1e3 * calls as f64);
    }
    println!();
    Ok(())
}

/// The table: milliseconds of a step, forward + backward, fused and composed.
pub fn print(batch: usize, rounds: usize) -> Outcome<()> {
    println!("\nms a step, forward + backward{:>20}{:>22}", FORMS[0].name, FORMS[1].name);
    let tokens = leaf([batch, 65, 192], 1.0);
    let wide = leaf([batch, 65, 768], 1.0);
    let packed = leaf([batch, 65, 576], 1.0);
    let (gamma, beta) = (leaf([192], 1.0), leaf([192], 1.0));
    for (name, input, outputs) in [
        ("linear 192 -> 576", &tokens, 576),
        ("linear 192 -> 192", &tokens, 192),
        ("linear 192 -> 768", &tokens, 768),
        ("linear 768 -> 192", &wide, 192),
    ] {
        let (weight, bias) = (leaf([input.dims()[2], outputs], 0.02), leaf([outputs], 0.02));
        line(name, 6, rounds, |form| (form.linear)(input.clone(), weight.clone(), Some(bias.clone())))?;
    }
    line("gelu", 6, rounds, |form| Ok((form.gelu)(wide.clone())))?;
    line("layer norm", 13, rounds, |form| (form.layer_norm)(tokens.clone(), gamma.clone(), beta.clone(), 1e-6))?;
    line("attention", 6, rounds, |form| (form.attention)(packed.clone(), 3))?;
    line("residual sum (Burn's)", 12, rounds, |_| Ok(tokens.clone() + tokens.clone()))?;

    for (inputs, outputs, size, kernel, stride, calls) in [
        (3, 16, 32, 3, 1, 1),
        (16, 16, 32, 3, 1, 6),
        (16, 32, 32, 3, 2, 1),
        (32, 32, 16, 3, 1, 5),
        (32, 64, 16, 3, 2, 1),
        (64, 64, 8, 3, 1, 5),
        (16, 32, 32, 1, 2, 1),
        (32, 64, 16, 1, 2, 1),
    ] {
        let (x, weight) = (leaf([batch, inputs, size, size], 1.0), leaf([outputs, inputs, kernel, kernel], 0.1));
        let name = format!("conv {inputs} -> {outputs}, {size}, kernel {kernel}, stride {stride}");
        line(&name, calls, rounds, |form| (form.conv2d)(x.clone(), weight.clone(), stride, kernel / 2))?;
    }
    // Those of ImageNet's stem, on an eighth of the batch.
    let (pictures, maps) = (leaf([batch.div_ceil(8), 3, 224, 224], 1.0), leaf([batch.div_ceil(8), 64, 112, 112], 1.0));
    let weight = leaf([64, 3, 7, 7], 0.1);
    line("conv 3 -> 64, 224, kernel 7, stride 2", 1, rounds, |form| {
        (form.conv2d)(pictures.clone(), weight.clone(), 2, 3)
    })?;
    line("max pool 64, 112, kernel 3, stride 2", 1, rounds, |form| (form.max_pool2d)(maps.clone(), 3, 2, 1))?;

    for (channels, size, rectified, plain) in [(16, 32, 4, 3), (32, 16, 3, 4), (64, 8, 3, 4)] {
        let x = leaf([batch, channels, size, size], 1.0);
        let (gamma, beta) = (leaf([channels], 1.0), leaf([channels], 1.0));
        let name = format!("batch norm {channels}, {size}");
        line(&name, plain, rounds, |form| Ok((form.batch_norm)(x.clone(), gamma.clone(), beta.clone(), 1e-5)?.0))?;
        let name = format!("batch norm, relu {channels}, {size}");
        line(&name, rectified, rounds, |form| {
            Ok((form.batch_norm_relu)(x.clone(), gamma.clone(), beta.clone(), 1e-5)?.0)
        })?;
        let name = format!("sum, relu {channels}, {size}");
        line(&name, 3, rounds, |form| (form.add_relu)(x.clone(), x.clone()))?;
    }
    Ok(())
}
