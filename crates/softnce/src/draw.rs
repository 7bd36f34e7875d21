//! Classes drawn from soft targets.

use chacha20::ChaCha8Rng;
use ndarray::{Array1, CowArray};
use rand::{Rng, RngExt, SeedableRng};

use crate::targets::Rows;
use crate::{Batch, Targets};

impl Targets<'_> {
    /// Hard targets drawn from these, `y_j ~ Cat(W_j)`.
    ///
    /// A row off the simplex by its tolerance is drawn from in proportion.
    pub fn draw<'t, R: Rng + ?Sized>(&self, generator: &mut R) -> Targets<'t> {
        let labels = (0..self.len()).map(|row| self.draw_row(row, generator.random::<f64>()) as u32);
        let labels: Array1<u32> = labels.collect();
        Targets { classes: self.classes, rows: Rows::Hard(CowArray::from(labels)) }
    }

    /// The class at `level` of the row's cumulated distribution, `level` from `[0, 1)`.
    fn draw_row(&self, row: usize, level: f64) -> usize {
        match &self.rows {
            Rows::Hard(labels) => labels[row] as usize,
            Rows::Compact(rows) => {
                let floor = rows.uniform[row] / self.classes as f64;
                // The listed classes first, each with its floor, then the others in order, each with the floor alone.
                let mut listed: Vec<(usize, f64)> = Vec::new();
                for (class, weight) in rows.entries(row) {
                    match listed.iter_mut().find(|(known, _)| *known == class) {
                        Some((_, total)) => *total += weight,
                        None => listed.push((class, floor + weight)),
                    }
                }
                listed.iter_mut().for_each(|(_, mass)| *mass = mass.max(0.0));
                let others = self.classes - listed.len();
                let total = listed.iter().map(|(_, mass)| mass).sum::<f64>() + floor * others as f64;
                let mut level = level * total;
                for &(class, mass) in &listed {
                    if level < mass {
                        return class;
                    }
                    level -= mass;
                }
                if floor == 0.0 || others == 0 {
                    return heaviest(listed.into_iter());
                }
                let mut class = ((level / floor) as usize).min(others - 1);
                listed.sort_unstable_by_key(|&(class, _)| class);
                for (known, _) in listed {
                    class += usize::from(known <= class);
                }
                class
            }
            Rows::Dense(rows) => {
                let weights = || (0..self.classes).map(|class| (class, rows.get(row, class)));
                let mut level = level * weights().map(|(_, weight)| weight).sum::<f64>();
                for (class, weight) in weights() {
                    if level < weight {
                        return class;
                    }
                    level -= weight;
                }
                heaviest(weights())
            }
        }
    }
}

/// Where rounding carries the level past the end: a class that surely has weight.
fn heaviest(weights: impl Iterator<Item = (usize, f64)>) -> usize {
    weights.max_by(|a, b| a.1.total_cmp(&b.1)).map_or(0, |(class, _)| class)
}

/// The draws of soft distribution InfoNCE from a seed: a draw is a function of the seed and its number, whatever the
/// machine.
///
/// ```
/// use softnce::{Batch, ClassDraws, Targets};
///
/// let batch = Batch::from(Targets::smoothed(&[0, 1, 2], 3, 0.5)?);
/// let labels = |drawn: Batch<'_>| drawn.segments()[0].labels().map(|labels| labels.to_vec());
/// let mut draws = ClassDraws::new(7);
/// draws.draw(&batch);
/// // A run that is resumed goes on from the number of the next draw.
/// assert_eq!(labels(draws.draw(&batch)), labels(ClassDraws::new(7).at(1).draw(&batch)));
/// # Ok::<(), softnce::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClassDraws {
    seed: u64,
    next: u64,
}

impl ClassDraws {
    /// The draws of this seed, from the first on.
    pub fn new(seed: u64) -> Self {
        ClassDraws { seed, next: 0 }
    }

    /// Goes to a draw by number, from 0.
    #[must_use]
    pub fn at(self, number: u64) -> Self {
        ClassDraws { next: number, ..self }
    }

    /// The number of the next draw.
    pub fn next_number(&self) -> u64 {
        self.next
    }

    /// The batch with every candidate replaced by a class drawn from it.
    pub fn draw<'b>(&mut self, batch: &'b Batch<'_>) -> Batch<'b> {
        let mut generator = ChaCha8Rng::seed_from_u64(self.seed);
        generator.set_stream(self.next);
        self.next += 1;
        batch.draw(&mut generator)
    }
}

impl Batch<'_> {
    /// The same batch with every candidate replaced by a class drawn from it.
    pub fn draw<'b, R: Rng + ?Sized>(&'b self, generator: &mut R) -> Batch<'b> {
        self.with_segments(self.segments().iter().map(|segment| segment.draw(generator)).collect())
    }
}
