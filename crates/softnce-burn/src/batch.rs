//! The label side of a call, from tensors or from the core crate's targets.

use std::borrow::Cow;
use std::sync::Arc;

use burn::tensor::{DType, Int, Tensor};
use softnce::{Batch, ClassCandidates, ClassDraws, ErrorKind, Targets};

use crate::Error;

/// Targets in any of the forms a training loop has them in.
#[derive(Debug, Clone)]
pub enum LossTargets {
    /// Class labels on a device. Shape `[M]`. They are read back, except by tensor operations without checks
    /// ([`LossConfig::check_values`](crate::LossConfig)); pass labels of a data loader as [`Targets`].
    Labels(Tensor<1, Int>),
    /// Rows of probabilities on a device. Shape `[M, d]`.
    Probabilities(Tensor<2>),
    /// Targets on the host: hard, compact (label smoothing, MixUp, CutMix, top-k) or dense.
    Host(Arc<Targets<'static>>),
}

impl From<Tensor<1, Int>> for LossTargets {
    fn from(labels: Tensor<1, Int>) -> Self {
        LossTargets::Labels(labels)
    }
}

impl From<Tensor<2>> for LossTargets {
    fn from(probabilities: Tensor<2>) -> Self {
        LossTargets::Probabilities(probabilities)
    }
}

impl From<Targets<'static>> for LossTargets {
    fn from(targets: Targets<'static>) -> Self {
        LossTargets::Host(Arc::new(targets))
    }
}

impl From<Arc<Targets<'static>>> for LossTargets {
    fn from(targets: Arc<Targets<'static>>) -> Self {
        LossTargets::Host(targets)
    }
}

impl LossTargets {
    /// Number of rows.
    fn len(&self) -> usize {
        match self {
            LossTargets::Labels(labels) => labels.dims()[0],
            LossTargets::Probabilities(probabilities) => probabilities.dims()[0],
            LossTargets::Host(targets) => targets.len(),
        }
    }

    /// The targets on the host; dense rows in their compact form, if they have one.
    pub(crate) fn on_host(&self, classes: usize) -> Result<Targets<'_>, Error> {
        match self {
            LossTargets::Labels(labels) => read_labels(labels, classes),
            LossTargets::Probabilities(probabilities) => read_probabilities(probabilities),
            LossTargets::Host(targets) => Ok(targets.view()),
        }
    }
}

/// The label side of one call: targets, further candidates, positives, multiplicities, row weights.
///
/// The counterpart of [`softnce::Batch`] for tensors; see there for what each part means.
#[derive(Debug, Clone)]
pub struct LossBatch {
    pub(crate) segments: Vec<LossTargets>,
    positives: Positives,
    multiplicities: Option<Vec<f64>>,
    row_weights: Option<Vec<f64>>,
}

#[derive(Debug, Clone)]
enum Positives {
    Offset(usize),
    Index(Vec<usize>),
}

impl<T: Into<LossTargets>> From<T> for LossBatch {
    fn from(targets: T) -> Self {
        LossBatch {
            segments: vec![targets.into()],
            positives: Positives::Offset(0),
            multiplicities: None,
            row_weights: None,
        }
    }
}

impl LossBatch {
    /// Adds candidates behind those already there.
    #[must_use]
    pub fn with_further(mut self, further: impl Into<LossTargets>) -> Self {
        self.segments.push(further.into());
        self
    }

    /// Row i's positive is candidate `offset + i`.
    #[must_use]
    pub fn with_offset(mut self, offset: usize) -> Self {
        self.positives = Positives::Offset(offset);
        self
    }

    /// Row i's positive is candidate `positives[i]`. Shape `[N]`.
    #[must_use]
    pub fn with_positives(mut self, positives: Vec<usize>) -> Self {
        self.positives = Positives::Index(positives);
        self
    }

    /// Candidate j counts `multiplicities[j]` times in the denominators. Shape `[M]`.
    ///
    /// # Errors
    /// As [`Batch::with_multiplicities`].
    pub fn with_multiplicities(mut self, multiplicities: Vec<f64>) -> Result<Self, Error> {
        softnce::Batch::check_multiplicities(&multiplicities)?;
        self.multiplicities = Some(multiplicities);
        Ok(self)
    }

    /// Adds classes as candidates; those already there leave the sums and remain positives.
    ///
    /// # Errors
    /// As [`Batch::with_class_candidates`].
    pub fn with_class_candidates(self, candidates: &ClassCandidates) -> Result<Self, Error> {
        let left_out = self.segments.iter().map(LossTargets::len).sum();
        let multiplicities = std::iter::repeat_n(0.0, left_out).chain(candidates.multiplicities().iter().copied());
        let multiplicities = multiplicities.collect();
        self.with_further(candidates.targets()?).with_multiplicities(multiplicities)
    }

    /// Row i's loss counts `row_weights[i]` times. Shape `[N]`.
    ///
    /// # Errors
    /// As [`Batch::with_row_weights`].
    pub fn with_row_weights(mut self, row_weights: Vec<f64>) -> Result<Self, Error> {
        softnce::Batch::check_row_weights(&row_weights)?;
        self.row_weights = Some(row_weights);
        Ok(self)
    }

    /// The batch with every candidate replaced by a class drawn from it, for soft distribution InfoNCE over `classes`
    /// classes. Targets on a device are read back.
    ///
    /// # Errors
    /// Targets that cannot be read or are refused.
    pub fn draw(self, classes: usize, draws: &mut ClassDraws) -> Result<Self, Error> {
        let drawn: Vec<LossTargets> = {
            let segments = self.segments.iter().map(|segment| segment.on_host(classes)).collect::<Result<_, _>>()?;
            let drawn = self.over(segments)?;
            let drawn = draws.draw(&drawn);
            drawn.segments().iter().map(|segment| segment.clone().into_owned().into()).collect()
        };
        Ok(self.with_segments(drawn))
    }

    /// The same batch with other targets of the same lengths.
    pub(crate) fn with_segments(self, segments: Vec<LossTargets>) -> Self {
        LossBatch { segments, ..self }
    }

    /// The batch over these targets, one for each segment, checked.
    pub(crate) fn over<'t>(&'t self, segments: Vec<Targets<'t>>) -> Result<Batch<'t>, Error> {
        let mut segments = segments.into_iter();
        let Some(targets) = segments.next() else {
            return Err(softnce::Error::empty("targets", &[0]).into());
        };
        let mut batch = Batch::from(targets);
        for further in segments {
            batch = batch.with_further(further)?;
        }
        batch = match &self.positives {
            Positives::Offset(offset) => batch.with_offset(*offset),
            Positives::Index(index) => batch.with_positives(index.as_slice()),
        };
        if let Some(multiplicities) = &self.multiplicities {
            batch = batch.with_multiplicities(ndarray::ArrayView1::from(multiplicities.as_slice()))?;
        }
        if let Some(row_weights) = &self.row_weights {
            batch = batch.with_row_weights(ndarray::ArrayView1::from(row_weights.as_slice()))?;
        }
        Ok(batch)
    }
}

/// Labels read back from their device.
pub(crate) fn read_labels<'t>(labels: &Tensor<1, Int>, classes: usize) -> Result<Targets<'t>, Error> {
    let error = |error| read_error("labels", error);
    // The one type that 64 bits with a sign do not hold.
    if labels.dtype() == DType::U64 {
        return Ok(Targets::hard(&labels.try_to_vec_as::<u64>().map_err(error)?, classes)?);
    }
    Ok(Targets::hard(&labels.try_to_vec_as::<i64>().map_err(error)?, classes)?)
}

/// Probabilities read back from their device.
pub(crate) fn read_probabilities<'t>(probabilities: &Tensor<2>) -> Result<Targets<'t>, Error> {
    let [rows, classes] = probabilities.dims();
    fn targets<'t, E: softnce::Element>(values: Vec<E>, shape: (usize, usize)) -> Result<Targets<'t>, Error> {
        let wrong = |_| softnce::Error::shape("targets", &[shape.0, shape.1], "as many values as its shape says");
        Ok(Targets::dense(ndarray::Array2::from_shape_vec(shape, values).map_err(wrong)?)?)
    }
    let error = |error| read_error("targets", error);
    match probabilities.dtype() {
        DType::F64 => targets(probabilities.try_to_vec_as::<f64>().map_err(error)?, (rows, classes)),
        DType::F32 => targets(probabilities.try_to_vec_as::<f32>().map_err(error)?, (rows, classes)),
        DType::F16 => targets(probabilities.try_to_vec_as::<half::f16>().map_err(error)?, (rows, classes)),
        DType::BF16 => targets(probabilities.try_to_vec_as::<half::bf16>().map_err(error)?, (rows, classes)),
        found => Err(float_error("targets", found)),
    }
}

/// Refuses types that are no plain floats, quantised ones among them.
pub(crate) fn check_float(argument: &'static str, found: DType) -> Result<(), Error> {
    match found {
        DType::F64 | DType::F32 | DType::F16 | DType::BF16 => Ok(()),
        found => Err(float_error(argument, found)),
    }
}

pub(crate) fn float_error(argument: &'static str, found: DType) -> Error {
    dtype_error(argument, found, "one of F16, BF16, F32 and F64")
}

/// A tensor of a type that the losses do not take, or of another than the tensors it goes with.
pub(crate) fn dtype_error(argument: &'static str, found: DType, expected: impl Into<Cow<'static, str>>) -> Error {
    Error::Loss(softnce::Error::new(ErrorKind::Unsupported, argument, format!("type {found:?}"), expected))
}

pub(crate) fn read_error(argument: &'static str, error: impl std::fmt::Debug) -> Error {
    Error::Read { argument, reason: format!("{error:?}") }
}
