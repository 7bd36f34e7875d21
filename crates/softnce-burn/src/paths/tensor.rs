//! The same losses composed of tensor operations, for devices without kernels of ours.
//!
//! Hard and compact targets through select, dense ones through matmul; the N x M scores live on the device. Logits in
//! half precision are widened to f32 first, and the loss stays in it: in half precision a sum over many rows is soon
//! infinite.

use burn::tensor::activation::{log_softmax, relu};
use burn::tensor::{DType, Tensor};
use softnce::{Batch, Error as LossError, ErrorKind, LossKind, Reduction};

use super::Call;
use super::checks::{check_finite, check_segments};
use super::positives::Positives;
use super::segment::{Rows, Segment};
use super::uploads::{Floats, Ints, Place, Sent, Uploads};
use crate::batch::float_error;
use crate::{Error, LossBatch};

/// What the losses are composed of.
enum Formula {
    /// Soft target InfoNCE; of hard labels as well.
    Contrastive,
    /// Soft target cross-entropy; of hard labels as well.
    CrossEntropy,
    BinaryCrossEntropy,
}

impl Formula {
    fn of(kind: LossKind) -> Result<Self, Error> {
        match kind {
            LossKind::SoftTargetInfoNce | LossKind::SoftDistributionInfoNce | LossKind::InfoNce => {
                Ok(Formula::Contrastive)
            }
            LossKind::SoftTargetCrossEntropy | LossKind::Nll => Ok(Formula::CrossEntropy),
            LossKind::BinaryCrossEntropy => Ok(Formula::BinaryCrossEntropy),
            _ => {
                let expected = "a loss that is composed of tensor operations, for a device other than the CPU";
                Err(LossError::new(ErrorKind::Unsupported, "loss", kind.name(), expected).into())
            }
        }
    }
}

pub(crate) fn tensor(call: &Call, logits: Tensor<2>, batch: &LossBatch) -> Result<Tensor<1>, Error> {
    let formula = Formula::of(call.kind)?;
    let wide = match logits.dtype() {
        DType::F64 | DType::F32 => logits,
        DType::F16 | DType::BF16 => logits.cast(DType::F32),
        found => return Err(float_error("logits", found)),
    };
    let [rows, classes] = wide.dims();
    let place = Place { device: wide.device().without_autodiff(), dtype: wide.dtype() };
    let segments = batch.segments.iter().map(|segment| Segment::new(segment, call, classes));
    let segments = segments.collect::<Result<Vec<_>, _>>()?;
    let host = batch.over(segments.iter().map(Segment::on_host).collect::<Result<_, _>>()?)?;
    let positives = host.check(rows, classes)?;
    match wide.dtype() {
        DType::F64 => call.settings.check_temperature::<f64>()?,
        _ => call.settings.check_temperature::<f32>()?,
    }
    call.settings.noise().check_classes(classes)?;
    if call.check_values {
        check_segments(&segments)?;
    }

    // A constant off a row changes nothing but the rounding, the temperature's gradient above all.
    let centred = match formula {
        // Each class is a question of its own: here a constant matters.
        Formula::BinaryCrossEntropy => wide.clone(),
        Formula::Contrastive | Formula::CrossEntropy => wide.clone() - wide.clone().detach().max_dim(1),
    };
    let scores = match call.log_temperature.clone() {
        Some(log_temperature) => centred * log_temperature.neg().exp().cast(wide.dtype()).reshape([1, 1]),
        // Not a division: its backward pass takes the reciprocal in single precision.
        None => centred * call.settings.temperature().recip(),
    };
    // The scores are finite only where the logits are.
    let checked = call.check_values.then(|| scores.clone().without_autodiff());

    let mut uploads = Uploads::default();
    let factors = Factors::new(call.settings.reduction().factors(rows, host.row_weights())?, &mut uploads);
    let losses = match formula {
        Formula::Contrastive => {
            host.warn_once();
            let candidates = Candidates::new(call, &segments, &host, &positives, &place, &mut uploads)?;
            let sent = uploads.send(&place);
            factors.apply(contrastive(scores, candidates, &sent), &sent)
        }
        Formula::CrossEntropy | Formula::BinaryCrossEntropy => {
            let positives = Positives::new(&segments, &positives, &place, &mut uploads)?;
            let sent = uploads.send(&place);
            let losses = match formula {
                Formula::BinaryCrossEntropy => binary_cross_entropy(scores, positives, &sent),
                _ => positives.weighted_sum(log_softmax(scores, 1), &sent).neg(),
            };
            factors.apply(losses, &sent)
        }
    };
    let reduced = match call.settings.reduction() {
        Reduction::None => losses,
        Reduction::Sum | Reduction::Mean => losses.sum(),
    };
    if let Some(scores) = checked {
        check_finite(&wide, scores, &reduced, call)?;
    }
    Ok(reduced)
}

/// The factor of each row's loss.
enum Factors {
    Equal(f64),
    Each(Floats, usize),
}

impl Factors {
    fn new(factors: Vec<f64>, uploads: &mut Uploads) -> Self {
        match factors.first() {
            Some(&first) if factors.iter().all(|&factor| factor == first) => Factors::Equal(first),
            _ => Factors::Each(uploads.floats(factors.iter().copied()), factors.len()),
        }
    }

    fn apply(self, losses: Tensor<1>, sent: &Sent) -> Tensor<1> {
        match self {
            Factors::Equal(1.0) => losses,
            Factors::Equal(factor) => losses * factor,
            Factors::Each(factors, rows) => losses * sent.floats(&factors, [rows]),
        }
    }
}

/// What the contrastive losses need of the candidates.
struct Candidates {
    /// Those with candidates of a multiplicity above 0.
    segments: Vec<Rows>,
    /// The logarithm of the noise distribution and its number of classes, unless the noise is uniform.
    log_noise: Option<(Floats, usize)>,
    /// The logarithms of the multiplicities and their number, unless all are 1.
    log_multiplicities: Option<(Floats, usize)>,
    positives: PositiveScores,
    rows: usize,
}

/// Where the score of each row's positive comes from.
enum PositiveScores {
    /// From the scores of all candidates.
    Among(Ints),
    /// From the row's own target alone: with classes as candidates, the N x N scores of the targets are not needed.
    Own(Positives),
}

impl Candidates {
    fn new(
        call: &Call,
        segments: &[Segment<'_>],
        batch: &Batch<'_>,
        positives: &[usize],
        place: &Place,
        uploads: &mut Uploads,
    ) -> Result<Self, Error> {
        let mut first = 0;
        let counts = segments.iter().map(|segment| {
            let range = first..first + segment.len();
            first = range.end;
            batch.multiplicities().map(|all| all.slice_move(ndarray::s![range]).to_vec())
        });
        let counts: Vec<Option<Vec<f64>>> = counts.collect();
        let is_counted = |counts: &Option<Vec<f64>>| counts.as_ref().is_none_or(|all| all.iter().any(|&m| m > 0.0));
        let every = counts.iter().all(is_counted);
        let positives_scores = match every {
            true => PositiveScores::Among(uploads.ints(positives.iter().map(|&positive| positive as u32))),
            false => PositiveScores::Own(Positives::new(segments, positives, place, uploads)?),
        };
        let mut shares = segments.iter().map(Segment::equal_share);
        let share = shares.next().flatten();
        // The scores of the rows' own targets hold the shares.
        let cancelled = every && share.is_some() && shares.all(|other| other == share);
        let kept = segments.iter().zip(&counts).filter(|(_, counts)| is_counted(counts));
        let segments = kept.map(|(segment, _)| segment.rows(None, cancelled, place, uploads));
        let segments = segments.collect::<Result<_, _>>()?;
        let multiplicities: Option<Vec<f64>> = batch.multiplicities().map(|_| {
            let kept = counts.iter().filter(|counts| is_counted(counts));
            kept.flatten().flatten().map(|multiplicity| multiplicity.ln()).collect()
        });
        let mut listed = |values: Option<Vec<f64>>| {
            values.map(|values| {
                let count = values.len();
                (uploads.floats(values), count)
            })
        };
        Ok(Candidates {
            segments,
            log_noise: listed(call.settings.noise().log_probabilities().map(|values| values.to_vec())),
            log_multiplicities: listed(multiplicities),
            positives: positives_scores,
            rows: positives.len(),
        })
    }
}

/// `logsumexp_j (A_ij + log m_j) - A_i,p(i)`. Shape of the output: `[N]`.
fn contrastive(mut scores: Tensor<2>, candidates: Candidates, sent: &Sent) -> Tensor<1> {
    let Candidates { segments, log_noise, log_multiplicities, positives, rows } = candidates;
    if let Some((log_noise, classes)) = log_noise {
        scores = scores - sent.floats(&log_noise, [1, classes]);
    }
    let own = scores.clone();
    let mut columns: Vec<_> = segments.into_iter().map(|segment| segment.score(scores.clone(), sent)).collect();
    // Joining a single tensor would copy it.
    let all = if columns.len() == 1 { columns.remove(0) } else { Tensor::cat(columns, 1) };
    let positive = match positives {
        PositiveScores::Among(positives) => all.clone().gather(1, sent.ints(&positives, [rows, 1])),
        PositiveScores::Own(positives) => positives.weighted_sum(own, sent).reshape([rows, 1]),
    };
    let counted = match log_multiplicities {
        Some((logs, count)) => all + sent.floats(&logs, [1, count]),
        None => all,
    };
    let max = counted.clone().detach().max_dim(1);
    let log_sum = (counted - max.clone()).exp().sum_dim(1).log() + max;
    (log_sum - positive).reshape([rows])
}

/// `sum_k log(1 + exp S_ik) - W_p(i),k S_ik`. Shape of the output: `[N]`.
fn binary_cross_entropy(scores: Tensor<2>, positives: Positives, sent: &Sent) -> Tensor<1> {
    let softplus = relu(scores.clone()) + scores.clone().abs().neg().exp().log1p();
    let rows = scores.dims()[0];
    softplus.sum_dim(1).reshape([rows]) - positives.weighted_sum(scores, sent)
}
