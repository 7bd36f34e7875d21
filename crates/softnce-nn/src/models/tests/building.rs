//! Configurations, and the networks as they are built.

use burn::module::{Module, ModuleVisitor, Param};
use proptest::prelude::*;

use super::*;
use crate::weights::{named, parameter_ids};

#[test]
fn parameters_are_counted_without_building() {
    for config in configs() {
        let built = network(&config, 1, &Device::flex()).num_params();
        assert_eq!(config.parameters(INPUT, CLASSES).unwrap(), built, "{config:?}");
        assert!(config.activation_floats(INPUT, CLASSES).unwrap() >= 192, "{config:?}");
    }
}

/// Number of weights and biases that need a gradient.
fn on_graph_parameters(network: &Network) -> usize {
    struct Count(usize);
    impl ModuleVisitor for Count {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if param.is_require_grad() {
                self.0 += param.dims().iter().product::<usize>();
            }
        }
    }
    let mut count = Count(0);
    network.visit(&mut count);
    count.0
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn any_configuration_is_counted_as_built(
        (heads, size, depth, patch) in (1..4_usize, 1..5_usize, 1..4_usize, prop::sample::select(vec![1, 2, 4, 8])),
        (ratio, mean, qkv_bias, mlp, hidden) in (1.0..5.0_f64, any::<bool>(), any::<bool>(), any::<bool>(), 1..9_usize),
        (width, n, projection, channels, classes) in (1..6_usize, 1..3_usize, any::<bool>(), 1..4_usize, 1..7_usize),
        (form, frozen) in (0..3_usize, 0..4_usize),
    ) {
        let head = if mlp { HeadKind::Mlp } else { HeadKind::Linear };
        let pool = if mean { Pool::Mean } else { Pool::Token };
        let head_width = qkv_bias.then_some(hidden);
        let sizes = VitConfig::explicit(heads * size, depth, heads, patch);
        let freeze = [None, Some(Freeze::Body), Some(Freeze::Layers(1)), Some(Freeze::Layers(2))][frozen];
        let vit = VitConfig { mlp_ratio: ratio, pool, qkv_bias, head, head_width, freeze, ..sizes };
        let shortcut = Some(if projection { Shortcut::Projection } else { Shortcut::Padding });
        let form = [ResnetForm::Cifar, ResnetForm::Small, ResnetForm::Imagenet][form];
        let depth = if form == ResnetForm::Cifar { 6 * n + 2 } else { [18, 34, 50][depth - 1] };
        let sizes = ResnetConfig { form: Some(form), width: Some(width), shortcut, ..ResnetConfig::new(depth) };
        let resnet = ResnetConfig { head, head_width, freeze, ..sizes };
        for config in [NetworkConfig::Vit(vit), NetworkConfig::Resnet(resnet)] {
            let rng = &mut ChaCha8Rng::seed_from_u64(1);
            let network = config.init([channels, 8, 8], classes, rng, &Device::flex()).unwrap();
            prop_assert_eq!(config.parameters([channels, 8, 8], classes).unwrap(), network.num_params());
            let on_graph = config.init([channels, 8, 8], classes, rng, &Device::flex().autodiff()).unwrap();
            prop_assert_eq!(config.trained_parameters([channels, 8, 8], classes).unwrap(), on_graph_parameters(&on_graph));
            let pictures = Tensor::<4>::ones([2, channels, 8, 8], &Device::flex());
            prop_assert_eq!(network.forward(pictures).unwrap().dims(), [2, classes]);
        }
    }
}

/// timm 1.0.31: `sum(p.numel() for p in timm.create_model("vit_tiny_patch16_224").parameters())`; torchvision 0.29.2: the
/// same of `torchvision.models.resnet50()` and so on. resnet18 with a stem of kernel 3 and 10 classes; He et al. give 0.27
/// and 0.46 million.
#[test]
fn sizes_are_those_of_the_field() {
    let vit = |preset| NetworkConfig::Vit(VitConfig::preset(preset, 16)).parameters([3, 224, 224], 1000).unwrap();
    assert_eq!(vit(VitPreset::Tiny), 5_717_416);
    assert_eq!(vit(VitPreset::Small), 22_050_664);
    assert_eq!(vit(VitPreset::Base), 86_567_656);
    let [large, huge] = [(VitPreset::Large, 16), (VitPreset::Huge, 14)].map(|(preset, patch)| {
        NetworkConfig::Vit(VitConfig::preset(preset, patch)).parameters([3, 224, 224], 1000).unwrap()
    });
    assert_eq!((large, huge), (304_326_632, 632_045_800));
    for (depth, parameters) in
        [(18, 11_689_512), (34, 21_797_672), (50, 25_557_032), (101, 44_549_160), (152, 60_192_808)]
    {
        let config = ResnetConfig { form: Some(ResnetForm::Imagenet), ..ResnetConfig::new(depth) };
        assert_eq!(NetworkConfig::Resnet(config).parameters([3, 224, 224], 1000).unwrap(), parameters);
    }
    let resnet = |depth| NetworkConfig::Resnet(ResnetConfig::new(depth)).parameters([3, 32, 32], 10).unwrap();
    assert_eq!(resnet(18), 11_173_962);
    assert_eq!(resnet(20), 269_722);
    assert_eq!(resnet(32), 464_154);
}

/// Recipes of runs before there were forms have no `form`, and mean what they meant.
#[test]
fn a_depth_without_a_form_means_what_it_always_did() {
    let read = |text: &str| serde_json::from_str::<NetworkConfig>(text).unwrap();
    let config = read(r#"{"kind": "resnet", "depth": 50}"#);
    assert_eq!(config.describe([3, 32, 32], 10), "residual network of 50 layers");
    assert_eq!(serde_json::to_value(&config).unwrap().get("form"), None);
    let (cifar, imagenet) = (
        read(r#"{"kind": "resnet", "depth": 50, "form": "cifar"}"#),
        read(r#"{"kind": "resnet", "depth": 50, "form": "imagenet"}"#),
    );
    let count = |config: &NetworkConfig| config.parameters([3, 32, 32], 10).unwrap();
    assert_eq!(count(&config), count(&cifar));
    assert!(count(&imagenet) > 20 * count(&cifar));
    assert_eq!(imagenet.describe([3, 32, 32], 10), "residual network of 50 layers with ImageNet's stem");
    let (old, small) =
        (read(r#"{"kind": "resnet", "depth": 18}"#), read(r#"{"kind": "resnet", "depth": 18, "form": "small"}"#));
    let seeded = |config: &NetworkConfig| named(&network(config, 1, &Device::flex())).unwrap();
    assert_eq!(seeded(&old), seeded(&small));
    assert_eq!(old.describe([3, 32, 32], 10), "residual network of 18 layers");
}

/// As in torchvision, where only an empty picture is too small.
#[test]
fn residual_networks_take_pictures_of_any_size() {
    for form in [ResnetForm::Imagenet, ResnetForm::Small] {
        let config = ResnetConfig { form: Some(form), width: Some(2), ..ResnetConfig::new(18) };
        let config = NetworkConfig::Resnet(config);
        let network = network(&config, 1, &Device::flex());
        for (height, width) in [(1, 1), (1, 40), (32, 32), (33, 7), (224, 160)] {
            let pictures = Tensor::<4>::ones([2, 3, height, width], &Device::flex());
            assert_eq!(network.forward(pictures.clone()).unwrap().dims(), [2, CLASSES]);
            assert_eq!(network.forward_train(pictures, 1).unwrap().0.dims(), [2, CLASSES]);
            assert!(config.activation_floats([3, height, width], CLASSES).unwrap() > 3 * height * width);
        }
        let empty = Tensor::<4>::ones([2, 3, 0, 8], &Device::flex());
        assert!(matches!(network.forward(empty), Err(NetworkError::Operation(_))));
        assert!(config.check([3, 0, 8], CLASSES).is_err());
    }
}

#[test]
fn pictures_of_another_size_are_refused() {
    for config in configs() {
        let network = network(&config, 1, &Device::flex());
        let [channels, height, width] = INPUT;
        let mut wrong = vec![[channels + 1, height, width]];
        // A residual network takes pictures of any height and width.
        if !matches!(config, NetworkConfig::Resnet(_)) {
            wrong.extend([[channels, height + 4, width], [channels, height, 2 * width]]);
        }
        for [channels, height, width] in wrong {
            let pictures = Tensor::<4>::ones([2, channels, height, width], &Device::flex());
            for outcome in [network.forward(pictures.clone()).map(drop), network.forward_train(pictures, 1).map(drop)] {
                assert!(matches!(outcome, Err(NetworkError::Operation(_))), "{config:?}: {outcome:?}");
            }
        }
    }
}

#[test]
fn the_seed_decides_the_weights_and_the_names_decide_the_ids() {
    for config in configs() {
        let device = Device::flex();
        let (first, second) = (network(&config, 1, &device), network(&config, 1, &device.clone().autodiff()));
        assert_eq!(named(&first).unwrap(), named(&second).unwrap());
        assert_ne!(named(&first).unwrap(), named(&network(&config, 2, &device)).unwrap());

        let ids = parameter_ids(&first);
        assert_eq!(ids, parameter_ids(&second));
        // What Burn's optimisers key their state by.
        let visited = burn::module::list_param_ids(&second);
        assert_eq!(visited, ids.iter().map(|(id, _)| *id).collect::<Vec<_>>());
        let distinct: std::collections::HashSet<_> = visited.iter().collect();
        assert_eq!(distinct.len(), visited.len());
    }
}

#[test]
fn every_kind_is_read_under_its_name_and_written_as_it_was() {
    for (kind, config) in NetworkConfig::KINDS.into_iter().zip(examples()) {
        assert_eq!(config.kind(), kind);
        assert!(kind.example.contains(&format!(r#""kind": "{}""#, kind.name)));
        let text = serde_json::to_string(&config).unwrap();
        assert_eq!(serde_json::from_str::<NetworkConfig>(&text).unwrap(), config);
        let unknown = kind.example.replacen('{', r#"{"no_such_key": 1, "#, 1);
        assert!(serde_json::from_str::<NetworkConfig>(&unknown).unwrap_err().to_string().contains("no_such_key"));
        assert!(!kind.title.is_empty() && !config.describe(INPUT, CLASSES).is_empty());
    }
}

#[test]
fn configurations_are_read_strictly_and_checked() {
    let read = |text: &str| serde_json::from_str::<NetworkConfig>(text);
    let tiny = read(r#"{"kind": "vit", "patch": 4, "preset": "tiny", "drop_path": 0.1}"#).unwrap();
    let expected = VitConfig { drop_path: 0.1, ..VitConfig::preset(VitPreset::Tiny, 4) };
    assert_eq!(tiny, NetworkConfig::Vit(expected));
    for config in configs() {
        assert_eq!(read(&serde_json::to_string(&config).unwrap()).unwrap(), config);
    }
    assert!(read(r#"{"kind": "vit", "patch": 4, "preset": "tiny", "dropout": 0.1}"#).is_err());
    assert!(read(r#"{"kind": "resnet"}"#).is_err());

    let vit = VitConfig::preset(VitPreset::Tiny, 4);
    let wrong = [
        (NetworkConfig::Vit(VitConfig { patch: 3, ..vit.clone() }), "patch"),
        (NetworkConfig::Vit(VitConfig { heads: Some(5), ..vit.clone() }), "heads"),
        (NetworkConfig::Vit(VitConfig { preset: None, ..vit.clone() }), "width"),
        (NetworkConfig::Vit(VitConfig { drop_path: 1.0, ..vit.clone() }), "drop_path"),
        (NetworkConfig::Vit(VitConfig { mlp_ratio: f64::NAN, ..vit }), "mlp_ratio"),
        (NetworkConfig::Resnet(ResnetConfig::new(19)), "depth"),
        (NetworkConfig::Resnet(ResnetConfig::new(34)), "depth"),
        (NetworkConfig::Resnet(ResnetConfig { form: Some(ResnetForm::Cifar), ..ResnetConfig::new(18) }), "depth"),
        (NetworkConfig::Resnet(ResnetConfig { form: Some(ResnetForm::Imagenet), ..ResnetConfig::new(20) }), "depth"),
        (NetworkConfig::Mlp(MlpConfig { hidden: vec![0], ..MlpConfig::default() }), "hidden"),
    ];
    for (config, name) in wrong {
        match config.check(INPUT, CLASSES).unwrap_err() {
            NetworkError::Argument { argument, .. } => assert_eq!(argument, name),
            other => panic!("{other}"),
        }
    }
    assert!(configs()[0].check([0, 8, 8], 5).is_err());
    assert!(configs()[0].check(INPUT, 0).is_err());
}
