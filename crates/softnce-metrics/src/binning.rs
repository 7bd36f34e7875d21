//! Grouping of examples by confidence.

/// Largest number of bins accepted.
pub const MAX_BINS: usize = 10_000;

/// The examples of one bin.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Group {
    /// Lower edge.
    pub lower: f64,
    /// Upper edge.
    pub upper: f64,
    /// Rows of the examples, in rising order of confidence.
    pub members: Vec<usize>,
}

/// `bins` groups of equal width, `(b / bins, (b + 1) / bins]`, with 0 in the first; `bins >= 1`.
pub(crate) fn equal_width(confidences: &[f64], bins: usize) -> Vec<Group> {
    let edge = |bin: usize| bin as f64 / bins as f64;
    let mut groups: Vec<Group> =
        (0..bins).map(|bin| Group { lower: edge(bin), upper: edge(bin + 1), members: Vec::new() }).collect();
    for row in by_confidence(confidences) {
        groups[bin_of(confidences[row], bins)].members.push(row);
    }
    groups
}

/// The bin of equal width that `confidence` in `[0, 1]` falls in; `bins >= 1`.
pub(crate) fn bin_of(confidence: f64, bins: usize) -> usize {
    let edge = |bin: usize| bin as f64 / bins as f64;
    // The product rounds, so that near an edge it may name a neighbour; the edges themselves decide.
    let mut bin = ((confidence * bins as f64) as usize).min(bins - 1);
    while bin + 1 < bins && confidence > edge(bin + 1) {
        bin += 1;
    }
    while bin > 0 && confidence <= edge(bin) {
        bin -= 1;
    }
    bin
}

/// At most `bins` groups of about equal size; a run of equal confidences goes where its middle falls. `bins >= 1`.
pub(crate) fn equal_mass(confidences: &[f64], bins: usize) -> Vec<Group> {
    let order = by_confidence(confidences);
    let mut groups: Vec<Group> = Vec::new();
    let mut last_bin = None;
    let mut start = 0;
    for run in order.chunk_by(|&a, &b| confidences[a] == confidences[b]) {
        // floor(bins (start + length/2) / n) in whole numbers.
        let bin = (2 * start + run.len()) as u128 * bins as u128 / (2 * order.len()) as u128;
        let confidence = confidences[run[0]];
        match groups.last_mut() {
            Some(group) if last_bin == Some(bin) => {
                group.upper = confidence;
                group.members.extend_from_slice(run);
            }
            _ => groups.push(Group { lower: confidence, upper: confidence, members: run.to_vec() }),
        }
        last_bin = Some(bin);
        start += run.len();
    }
    groups
}

/// Rows in rising order of confidence.
fn by_confidence(confidences: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..confidences.len()).collect();
    order.sort_by(|&a, &b| confidences[a].total_cmp(&confidences[b]));
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(groups: &[Group]) -> Vec<usize> {
        groups.iter().map(|group| group.members.len()).collect()
    }

    #[test]
    fn an_edge_belongs_to_the_bin_below() {
        for bins in [1, 2, 3, 7, 10, 15, 20, 49, 1000] {
            let edges: Vec<f64> = (0..=bins).map(|bin| bin as f64 / bins as f64).collect();
            // np.bincount(np.maximum(np.digitize(e, e, right=True) - 1, 0)): 0 joins the first upper edge
            let mut expected = vec![1; bins];
            expected[0] = 2;
            assert_eq!(sizes(&equal_width(&edges, bins)), expected, "{bins} bins");
            let above: Vec<f64> = edges[..bins].iter().map(|edge| edge.next_up()).collect();
            assert_eq!(sizes(&equal_width(&above, bins)), vec![1; bins], "{bins} bins");
        }
    }

    #[test]
    fn equal_mass_splits_evenly() {
        let confidences: Vec<f64> = (0..7).map(|i| f64::from(i) / 7.0).collect();
        // np.bincount(((np.arange(7) + .5) * 3 / 7).astype(int))
        assert_eq!(sizes(&equal_mass(&confidences, 3)), [2, 3, 2]);
        assert_eq!(sizes(&equal_mass(&confidences, 7)), [1; 7]);
        assert_eq!(sizes(&equal_mass(&confidences, 100)), [1; 7]);
        assert_eq!(sizes(&equal_mass(&confidences, 1)), [7]);
    }

    #[test]
    fn equal_confidences_stay_together() {
        assert_eq!(sizes(&equal_mass(&[0.5; 100], 15)), [100]);
        assert_eq!(sizes(&equal_mass(&[0.0, -0.0, 0.0], 3)), [3]);
        // Middles of the runs at 0.5/6, 3/6 and 5.5/6: bins 0, 1 and 2 of 3.
        let groups = equal_mass(&[0.5, 0.9, 0.5, 0.1, 0.5, 0.5], 3);
        assert_eq!(groups[1].members, [0, 2, 4, 5]);
        assert_eq!((groups[1].lower, groups[1].upper), (0.5, 0.5));
        assert_eq!(sizes(&groups), [1, 4, 1]);
    }
}
