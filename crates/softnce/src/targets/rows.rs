//! The type [`Targets`], for targets in any form, and its accessors.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, CowArray, Ix1};

use super::check::check_size;
use super::compact_rows::Compact;
use super::dense_rows::DenseRows;
use crate::shared::Shared;
use crate::{Accum, Error, Form};

/// M label distributions over d classes, the `W` of the losses. Targets carry no gradient.
///
/// One type for every source; its [form](Form) decides the path of the computation, never the result:
///
/// | source | constructor | form |
/// | --- | --- | --- |
/// | class labels | [`Targets::hard`] | hard |
/// | label smoothing | [`Targets::smoothed`] | compact |
/// | MixUp, CutMix, with or without smoothing | [`Targets::mixed`] | compact |
/// | a teacher's top k, the rest spread evenly | [`Targets::top_k`] | compact |
/// | any uniform share plus weighted classes | [`Targets::compact`] | compact |
/// | probabilities: a teacher's, a pipeline's | [`Targets::dense`] | dense |
/// | votes of people | [`Targets::votes`] | dense |
///
/// Rows are checked when they come in (finite, not negative, summing to 1 within the stated tolerance) and count as
/// divided by their sum.
///
/// ```
/// use softnce::{Form, Targets};
///
/// let targets = Targets::smoothed(&[2, 0], 3, 0.3)?;
/// assert_eq!(targets.form(), Form::Compact);
/// assert!((targets.to_dense()?[[0, 2]] - 0.8).abs() < 1e-12);
/// # Ok::<(), softnce::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Targets<'a> {
    pub(crate) classes: usize,
    pub(crate) rows: Rows<'a>,
}

#[derive(Debug, Clone)]
pub(crate) enum Rows<'a> {
    Hard(Shared<'a, u32, Ix1>),
    Compact(Compact<'a>),
    Dense(DenseRows<'a>),
}

impl Targets<'_> {
    /// Number of rows M.
    pub fn len(&self) -> usize {
        match &self.rows {
            Rows::Hard(labels) => labels.len(),
            Rows::Compact(rows) => rows.len(),
            Rows::Dense(rows) => rows.dim().0,
        }
    }

    /// Whether there are no rows; never true of targets that were accepted.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of classes d.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The form they are kept in.
    pub fn form(&self) -> Form {
        match self.rows {
            Rows::Hard(_) => Form::Hard,
            Rows::Compact(_) => Form::Compact,
            Rows::Dense(_) => Form::Dense,
        }
    }

    /// The class labels, where the form is hard. Shape `[M]`.
    pub fn labels(&self) -> Option<ArrayView1<'_, u32>> {
        match &self.rows {
            Rows::Hard(labels) => Some(labels.view()),
            _ => None,
        }
    }

    /// The uniform shares, the indices of the weighted classes and their weights, where the form is compact.
    /// Shapes `[M]`, `[M, K]`, `[M, K]`.
    pub fn compact_parts(&self) -> Option<(ArrayView1<'_, f64>, ArrayView2<'_, u32>, ArrayView2<'_, f64>)> {
        match &self.rows {
            Rows::Compact(rows) => Some((rows.uniform.view(), rows.classes.view(), rows.weights.view())),
            _ => None,
        }
    }

    /// The rows written out. Shape `[M, d]`; for tests and small sets.
    ///
    /// # Errors
    /// More entries than an array can have.
    pub fn to_dense(&self) -> Result<Array2<f64>, Error> {
        let mut dense = Array2::zeros(check_size((self.len(), self.classes))?);
        for (row, mut out) in dense.outer_iter_mut().enumerate() {
            match &self.rows {
                Rows::Hard(labels) => out[labels[row] as usize] = 1.0,
                Rows::Compact(rows) => {
                    out.fill(rows.uniform[row] / self.classes as f64);
                    rows.entries(row).for_each(|(class, weight)| out[class] += weight);
                    // A class below its uniform share can come out a rounding error below 0.
                    out.mapv_inplace(|weight| weight.max(0.0));
                }
                Rows::Dense(rows) => (0..self.classes).for_each(|class| out[class] = rows.get(row, class)),
            }
        }
        Ok(dense)
    }

    /// Writes a row in the type that sums are kept in. Shape of `out`: `[d]`.
    pub(crate) fn write_row<A: Accum>(&self, row: usize, out: &mut [A]) {
        match &self.rows {
            Rows::Hard(labels) => {
                out.fill(A::zero());
                out[labels[row] as usize] = A::one();
            }
            Rows::Compact(rows) => {
                out.fill(A::of(rows.uniform[row] / self.classes as f64));
                rows.entries(row).for_each(|(class, weight)| out[class] += A::of(weight));
            }
            Rows::Dense(rows) => rows.write_row(row, out),
        }
    }

    /// The same targets as labels, if every row puts all its weight on one class; `None` if one does not.
    ///
    /// The losses of hard labels take such targets in any form.
    pub fn to_hard(&self) -> Option<Targets<'_>> {
        let labels: Array1<u32> = match &self.rows {
            Rows::Hard(_) => return Some(self.view()),
            _ if self.classes == 1 => Array1::zeros(self.len()),
            Rows::Compact(rows) => (0..rows.len())
                .map(|row| match rows.uniform[row] {
                    0.0 => only(rows.entries(row)),
                    _ => None,
                })
                .collect::<Option<_>>()?,
            Rows::Dense(rows) => (0..rows.dim().0)
                .map(|row| only((0..self.classes).map(|class| (class, rows.get(row, class)))))
                .collect::<Option<_>>()?,
        };
        Some(Targets { classes: self.classes, rows: Rows::Hard(labels.into()) })
    }

    /// Total weight of each class over all rows: class counts, for hard labels. Shape `[d]`.
    pub fn class_mass(&self) -> Array1<f64> {
        let mut mass = Array1::zeros(self.classes);
        let uniform = self.add_class_mass(&mut mass, 1.0);
        if uniform > 0.0 {
            mass.mapv_inplace(|mass| (mass + uniform).max(0.0));
        }
        mass
    }

    /// Adds the total weight of each class over all rows, times a factor, to `mass`, without what all classes have in
    /// common; returns that. Takes no time that depends on the number of classes, but for dense rows.
    ///
    /// # Shapes
    /// `mass`: `[d]`.
    pub(crate) fn add_class_mass(&self, mass: &mut Array1<f64>, factor: f64) -> f64 {
        match &self.rows {
            Rows::Hard(labels) => labels.iter().for_each(|&label| mass[label as usize] += factor),
            Rows::Compact(rows) => {
                let entries = (0..rows.len()).flat_map(|row| rows.entries(row));
                entries.for_each(|(class, weight)| mass[class] += factor * weight);
                return factor * rows.uniform.sum() / self.classes as f64;
            }
            Rows::Dense(rows) => rows.add_class_mass(mass, factor),
        }
        0.0
    }

    /// Appends the classes with a weight of their own, of hard and compact rows.
    pub(crate) fn list_classes(&self, classes: &mut Vec<u32>) {
        match &self.rows {
            Rows::Hard(labels) => classes.extend(labels),
            Rows::Compact(rows) => {
                let (listed, weights) = rows.entries_from(0);
                let weighed = listed.iter().zip(weights).filter(|(_, weight)| **weight != 0.0);
                classes.extend(weighed.map(|(class, _)| class));
            }
            Rows::Dense(_) => {}
        }
    }

    /// Hard and compact rows over some classes alone, which must be in ascending order and hold every class with a
    /// weight of its own. A uniform share is spread over these classes.
    pub(crate) fn over_classes<'t>(&self, classes: &[u32]) -> Targets<'t> {
        let place = |class: u32| classes.partition_point(|&other| other < class) as u32;
        let rows = match &self.rows {
            Rows::Hard(labels) => Rows::Hard(labels.iter().map(|&label| place(label)).collect::<Array1<u32>>().into()),
            Rows::Compact(rows) => {
                let mut listed = rows.classes.to_owned();
                // A class without weight may stand anywhere.
                listed.zip_mut_with(&rows.weights, |class, &weight| {
                    *class = if weight == 0.0 { 0 } else { place(*class) };
                });
                let (uniform, weights) = (rows.uniform.to_owned(), rows.weights.to_owned());
                Rows::Compact(Compact { uniform: uniform.into(), classes: listed.into(), weights: weights.into() })
            }
            Rows::Dense(rows) => Rows::Dense(rows.view().into_owned()),
        };
        Targets { classes: classes.len(), rows }
    }

    /// The same targets with memory of their own, to be kept longer than what they were made from.
    pub fn into_owned<'t>(self) -> Targets<'t> {
        let rows = match self.rows {
            Rows::Hard(labels) => Rows::Hard(labels.into_owned().into()),
            Rows::Compact(rows) => Rows::Compact(rows.into_owned()),
            Rows::Dense(rows) => Rows::Dense(rows.into_owned()),
        };
        Targets { classes: self.classes, rows }
    }

    /// The same targets, borrowed.
    pub fn view(&self) -> Targets<'_> {
        let rows = match &self.rows {
            Rows::Hard(labels) => Rows::Hard(CowArray::from(labels.view())),
            Rows::Compact(rows) => Rows::Compact(rows.view()),
            Rows::Dense(rows) => Rows::Dense(rows.view()),
        };
        Targets { classes: self.classes, rows }
    }
}

impl<'a> From<&'a Targets<'_>> for Targets<'a> {
    fn from(targets: &'a Targets<'_>) -> Self {
        targets.view()
    }
}

/// The class of the one entry that is not 0; `None` where there are none or several.
fn only(weights: impl Iterator<Item = (usize, f64)>) -> Option<u32> {
    let mut weights = weights.filter(|&(_, weight)| weight != 0.0);
    let (class, _) = weights.next()?;
    weights.next().is_none().then_some(class as u32)
}
