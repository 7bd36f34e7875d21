#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::ops::Range;

use ndarray::{Array2, ArrayView2, array, s};
use proptest::prelude::*;
use rayon::ThreadPoolBuilder;

use super::*;
use crate::{RowBlocks, RowsError};

/// Pseudo-random values in [-1, 1), the same for the same seed.
fn random(shape: (usize, usize), seed: u32) -> Array2<f32> {
    let mut state = seed;
    Array2::from_shape_simple_fn(shape, || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / 8_388_608.0 - 1.0
    })
}

/// Whole numbers from -2 to 2: products are exact in `f32`, and many scores are equal.
fn whole(shape: (usize, usize), seed: u32) -> Array2<f32> {
    random(shape, seed).mapv(|value| (value * 2.5).round())
}

fn norms(rows: ArrayView2<'_, f64>) -> Array2<f64> {
    let mut out = rows.to_owned();
    for mut row in out.rows_mut() {
        let norm = row.dot(&row).sqrt();
        row.mapv_inplace(|value| if norm > 0.0 { value / norm } else { 0.0 });
    }
    out
}

/// All scores, by the definition in f64. Shape: `[queries, classes]`.
fn scores(
    queries: ArrayView2<'_, f32>,
    rows: ArrayView2<'_, f32>,
    bias: Option<&[f32]>,
    tau: f32,
    cosine: bool,
) -> Array2<f64> {
    let (mut queries, mut rows) = (queries.mapv(f64::from), rows.mapv(f64::from));
    if cosine {
        (queries, rows) = (norms(queries.view()), norms(rows.view()));
    }
    let mut scores = queries.dot(&rows.t());
    if let Some(bias) = bias {
        scores
            .rows_mut()
            .into_iter()
            .for_each(|mut row| row.indexed_iter_mut().for_each(|(c, s)| *s += f64::from(bias[c])));
    }
    scores / f64::from(tau)
}

fn log_sums(scores: &Array2<f64>) -> Vec<f64> {
    let one = |row: ndarray::ArrayView1<'_, f64>| {
        let most = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        most + row.iter().map(|score| (score - most).exp()).sum::<f64>().ln()
    };
    scores.rows().into_iter().map(one).collect()
}

/// The classes of the `k` largest scores; of equal ones the smaller class first.
fn best(scores: &Array2<f64>, k: usize) -> Array2<u32> {
    let mut top = Array2::zeros((scores.nrows(), k));
    for (mut top, scores) in top.rows_mut().into_iter().zip(scores.rows()) {
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]).then(a.cmp(&b)));
        top.iter_mut().zip(order).for_each(|(top, class)| *top = class as u32);
    }
    top
}

/// On a pool of so many threads.
fn on_threads<R: Send>(threads: usize, work: impl FnOnce() -> R + Send) -> R {
    ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(work)
}

fn near(found: f64, expected: f64, tolerance: f64) -> bool {
    (found - expected).abs() <= tolerance * expected.abs().max(1.0)
}

proptest! {
    #[test]
    fn the_scan_equals_its_definition(
        queries in 0..9usize,
        // A block has 64 rows at these sizes: several blocks, and their edges.
        classes in prop_oneof![1..10usize, 60..70usize, 126..131usize, 200..400usize],
        width in 1..20usize,
        k in 1..400usize,
        with_bias in any::<bool>(),
        tau in prop_oneof![Just(1.0_f32), Just(0.25), Just(4.0)],
        seed in any::<u32>(),
    ) {
        let k = 1 + k % classes;
        let (features, rows) = (whole((queries, width), seed), whole((classes, width), seed ^ 1));
        let bias: Vec<f32> = whole((1, classes), seed ^ 2).into_iter().collect();
        let bias = with_bias.then_some(&bias[..]);
        let pairs: Vec<(usize, u32)> =
            (0..3 * queries).map(|n| (n * 7 % queries, ((n * 31 + seed as usize % 97) % classes) as u32)).collect();
        let mut scan = Scan::new(features.view()).with_temperature(tau).with_top(k).with_log_sum().with_scores_of(&pairs);
        if let Some(bias) = bias {
            scan = scan.with_bias(bias);
        }
        let found = scan.run(&rows.view()).unwrap();
        let scores = scores(features.view(), rows.view(), bias, tau, false);
        let top = found.top.unwrap();
        prop_assert_eq!(&top.classes, &best(&scores, k));
        for ((query, place), &class) in top.classes.indexed_iter() {
            prop_assert_eq!(f64::from(top.scores[[query, place]]), scores[[query, class as usize]]);
        }
        for (found, expected) in found.log_sum.unwrap().into_iter().zip(log_sums(&scores)) {
            prop_assert!(near(found, expected, 1e-6), "{} is not {}", found, expected);
        }
        let expected: Vec<f64> = pairs.iter().map(|&(query, class)| scores[[query, class as usize]]).collect();
        let pair_scores: Vec<f64> = found.pair_scores.unwrap().into_iter().map(f64::from).collect();
        prop_assert_eq!(pair_scores, expected);
    }

    #[test]
    fn cosines_equal_their_definition(
        queries in 1..5usize, classes in 1..150usize, width in 1..40usize, seed in any::<u32>(), power in -120..120i32,
    ) {
        // Squares of such values leave the range of f32.
        let size = 2.0_f32.powi(power);
        let mut features = random((queries, width), seed) * size;
        let mut rows = random((classes, width), seed ^ 1) / size;
        features.row_mut(0).fill(0.0);
        rows.row_mut(classes - 1).fill(0.0);
        let pairs: Vec<(usize, u32)> =
            (0..queries).flat_map(|query| (0..classes as u32).map(move |class| (query, class))).collect();
        let scan = Scan::new(features.view()).with_cosine().with_temperature(0.1).with_log_sum().with_scores_of(&pairs);
        let found = scan.run(&rows.view()).unwrap();
        let scores = scores(features.view(), rows.view(), None, 0.1, true);
        for (&(query, class), found) in pairs.iter().zip(found.pair_scores.unwrap()) {
            let expected = scores[[query, class as usize]];
            prop_assert!(near(f64::from(found), expected, 1e-5), "{} is not {}", found, expected);
        }
        for (found, expected) in found.log_sum.unwrap().into_iter().zip(log_sums(&scores)) {
            prop_assert!(near(found, expected, 1e-5), "{} is not {}", found, expected);
        }
    }
}

#[test]
fn the_bits_are_the_same_on_any_number_of_threads() {
    // 16 blocks of 625 rows, two groups of queries.
    let (features, rows) = (random((300, 24), 1), random((10_000, 24), 2));
    let pairs: Vec<(usize, u32)> = (0..1000).map(|n| (n * 7 % 300, (n * 37 % 10_000) as u32)).collect();
    let scan = Scan::new(features.view()).with_temperature(0.3).with_top(10).with_log_sum().with_scores_of(&pairs);
    let run = |threads| on_threads(threads, || scan.run(&rows.view()).unwrap());
    let one = run(1);
    let bits = |sums: &Option<Vec<f64>>| sums.as_ref().unwrap().iter().map(|sum| sum.to_bits()).collect::<Vec<_>>();
    for threads in [2, 3] {
        let found = run(threads);
        assert_eq!(found, one);
        assert_eq!(bits(&found.log_sum), bits(&one.log_sum));
    }
    let scores = scores(features.view(), rows.view(), None, 0.3, false);
    assert!(
        one.log_sum.unwrap().into_iter().zip(log_sums(&scores)).all(|(found, expected)| near(found, expected, 1e-6))
    );
}

#[test]
fn many_panels_of_blocks_are_added_in_order() {
    // 16 blocks of 64 rows. So many queries leave 6 blocks to a panel: 3 panels, the last one not full.
    let (queries, classes) = (150_000, 1024);
    let features = whole((queries, 1), 5);
    let rows = whole((classes, 1), 6);
    let found = Scan::new(features.view()).with_log_sum().with_top(1).run(&rows.view()).unwrap();
    let (log_sum, top) = (found.log_sum.unwrap(), found.top.unwrap());
    // Queries of one value have one answer.
    for value in [-2.0, -1.0, 0.0, 1.0, 2.0] {
        let expected = scores(array![[value]].view(), rows.view(), None, 1.0, false);
        let (sum, class) = (log_sums(&expected)[0], best(&expected, 1)[[0, 0]]);
        for query in (0..queries).filter(|&query| features[[query, 0]] == value) {
            assert!(near(log_sum[query], sum, 1e-6) && top.classes[[query, 0]] == class, "query {query}");
        }
    }
}

#[test]
fn large_scores_neither_overflow_nor_vanish() {
    // scores = h * v; np.logaddexp.reduce(h[:, None] * v, axis=1)
    let rows = array![[-100.0_f32], [100.0], [99.0], [0.0]];
    let features = array![[100.0_f32], [-100.0], [0.0]];
    let found = Scan::new(features.view()).with_log_sum().run(&rows.view()).unwrap().log_sum.unwrap();
    assert_eq!(found, [10_000.0, 10_000.0, 4.0_f64.ln()]);
    // All scores alike, far below 0: -1e4 + log(1000)
    let rows = Array2::from_elem((1000, 1), -100.0_f32);
    let found = Scan::new(features.slice(s![..1, ..])).with_log_sum().run(&rows.view()).unwrap().log_sum.unwrap();
    assert!((found[0] - (-10_000.0 + 1000.0_f64.ln())).abs() < 1e-9, "{found:?}");
}

#[test]
fn equal_scores_go_by_class_also_across_blocks() {
    // Enough work for two threads, which need not take the blocks in order.
    let rows = Array2::from_shape_fn((2000, 64), |(class, _)| if class % 100 == 99 { -0.0 } else { 0.0 });
    let features = random((100, 64), 1);
    for threads in [1, 2] {
        let top =
            on_threads(threads, || Scan::new(features.view()).with_top(300).run(&rows.view()).unwrap().top.unwrap());
        assert!(top.classes.rows().into_iter().all(|row| row.iter().copied().eq(0..300)));
    }
}

#[test]
fn which_entries_are_kept_does_not_depend_on_the_order_of_the_blocks() {
    let scores = whole((1, 1000), 3).into_raw_vec_and_offset().0;
    let kept = |order: &mut dyn Iterator<Item = usize>| {
        let mut kept = top::Best::new(400);
        for block in order {
            let scores = &scores[block * 100..][..100];
            kept.add(block as u32 * 100, scores, scores.iter().copied().fold(f32::NEG_INFINITY, f32::max));
        }
        kept.into_sorted().iter().map(|entry| entry.class).collect::<Vec<_>>()
    };
    let expected = kept(&mut (0..10));
    assert_eq!(kept(&mut (0..10).rev()), expected);
    assert_eq!(kept(&mut [3, 9, 0, 5, 1, 8, 2, 7, 6, 4].into_iter()), expected);
}

#[test]
fn any_layout_gives_the_same_result() {
    let (features, rows) = (random((6, 5), 1), random((90, 5), 2));
    let scan = |features: ArrayView2<'_, f32>, rows: ArrayView2<'_, f32>| {
        Scan::new(features).with_top(4).with_log_sum().run(&rows).unwrap()
    };
    let transposed = |array: &Array2<f32>| array.t().as_standard_layout().into_owned();
    let plain = scan(features.view(), rows.view());
    assert_eq!(scan(transposed(&features).t(), transposed(&rows).t()), plain);
}

#[test]
fn nothing_asked_for_and_no_queries_are_fine() {
    let rows = random((5, 3), 1);
    let features = random((2, 3), 2);
    let nothing = ScanResult { top: None, log_sum: None, pair_scores: None };
    assert_eq!(Scan::new(features.view()).run(&rows.view()).unwrap(), nothing);
    let found = Scan::new(features.slice(s![..0, ..])).with_top(2).with_log_sum().run(&rows.view()).unwrap();
    assert_eq!((found.top.unwrap().classes.dim(), found.log_sum), ((0, 2), Some(vec![])));
    // Rows without values: the score is the bias.
    let found =
        Scan::new(Array2::zeros((1, 0)).view()).with_bias(&[1.0, 3.0]).with_top(1).run(&Array2::zeros((2, 0)).view());
    assert_eq!(found.unwrap().top.unwrap(), Top { classes: array![[1]], scores: array![[3.0]] });
}

#[test]
fn bad_input_is_named() {
    let (features, rows) = (random((2, 3), 1), random((200, 3), 2));
    let message = |scan: Scan<'_>, rows: &Array2<f32>| scan.run(&rows.view()).unwrap_err().to_string();
    let scan = || Scan::new(features.view());
    assert_eq!(message(scan().with_top(0), &rows), "k is 0, expected 1 to 200, the number of rows");
    assert_eq!(message(scan().with_top(201), &rows), "k is 201, expected 1 to 200, the number of rows");
    assert_eq!(message(scan().with_temperature(0.0), &rows), "temperature is 0, expected a finite number > 0");
    assert_eq!(message(scan().with_temperature(f32::NAN), &rows), "temperature is NaN, expected a finite number > 0");
    assert_eq!(message(scan().with_bias(&[0.0]), &rows), "bias is of length 1, expected length 200, one entry per row");
    let mut bias = vec![0.0; 200];
    bias[7] = f32::INFINITY;
    assert_eq!(message(scan().with_bias(&bias), &rows), "bias is inf for class 7, expected finite numbers");
    assert_eq!(
        message(scan().with_scores_of(&[(0, 3), (2, 0)]), &rows),
        "pairs is query 2, class 0 at 1, expected queries of 0..2 and classes of 0..200"
    );
    assert!(message(scan().with_scores_of(&[(0, 200)]), &rows).starts_with("pairs is query 0, class 200 at 0"));
    assert_eq!(message(scan(), &random((4, 2), 1)), "queries is (2, 3), expected [queries, 2], the width of the rows");
    assert_eq!(message(scan(), &Array2::zeros((0, 3))), "rows is 0 rows, expected 1 to 2^32 rows");

    let mut bad = features.clone();
    bad[[1, 2]] = f32::NEG_INFINITY;
    let expected = "queries is -inf in row 1, column 2, expected finite numbers";
    assert_eq!(message(Scan::new(bad.view()), &rows), expected);
    // Enough work for two threads; the first row that is bad is named.
    let (features, mut bad) = (random((100, 64), 1), random((2000, 64), 2));
    bad[[1150, 1]] = f32::NAN;
    bad[[1999, 0]] = f32::NAN;
    let expected = "rows is NaN in row 1150, column 1, expected finite numbers";
    let scan = || Scan::new(features.view());
    assert!([1, 2].into_iter().all(|threads| on_threads(threads, || message(scan(), &bad)) == expected));
    // Finite values, the product of which is not.
    let huge = message(Scan::new(array![[1e30_f32]].view()), &array![[1.0_f32], [-1e30]]);
    assert_eq!(huge, "score is -inf for query 0 and class 1, expected the range of f32");
}

#[test]
fn rows_that_cannot_be_read_are_an_error() {
    /// Rows of zeros, from a file that ends at row 500.
    struct Cut;
    impl RowBlocks for Cut {
        fn rows(&self) -> usize {
            1000
        }
        fn width(&self) -> usize {
            2
        }
        fn read(&self, range: Range<usize>, out: &mut [f32]) -> Result<(), RowsError> {
            out.fill(0.0);
            if range.end <= 500 { Ok(()) } else { Err(RowsError::argument("file", "cut short", "1000 rows")) }
        }
    }
    let rows: &dyn RowBlocks = &Cut;
    let error = Scan::new(random((1, 2), 1).view()).with_log_sum().run(rows).unwrap_err();
    assert_eq!(error.to_string(), "file is cut short, expected 1000 rows");
}

#[test]
fn rows_that_do_not_exist_are_refused() {
    let rows = random((5, 3), 1);
    let rows = rows.view();
    let message = |range, len| RowBlocks::read(&rows, range, &mut vec![0.0; len]).unwrap_err().to_string();
    assert_eq!(message(3..6, 9), "range is 3..6, expected rows of 0..5");
    assert_eq!(message(1..3, 5), "out is 5 values, expected 6");
}

#[test]
fn recall_is_the_share_found() {
    let top = |classes: Array2<u32>| Top { scores: classes.mapv(|class| -(class as f32)), classes };
    let exact = top(array![[0, 1], [4, 2]]);
    // len({1, 5, 0} & {0, 1}) + len({9, 2, 3} & {4, 2}) = 3 of 4
    assert_eq!(recall(&top(array![[1, 5, 0], [9, 2, 3]]), &exact).unwrap(), 0.75);
    assert_eq!(recall(&exact, &exact).unwrap(), 1.0);
    assert_eq!(
        recall(&top(array![[0]]), &exact).unwrap_err().to_string(),
        "approximate is 1 queries, expected 2, as in exact"
    );
    let nothing = top(Array2::zeros((2, 0)));
    assert_eq!(recall(&exact, &nothing).unwrap_err().to_string(), "exact is (2, 0), expected at least one entry");
}
