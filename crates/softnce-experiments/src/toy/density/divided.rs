//! Divided differences of the exponential function.

/// `ln exp[x_0, .., x_n]`, the logarithm of the divided difference of the exponential function at any nodes, equal ones
/// included; minus infinity without nodes.
///
/// By Hermite and Genocchi, `exp[x_0, .., x_n]` is the integral of `exp(w . x)` over the simplex of the w. By Opitz it is
/// the corner of the exponential of the matrix with the nodes on its diagonal and ones above it. That matrix is shifted
/// until no entry is negative, so that neither its power series nor the squarings cancel: the logarithm is right to 1e-14 for
/// nodes up to 10 apart, to 1e-12 for nodes 1,000 apart.
pub(crate) fn log_divided_exp(nodes: &[f64]) -> f64 {
    let size = nodes.len();
    let most = nodes.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if size == 0 {
        return f64::NEG_INFINITY;
    }
    let reach = nodes.iter().map(|node| most - node).fold(0.0, f64::max);
    let halvings = reach.max(1.0).log2().ceil() as i32;
    let scale = 2.0_f64.powi(-halvings);
    // Upper triangles, row by row.
    let mut power = vec![0.0; size * size];
    let mut matrix = power.clone();
    for (row, node) in nodes.iter().enumerate() {
        matrix[row * size + row] = (node - most + reach) * scale;
        power[row * size + row] = 1.0;
        if row + 1 < size {
            matrix[row * size + row + 1] = scale;
        }
    }
    let mut sum = power.clone();
    for term in 1..=TERMS {
        power = product(size, &power, &matrix, 1.0 / f64::from(term));
        sum.iter_mut().zip(&power).for_each(|(sum, power)| *sum += power);
    }
    let undo = (-reach * scale).exp();
    sum.iter_mut().for_each(|value| *value *= undo);
    for _ in 0..halvings {
        sum = product(size, &sum, &sum, 1.0);
    }
    most + sum[size - 1].ln()
}

/// Entries are at most 1 each way, so that for up to seven nodes what is left out is below 2^-53 of the sum.
const TERMS: u32 = 24;

/// `factor a b` of upper triangles.
fn product(size: usize, a: &[f64], b: &[f64], factor: f64) -> Vec<f64> {
    let mut out = vec![0.0; size * size];
    for row in 0..size {
        for column in row..size {
            let sum: f64 = (row..=column).map(|k| a[row * size + k] * b[k * size + column]).sum();
            out[row * size + column] = factor * sum;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() <= 1e-13 * expected.abs().max(1.0), "{found} is not {expected}");
    }

    #[test]
    fn matches_the_definition() {
        // from mpmath import mp, exp, log; mp.dps = 50
        // def dd(x): return exp(x[0]) if len(x) == 1 else (dd(x[1:]) - dd(x[:-1])) / (x[-1] - x[0])
        // [log(dd([mp.mpf(v) for v in x])) for x in ...]
        let cases: [(&[f64], f64); 5] = [
            (&[0.5], 0.5),
            (&[1.0, 0.0], 0.541_324_854_612_918_1),
            (&[-3.0, 2.0, 0.25], -0.475_193_612_935_449_6),
            (&[40.0, -40.0], 35.617_973_365_326_12),
            (&[1e-9, 0.0, -1e-9], -std::f64::consts::LN_2),
        ];
        for (nodes, expected) in cases {
            close(log_divided_exp(nodes), expected);
        }
    }

    #[test]
    fn equal_nodes_give_the_derivative() {
        // exp[x, x, x, x] = e^x / 3!
        close(log_divided_exp(&[1.5; 4]), 1.5 - 6.0_f64.ln());
        assert_eq!(log_divided_exp(&[]), f64::NEG_INFINITY);
    }

    #[test]
    fn the_order_of_the_nodes_is_no_matter() {
        close(log_divided_exp(&[3.0, -20.0, 0.5]), log_divided_exp(&[-20.0, 0.5, 3.0]));
    }
}
