//! temporary
#![allow(unsafe_code, missing_docs)]
use ndarray::{Array1, Array2};
use softnce::*;
use std::time::Instant;
fn med(mut f: impl FnMut(), budget: f64) -> f64 {
    f();
    let mut v = vec![];
    let t0 = Instant::now();
    while v.len() < 3 || (t0.elapsed().as_secs_f64() < budget && v.len() < 3000) {
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
    let want = |s: &str| args[1..].iter().any(|a| a == s);
    let budget: f64 = std::env::var("BUDGET").ok().and_then(|b| b.parse().ok()).unwrap_or(0.5);
    let threads: Vec<usize> =
        std::env::var("T").map_or(vec![1, 2], |t| t.split(',').map(|x| x.parse().unwrap()).collect());
    let mut x = 1u64;
    let mut unit = move || {
        x = x.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (x >> 11) as f64 / (1u64 << 53) as f64
    };
    let cases = [
        (128, 128, 10),
        (128, 1024, 200),
        (128, 1024, 1000),
        (1024, 1024, 1000),
        (4096, 4096, 1000),
        (1024, 1024, 21841),
        (256, 65536, 1000),
    ];
    for (i, (n, m, d)) in cases.into_iter().enumerate() {
        if !want(&format!("c{i}")) && !want("all") {
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
        let nll = Nll::new(set.clone());
        let sce = SoftTargetCrossEntropy::new(set.clone());
        let dt = Targets::dense_as_is(dense.view()).unwrap();
        let dn = Targets::dense_as_is(dense.slice(ndarray::s![..n, ..])).unwrap();
        let mut g = Array2::<f32>::zeros((n, d));
        for &threads in &threads {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                print!("{n:5} {m:6} {d:6} t{threads}:");
                macro_rules! run {
                    ($name:expr, $e:expr) => {
                        if want($name) {
                            print!(
                                " {} {:9.4}",
                                $name,
                                med(
                                    || {
                                        std::hint::black_box($e);
                                    },
                                    budget
                                )
                            );
                        }
                    };
                }
                run!("compact", loss.loss_and_gradient_into(logits.view(), &mixed, &req, g.view_mut()).unwrap());
                run!("fresh", loss.loss_and_gradient(logits.view(), &mixed, &req).unwrap());
                run!("fwd", loss.loss(logits.view(), &mixed).unwrap());
                run!("hard", loss.loss_and_gradient_into(logits.view(), &hard, &req, g.view_mut()).unwrap());
                run!("nll", nll.loss_and_gradient_into(logits.view(), &hard, &req, g.view_mut()).unwrap());
                run!("sce", sce.loss_and_gradient_into(logits.view(), &dn, &req, g.view_mut()).unwrap());
                run!("scanas", Targets::dense_as_is(dense.view()).unwrap());
                run!("scan", Targets::dense(dense.view()).unwrap());
                run!(
                    "recog",
                    loss.loss_and_gradient_into(
                        logits.view(),
                        &Targets::dense(dense.view()).unwrap(),
                        &req,
                        g.view_mut()
                    )
                    .unwrap()
                );
                run!("mixed", Targets::mixed(&first, &second, &lam, d, 0.1).unwrap());
                run!("dense", loss.loss_and_gradient_into(logits.view(), &dt, &req, g.view_mut()).unwrap());
                println!();
            });
        }
    }
    for d in [10_000usize, 100_000, 1_000_000, 10_000_000] {
        if !want("head") {
            continue;
        }
        let (n, w) = (1024usize, 256usize);
        let h = Array2::from_shape_fn((n, w), |_| (unit() * 2.0 - 1.0) as f32);
        let base: Vec<f32> = (0..8192 * w).map(|_| (unit() * 0.2 - 0.1) as f32).collect();
        let mut v = vec![0f32; d * w];
        v.chunks_mut(base.len()).for_each(|c| {
            let l = c.len();
            c.copy_from_slice(&base[..l])
        });
        let v = Array2::from_shape_vec((d, w), v).unwrap();
        let first = Array1::from_shape_fn(n, |_| (unit() * d as f64) as usize);
        let second = Array1::from_shape_fn(n, |_| (unit() * d as f64) as usize);
        let lam = Array1::from_shape_fn(n, |_| unit());
        let mixed = Targets::mixed(&first, &second, &lam, d, 0.1).unwrap();
        let loss = SoftTargetInfoNce::default();
        let head = LinearHead::new(&h, &v).unwrap();
        for &threads in &threads {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                println!(
                    "head d {d:9} t{threads}: {:9.4}",
                    med(
                        || {
                            std::hint::black_box(
                                loss.head_loss_and_gradient(&head, &mixed, &GradientRequest::new()).unwrap(),
                            );
                        },
                        budget
                    )
                );
            });
        }
    }
}
