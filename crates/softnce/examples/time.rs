#![allow(unsafe_code, missing_docs)]
//! temporary
use ndarray::{Array1, Array2};
use softnce::*;
use std::time::Instant;
fn med(mut f: impl FnMut(), budget: f64) -> f64 {
    f();
    let mut v = vec![];
    let t0 = Instant::now();
    while v.len() < 3 || (t0.elapsed().as_secs_f64() < budget && v.len() < 2000) {
        let t = Instant::now();
        f();
        v.push(t.elapsed().as_secs_f64() * 1e3);
    }
    v.sort_by(f64::total_cmp);
    v[v.len() / 2]
}
fn main() {
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, 32 << 20);
        libc::mallopt(libc::M_TRIM_THRESHOLD, libc::c_int::MAX);
        libc::mallopt(libc::M_TOP_PAD, 64 << 20);
    }

    let args: Vec<String> = std::env::args().collect();
    let want = |s: &str| args.len() < 2 || args[1..].iter().any(|a| a == s);
    let mut x = 1u64;
    let mut unit = move || {
        x = x.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (x >> 11) as f64 / (1u64 << 53) as f64
    };
    for (n, m, d) in [
        (128, 128, 10),
        (128, 1024, 200),
        (128, 1024, 1000),
        (1024, 1024, 1000),
        (4096, 4096, 1000),
        (1024, 1024, 21841),
        (256, 65536, 1000),
    ] {
        if !want("big") && (n * d > 2_000_000) {
            continue;
        }
        if want("mid") && n != 4096 {
            continue;
        }
        if want("small") && (n != 128 || m != 1024 || d != 1000) {
            continue;
        }
        if want("wide") && (m != 65536) {
            continue;
        }
        if want("tiny") && (m != 128) {
            continue;
        }
        let logits = Array2::from_shape_fn((n, d), |_| (unit() * 4.0 - 2.0) as f32);
        let first = Array1::from_shape_fn(m, |_| (unit() * d as f64) as usize);
        let second = Array1::from_shape_fn(m, |_| (unit() * d as f64) as usize);
        let lam = Array1::from_shape_fn(m, |_| unit());
        let mixed = Targets::mixed(&first, &second, &lam, d, 0.1).unwrap();
        let hard = Targets::hard(&first, d).unwrap();
        let dense = mixed.to_dense().unwrap().mapv(|x| x as f32);
        let req = GradientRequest::new();
        let set = LossSettings::new();
        let loss = SoftTargetInfoNce::new(set.clone());
        let b = 0.5;
        for threads in [1usize, 2] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                print!("{n:5} {m:6} {d:6} t{threads}:");
                if want("compact") || args.len() < 2 {
                    print!(
                        " compact {:9.4}",
                        med(
                            || {
                                std::hint::black_box(loss.loss_and_gradient(logits.view(), &mixed, &req).unwrap());
                            },
                            b
                        )
                    );
                }
                if want("fwd") {
                    print!(
                        " fwd {:9.4}",
                        med(
                            || {
                                std::hint::black_box(loss.loss(logits.view(), &mixed).unwrap());
                            },
                            b
                        )
                    );
                }
                if want("hard") {
                    print!(
                        " hard {:9.4}",
                        med(
                            || {
                                std::hint::black_box(loss.loss_and_gradient(logits.view(), &hard, &req).unwrap());
                            },
                            b
                        )
                    );
                }
                let nll = Nll::new(set.clone());
                if want("nll") {
                    print!(
                        " nll {:9.4}",
                        med(
                            || {
                                std::hint::black_box(nll.loss_and_gradient(logits.view(), &hard, &req).unwrap());
                            },
                            b
                        )
                    );
                }
                let sce = SoftTargetCrossEntropy::new(set.clone());
                let dt = Targets::dense(dense.view()).unwrap();
                if want("sce") {
                    print!(
                        " sce {:9.4}",
                        med(
                            || {
                                std::hint::black_box(sce.loss_and_gradient(logits.view(), &dt, &req).unwrap());
                            },
                            b
                        )
                    );
                }
                if want("dense") && n * m * d < 30_000_000_000 {
                    print!(
                        " dense {:9.4}",
                        med(
                            || {
                                std::hint::black_box(loss.loss_and_gradient(logits.view(), &dt, &req).unwrap());
                            },
                            b
                        )
                    );
                }
                if want("copy") {
                    print!(
                        " copy {:9.4}",
                        med(
                            || {
                                std::hint::black_box(logits.clone());
                            },
                            b
                        )
                    );
                }
                println!();
            });
        }
    }
}
