//! Times the exact scan beside its matrix product alone, in seconds. Arguments: classes, queries, width.
//!
//! `cargo run --release -p softnce-rows --example scan -- 1000000 64 256`

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::hint::black_box;
use std::time::Instant;

use ndarray::{Array2, Axis};
use rayon::ThreadPoolBuilder;
use softnce_kernels::parallel::for_each_part;
use softnce_kernels::product::{Threads, scaled_product};
use softnce_rows::search::Scan;

/// Classes of a product, as in the scan at this width.
const BLOCK: usize = 512;

/// Pseudo-random values in [-1, 1).
fn random(shape: (usize, usize), mut state: u32) -> Array2<f32> {
    Array2::from_shape_simple_fn(shape, || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / 8_388_608.0 - 1.0
    })
}

/// The least of three times.
fn seconds(work: impl Fn()) -> f64 {
    let times = (0..3).map(|_| {
        let start = Instant::now();
        work();
        start.elapsed().as_secs_f64()
    });
    times.fold(f64::INFINITY, f64::min)
}

fn main() {
    let sizes: Vec<usize> = std::env::args().skip(1).map(|size| size.parse().expect("a whole number")).collect();
    let [classes, count, width] = sizes[..] else { panic!("expected: classes, queries, width") };
    let (rows, queries) = (random((classes, width), 1), random((count, width), 2));
    let scan = Scan::new(queries.view());
    let run = |scan: &Scan<'_>| drop(black_box(scan.run(&rows.view()).unwrap()));
    for threads in [1, 2] {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let [product, top, log_sum] = pool.install(|| {
            let product = seconds(|| {
                for_each_part(threads, rows.axis_chunks_iter(Axis(0), BLOCK), |rows| {
                    let mut out = Array2::zeros((count, rows.nrows()));
                    scaled_product(out.view_mut(), false, 1.0, queries.view(), rows.t(), Threads::Caller);
                    black_box(&out);
                });
            });
            let top = scan.clone().with_top(5);
            [product, seconds(|| run(&top)), seconds(|| run(&top.clone().with_log_sum()))]
        });
        println!("{threads} threads: product {product:.3}, with top 5 {top:.3}, and log-sum-exp {log_sum:.3}");
    }
}
