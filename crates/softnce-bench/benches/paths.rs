//! Every path at the standard cases, under criterion: `cargo bench -p softnce-bench --bench paths -- small/compact`.

#![allow(missing_docs, clippy::expect_used)]

mod common;

use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use softnce_bench::Case;

/// Larger cases stand in a group of their own, so that a filter can leave them out.
fn is_large(case: &Case) -> bool {
    case.rows * case.candidates * case.classes > 1 << 30
}

fn small(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("small");
    group.sample_size(20).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    for case in Case::STANDARD.into_iter().filter(|case| !is_large(case)) {
        common::case(&mut group, case);
    }
    group.finish();
}

fn large(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("large");
    group.sample_size(10).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(3));
    for case in Case::STANDARD.into_iter().filter(is_large) {
        common::case(&mut group, case);
    }
    group.finish();
}

criterion_group!(benches, small, large);
criterion_main!(benches);
