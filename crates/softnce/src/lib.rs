//! Soft target InfoNCE and its family, exact and framework-free.
//!
//! The loss of Hugger and Uhlmann ("Towards noise contrastive estimation with soft targets for conditional models",
//! arXiv 2404.14076) lets noise contrastive estimation use probabilistic targets: label smoothing, MixUp, CutMix,
//! distilled and human label distributions. It takes the place of soft target cross-entropy in any classifier.
//!
//! Each loss takes the logits as an array view of shape `[N, d]` (N rows, d classes) and the targets of the rows. It
//! returns the loss and its gradient with respect to the logits, of shape `[N, d]`:
//!
//! - [`Targets`]: the targets of a batch: hard labels, compact rows (a probability spread evenly over all classes plus
//!   weights on a few, as from MixUp or smoothing) or dense rows (d probabilities). There is a constructor for each of
//!   the usual sources, such as MixUp or a teacher.
//! - [`NoiseDistribution`], [`NoiseEstimator`]: the noise distribution over classes.
//! - [`Batch`]: targets plus, optionally, more candidates, the index of each row's own target among the candidates (its
//!   *positive*), a count for each candidate (its *multiplicity*), and row weights. [`ClassCandidates`]: the classes as
//!   candidates, for targets that are distributions to be matched; [`ClassSampler`]: draws some of them.
//! - [`Loss`]: the trait that all losses implement. The losses are [`SoftTargetInfoNce`], [`InfoNce`],
//!   [`SoftDistributionInfoNce`], [`SoftTargetCrossEntropy`], [`Nll`] and [`BinaryCrossEntropy`]; [`AnyLoss`] is a loss
//!   whose kind is chosen at run time.
//! - [`HeadLoss`], [`LinearHead`]: the contrastive losses, computed from features `[N, D]` and the weight matrix
//!   `[d, D]` of a linear output layer, for any number of classes.
//! - [`oracle`]: the definition in float64, for tests.
//!
//! ```
//! use ndarray::array;
//! use softnce::{GradientRequest, Loss, LossSettings, NoiseDistribution, SoftTargetInfoNce, Targets};
//!
//! // Three pictures, four classes, MixUp with a lambda for each row and label smoothing 0.1.
//! let targets = Targets::mixed(&[0, 1, 3], &[1, 3, 0], &[0.8, 0.55, 0.3], 4, 0.1)?;
//! let noise = NoiseDistribution::from_counts(&[60, 25, 10, 5], 1.0)?;
//! let loss = SoftTargetInfoNce::new(LossSettings::new().with_noise(noise));
//!
//! let logits = array![[2.0_f32, 0.3, -1.0, 0.2], [0.1, 1.2, 0.0, 1.0], [0.4, -0.2, 0.1, 0.9]];
//! let out = loss.loss_and_gradient(&logits, &targets, &GradientRequest::new())?;
//! println!("loss {:?}, gradient {:?}", out.value.scalar(), out.logits_gradient);
//! # Ok::<(), softnce::Error>(())
//! ```
//!
//! # Arrays in and out
//!
//! The same rules hold for every public function:
//!
//! - Arrays that a call reads are `impl Into<ArrayView>`: `&array`, a view of any strides, or a slice for one axis.
//! - Arrays that a value keeps ([`Targets::dense`], [`Batch::with_multiplicities`]) are `impl Into<CowArray>`: an owned
//!   array moves in, a view is borrowed for the life of the value.
//! - Memory that a call fills is an `ArrayViewMut`.
//! - Lists of indices of rows or candidates, such as positives, are slices; vectors come out.
//! - Results own their arrays. Accessors of values that may borrow their memory ([`Targets`], [`Batch`],
//!   [`NoiseDistribution`]) return views.
//!
//! In names, `classes` is the number of classes d. The class of each row is its `label`; other indices of classes are
//! `class_indices`.

#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod batch;
mod class_candidates;
mod class_sampler;
mod draw;
mod element;
mod error;
mod form;
mod losses;
mod noise;
pub mod oracle;
mod paths;
mod reduction;
mod settings;
mod shared;
mod targets;
mod warning;

pub use {half, ndarray, rand};

pub use batch::Batch;
pub use class_candidates::ClassCandidates;
pub use class_sampler::ClassSampler;
pub use draw::ClassDraws;
pub use element::{Accum, Element};
pub use error::{Error, ErrorKind};
pub use form::Form;
pub use losses::*;
pub use noise::{NOISE_TOLERANCE, NoiseDistribution, NoiseEstimator};
pub use reduction::{LossValue, Reduction};
pub use settings::LossSettings;
pub use softnce_kernels::simd::Instructions;
pub use targets::{SIMPLEX_TOLERANCE, Targets};
pub use warning::Warning;

/// The README's example compiles and runs.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;

/// The examples of the Rust guide compile and run.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/rust.md")]
struct RustGuide;
