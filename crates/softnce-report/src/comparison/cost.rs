//! What the losses cost.

use maud::{Markup, html};

use crate::results::Comparison;
use crate::{format, loss, page};

/// Times and memory.
pub(crate) fn table(results: &Comparison) -> Markup {
    let memory = if results.summaries.iter().any(|summary| summary.peak_bytes.is_some()) {
        "Peak memory: the most bytes allocated at once in a run, the largest over the seeds, data and network included."
    } else {
        "Peak memory was not measured."
    };
    let caption = format!(
        "Step: forward pass, loss, backward pass and optimiser, once the batch is prepared. Loss alone: its forward \
         and backward pass on the logits of a whole batch, timed by itself, so that its share is a ratio of two \
         measurements. Medians over the steps \
         and the seeds. {memory} Times depend on the machine and its other work; compare them within this \
         table only.",
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
