//! Networks against PyTorch and timm: `fixtures/make.py` computed what is compared with here.

use std::collections::BTreeMap;
use std::path::PathBuf;

use burn::module::{Module, ModuleMapper, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use chacha20::ChaCha8Rng;
use rand::SeedableRng;
use softnce_nn::models::{
    HeadKind, Library, LinearConfig, Network, NetworkConfig, Pool, ResnetConfig, ResnetForm, Shortcut, VitConfig,
};
use softnce_nn::weights::{
    HeadImport, ImportOptions, NamedTensor, WeightsError, import, named, read_checkpoint, with_torchvision_names,
};

fn fixture(name: &str) -> BTreeMap<String, NamedTensor> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    read_checkpoint(&path).unwrap()
}

fn build(config: &NetworkConfig, input: [usize; 3]) -> Network {
    config.init(input, 5, &mut ChaCha8Rng::seed_from_u64(1), &Device::flex()).unwrap()
}

fn pictures(tensor: &NamedTensor) -> Tensor<4> {
    let shape: [usize; 4] = tensor.shape.clone().try_into().unwrap();
    Tensor::from_data(TensorData::new(tensor.values.clone(), shape), &Device::flex())
}

fn close(found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len());
    for (place, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!((found - expected).abs() < 1e-5, "at {place}: {found} instead of {expected}");
    }
}

/// Steps by the whole gradient of `sum(logits^2)`, so that the tensors' difference is the gradient in PyTorch's layout.
struct Step {
    gradients: GradientsParams,
}

impl ModuleMapper for Step {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let gradient = self.gradients.remove::<D>(param.id).unwrap();
        param.map(|old| old.without_autodiff() - gradient.without_autodiff())
    }
}

/// Compares every parameter's gradient by its product with cos(0), cos(0.7), cos(1.4) and so on; `bound`: the largest
/// difference, relative to the sum of the gradient's absolute values.
fn close_gradients(network: &Network, logits: Tensor<2>, expected: &BTreeMap<String, NamedTensor>, bound: f64) {
    let before = named(network).unwrap();
    let gradients = GradientsParams::from_grads((logits.clone() * logits).sum().backward(), network);
    let after = named(&network.clone().map(&mut Step { gradients })).unwrap();
    let mut compared = 0;
    for (before, after) in before.iter().zip(&after).filter(|(before, _)| !before.name.contains("running")) {
        let gradient = before.values.iter().zip(&after.values).map(|(before, after)| f64::from(before - after));
        let (mut found, mut size) = (0.0, 1.0);
        for (place, value) in gradient.enumerate() {
            found += value * (0.7 * place as f64).cos();
            size += value.abs();
        }
        let expected = f64::from(expected[&format!("gradient.{}", before.name)].values[0]);
        assert!((found - expected).abs() < bound * size, "{}: {found} instead of {expected}", before.name);
        compared += 1;
    }
    assert_eq!(compared, expected.keys().filter(|name| name.starts_with("gradient.")).count());
}

fn close_tensor<const D: usize>(found: &Tensor<D>, expected: &NamedTensor) {
    assert_eq!(found.dims().as_slice(), expected.shape);
    close(&found.try_to_vec_as::<f32>().unwrap(), &expected.values);
}

#[test]
fn a_vision_transformer_is_timms() {
    let (weights, cases) = (fixture("vit.safetensors"), fixture("vit-logits.safetensors"));
    let config = VitConfig::explicit(24, 2, 3, 4);
    let token = build(&NetworkConfig::Vit(config.clone()), [3, 16, 16]);
    let (token, report) = import(token, weights.clone(), &ImportOptions::default()).unwrap();
    assert!(report.skipped.is_empty() && report.left_as_initialised.is_empty());
    close_tensor(&token.forward(pictures(&cases["pictures"])).unwrap(), &cases["token"]);

    let mean = build(&NetworkConfig::Vit(VitConfig { pool: Pool::Mean, ..config }), [3, 16, 16]);
    let options = ImportOptions { norm_to_fc_norm: true, ..ImportOptions::default() };
    let (mean, report) = import(mean, weights.clone(), &options).unwrap();
    assert!(report.loaded.contains(&"fc_norm.weight".to_string()));
    close_tensor(&mean.forward(pictures(&cases["pictures"])).unwrap(), &cases["mean"]);

    let training = token.clone().train();
    let on_graph = Tensor::from_inner(pictures(&cases["pictures"]));
    close_gradients(&training, training.forward(on_graph).unwrap(), &cases, 1e-5);

    // What is written out is what was read in, name for name.
    let out: BTreeMap<_, _> = named(&token).unwrap().into_iter().map(|tensor| (tensor.name.clone(), tensor)).collect();
    assert_eq!(out, weights);
}

#[test]
fn a_vision_transformer_is_torchvisions() {
    let (weights, cases) = (fixture("vit-torchvision.safetensors"), fixture("vit-torchvision-logits.safetensors"));
    let network = build(&NetworkConfig::Vit(VitConfig::explicit(24, 2, 3, 4)), [3, 16, 16]);
    let (network, report) = import(network, weights.clone(), &ImportOptions::default()).unwrap();
    assert!(report.skipped.is_empty() && report.left_as_initialised.is_empty());
    close_tensor(&network.forward(pictures(&cases["pictures"])).unwrap(), &cases["logits"]);

    let out = with_torchvision_names(named(&network).unwrap()).unwrap();
    let out: BTreeMap<_, _> = out.into_iter().map(|tensor| (tensor.name.clone(), tensor)).collect();
    assert_eq!(out, weights);

    // Forms that torchvision does not have.
    let python = |config: &VitConfig, input| NetworkConfig::Vit(config.clone()).python(input, 5, Library::Torchvision);
    let plain = VitConfig::explicit(24, 2, 3, 4);
    assert!(
        python(&plain, [3, 16, 16]).unwrap().iter().any(|line| line.contains("torchvision.models.VisionTransformer("))
    );
    for input in [[3, 16, 32], [1, 16, 16]] {
        let error = python(&plain, input).unwrap_err().to_string();
        assert!(error.contains("torchvision has no transformer"), "{error}");
    }
    for config in [
        VitConfig { pool: Pool::Mean, ..VitConfig::explicit(24, 2, 3, 4) },
        VitConfig { qkv_bias: false, ..VitConfig::explicit(24, 2, 3, 4) },
        VitConfig { head: HeadKind::Mlp, ..VitConfig::explicit(24, 2, 3, 4) },
    ] {
        assert!(python(&config, [3, 16, 16]).is_err());
        let network = build(&NetworkConfig::Vit(config), [3, 16, 16]);
        let error = with_torchvision_names(named(&network).unwrap()).unwrap_err();
        assert!(matches!(error, WeightsError::Names { .. }), "{error}");
    }
}

#[test]
fn a_checkpoint_of_another_network_is_recognised() {
    let words = |config: NetworkConfig, checkpoint: &str| {
        let options = ImportOptions { head: HeadImport::Skip, ..ImportOptions::default() };
        let error = import(build(&config, [3, 16, 16]), fixture(checkpoint), &options).unwrap_err();
        assert!(matches!(error, WeightsError::OtherNetwork { .. }), "{error}");
        error.to_string()
    };
    let resnet = |depth, form, width| {
        NetworkConfig::Resnet(ResnetConfig { form, width: Some(width), ..ResnetConfig::new(depth) })
    };
    let text = words(resnet(18, None, 3), "resnet-imagenet-18.safetensors");
    assert_eq!(
        text,
        "conv1.weight has shape [3, 3, 7, 7]; expected [3, 3, 3, 3]; the checkpoint is of a residual network with depth = \
         18, form = \"imagenet\", width = 3, 3 input channels; the network of the recipe is a residual network with depth \
         = 18, form = \"small\", width = 3, 3 input channels"
    );
    // Depth 50 without a form is of the form cifar.
    let text = words(resnet(50, None, 2), "resnet-imagenet-50.safetensors");
    assert!(
        text.contains("depth = 50, form = \"imagenet\"") && text.contains("depth = 50, form = \"cifar\""),
        "{text}"
    );
    let text = words(resnet(50, Some(ResnetForm::Small), 2), "resnet-small-34.safetensors");
    assert!(text.contains("is of a residual network with depth = 34, form = \"small\""), "{text}");
    let text = words(NetworkConfig::Vit(VitConfig::explicit(24, 3, 3, 4)), "vit-torchvision.safetensors");
    assert!(text.contains("patch = 4, width = 24, depth = 2") && text.contains("width = 24, depth = 3"), "{text}");
}

#[test]
fn softmax_regression_is_torchs_linear() {
    let (weights, cases) = (fixture("linear.safetensors"), fixture("linear-logits.safetensors"));
    assert_eq!(weights.keys().collect::<Vec<_>>(), ["bias", "weight"]);
    let network = build(&NetworkConfig::Linear(LinearConfig {}), [3, 4, 5]);
    let (network, report) = import(network, weights.clone(), &ImportOptions::default()).unwrap();
    assert!(report.skipped.is_empty() && report.left_as_initialised.is_empty());
    close_tensor(&network.forward(pictures(&cases["pictures"])).unwrap(), &cases["logits"]);
    let training = network.clone().train();
    let on_graph = Tensor::from_inner(pictures(&cases["pictures"]));
    close_gradients(&training, training.forward_train(on_graph, 0).unwrap().0, &cases, 1e-5);

    // The written tensors are those that `torch.nn.Linear.load_state_dict` takes.
    let out: BTreeMap<_, _> =
        named(&network).unwrap().into_iter().map(|tensor| (tensor.name.clone(), tensor)).collect();
    assert_eq!(out, weights);
}

#[test]
fn a_head_of_three_layers_is_torchs() {
    let (mut weights, head) = (fixture("vit.safetensors"), fixture("vit-head.safetensors"));
    weights.retain(|name, _| !name.starts_with("head."));
    weights.extend(head);
    let config =
        VitConfig { pool: Pool::Mean, head: HeadKind::Mlp, head_width: Some(10), ..VitConfig::explicit(24, 2, 3, 4) };
    let options = ImportOptions { norm_to_fc_norm: true, ..ImportOptions::default() };
    let network = build(&NetworkConfig::Vit(config), [3, 16, 16]);
    let (network, _) = import(network, weights, &options).unwrap();
    let (inputs, cases) = (fixture("vit-logits.safetensors"), fixture("vit-head-logits.safetensors"));
    close_tensor(&network.forward(pictures(&inputs["pictures"])).unwrap(), &cases["evaluated"]);
    close_tensor(&network.forward_train(pictures(&inputs["pictures"]), 0).unwrap().0, &cases["trained"]);
}

#[test]
fn a_residual_network_is_torchs_in_evaluation_and_training() {
    let cifar = |shortcut| ResnetConfig { width: Some(4), shortcut: Some(shortcut), ..ResnetConfig::new(8) };
    let other = |depth, form, width| ResnetConfig { form: Some(form), width: Some(width), ..ResnetConfig::new(depth) };
    // Rounding alone moves PyTorch's own gradients of 50 layers by 9e-6 of their sum.
    for (name, config, [height, width], bound) in [
        ("padding", cifar(Shortcut::Padding), [9, 8], 1e-5),
        ("projection", cifar(Shortcut::Projection), [9, 8], 1e-5),
        ("imagenet-18", other(18, ResnetForm::Imagenet, 3), [38, 45], 1e-5),
        ("imagenet-50", other(50, ResnetForm::Imagenet, 2), [38, 45], 5e-5),
        ("small-34", other(34, ResnetForm::Small, 2), [18, 21], 1e-5),
    ] {
        let cases = fixture(&format!("resnet-{name}-logits.safetensors"));
        let network = build(&NetworkConfig::Resnet(config), [3, height, width]);
        let weights = fixture(&format!("resnet-{name}.safetensors"));
        let (mut network, report) = import(network, weights.clone(), &ImportOptions::default()).unwrap();
        assert!(report.skipped.iter().all(|(name, _)| name.ends_with("num_batches_tracked")), "{report:?}");
        // What is written out is what was read in, but for PyTorch's counters.
        let out = with_torchvision_names(named(&network).unwrap()).unwrap();
        assert!(out.iter().all(|tensor| weights[&tensor.name] == *tensor), "{name}");
        assert_eq!(out.len() + report.skipped.len(), weights.len());
        close_tensor(&network.forward(pictures(&cases["pictures"])).unwrap(), &cases["evaluated"]);

        let (trained, updates) = network.forward_train(pictures(&cases["pictures"]), 0).unwrap();
        close_tensor(&trained, &cases["trained"]);
        let training = network.clone().train();
        let on_graph = Tensor::from_inner(pictures(&cases["pictures"]));
        close_gradients(&training, training.forward_train(on_graph, 0).unwrap().0, &cases, bound);

        network.update_running(updates).unwrap();
        let mut compared = 0;
        for tensor in named(&network).unwrap() {
            if tensor.name.contains("running") {
                close(&tensor.values, &cases[&tensor.name].values);
                compared += 1;
            }
        }
        assert_eq!(compared, cases.keys().filter(|name| name.contains("running")).count());
    }
}

#[test]
fn a_masked_autoencoders_encoder_is_taken_on_another_grid() {
    let checkpoint = fixture("mae.pth");
    assert!(checkpoint.contains_key("model.blocks.0.attn.qkv.weight") && !checkpoint.contains_key("epoch"));
    let config = NetworkConfig::Vit(VitConfig { pool: Pool::Mean, ..VitConfig::explicit(8, 1, 2, 4) });
    let options = ImportOptions { head: HeadImport::Skip, ..ImportOptions::default() };
    for (grid, expected) in fixture("mae-pos-embed.safetensors") {
        let (rows, columns) = grid.split_once('x').unwrap();
        let input = [3, 4 * rows.parse::<usize>().unwrap(), 4 * columns.parse::<usize>().unwrap()];
        let (network, report) = import(build(&config, input), checkpoint.clone(), &options).unwrap();
        let tensors = named(&network).unwrap();
        let embedding = tensors.iter().find(|tensor| tensor.name == "pos_embed").unwrap();
        assert_eq!(embedding.shape, expected.shape);
        close(&embedding.values, &expected.values);
        let left = ["fc_norm.weight", "fc_norm.bias", "head.weight", "head.bias"];
        assert_eq!(report.left_as_initialised, left);
        let skipped: Vec<_> = report.skipped.iter().map(|(name, _)| name.as_str()).collect();
        let expected = [
            "decoder_blocks.0.norm1.weight",
            "decoder_embed.weight",
            "decoder_pos_embed",
            "mask_token",
            "norm.bias",
            "norm.weight",
        ];
        assert_eq!(skipped, expected);
    }

    // Not without being told.
    let refuse =
        |options: &ImportOptions, input| import(build(&config, input), checkpoint.clone(), options).unwrap_err();
    let error = refuse(&ImportOptions::default(), [3, 16, 16]);
    assert!(matches!(&error, WeightsError::MissingOf { missing, .. } if missing.0[0].0 == "head.weight"), "{error}");
    let error = refuse(&ImportOptions { interpolate: false, ..options.clone() }, [3, 12, 12]);
    assert!(matches!(&error, WeightsError::Shape { name, .. } if name == "pos_embed"), "{error}");
    let error = refuse(&ImportOptions { grid: Some([3, 5]), ..options.clone() }, [3, 12, 12]);
    assert!(matches!(error, WeightsError::Grid { tokens: 17, grid: Some([3, 5]), .. }), "{error}");

    // As many patches on another grid are interpolated where the grid is given, and else taken for the network's.
    let embedding = |options: &ImportOptions| {
        let (network, report) = import(build(&config, [3, 8, 32]), checkpoint.clone(), options).unwrap();
        (named(&network).unwrap().swap_remove(1).values, report.interpolated)
    };
    let original = &checkpoint["model.pos_embed"].values;
    assert_eq!(embedding(&options), (original.clone(), None));
    let (moved, interpolated) = embedding(&ImportOptions { grid: Some([4, 4]), ..options });
    assert_eq!(interpolated, Some([[4, 4], [2, 8]]));
    assert_eq!(moved[..8], original[..8]);
    assert_ne!(moved, *original);
}
