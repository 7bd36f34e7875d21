//! What the benches share: the paths of a case that can be called, each on data that is made when it is needed.

use std::cell::OnceCell;
use std::hint::black_box;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId};
use softnce_bench::{BenchSettings, Case, Kept, Path, Workload};

/// Adds every path of a case, on all cores. What does not fit into memory is skipped with a line that says so.
pub fn case(group: &mut BenchmarkGroup<'_, WallTime>, case: Case) {
    let cap = BenchSettings::default().memory_cap;
    let skipped =
        |path| Workload::obstacle(case, path, cap).map(|reason| println!("{path} skipped at {case}: {reason}"));
    let applicable = Path::ALL.iter().copied().filter(|path| path.applies_to(case));
    let paths: Vec<Path> = applicable.filter(|path| skipped(*path).is_none()).collect();
    // A filter may leave out every path of the case: its data is made for the first that is called.
    let workload = OnceCell::new();
    for &path in &paths {
        group.bench_function(BenchmarkId::new(path.name(), case), |bencher| {
            let workload = workload.get_or_init(|| Workload::new(case, &paths).expect("the fixed cases are valid"));
            let mut kept = Kept::new(case, &[path], false);
            bencher.iter(|| black_box(workload.call(path, &mut kept).expect("the path applies to the case")));
        });
    }
}
