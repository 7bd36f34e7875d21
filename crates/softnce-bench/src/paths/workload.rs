//! A case with its data, and the calls of its paths.

use ndarray::{ArrayView2, s};
use softnce::{
    GradientRequest, HeadLoss, InfoNce, LinearHead, Loss, LossSettings, Nll, SoftTargetCrossEntropy, SoftTargetInfoNce,
    Targets,
};

use super::output::{Kept, Output};
use super::{products, reference};
use crate::data::{HeadData, LossData};
use crate::machine::available_memory;
use crate::{BenchError, Case, Path};

/// A case with its data, on which its paths can be called.
pub struct Workload {
    case: Case,
    data: Data,
    settings: LossSettings,
}

/// One of a case's two kinds of data; one at a time, so that its size does not matter.
#[allow(clippy::large_enum_variant)]
enum Data {
    Loss(LossData),
    Head(HeadData),
}

impl Workload {
    /// Makes up the data that these paths need at a case, the same in every run.
    ///
    /// # Errors
    /// Sizes that the loss refuses.
    pub fn new(case: Case, paths: &[Path]) -> Result<Self, BenchError> {
        let data = match case.features {
            None => Data::Loss(LossData::new(case, paths.iter().any(|path| path.reads_dense()))?),
            Some(features) => Data::Head(HeadData::new(case, features)?),
        };
        Ok(Workload { case, data, settings: LossSettings::new() })
    }

    /// The sizes.
    pub fn case(&self) -> Case {
        self.case
    }

    /// Why a path should not be called at a case: it needs more memory than it may take, or than there is. `None`
    /// where nothing speaks against it.
    pub fn obstacle(case: Case, path: Path, memory_cap: u64) -> Option<String> {
        let size = |bytes: u128| softnce_report::number::bytes(u64::try_from(bytes).unwrap_or(u64::MAX));
        let tensor = Case::bytes(&[case.rows, case.candidates, case.classes]);
        if path == Path::Reference && tensor > u128::from(memory_cap) {
            let (tensor, cap) = (size(tensor), size(memory_cap.into()));
            return Some(format!("its N x M x d tensor takes {tensor}, more than the cap of {cap}"));
        }
        let (needed, available) = (memory(case, path), available_memory()?);
        let (needed_size, available_size) = (size(needed), size(available.into()));
        let short = format!("it needs {needed_size} of memory with its data, {available_size} are available");
        (needed > available.into()).then_some(short)
    }

    /// Calls a path, which writes over the kept memory where there is any.
    ///
    /// # Errors
    /// A path that the case has not got the data for; what the loss refuses.
    pub fn call(&self, path: Path, kept: &mut Kept) -> Result<Output, BenchError> {
        let settings = || self.settings.clone();
        match (&self.data, path) {
            (Data::Head(HeadData { features, weights, compact }), Path::Head) => {
                let (head, loss) = (LinearHead::new(features, weights)?, SoftTargetInfoNce::new(settings()));
                Ok(Output::Head(loss.head_loss_and_gradient(&head, compact, &GradientRequest::new())?))
            }
            (Data::Loss(data), Path::Reference) => {
                Ok(reference::reference(data.logits.view(), self.dense(data, path)?))
            }
            (Data::Loss(data), Path::Dense) => {
                let targets = Targets::dense_as_is(self.dense(data, path)?)?;
                evaluate(&SoftTargetInfoNce::new(settings()), data, &targets, kept)
            }
            (Data::Loss(data), Path::Recognised) => {
                let targets = Targets::dense(self.dense(data, path)?)?;
                evaluate(&SoftTargetInfoNce::new(settings()), data, &targets, kept)
            }
            (Data::Loss(data), Path::Compact) => {
                evaluate(&SoftTargetInfoNce::new(settings()), data, &data.compact, kept)
            }
            (Data::Loss(data), Path::Hard) => evaluate(&InfoNce::new(settings()), data, &data.hard, kept),
            (Data::Loss(data), Path::SoftCrossEntropy) => {
                let own = self.dense(data, path)?.slice_move(s![..data.logits.nrows(), ..]);
                evaluate(&SoftTargetCrossEntropy::new(settings()), data, &Targets::dense_as_is(own)?, kept)
            }
            (Data::Loss(data), Path::Nll) => evaluate(&Nll::new(settings()), data, &data.hard, kept),
            (Data::Loss(data), Path::Products) => products::products(data.logits.view(), self.dense(data, path)?, kept),
            (Data::Loss(data), Path::Copy) => Ok(match &mut kept.gradient {
                Some(out) => {
                    out.assign(&data.logits);
                    Output::Kept(None)
                }
                None => Output::Copy(data.logits.clone()),
            }),
            (Data::Loss(_), Path::Head) => Err(self.inapplicable(path, "it has no linear head")),
            (Data::Head(_), _) => Err(self.inapplicable(path, "its logits are not given")),
        }
    }

    fn dense<'d>(&self, data: &'d LossData, path: Path) -> Result<ArrayView2<'d, f32>, BenchError> {
        let missing = "its dense targets were not made";
        data.dense.as_ref().map(|dense| dense.view()).ok_or_else(|| self.inapplicable(path, missing))
    }

    fn inapplicable(&self, path: Path, reason: &'static str) -> BenchError {
        BenchError::Inapplicable { case: self.case, path, reason }
    }
}

/// A loss with its gradient, in the kept memory where there is any.
fn evaluate(loss: &impl Loss, data: &LossData, targets: &Targets<'_>, kept: &mut Kept) -> Result<Output, BenchError> {
    let (logits, request) = (data.logits.view(), GradientRequest::new());
    Ok(match &mut kept.gradient {
        Some(gradient) => {
            let out = loss.loss_and_gradient_into(logits, targets, &request, gradient.view_mut())?;
            Output::Kept(out.value.scalar())
        }
        None => Output::Loss(loss.loss_and_gradient(logits, targets, &request)?),
    })
}

/// Bytes that a path needs at a case, its data included: the large arrays only.
fn memory(case: Case, path: Path) -> u128 {
    let Case { rows, candidates, classes, .. } = case;
    if let Some(features) = case.features {
        // The features with their gradient, and the weights.
        return 2 * Case::bytes(&[rows, features]) + Case::bytes(&[classes, features]);
    }
    let logits = Case::bytes(&[rows, classes]);
    let dense = if path.reads_dense() { Case::bytes(&[candidates, classes]) } else { 0 };
    let within = match path {
        Path::Reference => Case::bytes(&[rows, candidates, classes]),
        Path::Products => Case::bytes(&[rows, candidates]),
        _ => 0,
    };
    // The logits, and the results of two paths at once while they are compared.
    logits.saturating_mul(3).saturating_add(dense).saturating_add(within)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_of_a_case_can_be_called() {
        let case = Case::loss(6, 9, 5).unwrap();
        let workload = Workload::new(case, Path::ALL).unwrap();
        for fresh_memory in [false, true] {
            let mut kept = Kept::new(case, Path::ALL, fresh_memory);
            for path in Path::ALL.iter().copied().filter(|path| path.applies_to(case)) {
                let output = workload.call(path, &mut kept).unwrap();
                let new = fresh_memory || path == Path::Reference;
                assert_eq!(output.bytes() >= 6 * 5 * 4, new, "{path}");
                assert_eq!(output.loss().is_some(), !matches!(path, Path::Products | Path::Copy), "{path}");
                assert!(output.loss().is_none_or(f64::is_finite));
                assert_eq!(output.logits_gradient(&kept).is_some(), output.loss().is_some());
            }
            let message = workload.call(Path::Head, &mut kept).unwrap_err().to_string();
            assert_eq!(message, "head cannot be called at N=6, M=9, d=5: it has no linear head");
        }
    }

    #[test]
    fn a_head_can_be_called() {
        let case = Case { rows: 4, candidates: 6, classes: 50, features: Some(3) };
        let workload = Workload::new(case, &[Path::Head]).unwrap();
        let mut kept = Kept::new(case, &[Path::Head], false);
        let output = workload.call(Path::Head, &mut kept).unwrap();
        // A row of weights for each class that occurs, and the features' gradient.
        assert!(output.loss().unwrap() > 0.0 && output.bytes() <= (12 * 4 + 4 * 3) * 4);
        let message = workload.call(Path::Copy, &mut kept).unwrap_err().to_string();
        assert!(message.ends_with("its logits are not given"), "{message}");
    }

    #[test]
    fn what_was_not_made_is_said_to_be_missing() {
        let case = Case::loss(2, 3, 4).unwrap();
        let workload = Workload::new(case, &[Path::Nll]).unwrap();
        let mut kept = Kept::new(case, &[Path::Nll], false);
        workload.call(Path::Nll, &mut kept).unwrap();
        let message = workload.call(Path::Dense, &mut kept).unwrap_err().to_string();
        assert!(message.ends_with("its dense targets were not made"), "{message}");
    }

    #[test]
    fn what_does_not_fit_is_skipped_with_the_reason() {
        let case = Case::loss(128, 1024, 1000).unwrap();
        let reason = Workload::obstacle(case, Path::Reference, 1 << 20).unwrap();
        assert_eq!(reason, "its N x M x d tensor takes 500.0 MiB, more than the cap of 1.0 MiB");
        assert_eq!(Workload::obstacle(Case::loss(2, 2, 2).unwrap(), Path::Reference, 1 << 20), None);
        if available_memory().is_some() {
            let huge = Case::loss(100_000_000, 100_000_000, 100_000_000).unwrap();
            assert!(Workload::obstacle(huge, Path::Copy, 0).unwrap().contains("are available"));
        }
    }
}
