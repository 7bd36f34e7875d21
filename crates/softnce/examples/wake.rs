#![allow(missing_docs)]
use std::sync::atomic::*;
use std::time::{Duration, Instant};
fn main() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    for gap in [0u64, 5, 20, 50, 100, 300, 1000, 5000] {
        let mut v = vec![];
        pool.install(|| {
            for _ in 0..300 {
                let t = Instant::now();
                while t.elapsed() < Duration::from_micros(gap) {
                    std::hint::spin_loop()
                }
                let f = AtomicBool::new(false);
                let t = Instant::now();
                rayon::in_place_scope(|s| {
                    s.spawn(|_| f.store(true, Ordering::SeqCst));
                    while !f.load(Ordering::SeqCst) {
                        std::hint::spin_loop()
                    }
                });
                v.push(t.elapsed().as_nanos() as f64 / 1e3);
            }
        });
        v.sort_by(f64::total_cmp);
        println!("gap {gap} us: wake median {:.1} us p90 {:.1}", v[150], v[270]);
    }
}
