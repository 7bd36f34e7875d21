//! The loss with a linear head, under criterion: `cargo bench -p softnce-bench --bench heads -- d=10,000,`.

#![allow(missing_docs, clippy::expect_used)]

mod common;

use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use softnce_bench::Case;

fn heads(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("heads");
    group.sample_size(10).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(3));
    for case in Case::HEADS {
        common::case(&mut group, case);
    }
    group.finish();
}

criterion_group!(benches, heads);
criterion_main!(benches);
