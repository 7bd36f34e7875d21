//! How each loss is drawn: colour, dash and marker, so that no figure depends on colour alone.

use softnce::LossKind;

/// The look of a loss.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look {
    /// A colour of the Okabe–Ito palette, told apart under the common colour deficiencies.
    pub(crate) colour: &'static str,
    /// The line's dashes, as SVG's `stroke-dasharray`.
    pub(crate) dash: &'static str,
    /// The shape of its points.
    pub(crate) shape: Shape,
}

/// The shape of a point.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shape {
    Circle,
    Square,
    Triangle,
    Diamond,
    Wedge,
}

impl Look {
    /// The same look for a loss wherever it appears, whichever others stand beside it.
    pub(crate) fn of(loss: LossKind) -> Self {
        let (colour, dash, shape) = match loss {
            LossKind::SoftTargetInfoNce => ("#d55e00", "none", Shape::Circle),
            LossKind::SoftTargetCrossEntropy => ("#0072b2", "7 3", Shape::Square),
            LossKind::SoftDistributionInfoNce => ("#009e73", "2 2.5", Shape::Triangle),
            LossKind::InfoNce => ("#cc79a7", "9 3 2 3", Shape::Diamond),
            LossKind::Nll => ("#000000", "5 2 1.5 2 1.5 2", Shape::Wedge),
        };
        Self { colour, dash, shape }
    }
}
