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
