//! Everything about labels that a call of a loss takes: targets, candidates, the index of each row's own target
//! (positive), the count of each candidate (multiplicity) and row weights.

use std::borrow::Cow;
use std::sync::Once;

use ndarray::{Array1, ArrayView1, CowArray, Ix1};

use crate::shared::Shared;
use crate::targets::Rows;
use crate::warning::{are_distributions, shares_mixing_weight};
use crate::{Accum, ClassCandidates, Error, ErrorKind, Form, Targets, Warning};

/// The label side of one call of a loss.
///
/// The plain case is `Batch::from(targets)`: N targets for N rows of logits, row i's positive is target i, and the
/// batch's own targets are the candidates. Everything further is optional:
///
/// - [`Batch::with_further`]: more candidates, from a queue or drawn afresh. They are label vectors, so they cost no
///   forward pass of the network.
/// - [`Batch::with_offset`]: row i's positive is candidate `offset + i`, where the targets of several workers were
///   gathered in the order of their ranks.
/// - [`Batch::with_positives`]: row i's positive by index.
/// - [`Batch::with_multiplicities`]: candidate j counts as many; 0 leaves it out of the denominators.
/// - [`Batch::with_row_weights`]: a weight for each row's loss.
/// - [`Batch::with_class_candidates`]: the classes in place of the targets as candidates, for targets that are
///   distributions to be matched.
///
/// The losses that are not contrastive read a row's target and weight from here and ignore the other candidates.
///
/// ```
/// use softnce::{Batch, Targets};
///
/// let own = Targets::hard(&[0, 2], 3)?;
/// let queue = Targets::smoothed(&[1, 1, 0, 2], 3, 0.1)?;
/// let batch = Batch::from(own).with_further(queue)?;
/// assert_eq!((batch.candidates(), batch.classes()), (6, 3));
/// # Ok::<(), softnce::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Batch<'a> {
    segments: Vec<Targets<'a>>,
    /// Where each segment ends among the candidates.
    ends: Vec<usize>,
    positives: Positives<'a>,
    multiplicities: Option<Shared<'a, f64, Ix1>>,
    row_weights: Option<Shared<'a, f64, Ix1>>,
}

#[derive(Debug, Clone)]
enum Positives<'a> {
    Offset(usize),
    Index(Cow<'a, [usize]>),
}

impl<'a> From<Targets<'a>> for Batch<'a> {
    fn from(targets: Targets<'a>) -> Self {
        let ends = vec![targets.len()];
        let positives = Positives::Offset(0);
        Batch { segments: vec![targets], ends, positives, multiplicities: None, row_weights: None }
    }
}

impl<'a> From<&'a Targets<'_>> for Batch<'a> {
    fn from(targets: &'a Targets<'_>) -> Self {
        Batch::from(targets.view())
    }
}

impl<'a> From<&'a Batch<'_>> for Batch<'a> {
    fn from(batch: &'a Batch<'_>) -> Self {
        batch.with_segments(batch.segments.iter().map(Targets::view).collect())
    }
}

impl<'a> Batch<'a> {
    /// Adds candidates behind those already there, in any form.
    ///
    /// # Errors
    /// Targets over another number of classes.
    pub fn with_further(mut self, further: impl Into<Targets<'a>>) -> Result<Self, Error> {
        let further = further.into();
        if further.classes() != self.classes() {
            let found = [further.len(), further.classes()];
            let expected = format!("[M, {}], as the targets have", self.classes());
            return Err(Error::shape("further candidates", &found, expected));
        }
        let end = self.candidates().checked_add(further.len());
        let limit = usize::MAX as u128;
        self.ends.push(end.ok_or_else(|| Error::size("candidates", limit + 1, limit))?);
        self.segments.push(further);
        Ok(self)
    }

    /// Row i's positive is candidate `offset + i`.
    #[must_use]
    pub fn with_offset(mut self, offset: usize) -> Self {
        self.positives = Positives::Offset(offset);
        self
    }

    /// Row i's positive is candidate `positives[i]`. Several rows may share a candidate, so M may be less than N.
    /// Shape `[N]`.
    #[must_use]
    pub fn with_positives(mut self, positives: impl Into<Cow<'a, [usize]>>) -> Self {
        self.positives = Positives::Index(positives.into());
        self
    }

    /// Candidate j counts `multiplicities[j]` times in the denominators; 0 leaves it out of them.
    ///
    /// They need not be whole: with the d one-hot targets as candidates, class k counted eta_k times, and the soft
    /// targets themselves left out, the loss is soft target cross-entropy up to a constant.
    ///
    /// # Shapes
    /// `multiplicities`: `[M]`, over the targets and then the further candidates.
    ///
    /// # Errors
    /// One that is negative or not finite; none above 0.
    pub fn with_multiplicities(mut self, multiplicities: impl Into<CowArray<'a, f64, Ix1>>) -> Result<Self, Error> {
        let multiplicities = multiplicities.into();
        Self::check_multiplicities(multiplicities.view())?;
        self.multiplicities = Some(multiplicities);
        Ok(self)
    }

    /// Adds classes as candidates; those already there leave the sums and remain positives.
    ///
    /// The loss then matches its targets as soft target cross-entropy does (see [`ClassCandidates`]), and for all classes
    /// its cost is that of cross-entropy. Draw the classes from the noise distribution that the loss has.
    ///
    /// # Errors
    /// Candidates over another number of classes.
    pub fn with_class_candidates(self, candidates: &ClassCandidates) -> Result<Self, Error> {
        let left_out = std::iter::repeat_n(0.0, self.candidates());
        let multiplicities: Array1<f64> = left_out.chain(candidates.multiplicities().iter().copied()).collect();
        self.with_further(candidates.targets()?)?.with_multiplicities(multiplicities)
    }

    /// Row i's loss counts `row_weights[i]` times; under reduction mean the sum is divided by the sum of the weights.
    ///
    /// # Shapes
    /// `row_weights`: `[N]`.
    ///
    /// # Errors
    /// One that is negative or not finite. All 0 is refused by the mean, when the loss is called.
    pub fn with_row_weights(mut self, row_weights: impl Into<CowArray<'a, f64, Ix1>>) -> Result<Self, Error> {
        let row_weights = row_weights.into();
        Self::check_row_weights(row_weights.view())?;
        self.row_weights = Some(row_weights);
        Ok(self)
    }

    /// Checks multiplicities as [`Batch::with_multiplicities`] does.
    ///
    /// # Shapes
    /// `multiplicities`: `[M]`.
    ///
    /// # Errors
    /// One that is negative or not finite; none above 0.
    pub fn check_multiplicities<'m>(multiplicities: impl Into<ArrayView1<'m, f64>>) -> Result<(), Error> {
        match first_bad_mass(multiplicities.into()) {
            Some((index, value)) => {
                let expected = "finite numbers not below 0, at least one of them above 0";
                Err(Error::range("multiplicities", value, expected).at([index]))
            }
            None => Ok(()),
        }
    }

    /// Checks row weights as [`Batch::with_row_weights`] does.
    ///
    /// # Shapes
    /// `row_weights`: `[N]`.
    ///
    /// # Errors
    /// One that is negative or not finite.
    pub fn check_row_weights<'w>(row_weights: impl Into<ArrayView1<'w, f64>>) -> Result<(), Error> {
        match row_weights.into().iter().enumerate().find(|(_, weight)| !is_mass(**weight)) {
            Some((row, &value)) => Err(Error::range("row weights", value, "a finite number not below 0").at([row])),
            None => Ok(()),
        }
    }

    /// Number of candidates M.
    pub fn candidates(&self) -> usize {
        self.ends.last().copied().unwrap_or(0)
    }

    /// Number of classes d.
    pub fn classes(&self) -> usize {
        self.segments.first().map_or(0, Targets::classes)
    }

    /// The candidates: the targets, then the further ones in the order they were added.
    pub fn segments(&self) -> &[Targets<'a>] {
        &self.segments
    }

    /// The multiplicities, where given. Shape `[M]`.
    pub fn multiplicities(&self) -> Option<ArrayView1<'_, f64>> {
        self.multiplicities.as_ref().map(|m| m.view())
    }

    /// The row weights, where given. Shape `[N]`.
    pub fn row_weights(&self) -> Option<ArrayView1<'_, f64>> {
        self.row_weights.as_ref().map(|w| w.view())
    }

    /// The positive of each of `rows` rows.
    ///
    /// # Errors
    /// Indices of another number of rows; a positive that is no candidate.
    pub fn positives(&self, rows: usize) -> Result<Vec<usize>, Error> {
        let candidates = self.candidates();
        let positives = match &self.positives {
            Positives::Offset(offset) => (0..rows).map(|row| offset.saturating_add(row)).collect(),
            Positives::Index(index) if index.len() == rows => index.to_vec(),
            Positives::Index(index) => {
                let expected = format!("[{rows}], one for each row of logits");
                return Err(Error::shape("positives", &[index.len()], expected));
            }
        };
        match positives.iter().position(|&positive| positive >= candidates) {
            Some(row) => Err(Error::index_of("positives", "candidate", positives[row], candidates).at([row])),
            None => Ok(positives),
        }
    }

    /// What in this batch is valid and yet a mistake under a contrastive loss.
    ///
    /// Reads compact rows until two differ, dense ones likewise and a few of them once more; hard labels not at all.
    pub fn warnings(&self) -> Vec<Warning> {
        let [targets] = self.segments.as_slice() else { return Vec::new() };
        let mut warnings = Vec::new();
        if shares_mixing_weight(targets) {
            warnings.push(Warning::SharedMixingWeight);
        }
        if are_distributions(targets) {
            warnings.push(Warning::DistributionTargets);
        }
        warnings
    }

    /// Writes each of the warnings to the [`log`] facade, the first time in the process that there is one of its kind.
    ///
    /// The contrastive losses of this crate call it, and so do Burn's tensor operations.
    pub fn warn_once(&self) {
        static WARNED: [Once; Warning::KINDS] = [const { Once::new() }; Warning::KINDS];
        if WARNED.iter().all(Once::is_completed) {
            return;
        }
        for warning in self.warnings() {
            WARNED[warning as usize].call_once(|| log::warn!("{warning}"));
        }
    }

    /// Checks everything that depends on the logits' shape, as every loss does, and finds each row's positive.
    ///
    /// # Errors
    /// No rows or classes; targets over other classes; fewer candidates than rows where positives are given by offset;
    /// multiplicities, row weights or positives of another length; a positive that is no candidate.
    pub fn check(&self, rows: usize, classes: usize) -> Result<Vec<usize>, Error> {
        if rows == 0 || classes == 0 {
            return Err(Error::empty("logits", &[rows, classes]));
        }
        let candidates = self.candidates();
        // They are counted in 32 bits, four times over where they have further classes.
        let limit = u128::from(u32::MAX / 4);
        if candidates as u128 > limit {
            return Err(Error::size("candidates", candidates as u128, limit));
        }
        if self.classes() != classes {
            let expected = format!("[M, {classes}], as the logits have {classes} classes");
            return Err(Error::shape("targets", &[candidates, self.classes()], expected));
        }
        // Explicit positives may share candidates; by offset each row has one of its own.
        if candidates < rows && matches!(self.positives, Positives::Offset(_)) {
            let expected = format!("at least {rows}, one for each row of logits, or explicit positives");
            return Err(Error::new(ErrorKind::Candidates, "candidates", candidates.to_string(), expected));
        }
        for (argument, found, expected) in [
            ("multiplicities", self.multiplicities.as_ref().map(|m| m.len()), candidates),
            ("row weights", self.row_weights.as_ref().map(|w| w.len()), rows),
        ] {
            if let Some(found) = found.filter(|&found| found != expected) {
                return Err(Error::shape(argument, &[found], format!("[{expected}]")));
            }
        }
        self.positives(rows)
    }

    /// The same batch over the classes that the candidates weigh, and the indices of these classes, in ascending order.
    ///
    /// A contrastive loss over the logits of these classes is the loss over all of them, and the other classes' gradients
    /// are 0: equal uniform shares cancel, however many classes they are spread over. Costs nothing that depends on the
    /// number of classes. `A` is the type the scores are computed in: shares that differ by less than it can tell beside 1
    /// count as equal.
    ///
    /// # Errors
    /// Dense candidates; uniform shares that differ.
    pub fn over_occurring_classes<A: Accum>(&self) -> Result<(Batch<'_>, Vec<u32>), Error> {
        if self.segments.iter().any(|segment| segment.form() == Form::Dense) {
            let expected = "hard or compact rows, as the loss of a linear head takes (dense rows weigh every class)";
            return Err(Error::new(ErrorKind::Targets, "targets", "dense rows", expected));
        }
        if !self.shares_cancel::<A>() {
            let (lowest, highest) = self.extent_of_shares();
            let expected = "equal ones: the loss of a linear head reads only the weighted classes";
            let found = format!("uniform shares from {lowest} to {highest}");
            return Err(Error::new(ErrorKind::Targets, "targets", found, expected));
        }
        let mut classes = Vec::with_capacity(2 * self.candidates());
        self.segments.iter().for_each(|segment| segment.list_classes(&mut classes));
        classes.sort_unstable();
        classes.dedup();
        if classes.is_empty() {
            // Uniform rows alone: any class stands for all.
            classes.push(0);
        }
        let segments = self.segments.iter().map(|segment| segment.over_classes(&classes)).collect();
        Ok((self.with_segments(segments), classes))
    }

    /// Whether the uniform shares differ by less than the type can tell beside 1.
    fn shares_cancel<A: Accum>(&self) -> bool {
        let (lowest, highest) = self.extent_of_shares();
        highest - lowest <= A::epsilon().as_f64()
    }

    /// The smallest and the largest uniform share of compact and hard candidates.
    pub(crate) fn extent_of_shares(&self) -> (f64, f64) {
        let wider = |(low, high): (f64, f64), share: f64| (low.min(share), high.max(share));
        self.segments.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |extent, segment| match &segment.rows {
            Rows::Compact(rows) => rows.uniform.iter().copied().fold(extent, wider),
            _ => wider(extent, 0.0),
        })
    }

    /// Whether the sums of a contrastive loss run over hard labels alone, while other targets, which serve only as
    /// positives, have multiplicity 0.
    pub(crate) fn contrasts_classes_only(&self) -> bool {
        let Some(multiplicities) = &self.multiplicities else { return false };
        let mut first = 0;
        let mut others = false;
        for (segment, &end) in self.segments.iter().zip(&self.ends) {
            if segment.form() != Form::Hard {
                others = true;
                if multiplicities.iter().skip(first).take(end - first).any(|&multiplicity| multiplicity != 0.0) {
                    return false;
                }
            }
            first = end;
        }
        others
    }

    /// The same batch, borrowed, with other targets of the same lengths.
    pub(crate) fn with_segments<'b>(&'b self, segments: Vec<Targets<'b>>) -> Batch<'b> {
        Batch {
            segments,
            ends: self.ends.clone(),
            positives: match &self.positives {
                Positives::Offset(offset) => Positives::Offset(*offset),
                Positives::Index(index) => Positives::Index(Cow::Borrowed(index)),
            },
            multiplicities: self.multiplicities.as_ref().map(|m| CowArray::from(m.view())),
            row_weights: self.row_weights.as_ref().map(|w| CowArray::from(w.view())),
        }
    }

    /// The candidate with this index: its segment and its row there. `None` past the last candidate.
    pub(crate) fn candidate(&self, index: usize) -> Option<(&Targets<'a>, usize)> {
        let segment = self.ends.partition_point(|&end| end <= index);
        let first = if segment == 0 { 0 } else { self.ends[segment - 1] };
        self.segments.get(segment).map(|targets| (targets, index - first))
    }
}

fn is_mass(value: f64) -> bool {
    value >= 0.0 && value.is_finite()
}

/// The first entry that is negative or not finite; entry 0 where all are 0.
fn first_bad_mass(masses: ArrayView1<'_, f64>) -> Option<(usize, f64)> {
    let bad = masses.iter().position(|&mass| !is_mass(mass));
    let none = || masses.iter().all(|&mass| mass == 0.0).then_some(0);
    bad.or_else(none).map(|index| (index, masses.get(index).copied().unwrap_or(0.0)))
}
