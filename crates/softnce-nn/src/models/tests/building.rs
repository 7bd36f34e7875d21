//! Configurations, and the networks as they are built.

use burn::module::Module;
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn any_configuration_is_counted_as_built(
        (heads, size, depth, patch) in (1..4_usize, 1..5_usize, 1..4_usize, prop::sample::select(vec![1, 2, 4, 8])),
        (ratio, mean, qkv_bias, mlp, hidden) in (1.0..5.0_f64, any::<bool>(), any::<bool>(), any::<bool>(), 1..9_usize),
        (width, n, projection, channels, classes) in (1..6_usize, 1..3_usize, any::<bool>(), 1..4_usize, 1..7_usize),
    ) {
        let head = if mlp { HeadKind::Mlp } else { HeadKind::Linear };
        let pool = if mean { Pool::Mean } else { Pool::Token };
        let head_width = qkv_bias.then_some(hidden);
        let sizes = VitConfig::explicit(heads * size, depth, heads, patch);
        let vit = VitConfig { mlp_ratio: ratio, pool, qkv_bias, head, head_width, ..sizes };
        let shortcut = Some(if projection { Shortcut::Projection } else { Shortcut::Padding });
        let depth = if qkv_bias { 18 } else { 6 * n + 2 };
        let resnet = ResnetConfig { width: Some(width), shortcut, head, head_width, ..ResnetConfig::new(depth) };
        for config in [NetworkConfig::Vit(vit), NetworkConfig::Resnet(resnet)] {
            let rng = &mut ChaCha8Rng::seed_from_u64(1);
            let network = config.init([channels, 8, 8], classes, rng, &Device::flex()).unwrap();
            prop_assert_eq!(config.parameters([channels, 8, 8], classes).unwrap(), network.num_params());
            let pictures = Tensor::<4>::ones([2, channels, 8, 8], &Device::flex());
            prop_assert_eq!(network.forward(pictures).unwrap().dims(), [2, classes]);
        }
    }
}

/// timm 1.0.31: `sum(p.numel() for p in timm.create_model("vit_tiny_patch16_224").parameters())`; torchvision's
/// resnet18 has a stem of kernel 7 and 1,000 classes, so its count with 3 and 10; He et al. give 0.27 and 0.46 million.
#[test]
fn sizes_are_those_of_the_field() {
    let vit = |preset| NetworkConfig::Vit(VitConfig::preset(preset, 16)).parameters([3, 224, 224], 1000).unwrap();
    assert_eq!(vit(VitPreset::Tiny), 5_717_416);
    assert_eq!(vit(VitPreset::Small), 22_050_664);
    assert_eq!(vit(VitPreset::Base), 86_567_656);
    let resnet = |depth| NetworkConfig::Resnet(ResnetConfig::new(depth)).parameters([3, 32, 32], 10).unwrap();
    assert_eq!(resnet(18), 11_173_962);
    assert_eq!(resnet(20), 269_722);
    assert_eq!(resnet(32), 464_154);
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
        (NetworkConfig::Mlp(MlpConfig { hidden: vec![0] }), "hidden"),
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
