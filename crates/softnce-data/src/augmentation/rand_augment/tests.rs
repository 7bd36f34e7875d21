//! The operations against PIL, level for level, and the strengths against timm.

use rand::SeedableRng;

use super::operation::Action;
use super::*;

const HEIGHT: usize = 16;
const WIDTH: usize = 20;

fn generator(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

fn made(channels: usize) -> Vec<u8> {
    let level = |place: usize| {
        let (row, column, channel) = (place / channels / WIDTH, place / channels % WIDTH, place % channels);
        (20 + (31 * row + 17 * column + 57 * channel + row * column) % 200) as u8
    };
    (0..HEIGHT * WIDTH * channels).map(level).collect()
}

fn on_canvas(pixels: &mut Vec<u8>, channels: usize, work: impl FnOnce(&mut Canvas<'_>)) {
    work(&mut Canvas { height: HEIGHT, width: WIDTH, channels, pixels, spare: &mut Vec::new() });
}

// r, k, ch = np.meshgrid(np.arange(16), np.arange(20), np.arange(c), indexing="ij")
// x = Image.fromarray((20 + (31*r + 17*k + 57*ch + r*k) % 200).astype(np.uint8).squeeze())
// tiles = [O.autocontrast(x), O.equalize(x), O.invert(x), O.posterize(x, 1), O.solarize(x, 26), O.solarize(x, 200),
//          A.solarize_add(x, 99)]
// for f in (0.19, 1.81):
//     tiles += [E.Color(x).enhance(f), E.Contrast(x).enhance(f), E.Brightness(x).enhance(f), E.Sharpness(x).enhance(f)]
// for i in (Image.BILINEAR, Image.BICUBIC):
//     tiles += [f(x, a, resample=i, fillcolor=fill) for f, a in ((A.rotate, 27.), (A.rotate, -13.5), (A.shear_x, .27),
//               (A.shear_y, -.27), (A.translate_x_rel, .405), (A.translate_y_rel, -.35))]
// with O PIL.ImageOps, E PIL.ImageEnhance (Pillow 13.0.0), A timm.data.auto_augment (1.0.31); c 3 and 1.
#[test]
fn operations_are_those_of_pil() {
    let mut actions: Vec<(Action, Interpolation)> = [
        Action::AutoContrast,
        Action::Equalize,
        Action::Invert,
        Action::Posterize(1),
        Action::Solarize(26),
        Action::Solarize(200),
        Action::SolarizeAdd(99),
    ]
    .map(|action| (action, Interpolation::Bicubic))
    .to_vec();
    for factor in [0.19, 1.81] {
        let all =
            [Action::Colour(factor), Action::Contrast(factor), Action::Brightness(factor), Action::Sharpness(factor)];
        actions.extend(all.map(|action| (action, Interpolation::Bicubic)));
    }
    for interpolation in [Interpolation::Bilinear, Interpolation::Bicubic] {
        let all = [
            Action::Rotate(27.0),
            Action::Rotate(-13.5),
            Action::ShearX(0.27),
            Action::ShearY(-0.27),
            Action::TranslateX(0.405),
            Action::TranslateY(-0.35),
        ];
        actions.extend(all.map(|action| (action, interpolation)));
    }
    let golden: [(usize, &[u8], &[u8]); 2] =
        [(3, include_bytes!("golden-colour.png"), &[124, 116, 104]), (1, include_bytes!("golden-grey.png"), &[124])];
    for (channels, file, fill) in golden {
        let expected = image::load_from_memory(file).unwrap().into_bytes();
        let tiles = expected.chunks_exact(HEIGHT * WIDTH * channels);
        assert_eq!(tiles.len(), actions.len());
        for ((action, interpolation), expected) in actions.iter().zip(tiles) {
            let mut pixels = made(channels);
            on_canvas(&mut pixels, channels, |canvas| action.apply(canvas, *interpolation, fill));
            let wrong = pixels.iter().zip(expected).filter(|(found, expected)| found != expected).count();
            assert_eq!(wrong, 0, "{action:?} {interpolation:?} with {channels} channels");
        }
    }
}

// [LEVEL_TO_ARG[name](magnitude, {}) for magnitude in (9.0, 3.3)], where the sign is drawn either may come
#[test]
fn strengths_are_those_of_timm() {
    let near = |found: f64, expected: f64| (found - expected).abs() < 1e-6;
    for seed in 0..20 {
        let at =
            |operation: Operation, magnitude, increasing| operation.at(magnitude, increasing, &mut generator(seed));
        assert_eq!(at(Operation::Posterize, 9.0, true), Action::Posterize(1));
        assert_eq!(at(Operation::Posterize, 3.3, true), Action::Posterize(3));
        assert_eq!(at(Operation::Posterize, 3.3, false), Action::Posterize(1));
        assert_eq!(at(Operation::Solarize, 9.0, true), Action::Solarize(26));
        assert_eq!(at(Operation::Solarize, 3.3, true), Action::Solarize(172));
        assert_eq!(at(Operation::Solarize, 3.3, false), Action::Solarize(84));
        assert_eq!(at(Operation::SolarizeAdd, 9.0, true), Action::SolarizeAdd(99));
        assert_eq!(at(Operation::SolarizeAdd, 3.3, true), Action::SolarizeAdd(36));
        assert!(matches!(at(Operation::Rotate, 9.0, true), Action::Rotate(angle) if near(angle.abs(), 27.0)));
        assert!(matches!(at(Operation::ShearX, 3.3, true), Action::ShearX(factor) if near(factor.abs(), 0.099)));
        assert!(matches!(at(Operation::TranslateY, 9.0, true), Action::TranslateY(share) if near(share.abs(), 0.405)));
        assert!(matches!(at(Operation::Colour, 9.0, true), Action::Colour(factor)
            if near(f64::from(factor), 0.19) || near(f64::from(factor), 1.81)));
        assert!(matches!(at(Operation::Colour, 9.0, false), Action::Colour(factor) if near(f64::from(factor), 1.72)));
    }
}

#[test]
fn both_signs_come_and_every_operation_is_drawn() {
    let mut random = generator(1);
    let angles: Vec<bool> = (0..40)
        .map(|_| matches!(Operation::Rotate.at(9.0, true, &mut random), Action::Rotate(angle) if angle > 0.0))
        .collect();
    assert!(angles.contains(&true) && angles.contains(&false));

    // One operation a picture, always applied: as many different results as operations, and twice as many with signs.
    let policy = RandAugment::new("rand-m9-n1-p1-inc1", Interpolation::Bicubic, &[0.5; 3]).unwrap();
    let results: std::collections::HashSet<Vec<u8>> = (0..500)
        .map(|seed| {
            let mut pixels = made(3);
            on_canvas(&mut pixels, 3, |canvas| policy.apply(canvas, &mut generator(seed)));
            pixels
        })
        .collect();
    assert_eq!(results.len(), 6 + 2 * 9);
}

#[test]
fn a_probability_of_nothing_changes_nothing_and_magnitudes_stay_in_bounds() {
    for text in ["rand-m9-p0-inc1", "rand-m9-n0-p1-inc1"] {
        let policy = RandAugment::new(text, Interpolation::Bilinear, &[0.5]).unwrap();
        let mut pixels = made(1);
        on_canvas(&mut pixels, 1, |canvas| policy.apply(canvas, &mut generator(3)));
        assert_eq!(pixels, made(1), "{text}");
    }
    let magnitudes = |text: &str| {
        let policy = RandAugment::new(text, Interpolation::Bilinear, &[0.5]).unwrap();
        let mut random = generator(4);
        (0..1000).map(|_| policy.magnitude(&mut random)).collect::<Vec<f64>>()
    };
    let normal = magnitudes("rand-m9-mstd0.5-inc1");
    assert!(normal.iter().all(|magnitude| (0.0..=10.0).contains(magnitude)));
    assert!(normal.contains(&10.0) && (normal.iter().sum::<f64>() / 1000.0 - 9.0).abs() < 0.05);
    assert!(magnitudes("rand-m9-mstd5-mmax20").iter().any(|magnitude| *magnitude > 15.0));
    let uniform = magnitudes("rand-m8-mstd101");
    assert!((uniform.iter().sum::<f64>() / 1000.0 - 4.0).abs() < 0.3 && uniform.iter().all(|value| *value < 8.0));
}
