use super::*;
use crate::data::{Minibatch, class_mass};

fn small() -> GeneratedConfig {
    GeneratedConfig { rows: 40_000, classes: 30, columns: 64, cluster_size: 4, ..GeneratedConfig::default() }
}

fn read(source: &Generated, index: usize) -> Example {
    let mut example = Example::default();
    source.read(index, &mut example).unwrap();
    example
}

#[test]
fn classes_follow_zipfs_law() {
    for exponent in [0.0, 0.7, 1.0, 2.0] {
        let source = Generated::new(GeneratedConfig { exponent, ..small() }).unwrap();
        let mut counts = [0.0; 30];
        (0..source.len()).for_each(|row| counts[source.class(row).unwrap()] += 1.0);
        let expected = class_mass(&source).unwrap();
        assert!((expected.iter().sum::<f64>() - 40_000.0).abs() < 1e-6);
        assert!((expected[1] / expected[0] - 0.5_f64.powf(exponent)).abs() < 1e-12);
        // Chi-square with 29 degrees of freedom: 58.3 is exceeded once in a thousand.
        let distance: f64 = counts.iter().zip(&expected).map(|(n, e): (&f64, &f64)| (n - e).powi(2) / e).sum();
        assert!(distance < 58.3, "exponent {exponent}: {distance}");
    }
}

#[test]
fn every_class_is_in_one_cluster() {
    let source = Generated::new(small()).unwrap();
    assert_eq!(source.clusters(), 8);
    let mut seen: Vec<usize> = (0..8).flat_map(|cluster| source.members(cluster)).collect();
    seen.sort_unstable();
    assert_eq!(seen, (0..30).collect::<Vec<_>>());
    assert_eq!(source.members(7).collect::<Vec<_>>(), [7, 15, 23]);
    assert!((0..8).all(|cluster| source.members(cluster).all(|class| source.cluster(class) == cluster)));
}

/// The posterior over all classes from the densities, without the shortcuts of the generator.
fn full_posterior(source: &Generated, features: &[f32]) -> Vec<f64> {
    let variance = source.noise().powi(2);
    let score = |class: usize| {
        let centre = source.centre(class).unwrap();
        let square: f64 = features.iter().zip(&centre).map(|(&x, mu)| (f64::from(x) - mu).powi(2)).sum();
        source.prior(class).ln() - square / (2.0 * variance)
    };
    let scores: Vec<f64> = (0..source.classes()).map(score).collect();
    let most = scores.iter().copied().fold(f64::MIN, f64::max);
    let sum: f64 = scores.iter().map(|score| (score - most).exp()).sum();
    scores.iter().map(|score| (score - most).exp() / sum).collect()
}

#[test]
fn posterior_is_that_over_all_classes_where_clusters_are_apart() {
    let source = Generated::new(small()).unwrap();
    for row in 0..200 {
        let example = read(&source, row);
        let cluster = source.cluster(example.relevant[0] as usize);
        let full = full_posterior(&source, &example.dense);
        let own = source.posterior(&example.dense, cluster).unwrap();
        for (class, share) in source.members(cluster).zip(own) {
            assert!((full[class] - share).abs() < 1e-9, "row {row}, class {class}: {} and {share}", full[class]);
        }
    }
}

#[test]
fn classes_are_drawn_as_often_as_the_posterior_says() {
    let source = Generated::new(GeneratedConfig { offset: 1.0, exponent: 0.5, ..small() }).unwrap();
    // In ten bins of the posterior: what it expects, its variance, and how often the class was the one drawn.
    let mut bins = [(0.0, 0.0, 0.0); 10];
    for row in 0..20_000 {
        let example = read(&source, row);
        let drawn = example.relevant[0] as usize;
        let cluster = source.cluster(drawn);
        for (class, share) in source.members(cluster).zip(source.posterior(&example.dense, cluster).unwrap()) {
            let (expected, variance, count) = &mut bins[((share * 10.0) as usize).min(9)];
            *expected += share;
            *variance += share * (1.0 - share);
            *count += f64::from(class == drawn);
        }
    }
    for (bin, (expected, variance, count)) in bins.into_iter().enumerate() {
        assert!(variance > 20.0, "bin {bin} has too few rows to be a test");
        assert!((count - expected).abs() < 4.0 * variance.sqrt(), "bin {bin}: {count} drawn, {expected} expected");
    }
}

#[test]
fn rows_are_around_the_centre_of_their_class() {
    let source = Generated::new(GeneratedConfig { exponent: 2.0, ..small() }).unwrap();
    let (mut mean, mut count, mut squares, mut spread) = (vec![0.0; 64], 0.0, 0.0, 0.0);
    let centre = source.centre(0).unwrap();
    for row in 0..4000 {
        let example = read(&source, row);
        squares += example.dense.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>() / 64.0;
        if example.relevant[0] == 0 {
            count += 1.0;
            for ((mean, &x), centre) in mean.iter_mut().zip(&example.dense).zip(&centre) {
                *mean += f64::from(x);
                spread += (f64::from(x) - centre).powi(2);
            }
        }
    }
    assert!(count > 2000.0);
    let error = source.noise() / f64::sqrt(count);
    assert!(mean.iter().zip(&centre).all(|(sum, centre)| (sum / count - centre).abs() < 4.0 * error));
    assert!((spread / count / 64.0 / source.noise().powi(2) - 1.0).abs() < 0.02);
    // Few clusters weigh most here, and each has a centre of its own length.
    assert!((squares / 4000.0 - 1.0).abs() < 0.3, "{squares}");
}

#[test]
fn soft_labels_are_the_largest_posteriors() {
    let source = Generated::new(GeneratedConfig { soft_classes: 2, ..small() }).unwrap();
    let hard = Generated::new(small()).unwrap();
    for row in 0..50 {
        let (example, same) = (read(&source, row), read(&hard, row));
        assert_eq!((&example.dense, &example.relevant), (&same.dense, &same.relevant));
        assert_eq!((&same.classes, &same.weights[..]), (&same.relevant, &[1.0][..]));
        let cluster = source.cluster(example.relevant[0] as usize);
        let mut shares: Vec<_> =
            source.members(cluster).zip(source.posterior(&example.dense, cluster).unwrap()).collect();
        shares.sort_by(|one, other| other.1.total_cmp(&one.1));
        let sum = shares[0].1 + shares[1].1;
        for (k, (&class, &weight)) in example.classes.iter().zip(&example.weights).enumerate() {
            assert_eq!(class as usize, shares[k].0);
            assert!((weight - shares[k].1 / sum).abs() < 1e-15);
        }
    }
    Minibatch::read(&source, &[0, 1, 2]).unwrap().targets().unwrap();
}

#[test]
fn rows_depend_on_seed_part_and_index_alone() {
    let source = Generated::new(small()).unwrap();
    let first = read(&source, 5);
    read(&source, 6);
    assert_eq!(first, read(&source, 5));
    assert_ne!(first.dense, read(&source, 6).dense);
    let other = |config| read(&Generated::new(config).unwrap(), 5).dense;
    assert_ne!(first.dense, other(GeneratedConfig { part: 1, ..small() }));
    assert_ne!(first.dense, other(GeneratedConfig { seed: 1, ..small() }));
    let part = Generated::new(GeneratedConfig { part: 1, ..small() }).unwrap();
    assert_eq!(source.centre(3).unwrap(), part.centre(3).unwrap());
}

#[test]
fn ten_million_classes() {
    let config = GeneratedConfig { classes: 10_000_000, soft_classes: 4, ..GeneratedConfig::default() };
    let source = Generated::new(config).unwrap();
    let batch = Minibatch::read(&source, &(0..64).collect::<Vec<_>>()).unwrap();
    assert_eq!(batch.targets().unwrap().classes(), 10_000_000);
    let last = source.centre(9_999_999).unwrap();
    assert!(source.centre(10_000_000).is_err());
    let cluster = source.cluster(9_999_999);
    let at_centre: Vec<f32> = last.iter().map(|&value| value as f32).collect();
    let posterior = source.posterior(&at_centre, cluster).unwrap();
    let uniform = Generated::new(GeneratedConfig { exponent: 0.0, ..source.config().clone() }).unwrap();
    let of_equals = uniform.posterior(&at_centre, cluster).unwrap();
    // Its own class is the likeliest among equals, and less likely as the rarest of its cluster.
    assert!(of_equals[15] > 0.4 && of_equals.iter().all(|&share| share <= of_equals[15]));
    assert!(posterior[15] < of_equals[15]);
}

#[test]
fn bad_settings_are_named() {
    for (config, expected) in [
        (GeneratedConfig { rows: 0, ..small() }, "rows is 0, expected a number from 1 to 18446744073709551615"),
        (GeneratedConfig { classes: 0, ..small() }, "classes is 0, expected a number from 1 to 4294967295"),
        (GeneratedConfig { columns: 0, ..small() }, "columns is 0, expected a number from 1 to 1048576"),
        (GeneratedConfig { cluster_size: 31, ..small() }, "cluster_size is 31, expected a number from 1 to 30"),
        (GeneratedConfig { exponent: f64::NAN, ..small() }, "exponent is NaN, expected a number from 0 to 10"),
        (GeneratedConfig { offset: -1.0, ..small() }, "offset is -1, expected a number from 0 to 1000"),
    ] {
        assert_eq!(Generated::new(config).unwrap_err().to_string(), expected);
    }
    let source = Generated::new(small()).unwrap();
    assert!(source.posterior(&[0.0; 63], 0).is_err());
    assert!(source.posterior(&[f32::NAN; 64], 0).is_err());
    assert!(source.posterior(&[0.0; 64], 8).is_err());
    assert!(source.class(40_000).is_err());
}
