#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use ndarray::{Array2, Axis, array, s};
use rayon::ThreadPoolBuilder;

use super::*;

/// Pseudo-random values of mean 0 and variance 1, the same for the same seed: sums of three uniform ones.
fn random(shape: (usize, usize), seed: u32) -> Array2<f32> {
    let mut state = seed;
    let mut uniform = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / 8_388_608.0 - 1.0
    };
    Array2::from_shape_simple_fn(shape, || uniform() + uniform() + uniform())
}

/// Rows in clusters of 50 around a centre, and of different lengths; queries near some of the rows.
fn clustered(rows: usize, width: usize, queries: usize) -> (Array2<f32>, Array2<f32>) {
    let centres = random((rows.div_ceil(50), width), 1);
    let mut matrix = random((rows, width), 2) * 0.4;
    for (class, mut row) in matrix.rows_mut().into_iter().enumerate() {
        row += &centres.row(class % centres.nrows());
        row *= 0.5 + (class * 7 % 101) as f32 / 100.0;
    }
    let mut near = random((queries, width), 3) * 0.3;
    for (query, mut row) in near.rows_mut().into_iter().enumerate() {
        row += &matrix.row(query * 97 % rows);
    }
    (matrix, near)
}

fn exact(queries: &Array2<f32>, rows: &Array2<f32>, k: usize) -> Top {
    Scan::new(queries.view()).with_top(k).run(&rows.view()).unwrap().top.unwrap()
}

#[test]
fn most_of_the_largest_scores_are_found() {
    let (rows, queries) = clustered(20_000, 32, 200);
    let index = IndexBuilder::new().build(&rows.view()).unwrap();
    let exact = exact(&queries, &rows, 5);
    let share = |candidates| recall(&index.search(queries.view(), 1.0, 5, candidates).unwrap(), &exact).unwrap();
    let (few, many) = (share(20), share(200));
    println!("recall at 5: {few} with 20 candidates, {many} with 200");
    assert!(few >= 0.7 && many >= 0.97, "{few} with 20 candidates, {many} with 200");
}

#[test]
fn scores_are_those_of_the_scan() {
    let (rows, queries) = clustered(300, 8, 10);
    let bias: Vec<f32> = random((1, 300), 4).into_iter().collect();
    for cosine in [false, true] {
        let (mut builder, mut scan) =
            (IndexBuilder::new().with_bias(&bias), Scan::new(queries.view()).with_bias(&bias));
        if cosine {
            (builder, scan) = (builder.with_cosine(), scan.with_cosine());
        }
        let index = builder.build(&rows.view()).unwrap();
        // With all rows as candidates nothing is missed.
        let found = index.search(queries.view(), 0.5, 20, 300).unwrap();
        let exact = scan.with_temperature(0.5).with_top(20).run(&rows.view()).unwrap().top.unwrap();
        assert_eq!(found.classes, exact.classes);
        let differences = &found.scores - &exact.scores;
        assert!(differences.iter().all(|difference| difference.abs() < 1e-4), "{differences}");
    }
}

#[test]
fn a_subset_keeps_the_numbers_of_its_classes() {
    let (rows, queries) = clustered(400, 8, 10);
    let classes: Vec<u32> = (0..400).filter(|class| class % 3 == 1).collect();
    let index = IndexBuilder::new().with_classes(&classes).build(&rows.view()).unwrap();
    assert_eq!(index.rows(), classes.len());
    let found = index.search(queries.view(), 1.0, 4, classes.len()).unwrap();
    let picked: Vec<usize> = classes.iter().map(|&class| class as usize).collect();
    let exact = exact(&queries, &rows.select(Axis(0), &picked), 4);
    assert_eq!(found.classes, exact.classes.mapv(|at| classes[at as usize]));
}

#[test]
fn equal_rows_are_all_found_and_bits_do_not_depend_on_threads() {
    let (rows, queries) = clustered(2000, 16, 30);
    let search = |threads| {
        ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(|| {
            let index = IndexBuilder::new().with_connections(4).with_candidates(10).build(&rows.view()).unwrap();
            index.search(queries.view(), 1.0, 5, 10).unwrap()
        })
    };
    assert_eq!(search(1), search(3));
    // As new class weights: all zero.
    let index = IndexBuilder::new().build(&Array2::zeros((500, 4)).view()).unwrap();
    let found = index.search(Array2::ones((1, 4)).view(), 1.0, 500, 500).unwrap();
    assert!(found.classes.iter().copied().eq(0..500));
}

#[test]
fn a_graph_that_does_not_connect_all_rows_still_gives_k_of_them() {
    let (rows, queries) = clustered(1000, 8, 3);
    let index = IndexBuilder::new().with_connections(2).with_candidates(2).build(&rows.view()).unwrap();
    let found = index.search(queries.view(), 1.0, 1000, usize::MAX).unwrap();
    assert_eq!(found.classes, exact(&queries, &rows, 1000).classes);
}

#[test]
fn bad_input_is_named() {
    let rows = random((5, 3), 1);
    let message = |builder: IndexBuilder<'_>| builder.build(&rows.view()).unwrap_err().to_string();
    let new = IndexBuilder::new;
    assert_eq!(message(new().with_connections(1)), "connections is 1, expected 2 to 128");
    assert_eq!(message(new().with_candidates(1)), "candidates is 1, expected 2 to 65536");
    assert_eq!(message(new().with_classes(&[])), "classes is empty, expected at least one");
    assert_eq!(message(new().with_classes(&[2, 2])), "classes is 2 before 2, expected ascending and distinct classes");
    assert_eq!(message(new().with_classes(&[2, 5])), "classes is 5, expected classes of 0..5");
    assert_eq!(message(new().with_bias(&[0.0])), "bias is of length 1, expected length 5, one entry per row");
    let huge = new().build(&array![[0.0_f32], [2.0_f32.powi(100)]].view()).unwrap_err().to_string();
    assert_eq!(huge, "rows is of norm 1.2676506002282294e30 in row 1, expected squares within the range of f32");
    let mut bad = rows.clone();
    bad[[3, 1]] = f32::NAN;
    let nan = new().build(&bad.view()).unwrap_err().to_string();
    assert_eq!(nan, "rows is NaN in row 3, column 1, expected finite numbers");

    let index = new().build(&rows.view()).unwrap();
    let search = |queries: &Array2<f32>, tau, k| index.search(queries.view(), tau, k, 9).unwrap_err().to_string();
    let queries = random((2, 3), 2);
    assert_eq!(search(&queries, 1.0, 6), "k is 6, expected 1 to 5, the number of rows indexed");
    assert_eq!(search(&queries, 0.0, 1), "temperature is 0, expected a finite number > 0");
    assert_eq!(
        search(&queries.slice(s![.., ..2]).to_owned(), 1.0, 1),
        "queries is (2, 2), expected [queries, 3], the width of the rows"
    );
    assert!(search(&(queries * 1e38), 1e-30, 1).starts_with("score is "));
}

#[test]
fn the_length_of_a_query_does_not_matter() {
    let (rows, queries) = clustered(1000, 8, 10);
    let index = IndexBuilder::new().build(&rows.view()).unwrap();
    let classes = |size: f32| index.search((&queries * size).view(), 1.0, 5, 20).unwrap().classes;
    // Powers of 2: scores are scaled without rounding. Squares of the largest ones leave the range of f32.
    for power in [-90, 90] {
        assert_eq!(classes(2.0_f32.powi(power)), classes(1.0));
    }
}
