//! The results in words.

use maud::Markup;
use softnce_metrics::EvaluationResult;

use super::caption::name;
use super::rows::{accuracy_interval, score, share};
use crate::protocol::Protocol;
use crate::results::RunReport;
use crate::{format, page};

/// What the results show and what they do not show.
pub(super) fn list(report: &RunReport) -> Markup {
    page::claims(("Results", &shows(report)), ("Limits", &limits(report)))
}

pub(super) fn shows(report: &RunReport) -> Vec<String> {
    let result = &report.result;
    let mut sentences = vec![format!(
        "{} % of the {} pictures are classified correctly; guessing among the classes would give {} %.",
        share(result.overall.top1),
        report.split,
        share(1.0 / result.classes.len() as f64),
    )];
    sentences.push(calibration(result));
    sentences.extend(scaling(report));
    sentences.extend(frequencies(result));
    sentences.extend(confusion(report));
    sentences
}

fn limits(report: &RunReport) -> Vec<String> {
    let mut sentences = vec![
        format!(
            "With {} the 95 % interval of the top-1 accuracy is {} %.",
            format::plural(report.result.overall.examples, "picture", "pictures"),
            accuracy_interval(&report.result),
        ),
        "This is one run from one seed. It does not show how far another seed would differ.".to_owned(),
    ];
    if Protocol::read(&report.recipe_toml).has_validation() == Some(false) && !report.curves.is_empty() {
        sentences.push(
            "No pictures were held out for validation. If settings were chosen by these results, they are too favourable."
                .to_owned(),
        );
    }
    if report.scaled.as_ref().is_some_and(|scaled| scaled.fit.at_bound) {
        sentences.push(
            "The fitted temperature is at the end of the range searched: the validation pictures do not determine it. Do not \
             rely on the scaled results."
                .to_owned(),
        );
    }
    let empty = report.result.classes.iter().filter(|class| class.examples == 0).count();
    if empty > 0 {
        sentences.push(format!(
            "{} no {} pictures. The means over the classes are those of the other classes.",
            format::plural(empty, "class has", "classes have"),
            report.split,
        ));
    }
    sentences
}

fn calibration(result: &EvaluationResult) -> String {
    let overall = &result.overall;
    let sum = |of: fn(&softnce_metrics::ReliabilityBin) -> f64| overall.reliability.iter().map(of).sum::<f64>();
    let confidence = sum(|bin| bin.count as f64 * bin.mean_confidence) / overall.examples.max(1) as f64;
    let ece = &overall.ece_equal_mass;
    let (error, reference) = (share(ece.error), share(ece.calibrated_reference));
    if ece.error <= ece.calibrated_reference {
        return format!(
            "The calibration error (equal-mass ECE) is {error} %. A perfectly calibrated model would show {reference} % by \
             chance, so there is no sign of miscalibration."
        );
    }
    let direction = if confidence > overall.top1 { "overconfident" } else { "underconfident" };
    format!(
        "The calibration error (equal-mass ECE) is {error} %; a perfectly calibrated model would show {reference} % by \
         chance. The mean confidence is {} %, so the model is {direction} on average.",
        share(confidence),
    )
}

fn scaling(report: &RunReport) -> Option<String> {
    let scaled = report.scaled.as_ref()?;
    let (before, after) = (&report.result.overall, &scaled.result.overall);
    Some(format!(
        "Temperature scaling (temperature {} instead of {}) changes the negative log likelihood on the {} pictures from {} \
         to {} nats and the calibration error from {} % to {} %.",
        format::temperature(scaled.fit.temperature),
        format::setting(report.result.temperature),
        report.split,
        score(before.nll),
        score(after.nll),
        share(before.ece_equal_mass.error),
        share(after.ece_equal_mass.error),
    ))
}

fn frequencies(result: &EvaluationResult) -> Option<String> {
    let groups = result.groups.as_ref()?;
    let (frequent, rare) = (groups.frequent.accuracy?, groups.rare.accuracy?);
    Some(format!(
        "The mean accuracy of the classes with more than 100 training pictures is {} %, that of the classes with fewer than \
         20 is {} %.",
        share(frequent),
        share(rare),
    ))
}

fn confusion(report: &RunReport) -> Option<String> {
    let [label, predicted, count] = *report.result.confusion.most_confused(1).first()?;
    let examples = report.result.classes.get(label)?.examples;
    Some(format!(
        "The most frequent confusion: {} of {} of {} {} predicted as {}.",
        format::count(count),
        format::plural(examples, "picture", "pictures"),
        name(&report.class_names, label),
        if count == 1 { "is" } else { "are" },
        name(&report.class_names, predicted),
    ))
}
