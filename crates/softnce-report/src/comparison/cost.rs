//! What the losses cost.

use maud::{Markup, html};

use super::words;
use crate::results::Comparison;
use crate::{format, loss, page};

/// Times and memory.
pub(crate) fn table(results: &Comparison) -> Markup {
    let (over_seeds, largest) = match words::seeds(results) {
        0 | 1 => ("", ""),
        _ => (" and the seeds", "; the largest over the seeds"),
    };
    let memory = if results.summaries.iter().any(|summary| summary.peak_bytes.is_some()) {
        format!("Peak memory: the most bytes allocated at once in a run, including the data and the network{largest}.")
    } else {
        "Peak memory was not measured.".to_owned()
    };
    let alone = if results.summaries.iter().any(|summary| summary.loss_ms.is_some()) {
        "Loss alone: its forward and backward pass on the logits of one batch, measured separately."
    } else {
        "The loss alone was not measured."
    };
    let caption = format!(
        "Step: forward pass, loss, backward pass and optimiser, without the preparation of the batch. {alone} Times are \
         medians over the steps{over_seeds}. {memory} Times depend on the machine and on its other work: compare them within \
         this table only.",
    );
    page::table(
        "Time and memory.",
        &caption,
        html! {
            (page::head(&["Loss"], ["Step, ms", "Loss alone, ms", "Share of the step, %", "Peak memory, MiB"]))
            tbody {
                @for summary in &results.summaries {
                    tr {
                        (loss::row_head(summary.loss))
                        td.number { (format::milliseconds(summary.step_ms)) }
                        @let loss_ms = summary.loss_ms.unwrap_or(f64::NAN);
                        td.number { (format::milliseconds(loss_ms)) }
                        td.number { (format::fixed(100.0 * loss_ms / summary.step_ms, 1)) }
                        td.number { (format::mebibytes(summary.peak_bytes)) }
                    }
                }
            }
        },
    )
}
