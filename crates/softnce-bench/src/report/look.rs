//! How each path is drawn: colour, dash and marker, so that no figure depends on colour alone.

use softnce_report::{Look, Shape};

use crate::Path;

/// A path looks the same in every figure. Losses that the comparison of losses also draws look as they do there.
pub(crate) fn look(path: Path) -> Look {
    let (colour, dash, shape) = match path {
        Path::Reference => ("#6b4a2b", "12 3", Shape::Star),
        Path::Dense => ("#009e73", "2 2.5", Shape::Triangle),
        Path::Recognised => ("#56b4e9", "6 2 1.5 2", Shape::Left),
        Path::Compact => ("#d55e00", "none", Shape::Circle),
        Path::Hard => ("#cc79a7", "9 3 2 3", Shape::Diamond),
        Path::SoftCrossEntropy => ("#0072b2", "7 3", Shape::Square),
        Path::Nll => ("#000000", "5 2 1.5 2 1.5 2", Shape::Wedge),
        Path::Products => ("#b58900", "1.5 1.5", Shape::Plus),
        Path::Copy => ("#777777", "4 4", Shape::Cross),
        Path::Head => ("#882255", "none", Shape::Right),
    };
    Look { colour, dash, shape }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_paths_share_a_colour_or_a_shape() {
        for (index, path) in Path::ALL.iter().copied().enumerate() {
            for other in &Path::ALL[..index] {
                let (left, right) = (look(path), look(*other));
                assert!(left.colour != right.colour && left.shape != right.shape, "{path} and {other}");
            }
        }
    }
}
