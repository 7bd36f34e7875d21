//! The passes against their definitions, entry by entry.

use super::{Geometry, by_input, by_weight, forward};

fn values(len: usize, seed: u32) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / 8_388_608.0 - 1.0
    };
    (0..len).map(|_| next()).collect()
}

/// Calls `visit(input, weight, output)` with the flat indices of every product of the convolution.
fn products(geometry: Geometry, pictures: usize, mut visit: impl FnMut(usize, usize, usize)) {
    let Geometry { inputs, outputs, picture: (height, width), kernel: (rows, columns), stride, padding } = geometry;
    let (result_height, result_width) = geometry.result().unwrap();
    for picture in 0..pictures {
        for output in 0..outputs {
            for (y, x) in (0..result_height).flat_map(|y| (0..result_width).map(move |x| (y, x))) {
                for input in 0..inputs {
                    for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))) {
                        let (from_y, from_x) = (y * stride + row, x * stride + column);
                        if from_y < padding
                            || from_x < padding
                            || from_y >= height + padding
                            || from_x >= width + padding
                        {
                            continue;
                        }
                        let at = ((picture * inputs + input) * height + from_y - padding) * width + from_x - padding;
                        let weight = ((output * inputs + input) * rows + row) * columns + column;
                        visit(at, weight, ((picture * outputs + output) * result_height + y) * result_width + x);
                    }
                }
            }
        }
    }
}

#[track_caller]
fn assert_close(what: &str, geometry: Geometry, found: &[f32], expected: &[f64]) {
    for (at, (found, expected)) in found.iter().zip(expected).enumerate() {
        let off = (f64::from(*found) - expected).abs();
        assert!(off < 1e-4 * expected.abs().max(1.0), "{what} of {geometry:?}: {at} is {found}, not {expected}");
    }
}

#[test]
fn every_pass_equals_its_definition() {
    let mut seen = 0;
    for (picture, kernel, stride, padding) in [
        ((8, 8), (3, 3), 1, 1),
        ((32, 32), (3, 3), 1, 1),
        ((8, 8), (3, 3), 2, 1),
        ((7, 5), (3, 3), 2, 1),
        ((8, 6), (1, 1), 1, 0),
        ((8, 8), (1, 1), 2, 0),
        ((7, 9), (1, 1), 2, 0),
        ((8, 12), (4, 4), 4, 0),
        ((9, 13), (4, 4), 4, 0),
        ((5, 5), (5, 5), 1, 2),
        ((11, 10), (7, 7), 2, 3),
        ((3, 3), (3, 3), 1, 0),
        ((1, 1), (3, 3), 1, 1),
        ((2, 1), (1, 1), 3, 2),
        ((6, 4), (2, 3), 3, 1),
        ((40, 3), (3, 3), 1, 2),
    ] {
        for (pictures, inputs, outputs) in [(1, 1, 1), (3, 2, 5), (20, 3, 9)] {
            let geometry = Geometry { inputs, outputs, picture, kernel, stride, padding };
            let result = geometry.result().unwrap();
            let input = values(pictures * inputs * picture.0 * picture.1, 1);
            let weight = values(outputs * inputs * kernel.0 * kernel.1, 2);
            let upstream = values(pictures * outputs * result.0 * result.1, 3);
            let mut expected = (vec![0.0; upstream.len()], vec![0.0; input.len()], vec![0.0; weight.len()]);
            products(geometry, pictures, |i, w, o| {
                expected.0[o] += f64::from(input[i]) * f64::from(weight[w]);
                expected.1[i] += f64::from(upstream[o]) * f64::from(weight[w]);
                expected.2[w] += f64::from(upstream[o]) * f64::from(input[i]);
                seen += 1;
            });
            let found = (
                forward(geometry, result, &input, &weight),
                by_input(geometry, result, &upstream, &weight),
                by_weight(geometry, result, &input, &upstream),
            );
            assert_close("output", geometry, &found.0, &expected.0);
            assert_close("gradient by the input", geometry, &found.1, &expected.1);
            assert_close("gradient by the weight", geometry, &found.2, &expected.2);
        }
    }
    assert!(seen > 0);
}

#[test]
fn the_bits_do_not_depend_on_the_number_of_threads() {
    let geometry = Geometry { inputs: 3, outputs: 5, picture: (9, 9), kernel: (3, 3), stride: 2, padding: 1 };
    let result = geometry.result().unwrap();
    let (input, upstream) = (values(70 * 3 * 81, 1), values(70 * 5 * result.0 * result.1, 2));
    let passes = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| by_weight(geometry, result, &input, &upstream))
    };
    assert_eq!(passes(1), passes(2));
    assert_eq!(passes(1), passes(5));
}

#[test]
fn a_kernel_larger_than_the_padded_picture_has_no_result() {
    let geometry = Geometry { inputs: 1, outputs: 1, picture: (2, 8), kernel: (5, 3), stride: 1, padding: 1 };
    assert_eq!(geometry.result(), None);
    assert_eq!(Geometry { padding: 2, ..geometry }.result(), Some((2, 10)));
    assert_eq!(Geometry { stride: 0, padding: 2, ..geometry }.result(), None);
}
