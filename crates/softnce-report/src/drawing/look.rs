//! How a series is drawn: colour, dash and marker, so that no figure depends on colour alone.

/// The look of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// A colour, best one of the Okabe–Ito palette, told apart under the common colour deficiencies.
    pub colour: &'static str,
    /// The line's dashes, as SVG's `stroke-dasharray`.
    pub dash: &'static str,
    /// The shape of its points.
    pub shape: Shape,
}

/// Looks of the series of a figure, in their order.
pub const SERIES: [Look; 6] = [
    Look { colour: "#d55e00", dash: "none", shape: Shape::Circle },
    Look { colour: "#0072b2", dash: "7 3", shape: Shape::Square },
    Look { colour: "#009e73", dash: "2 2.5", shape: Shape::Triangle },
    Look { colour: "#cc79a7", dash: "9 3 2 3", shape: Shape::Diamond },
    Look { colour: "#000000", dash: "5 2 1.5 2 1.5 2", shape: Shape::Wedge },
    Look { colour: "#56b4e9", dash: "1 3", shape: Shape::Circle },
];

/// The shape of a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// No points: a line alone.
    None,
    /// A disc.
    Circle,
    /// A square on its side.
    Square,
    /// A triangle that points up.
    Triangle,
    /// A square on its corner.
    Diamond,
    /// A triangle that points down.
    Wedge,
    /// A triangle that points to the left.
    Left,
    /// A triangle that points to the right.
    Right,
    /// An upright cross.
    Plus,
    /// A slanted cross.
    Cross,
    /// A star of four points.
    Star,
}
