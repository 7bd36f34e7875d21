//! An approximate index over rows, by the crate `hnsw_rs`.

use hnsw_rs::anndists::dist::distances::Distance;
use hnsw_rs::hnsw::Hnsw;
use ndarray::ArrayView2;
use softnce_kernels::parallel::{WAKING, for_each, threads_for};
use softnce_kernels::simd::{sums, vectorised};

use super::queries::{finite, normalise, not_finite, prepared, squares};
use super::top::{Best, Entry, Top};
use crate::{RowBlocks, RowsError};

/// Settings of an [`ApproximateIndex`].
#[derive(Debug, Clone)]
pub struct IndexBuilder<'a> {
    classes: Option<&'a [u32]>,
    bias: Option<&'a [f32]>,
    cosine: bool,
    connections: usize,
    candidates: usize,
}

impl Default for IndexBuilder<'_> {
    fn default() -> Self {
        IndexBuilder { classes: None, bias: None, cosine: false, connections: 16, candidates: 100 }
    }
}

impl<'a> IndexBuilder<'a> {
    /// An index over all rows, without bias, with 16 connections and 100 candidates.
    pub fn new() -> Self {
        IndexBuilder::default()
    }

    /// Indexes these rows alone, such as the classes that occurred in training: ascending and distinct.
    pub fn with_classes(self, classes: &'a [u32]) -> Self {
        IndexBuilder { classes: Some(classes), ..self }
    }

    /// Adds a bias to the score of each class. Length: rows of the matrix, also with
    /// [`with_classes`](Self::with_classes).
    pub fn with_bias(self, bias: &'a [f32]) -> Self {
        IndexBuilder { bias: Some(bias), ..self }
    }

    /// Divides queries and rows by their Euclidean norms. Zeros stay zeros.
    pub fn with_cosine(self) -> Self {
        IndexBuilder { cosine: true, ..self }
    }

    /// Connections of a row in the graph, 2 to 128 (`M` of the paper; the lowest layer has up to twice as many). More of
    /// them find more, and take memory.
    pub fn with_connections(self, connections: usize) -> Self {
        IndexBuilder { connections, ..self }
    }

    /// Rows that are looked at to connect a new one, 2 to 65,536 (`ef_construction`). More of them find more, and take
    /// time to build.
    pub fn with_candidates(self, candidates: usize) -> Self {
        IndexBuilder { candidates, ..self }
    }

    /// Builds the index on the calling thread; the graph, and with it every result, is the same each time. The index
    /// holds a copy of the rows; with 16 connections, the graph takes about 1.6 kB a row beside it.
    ///
    /// # Errors
    /// Settings out of range; classes that are not ascending, do not exist, or are none; a bias of another length;
    /// values that are not finite or whose squares leave the range of `f32`; rows that cannot be read.
    pub fn build(&self, rows: &(impl RowBlocks + ?Sized)) -> Result<ApproximateIndex, RowsError> {
        self.check(rows.rows())?;
        let mut largest = 0.0_f64;
        self.for_each(rows, |class, point| {
            largest = largest.max(squares(point));
            // Distances are sums of squares of differences.
            if largest > f64::from(f32::MAX) / 16.0 {
                let found = format!("of norm {:e} in row {class}", largest.sqrt());
                return Err(RowsError::argument("rows", found, "squares within the range of f32"));
            }
            Ok(())
        })?;
        let count = self.classes.map_or(rows.rows(), <[u32]>::len);
        let graph = Hnsw::new(self.connections, count, LAYERS, self.candidates, Squares);
        let mut augmented = Vec::with_capacity(rows.width() + 2);
        self.for_each(rows, |class, point| {
            augmented.clear();
            augmented.extend_from_slice(point);
            augmented.push((largest - squares(point)).max(0.0).sqrt() as f32);
            graph.insert((&augmented, class as usize));
            Ok(())
        })?;
        Ok(ApproximateIndex {
            graph,
            width: rows.width(),
            cosine: self.cosine,
            has_bias: self.bias.is_some(),
            norm: largest.sqrt(),
        })
    }

    /// Calls `each` for every row to be indexed, with its bias behind it.
    fn for_each(
        &self,
        rows: &(impl RowBlocks + ?Sized),
        mut each: impl FnMut(u32, &[f32]) -> Result<(), RowsError>,
    ) -> Result<(), RowsError> {
        let width = rows.width();
        let mut point = vec![0.0; width + 1];
        let mut of_class = |class: u32| {
            let (row, bias) = point.split_at_mut(width);
            let at = class as usize;
            rows.read(at..at + 1, row)?;
            finite("rows", at, width, row)?;
            if self.cosine {
                normalise(row, 1.0);
            }
            bias[0] = self.bias.map_or(0.0, |bias| bias[at]);
            each(class, &point)
        };
        match self.classes {
            Some(classes) => classes.iter().try_for_each(|&class| of_class(class)),
            None => (0..rows.rows() as u32).try_for_each(of_class),
        }
    }

    fn check(&self, rows: usize) -> Result<(), RowsError> {
        for (argument, value, range) in
            [("connections", self.connections, 2..=128), ("candidates", self.candidates, 2..=1 << 16)]
        {
            if !range.contains(&value) {
                let expected = format!("{} to {}", range.start(), range.end());
                return Err(RowsError::argument(argument, value, expected));
            }
        }
        if rows == 0 || i32::try_from(rows).is_err() {
            return Err(RowsError::argument("rows", format!("{rows} rows"), "1 to 2^31 - 1 rows"));
        }
        if let Some(classes) = self.classes {
            if classes.is_empty() {
                return Err(RowsError::argument("classes", "empty", "at least one"));
            }
            if let Some(pair) = classes.windows(2).find(|pair| pair[0] >= pair[1]) {
                let found = format!("{} before {}", pair[0], pair[1]);
                return Err(RowsError::argument("classes", found, "ascending and distinct classes"));
            }
            if let Some(&class) = classes.last().filter(|&&class| class as usize >= rows) {
                return Err(RowsError::argument("classes", class, format!("classes of 0..{rows}")));
            }
        }
        if let Some(bias) = self.bias {
            if bias.len() != rows {
                let found = format!("of length {}", bias.len());
                return Err(RowsError::argument("bias", found, format!("length {rows}, one entry per row")));
            }
            if let Some(class) = not_finite(bias) {
                let found = format!("{} for class {class}", bias[class]);
                return Err(RowsError::argument("bias", found, "finite numbers"));
            }
        }
        Ok(())
    }
}

/// Layers of the graph at most, the most that the crate has.
const LAYERS: usize = 16;

/// The squared Euclidean distance.
#[derive(Debug, Clone, Copy)]
struct Squares;

impl Distance<f32> for Squares {
    fn eval(&self, a: &[f32], b: &[f32]) -> f32 {
        vectorised(
            #[inline(always)]
            || {
                let squares = sums(
                    a,
                    b,
                    #[inline(always)]
                    |a, b| ((a - b) * (a - b), 0.0),
                );
                squares.0
            },
        )
    }
}

/// A graph in which the rows with the largest scores for a query are found without looking at all rows: a hierarchical
/// navigable small world (Malkov and Yashunin, arXiv 1603.09320).
///
/// The largest inner product becomes the nearest neighbour by one more coordinate, `sqrt(largest norm^2 - norm^2)`, with
/// which all rows have the same norm (Bachrach et al. 2014, "Speeding up the Xbox recommender system using a Euclidean
/// transformation for inner-product spaces"); the bias is a coordinate as well. The rows found are scored again by their
/// inner products.
pub struct ApproximateIndex {
    graph: Hnsw<'static, f32, Squares>,
    width: usize,
    cosine: bool,
    has_bias: bool,
    /// The norm that all rows have with their further coordinates.
    norm: f64,
}

impl std::fmt::Debug for ApproximateIndex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ApproximateIndex").field("rows", &self.rows()).field("width", &self.width).finish()
    }
}

impl ApproximateIndex {
    /// Number of rows indexed.
    pub fn rows(&self) -> usize {
        self.graph.get_nb_point()
    }

    /// Classes with large scores for each query, the best first. They need not be those with the largest:
    /// [`recall`](super::recall) tells how many are, beside the result of a [`Scan`](super::Scan). `candidates`: how
    /// many rows are kept in view on the way through the graph, at least k; more of them find more, and take time.
    ///
    /// The result is the same on any number of threads.
    ///
    /// # Shapes
    /// `queries`: `[queries, width]`.
    ///
    /// # Errors
    /// Another width; values that are not finite; a temperature that is not a finite number > 0; a `k` of 0 or above the
    /// number of rows indexed; scores beyond the range of `f32`.
    pub fn search(
        &self,
        queries: ArrayView2<'_, f32>,
        temperature: f32,
        k: usize,
        candidates: usize,
    ) -> Result<Top, RowsError> {
        if queries.ncols() != self.width {
            let expected = format!("[queries, {}], the width of the rows", self.width);
            return Err(RowsError::argument("queries", format!("{:?}", queries.dim()), expected));
        }
        if !(temperature.is_finite() && temperature > 0.0) {
            return Err(RowsError::argument("temperature", temperature, "a finite number > 0"));
        }
        if k == 0 || k > self.rows() {
            let expected = format!("1 to {}, the number of rows indexed", self.rows());
            return Err(RowsError::argument("k", k, expected));
        }
        let prepared = prepared(queries, 1.0, self.cosine)?;
        let candidates = candidates.clamp(k, self.rows());
        let mut lists = vec![Vec::new(); queries.nrows()];
        let work = queries.nrows().saturating_mul(candidates).saturating_mul(self.width);
        let threads = threads_for(work, WAKING, queries.nrows());
        let parts = prepared.rows().into_iter().zip(&mut lists).enumerate();
        for_each(
            threads,
            parts,
            || (),
            |(), (number, (query, list))| -> Result<(), RowsError> {
                let bias = if self.has_bias { 1.0 } else { 0.0 };
                let query: Vec<f32> = query.iter().copied().chain([bias, 0.0]).collect();
                let found = self.best(query, temperature, k, candidates);
                let best = found.map_err(|(class, score)| RowsError::Score { query: number, class, score })?;
                *list = best.into_sorted();
                Ok(())
            },
        )?;
        Ok(Top::from_lists(k, lists.into_iter()))
    }

    /// The best of the rows that the graph leads to. An error: a class, and its score that is not finite.
    fn best(&self, mut query: Vec<f32>, temperature: f32, k: usize, candidates: usize) -> Result<Best, (usize, f32)> {
        let own = query.clone();
        // The order of the rows by distance does not depend on the length of the query. At the length of the rows,
        // distances neither overflow nor lose the inner product beside the squares.
        normalise(&mut query, 1.0 / self.norm);
        let mut best = Best::new(k);
        let mut push = |class: usize, point: &[f32]| {
            let score = dot(&own, point) / temperature;
            if !score.is_finite() {
                return Err((class, score));
            }
            best.push(Entry { score, class: class as u32 });
            Ok(())
        };
        let points = self.graph.get_point_indexation();
        let neighbours = self.graph.search(&query, candidates, candidates);
        if neighbours.len() < k {
            // The graph need not connect all rows. So few answers are rare, and looking at all rows is correct.
            points.into_iter().try_for_each(|point| push(point.get_origin_id(), point.get_v()))?;
        } else {
            for neighbour in neighbours {
                let Some(point) = points.get_point_data(&neighbour.p_id) else { continue };
                push(neighbour.d_id, &point)?;
            }
        }
        Ok(best)
    }
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    vectorised(
        #[inline(always)]
        || {
            let products = sums(
                a,
                b,
                #[inline(always)]
                |a, b| (a * b, 0.0),
            );
            products.0
        },
    )
}
