//! Made-up results to test the reports on.

use softnce_metrics::Spread;

use crate::{BenchSettings, Case, CaseSet, Machine, Measurement, Path, Results, Skipped};

/// Two cases, one of them with a linear head, with two numbers of threads; one path is skipped.
pub(crate) fn small() -> Results {
    let mut results = made_up(vec![Case::STANDARD[0], Case::HEADS[0]], vec![2, 1]);
    let case = Case::STANDARD[0];
    results.measurements.retain(|measurement| measurement.path != Path::Reference);
    let reason = "its N x M x d tensor takes 50.0 MiB, more than the cap of 1.0 MiB".to_owned();
    results.skipped.push(Skipped { case, path: Path::Reference, reason });
    results
}

/// The sweep.
pub(crate) fn sweep() -> Results {
    made_up(Case::sweep(), vec![2])
}

/// Every case that is measured by default.
pub(crate) fn whole() -> Results {
    made_up(CaseSet::union(&CaseSet::DEFAULT), vec![2])
}

/// Results of any cases, by the order of growth of each path.
fn made_up(cases: Vec<Case>, threads: Vec<usize>) -> Results {
    let mut measurements = Vec::new();
    for &case in &cases {
        for &threads in &threads {
            let paths = Path::ALL.iter().copied().filter(|path| path.applies_to(case));
            measurements.extend(paths.map(|path| measurement(case, threads, path)));
        }
    }
    let settings = BenchSettings { cases, threads, ..BenchSettings::default() };
    let machine = Machine {
        processor: Some("A processor".to_owned()),
        cores: 2,
        system: "linux x86_64".to_owned(),
        instructions: "AVX2".to_owned(),
    };
    Results { version: "0.1.0".to_owned(), machine, settings, measurements, skipped: Vec::new() }
}

fn measurement(case: Case, threads: usize, path: Path) -> Measurement {
    let [n, m, d] = [case.rows, case.candidates, case.classes].map(|size| size as f64);
    let (cost, extra) = match path {
        Path::Reference => (8.0 * n * m * d, 4.0 * n * m * d),
        Path::Dense => (n * m * d / 10.0, 64.0 * m),
        Path::Recognised => (2.0 * m * d + 3.0 * n * (m + d), 24.0 * m + 4.0 * d),
        Path::Compact | Path::Head => (3.0 * n * m + 2.0 * n * d, 16.0 * (m + d)),
        Path::Hard => (1.5 * n * d, 4.0 * m),
        Path::SoftCrossEntropy => (3.0 * n * d, 0.0),
        Path::Nll => (1.2 * n * d, 0.0),
        Path::Products => (n * m * d / 12.0, 4.0 * n * m),
        Path::Copy => (n * d / 4.0, 0.0),
    };
    let median = 0.001 + cost / threads as f64 / 1e6;
    let spread = Spread {
        min: 0.97 * median,
        lower_quartile: 0.99 * median,
        median,
        upper_quartile: 1.04 * median,
        max: 1.5 * median,
        samples: 100,
    };
    Measurement::new(case, threads, path, spread, Some(extra as u64))
}
