//! The loader: the same batches whatever makes them, every picture once, errors and ends that arrive.

use std::borrow::Cow;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ndarray::Array2;

use super::*;
use crate::Picture;
use crate::augmentation::{
    Augmentation, AugmentationConfig, ChannelStatistics, Normalisation, RandomCropConfig, RandomResizedCropConfig,
    TrainConfig,
};
use crate::mixing::Mode;

const CLASSES: usize = 5;

/// Grey pictures of several sizes; picture i has the class `i % 5` and levels that name it.
#[derive(Debug, Default)]
struct Made {
    labels: Vec<usize>,
    names: Vec<String>,
    broken: Vec<usize>,
    panics: Option<usize>,
    read: AtomicUsize,
}

impl Made {
    fn new(pictures: usize) -> Self {
        let names = (0..CLASSES).map(|class| format!("class {class}")).collect();
        Made { labels: (0..pictures).map(|index| index % CLASSES).collect(), names, ..Made::default() }
    }
}

impl PictureSource for Made {
    fn class_names(&self) -> &[String] {
        &self.names
    }

    fn labels(&self) -> &[usize] {
        &self.labels
    }

    fn picture(&self, index: usize) -> Result<Picture<'_>, Box<dyn Error + Send + Sync>> {
        self.read.fetch_add(1, Ordering::Relaxed);
        assert!(self.panics != Some(index), "picture {index} blows up");
        if self.broken.contains(&index) {
            return Err("it is torn".into());
        }
        let (height, width) = (8 + index % 3, 8 + index % 2);
        let pixels = (0..height * width).map(|pixel| (index * 31 + pixel * 7) as u8).collect();
        Ok(Picture { height, width, channels: 1, pixels: Cow::Owned(pixels) })
    }

    fn describe(&self, index: usize) -> String {
        format!("made/{index}")
    }
}

fn augmentation(train: TrainConfig) -> Augmentation {
    let normalisation = Normalisation::Given(ChannelStatistics { mean: vec![0.5], std: vec![0.25] });
    let config = AugmentationConfig { size: [8, 8], normalisation, train, ..AugmentationConfig::default() };
    Augmentation::new(config).unwrap()
}

fn random() -> TrainConfig {
    TrainConfig { random_crop: Some(RandomCropConfig { padding: 2 }), flip: 0.5, ..TrainConfig::default() }
}

fn mixing() -> MixingConfig {
    MixingConfig { mixup: 0.8, cutmix: 1.0, probability: 0.8, smoothing: 0.1, ..MixingConfig::default() }
}

fn loader(source: Made, mixing: Option<MixingConfig>, config: LoaderConfig) -> Loader {
    Loader::train(Arc::new(source), augmentation(random()), mixing, None, config).unwrap()
}

fn config(workers: usize, prefetch: usize) -> LoaderConfig {
    LoaderConfig { batch_size: 6, workers, prefetch, seed: 3, ..LoaderConfig::default() }
}

/// All that a batch holds, bit for bit.
type Seen = (Vec<usize>, Vec<u32>, Vec<usize>, Array2<f64>);

fn seen(batch: &LoadedBatch) -> Seen {
    assert_eq!(batch.shape.iter().product::<usize>(), batch.pixels.len());
    assert_eq!(batch.targets.len(), batch.shape[0]);
    let pixels = batch.pixels.iter().map(|pixel| pixel.to_bits()).collect();
    (batch.indices.clone(), pixels, batch.labels.clone(), batch.targets.to_dense().unwrap())
}

fn epoch(loader: &Loader, epoch: u64, first_step: usize) -> Vec<Seen> {
    let batches = loader.epoch(epoch, first_step);
    batches
        .map(|batch| {
            let batch = batch.unwrap();
            let seen = seen(&batch);
            // As a user would, so that used memory comes back with old pixels in it.
            loader.recycle(batch.pixels);
            seen
        })
        .collect()
}

#[test]
fn batches_are_the_same_at_any_number_of_threads_and_from_any_step() {
    for mode in [Mode::Batch, Mode::Pair, Mode::Element] {
        let mixing = Some(MixingConfig { mode, ..mixing() });
        let alone = loader(Made::new(45), mixing.clone(), config(0, 0));
        let expected = epoch(&alone, 2, 0);
        assert_eq!(expected.len(), 8);
        assert_eq!(expected[7].0.len(), 3, "the last one is partial");
        assert_ne!(epoch(&alone, 3, 0)[0].0, expected[0].0, "another epoch has another order");
        for (workers, prefetch) in [(0, 0), (1, 0), (1, 3), (2, 2), (7, 1), (7, 20)] {
            let loader = loader(Made::new(45), mixing.clone(), config(workers, prefetch));
            epoch(&loader, 1, 0);
            for first_step in [0, 1, 5, 7, 8, 9] {
                let found = epoch(&loader, 2, first_step);
                assert!(
                    found == expected[first_step.min(8)..],
                    "{workers} workers, {prefetch} ahead, from {first_step}"
                );
            }
        }
    }
}

#[test]
fn random_resized_crops_are_the_same_at_any_number_of_threads() {
    let crop = Some(RandomResizedCropConfig::default());
    let make = |workers| {
        let train = TrainConfig { random_resized_crop: crop.clone(), flip: 0.5, ..TrainConfig::default() };
        Loader::train(Arc::new(Made::new(20)), augmentation(train), None, None, config(workers, 2)).unwrap()
    };
    assert!(epoch(&make(0), 0, 0) == epoch(&make(3), 0, 0));
}

#[test]
fn every_picture_comes_once_an_epoch_with_its_class() {
    for drop_last in [false, true] {
        let config = LoaderConfig { drop_last, ..config(2, 2) };
        let loader = loader(Made::new(45), None, config);
        let steps = if drop_last { 7 } else { 8 };
        assert_eq!(loader.steps_per_epoch(), steps);
        let mut found = Vec::new();
        for batch in loader.epoch(0, 0) {
            let batch = batch.unwrap();
            assert!(batch.labels.iter().zip(&batch.indices).all(|(label, index)| *label == index % CLASSES));
            let targets = batch.targets.labels().unwrap();
            assert!(targets.iter().zip(&batch.labels).all(|(target, label)| *target as usize == *label));
            found.extend(batch.indices);
        }
        found.sort_unstable();
        found.dedup();
        assert_eq!(found.len(), if drop_last { 42 } else { 45 });
    }
}

#[test]
fn evaluation_keeps_the_order_and_takes_soft_labels() {
    let rows = Array2::from_shape_fn((10, CLASSES), |(row, class)| (row + class) as f32);
    let sums = rows.sum_axis(ndarray::Axis(1)).insert_axis(ndarray::Axis(1));
    let rows = Arc::new(rows / sums);
    let labels = Some(Arc::clone(&rows));
    let loader = Loader::evaluation(Arc::new(Made::new(10)), augmentation(random()), labels, 4, 2).unwrap();
    let batches: Vec<LoadedBatch> = loader.epoch(0, 0).map(Result::unwrap).collect();
    assert!(batches.iter().flat_map(|batch| batch.indices.clone()).eq(0..10));
    for batch in &batches {
        let targets = batch.targets.to_dense().unwrap();
        for (target, &index) in targets.outer_iter().zip(&batch.indices) {
            assert!(target.iter().zip(rows.row(index)).all(|(found, row)| (found - f64::from(*row)).abs() < 1e-6));
        }
    }
    // Picture 0 is 8 x 8, so it comes as it is: level 7 is (7 / 255 - 0.5) / 0.25.
    assert_eq!(batches[0].pixels[1], ((7.0 / 255.0 - 0.5) / 0.25) as f32);
}

#[test]
fn a_picture_that_fails_ends_the_epoch_with_its_name_where_it_stands() {
    for workers in [0, 1, 2, 7] {
        let source = Made { broken: vec![8, 9, 20], ..Made::new(45) };
        let loader = loader(source, Some(mixing()), LoaderConfig { shuffle: false, ..config(workers, 9) });
        let mut batches = loader.epoch(0, 0);
        assert_eq!(batches.next().unwrap().unwrap().indices, [0, 1, 2, 3, 4, 5]);
        let error = batches.next().unwrap().unwrap_err();
        assert_eq!(error.to_string(), "made/8: it is torn");
        assert!(batches.next().is_none() && batches.next().is_none());
    }
}

#[test]
fn a_panic_becomes_an_error() {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let found = [0, 1, 3].map(|workers| {
        let loader = loader(Made { panics: Some(11), ..Made::new(45) }, None, config(workers, 3));
        loader.epoch(0, 0).find_map(Result::err).map(|error| error.to_string())
    });
    std::panic::set_hook(hook);
    for error in found {
        let error = error.unwrap();
        assert!(error.contains("made/11") && error.contains("picture 11 blows up"), "{error}");
    }
}

#[test]
fn an_epoch_that_is_dropped_midway_ends_its_threads_and_reads_no_further() {
    let source = Arc::new(Made::new(600));
    let (augmentation, shared) = (augmentation(random()), Arc::clone(&source));
    let loader = Loader::train(shared, augmentation, None, None, config(3, 2)).unwrap();
    let mut batches = loader.epoch(0, 0);
    batches.next().unwrap().unwrap();
    drop(batches);
    let read = source.read.load(Ordering::Relaxed);
    assert!(read <= 6 * 4, "the one taken, two ahead and one begun: {read} pictures read");
    drop(loader);
    assert_eq!(Arc::strong_count(&source), 1, "no thread holds the source any more");
}

#[test]
fn bad_set_ups_are_refused() {
    let train = |source: Made, soft: Option<Array2<f32>>, config: LoaderConfig| {
        let result = Loader::train(Arc::new(source), augmentation(random()), None, soft.map(Arc::new), config);
        result.unwrap_err().to_string()
    };
    let usual = LoaderConfig::default;
    assert!(train(Made::new(0), None, usual()).contains("0 pictures"));
    let config = LoaderConfig { drop_last: true, ..usual() };
    assert!(train(Made::new(127), None, config).starts_with("127 pictures do not make a batch of 128"));
    assert!(train(Made::new(9), None, LoaderConfig { batch_size: 0, ..usual() }).starts_with("batch_size is 0"));
    let labels = vec![0, 5];
    assert!(train(Made { labels, ..Made::new(2) }, None, usual()).starts_with("labels[1]: found 5"));
    let soft = Some(Array2::from_elem((8, CLASSES), 0.2));
    assert!(train(Made::new(9), soft, usual()).contains("(8, 5), expected (9, 5)"));
    let soft = Some(Array2::from_elem((9, CLASSES), 0.3));
    assert!(train(Made::new(9), soft, usual()).starts_with("targets[0]: found a sum of 1.5"));
    let mixing = Some(MixingConfig { mixup: -1.0, ..MixingConfig::default() });
    let refused = Loader::train(Arc::new(Made::new(9)), augmentation(random()), mixing, None, usual()).unwrap_err();
    assert!(refused.to_string().starts_with("mixup is -1"));
}

#[test]
fn prediction_goes_on_after_pictures_that_cannot_be_prepared() {
    let augmentation = || augmentation(TrainConfig::default());
    let whole = Loader::evaluation(Arc::new(Made::new(45)), augmentation(), None, 6, 0).unwrap();
    let expected = epoch(&whole, 0, 0);
    for workers in [0, 1, 3] {
        let source = Made { broken: vec![8, 9, 44], panics: Some(30), ..Made::new(45) };
        let loader = Loader::prediction(Arc::new(source), augmentation(), 6, workers).unwrap();
        let mut failed = Vec::new();
        for (batch, expected) in loader.epoch(0, 0).zip(&expected) {
            let batch = batch.unwrap();
            assert_eq!(batch.indices, expected.0);
            for (row, &index) in batch.indices.iter().enumerate() {
                let pixels = &batch.pixels[row * 64..][..64];
                match loader.take_failure(index) {
                    Some(error) => {
                        assert!(pixels.iter().all(|&pixel| pixel == 0.0));
                        failed.push((index, error.reason()));
                    }
                    None => assert!(
                        pixels.iter().map(|pixel| pixel.to_bits()).eq(expected.1[row * 64..][..64].iter().copied())
                    ),
                }
            }
        }
        let torn = |index| (index, "it is torn".to_owned());
        let panicked = (30, "panicked: picture 30 blows up; this is a bug".to_owned());
        assert_eq!(failed, [torn(8), torn(9), panicked, torn(44)]);
    }
}

#[test]
fn the_name_of_a_picture_stands_once_in_its_error() {
    let error = |text: &str| LoaderError::Picture { picture: "made/a.png".into(), source: text.into() };
    assert_eq!(error("made/a.png, byte 4: the file ends").to_string(), "made/a.png, byte 4: the file ends");
    assert_eq!(error("made/a.png, byte 4: the file ends").reason(), "byte 4: the file ends");
    assert_eq!(error("it is torn").to_string(), "made/a.png: it is torn");
    assert_eq!(error("it is torn").reason(), "it is torn");
}
