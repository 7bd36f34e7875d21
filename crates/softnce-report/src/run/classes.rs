//! Class by class, and the classes by their frequency in training.

use maud::{Markup, html};
use softnce_metrics::{Frequency, FrequencyGroups};

use super::caption::name;
use super::rows::share;
use super::table::frequency_name;
use crate::results::RunReport;
use crate::{format, page};

/// Most classes whose table is shown unfolded.
const OPEN: usize = 20;
/// Classes that are shown unfolded if there are more.
const WORST: usize = 10;

/// The classes by their frequency.
pub(super) fn groups(groups: &FrequencyGroups) -> Markup {
    page::table(
        "Accuracy by frequency in training.",
        "Mean accuracy over the classes of each group, as is usual for long-tailed data.",
        html! {
            (page::head(&["Classes"], ["Number", "Pictures evaluated", "Mean accuracy, %"]))
            tbody {
                @for frequency in Frequency::ALL {
                    @let group = groups.get(frequency);
                    tr {
                        th scope="row" { (frequency_name(frequency)) }
                        td.number { (format::count(group.classes)) }
                        td.number { (format::count(group.examples)) }
                        td.number { (group.accuracy.map_or(format::MISSING.to_owned(), share)) }
                    }
                }
            }
        },
    )
}

/// Every class. If there are many, the table is folded, and one of the least accurate classes goes before it.
pub(super) fn table(report: &RunReport) -> Markup {
    let all: Vec<usize> = (0..report.result.classes.len()).collect();
    if all.len() <= OPEN {
        return rows(report, "Class by class.", &all);
    }
    let mut worst: Vec<usize> = all.iter().copied().filter(|&class| accuracy(report, class).is_some()).collect();
    worst.sort_by(|&a, &b| accuracy(report, a).unwrap_or(1.0).total_cmp(&accuracy(report, b).unwrap_or(1.0)));
    worst.truncate(WORST);
    html! {
        (rows(report, &format!("The {} least accurate classes.", worst.len()), &worst))
        (page::details(&format!("All {} classes", all.len()), rows(report, "Class by class.", &all)))
    }
}

fn accuracy(report: &RunReport, class: usize) -> Option<f64> {
    report.result.classes[class].accuracy
}

fn rows(report: &RunReport, lead: &str, classes: &[usize]) -> Markup {
    let counted = report.result.classes.iter().any(|class| class.training_examples.is_some());
    let training = counted.then_some("Training");
    let meaning = training.map_or("", |_| " Training: training pictures of the class.");
    let caption = format!(
        "Accuracy: share of the pictures of the class that are predicted as this class. Precision: share of the pictures \
         predicted as this class that belong to it.{meaning}",
    );
    page::table(
        lead,
        &caption,
        html! {
            (page::head(&["Class"], training.into_iter().chain(["Pictures", "Correct", "Accuracy, %", "Precision, %"])))
            tbody {
                @for &class in classes {
                    @let result = &report.result.classes[class];
                    @let precision = (result.predicted > 0).then(|| result.correct as f64 / result.predicted as f64);
                    tr {
                        th scope="row" { (name(&report.class_names, class)) }
                        @if counted {
                            td.number {
                                (result.training_examples.map_or(format::MISSING.to_owned(), |count| format::count(count as usize)))
                            }
                        }
                        td.number { (format::count(result.examples)) }
                        td.number { (format::count(result.correct)) }
                        td.number { (result.accuracy.map_or(format::MISSING.to_owned(), share)) }
                        td.number { (precision.map_or(format::MISSING.to_owned(), share)) }
                    }
                }
            }
        },
    )
}
