//! Pictures per second of the loader in its usual settings, on made pictures.
//!
//! `cargo run --release -p softnce-data --example loader_speed [workers]`
//!
//! Wall times are only worth something while nothing else runs; the processor time (Linux) holds up better.

use std::borrow::Cow;
use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use chacha20::ChaCha8Rng;
use libjpeg_turbo_rs::{PixelFormat, Subsampling};
use rand::SeedableRng;
use softnce_data::augmentation::{
    Augmentation, AugmentationConfig, ErasingConfig, NamedNormalisation, Normalisation, RandomCropConfig,
    RandomResizedCropConfig, TrainConfig,
};
use softnce_data::candidates::TargetQueue;
use softnce_data::loader::{Loader, LoaderConfig};
use softnce_data::mixing::{Mixing, MixingConfig};
use softnce_data::{Picture, PictureSource};

/// Pictures in memory, or one JPEG file decoded again and again.
#[derive(Debug)]
struct Made {
    names: Vec<String>,
    labels: Vec<usize>,
    size: [usize; 3],
    pixels: Vec<u8>,
    jpeg: Option<Vec<u8>>,
}

impl Made {
    fn new(pictures: usize, size: [usize; 3], jpeg: bool) -> Result<Self, Box<dyn Error>> {
        let [height, width, channels] = size;
        let smooth = |place: usize| {
            let (row, column) = (place / channels / width, place / channels % width);
            ((row * 2 + column * 3 + place % channels * 40) % 256) as u8 ^ ((row * column) % 8) as u8
        };
        let stored = if jpeg { 1 } else { pictures };
        let one: Vec<u8> = (0..height * width * channels).map(smooth).collect();
        let encoded = if jpeg {
            Some(libjpeg_turbo_rs::compress(&one, width, height, PixelFormat::Rgb, 90, Subsampling::S420)?)
        } else {
            None
        };
        let names = (0..10).map(|class| format!("class {class}")).collect();
        let labels = (0..pictures).map(|index| index % 10).collect();
        Ok(Made { names, labels, size, pixels: one.repeat(stored), jpeg: encoded })
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
        let [height, width, channels] = self.size;
        let pixels = match &self.jpeg {
            Some(file) => Cow::Owned(libjpeg_turbo_rs::decompress_to(file, PixelFormat::Rgb)?.data),
            None => {
                let length = height * width * channels;
                Cow::Borrowed(&self.pixels[index * length..(index + 1) * length])
            }
        };
        Ok(Picture { height, width, channels, pixels })
    }

    fn describe(&self, index: usize) -> String {
        format!("made {index}")
    }
}

/// Processor seconds of all threads so far, to a hundredth; 0 where the system does not tell.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // User and system time are the 12th and 13th field after the name, in hundredths of a second.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    fields.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

fn main() -> Result<(), Box<dyn Error>> {
    let workers = std::env::args().nth(1).map_or(Ok(2), |text| text.parse())?;
    let crop = Some(RandomCropConfig::default());
    let mixing = MixingConfig { mixup: 0.8, cutmix: 1.0, probability: 0.8, smoothing: 0.1, ..MixingConfig::default() };
    let flip = 0.5;
    let policy = Some("rand-m9-mstd0.5-inc1".to_owned());

    let small = TrainConfig { random_crop: crop.clone(), flip, ..TrainConfig::default() };
    let strong = TrainConfig {
        random_crop: crop,
        flip,
        rand_augment: policy.clone(),
        erasing: Some(ErasingConfig::default()),
        ..TrainConfig::default()
    };
    let large =
        TrainConfig { random_resized_crop: Some(RandomResizedCropConfig::default()), flip, ..TrainConfig::default() };
    let full = TrainConfig { rand_augment: policy, erasing: Some(ErasingConfig::default()), ..large.clone() };
    let imagenet = NamedNormalisation::ImageNet;
    let photo = [375, 500, 3];
    let cases = [
        ("28 x 28 grey, crop, flip", 600_000, [28, 28, 1], NamedNormalisation::FashionMnist, small, None, false),
        (
            "32 x 32 colour, crop, flip, RandAugment, erasing, mixing",
            60_000,
            [32, 32, 3],
            NamedNormalisation::Cifar100,
            strong,
            Some(mixing.clone()),
            false,
        ),
        ("375 x 500 JPEG to 224 x 224, resized crop, flip", 1_024, photo, imagenet, large, None, true),
        ("the same with RandAugment, erasing, mixing", 1_024, photo, imagenet, full, Some(mixing), true),
    ];
    println!("{workers} workers, batches of 128");
    for (name, pictures, size, normalisation, train, mixing, jpeg) in cases {
        let source = Arc::new(Made::new(pictures, size, jpeg)?);
        let input = if jpeg { [224, 224] } else { [size[0], size[1]] };
        let normalisation = Normalisation::Named(normalisation);
        let config = AugmentationConfig { size: input, normalisation, train, ..AugmentationConfig::default() };
        let config_of_loader = LoaderConfig { workers, ..LoaderConfig::default() };
        let loader = Loader::train(source, Augmentation::new(config)?, mixing, None, config_of_loader)?;
        let (start, start_processor) = (Instant::now(), processor_seconds());
        let mut seen = 0;
        for batch in loader.epoch(0, 0) {
            let batch = batch?;
            seen += batch.indices.len();
            loader.recycle(batch.pixels);
        }
        let rate = seen as f64 / start.elapsed().as_secs_f64();
        let processor = (processor_seconds() - start_processor) * 128_000.0 / seen as f64;
        println!("{name}: {rate:.0} pictures/s, {:.2} ms a batch, {processor:.2} ms of processor", 128_000.0 / rate);
    }
    candidates()
}

/// What candidates beyond the batch take, a batch.
fn candidates() -> Result<(), Box<dyn Error>> {
    let config = MixingConfig { mixup: 0.8, cutmix: 1.0, smoothing: 0.1, ..MixingConfig::default() };
    let mixing = Mixing::new(config)?;
    let labels: Vec<usize> = (0..50_000).map(|index| index % 100).collect();
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut queue = TargetQueue::new(65_536, 100)?;
    let timed = |name: &str, work: &mut dyn FnMut() -> Result<(), Box<dyn Error>>| -> Result<(), Box<dyn Error>> {
        let start = Instant::now();
        (0..10).try_for_each(|_| work())?;
        println!("{name}: {:.2} ms", start.elapsed().as_secs_f64() * 100.0);
        Ok(())
    };
    let draw = |count: usize, random: &mut ChaCha8Rng| mixing.draw_targets(count, &labels, 100, [32, 32], random);
    timed("65,536 free draws", &mut || Ok(draw(65_536, &mut random).map(drop)?))?;
    queue.push(&draw(65_536, &mut random)?)?;
    let batch = draw(128, &mut random)?;
    timed("a batch into a full queue of 65,536, and all of it out", &mut || {
        queue.push(&batch)?;
        queue.as_targets()?;
        Ok(())
    })
}
