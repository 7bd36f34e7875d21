//! Differences as a drawing: each with its interval, beside the margins of the equivalence tests.

use maud::{Markup, html};
use softnce_metrics::Estimate;
use softnce_report::number::{enumerate, setting, signed};
use softnce_report::{Area, Look, Scale, WIDTH, interval, px, spread, ticks, tipped, upright, with_interval, x_axis};

/// Height of a block's title, of a row, of the axis below all, and of the line on the margins.
const HEAD: f64 = 26.0;
const ROW: f64 = 42.0;
const AXIS: f64 = 40.0;
const MARGINS: f64 = 18.0;
/// Distances from the top of a row to the upper and the lower end of its strokes.
const OVER: f64 = 18.0;
const UNDER: f64 = 36.0;
/// The least span of the axis, in points.
const LEAST: f64 = 1.0;
/// The colour of the margins.
const GREY: &str = "#777777";

/// Differences in test accuracy, in percentage points.
#[derive(Debug, Clone)]
pub(crate) struct Forest {
    pub(crate) blocks: Vec<Block>,
    /// The margins of the equivalence tests, drawn in rows that are tested.
    pub(crate) margins: Vec<f64>,
}

/// Rows under a title.
#[derive(Debug, Clone)]
pub(crate) struct Block {
    pub(crate) title: String,
    pub(crate) rows: Vec<Row>,
}

/// A difference in words and numbers.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) words: String,
    pub(crate) look: Look,
    pub(crate) difference: Estimate,
    /// Whether the margins are drawn.
    pub(crate) is_tested: bool,
}

impl Forest {
    /// The drawing on a page.
    pub(crate) fn panel(&self) -> Markup {
        softnce_report::panel(self.height(), &self.name(), self.content())
    }

    /// The drawing as a file of its own.
    pub(crate) fn standalone(&self) -> String {
        softnce_report::standalone(self.height(), &self.name(), self.content())
    }

    /// Its height, in the units of a panel; the same with and without tested rows, so that drawings side by side align.
    pub(crate) fn height(&self) -> f64 {
        self.bottom() + AXIS + MARGINS
    }

    /// What is drawn, in words.
    fn name(&self) -> String {
        let rows = self.blocks.iter().flat_map(|block| {
            block
                .rows
                .iter()
                .map(|row| format!("{}, {}: {}", block.title, row.words, with_interval(row.difference, 2, signed)))
        });
        format!(
            "Test accuracy of soft target InfoNCE less that of the other loss, points. {}",
            rows.collect::<Vec<_>>().join("; ")
        )
    }

    fn is_tested(&self) -> bool {
        self.blocks.iter().flat_map(|block| &block.rows).any(|row| row.is_tested)
    }

    /// Where the axis is.
    fn bottom(&self) -> f64 {
        self.blocks.iter().map(Block::height).sum()
    }

    fn content(&self) -> Markup {
        let ends = self.blocks.iter().flat_map(|block| &block.rows).flat_map(|row| row.difference.span());
        let margins = self.margins.iter().filter(|_| self.is_tested()).flat_map(|&margin| [-margin, margin]);
        let span = spread(ends.chain(margins), LEAST);
        let heights = self.blocks.iter().map(Block::height);
        let tops = heights.scan(0.0, |next, height| Some(std::mem::replace(next, *next + height)));
        let area = Area { left: 0.0, right: WIDTH, top: 0.0, bottom: self.bottom() };
        let scale = Scale::linear(span, area.left + 6.0, area.right - 6.0);
        let round = ticks(span, 5);
        html! {
            @for (block, top) in self.blocks.iter().zip(tops) {
                text.heading x="0" y=(px(top + 17.0)) { (block.title) }
                @for (index, row) in block.rows.iter().enumerate() {
                    @let top = top + HEAD + ROW * index as f64;
                    @for value in &round.values { (stroke("grid", scale.at(*value), top)) }
                    @if row.is_tested { @for margin in &self.margins { (band(*margin, scale, top)) } }
                    (stroke("zero", scale.at(0.0), top))
                    (row.drawn(&block.title, scale, top))
                }
            }
            (x_axis(area, scale, &round, "difference, points; right of 0: soft target InfoNCE is better"))
            @if self.is_tested() {
                text.label x=(px(WIDTH / 2.0)) y=(px(area.bottom + AXIS + 10.0)) text-anchor="middle" {
                    (self.margins_in_words())
                }
            }
        }
    }

    fn margins_in_words(&self) -> String {
        let margins: Vec<String> = self.margins.iter().map(|&margin| setting(margin)).collect();
        let noun = if margins.len() == 1 { "the margin" } else { "the margins" };
        format!("grey: {noun} of {} points for \"on par\"", enumerate(&margins))
    }
}

impl Block {
    fn height(&self) -> f64 {
        HEAD + ROW * self.rows.len() as f64
    }
}

impl Row {
    /// The difference in figures above its interval.
    fn drawn(&self, title: &str, scale: Scale, top: f64) -> Markup {
        let (line, mean) = (top + (OVER + UNDER) / 2.0, self.difference.mean);
        html! {
            text.label x="0" y=(px(top + 12.0)) { (self.words) }
            text.value x=(px(WIDTH)) y=(px(top + 12.0)) text-anchor="end" {
                (with_interval(self.difference, 2, signed))
            }
            @if mean.is_finite() {
                @let ends = self.difference.interval().map(|[from, to]| (scale.at(from), scale.at(to)));
                @let interval_words = self.difference.interval().map(|[from, to]| {
                    format!(", 95 % interval {} to {}", signed(from, 2), signed(to, 2))
                });
                @let tip = format!(
                    "{title}, {}: {} points{}", self.words, signed(mean, 2), interval_words.unwrap_or_default()
                );
                (tipped(&tip, interval(self.look, line, scale.at(mean), ends)))
            }
        }
    }
}

/// A margin on either side of zero.
fn band(margin: f64, scale: Scale, top: f64) -> Markup {
    let [from, to] = [-margin, margin].map(|end| scale.at(end));
    tipped(
        &format!("margin: −{} to +{} points", setting(margin), setting(margin)),
        html! {
            rect.band x=(px(from)) width=(px(to - from)) y=(px(top + OVER)) height=(px(UNDER - OVER)) fill=(GREY) {}
        },
    )
}

/// A stroke over the height of a row's interval.
fn stroke(class: &str, x: f64, top: f64) -> Markup {
    upright(class, x, (top + OVER, top + UNDER))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use softnce::LossKind;
    use softnce_report::look;

    use super::*;

    #[test]
    fn it_is_well_formed_whatever_the_differences() {
        let row = |mean: f64, half_width: Option<f64>, is_tested: bool| Row {
            words: "better & worse".into(),
            look: look(LossKind::Nll),
            difference: Estimate { mean, half_width },
            is_tested,
        };
        let block = |rows: Vec<Row>| Block { title: "a < b".into(), rows };
        let rows = vec![
            row(1.0, Some(0.5), true),
            row(1.0, None, false),
            row(1.0, Some(f64::INFINITY), false),
            row(f64::NAN, None, true),
        ];
        for blocks in [vec![], vec![block(vec![])], vec![block(rows), block(vec![row(-2.0, Some(0.1), false)])]] {
            let drawn = blocks.iter().flat_map(|block| &block.rows);
            let marks = drawn.clone().filter(|row| row.difference.mean.is_finite()).count();
            let bands = 2 * drawn.filter(|row| row.is_tested).count();
            let text = Forest { blocks, margins: vec![0.5, 0.25] }.standalone();
            let document = roxmltree::Document::parse(&text).unwrap();
            let count = |class| document.descendants().filter(|node| node.attribute("class") == Some(class)).count();
            assert_eq!((count("marker"), count("band")), (marks, bands));
            assert!(!text.contains("=\"NaN") && !text.contains("=\"inf"), "{text}");
            assert_eq!(bands > 0, text.contains("the margins of 0.5 and 0.25 points"), "{text}");
        }
    }
}
