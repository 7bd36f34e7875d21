//! Compares soft labels with the classes of the pictures, to notice rows or columns in another order.

use ndarray::{ArrayView1, ArrayView2};

use crate::PictureSource;

/// Least Cohen's kappa: the agreement on a scale from 0, that of a random order, to 1, full agreement.
const LEAST_KAPPA: f64 = 0.25;

/// How often the largest weight of a row is on the class of its picture.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct LabelAgreement {
    /// Number of rows.
    rows: usize,
    /// Rows whose largest weight is on the class of their picture; a tie counts if the class is among the largest.
    agreeing: usize,
    /// Expected number of such rows if the rows were in a random order.
    by_chance: f64,
    /// The first row that disagrees, and the class with its largest weight.
    first: Option<(usize, usize)>,
}

impl LabelAgreement {
    /// Compares labels with classes.
    ///
    /// # Shapes
    /// `labels`: `[rows, classes]`; `classes`: `[rows]`, each below the number of columns.
    pub(super) fn new(labels: ArrayView2<'_, f32>, classes: &[usize]) -> Self {
        let mut found = Self { rows: classes.len(), agreeing: 0, by_chance: 0.0, first: None };
        // How often each class has the largest weight, and how often it is the class of a picture.
        let mut counts = vec![[0.0_f64; 2]; labels.ncols()];
        for (row, (weights, &class)) in labels.rows().into_iter().zip(classes).enumerate() {
            let largest = largest(weights, class);
            counts[largest][0] += 1.0;
            counts[class][1] += 1.0;
            if largest == class {
                found.agreeing += 1;
            } else {
                found.first.get_or_insert((row, largest));
            }
        }
        let matches: f64 = counts.iter().map(|[labels, pictures]| labels * pictures).sum();
        found.by_chance = matches / found.rows.max(1) as f64;
        found
    }

    /// Whether the labels contradict the classes: fewer than half of the rows agree, or hardly more than in a random
    /// order (Cohen's kappa below 0.25). The second condition matters if one class is frequent.
    fn contradicts(&self) -> bool {
        let (rows, agreeing) = (self.rows as f64, self.agreeing as f64);
        let few = 2.0 * agreeing < rows || agreeing - self.by_chance < LEAST_KAPPA * (rows - self.by_chance);
        self.agreeing < self.rows && few
    }

    /// A warning for the user if the labels contradict the classes of the pictures.
    pub(super) fn warning(&self, pictures: &dyn PictureSource) -> Option<String> {
        let (row, largest) = self.first.filter(|_| self.contradicts())?;
        let class = |class: usize| pictures.class_names().get(class).map_or("", String::as_str);
        let own = pictures.labels().get(row).copied().unwrap_or_default();
        Some(format!(
            "{} of {} rows have their largest weight on the picture's class (in a random order about {:.0} would); first: \
             {}, of class '{}', has it on '{}'. Are the rows in the order of `softnce data info --list`, \
             and the columns in the order of the classes?",
            self.agreeing,
            self.rows,
            self.by_chance,
            pictures.describe(row),
            class(own),
            class(largest),
        ))
    }
}

/// The class with the largest weight; of several equal ones `preferred`, or else the first.
pub(crate) fn largest(weights: ArrayView1<'_, f32>, preferred: usize) -> usize {
    let mut largest = preferred;
    for (class, &weight) in weights.iter().enumerate() {
        if weight > weights[largest] {
            largest = class;
        }
    }
    largest
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;

    /// Rows with their largest weight on these classes.
    fn peaked(largest: &[usize], classes: usize) -> Array2<f32> {
        Array2::from_shape_fn((largest.len(), classes), |(row, class)| if class == largest[row] { 0.7 } else { 0.1 })
    }

    fn contradicts(largest: &[usize], classes: &[usize], count: usize) -> bool {
        LabelAgreement::new(peaked(largest, count).view(), classes).contradicts()
    }

    // import itertools, statistics; y, z = [0, 0, 1, 2, 2], [0, 1, 1, 2, 0]
    // statistics.mean(sum(p == q for p, q in zip(s, y)) for s in itertools.permutations(z)): 1.6
    #[test]
    fn chance_is_that_of_all_orders() {
        let found = LabelAgreement::new(peaked(&[0, 1, 1, 2, 0], 3).view(), &[0, 0, 1, 2, 2]);
        assert_eq!((found.rows, found.agreeing, found.first), (5, 3, Some((1, 1))));
        assert!((found.by_chance - 1.6).abs() < 1e-12);
    }

    #[test]
    fn ties_agree_with_the_class() {
        let uniform = Array2::from_elem((4, 2), 0.5_f32);
        let found = LabelAgreement::new(uniform.view(), &[0, 1, 1, 0]);
        assert_eq!((found.agreeing, found.contradicts()), (4, false));
    }

    #[test]
    fn another_order_is_noticed_and_doubt_is_not() {
        let classes: Vec<usize> = (0..90).map(|row| row / 30).collect();
        assert!(!contradicts(&classes, &classes, 3));
        let turned: Vec<usize> = classes.iter().map(|class| (class + 1) % 3).collect();
        assert!(contradicts(&turned, &classes, 3), "the columns, or the rows, in another order");
        // Step 37 has no divisor in common with 90.
        let mixed: Vec<usize> = (0..90).map(|row| classes[row * 37 % 90]).collect();
        assert!(contradicts(&mixed, &classes, 3), "rows in a random order");
        // People disagree with one label in five.
        let doubtful: Vec<usize> = (0..90).map(|row| if row % 5 == 0 { 1 } else { classes[row] }).collect();
        assert!(!contradicts(&doubtful, &classes, 3));
        assert!(!contradicts(&[0, 1, 1], &[0, 0, 1], 2), "one of few rows");
        // A frequent class agrees by chance in most rows.
        let rare: Vec<usize> = (0..100).map(|row| usize::from(row >= 90)).collect();
        let shifted: Vec<usize> = (0..100).map(|row| rare[(row + 10) % 100]).collect();
        assert!(contradicts(&shifted, &rare, 2));
        let one_wrong: Vec<usize> = (0..100).map(|row| usize::from(row >= 91)).collect();
        assert!(!contradicts(&one_wrong, &rare, 2));
        assert!(!contradicts(&[0, 0, 0], &[0, 0, 0], 1));
        assert!(!contradicts(&[], &[], 2));
    }
}
