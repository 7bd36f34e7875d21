//! What the figures show and what they do not, in sentences computed from the results.

use softnce::LossKind;
use softnce_metrics::{Estimate, Metric, NLL, TOP1};

use crate::format::{self, Verdict};
use crate::results::{Comparison, LossSummary, REFERENCE_LOSS};

/// The loss that the comparison is about.
const SUBJECT: LossKind = LossKind::SoftTargetInfoNce;

/// The sentences of a report.
#[derive(Debug)]
pub(crate) struct Claims {
    /// What the numbers say, with the numbers.
    pub(crate) shows: Vec<String>,
    /// What they cannot say, and why.
    pub(crate) limits: Vec<String>,
}

/// Writes the sentences.
pub(crate) fn claims(results: &Comparison) -> Claims {
    Claims { shows: shows(results), limits: limits(results) }
}

/// Whether any loss has a difference to the reference.
pub(crate) fn has_differences(results: &Comparison) -> bool {
    results.summaries.iter().any(LossSummary::is_compared)
}

fn shows(results: &Comparison) -> Vec<String> {
    if !has_differences(results) {
        return vec![without_differences(results)];
    }
    let mut sentences = Vec::new();
    let (subject, others): (Vec<_>, Vec<_>) = results.summaries.iter().partition(|summary| summary.loss == SUBJECT);
    for summary in subject {
        for metric in [TOP1, NLL] {
            sentences.extend(headline(results, summary, metric));
        }
        sentences.extend(over_all_metrics(summary));
    }
    for summary in others {
        sentences.extend(in_short(summary));
    }
    sentences
}

fn without_differences(results: &Comparison) -> String {
    let measured = format::enumerate(
        &results
            .summaries
            .iter()
            .filter_map(|summary| {
                let value = summary.metric(TOP1)?.value;
                Some(format!("{} {} %", summary.loss.title(), format::estimate(value, TOP1)))
            })
            .collect::<Vec<_>>(),
    );
    let because = if results.summaries.len() == 1 {
        "Only one loss was run: there is nothing to compare it with.".to_owned()
    } else {
        format!(
            "{} was not among the losses: there are no paired differences, and these numbers do not rank the losses.",
            capital(REFERENCE_LOSS.title()),
        )
    };
    format!("Top-1 accuracy: {measured}. {because}")
}

/// The subject against the reference in one metric, in full.
fn headline(results: &Comparison, summary: &LossSummary, metric: Metric) -> Option<String> {
    let entry = summary.metric(metric)?;
    let difference = entry.difference?;
    let reference = results.summaries.iter().find(|other| other.loss == REFERENCE_LOSS)?;
    let reference = reference.metric(metric)?.value;
    let (name, other) = (summary.loss.title(), REFERENCE_LOSS.title());
    let percent = metric.unit.after_value();
    let mut sentence = format!(
        "{}: {name} {}{percent}, {other} {}{percent}; mean paired difference {}{}",
        capital(metric.phrase),
        format::mean(entry.value, metric),
        format::mean(reference, metric),
        format::mean_difference(difference, metric),
        metric.unit.after_difference(),
    );
    if metric == TOP1 && difference.mean.is_finite() {
        let pictures = difference.mean.abs() * results.setting.test as f64;
        let test = format::count(results.setting.test);
        sentence.push_str(&format!(" (about {} of {test} test pictures)", format::fixed(pictures, 1)));
    }
    let (Some(interval), Some(verdict)) = (format::interval(difference, metric), format::verdict(difference, metric))
    else {
        sentence.push_str(". One seed gives no interval, so this difference cannot be told from chance.");
        return Some(sentence);
    };
    let seeds = format::plural(summary.seeds, "seed", "seeds");
    sentence.push_str(&format!(", 95 % interval {interval} over {seeds}. "));
    sentence.push_str(&match verdict {
        Verdict::Open => format!("The interval includes zero: these runs do not tell {name} and {other} apart here."),
        Verdict::Better => format!("The interval excludes zero: in this setting {name} did better than {other}."),
        Verdict::Worse => format!("The interval excludes zero: in this setting {name} did worse than {other}."),
    });
    Some(sentence)
}

/// Which metrics of the subject differ from the reference, and which do not.
fn over_all_metrics(summary: &LossSummary) -> Option<String> {
    let with = |wanted: Verdict| -> Vec<String> {
        summary
            .metrics
            .iter()
            .filter(|entry| {
                entry.difference.and_then(|difference| format::verdict(difference, entry.metric)) == Some(wanted)
            })
            .map(|entry| entry.metric.phrase.to_owned())
            .collect()
    };
    let parts: Vec<String> = [
        ("excludes zero on the better side for ", with(Verdict::Better)),
        ("excludes zero on the worse side for ", with(Verdict::Worse)),
        ("includes zero for ", with(Verdict::Open)),
    ]
    .into_iter()
    .filter(|(_, metrics)| !metrics.is_empty())
    .map(|(what, metrics)| format!("{what}{}", format::enumerate(&metrics)))
    .collect();
    (!parts.is_empty()).then(|| {
        format!(
            "Over all metrics, the interval of {} less {} {}.",
            summary.loss.title(),
            REFERENCE_LOSS.title(),
            parts.join("; it "),
        )
    })
}

/// Another loss against the reference, in one sentence.
fn in_short(summary: &LossSummary) -> Option<String> {
    let part = |metric: Metric| {
        let difference = summary.difference(metric)?;
        let mean = format::mean_difference(difference, metric);
        let (name, unit) = (metric.phrase, metric.unit.after_difference());
        Some(match (format::interval(difference, metric), format::verdict(difference, metric)) {
            (Some(interval), Some(verdict)) => {
                let verdict = match verdict {
                    Verdict::Open => "includes zero",
                    Verdict::Better => "excludes zero, better",
                    Verdict::Worse => "excludes zero, worse",
                };
                format!("{name} {mean}{unit} ({interval}; {verdict})")
            }
            _ => format!("{name} {mean}{unit} (no interval)"),
        })
    };
    let parts: Vec<String> = [TOP1, NLL].into_iter().filter_map(part).collect();
    let name = format!("the {} loss", summary.loss.title());
    (!parts.is_empty())
        .then(|| format!("{} against {}: {}.", capital(&name), REFERENCE_LOSS.title(), format::enumerate(&parts)))
}

fn limits(results: &Comparison) -> Vec<String> {
    let mut sentences = vec![scope(results)];
    sentences.extend(sampling_error(results));
    sentences.extend(multiplicity(results));
    sentences.extend(confounding(results));
    sentences.push(
        "Loss values of different kinds do not compare, and those of contrastive losses depend on the number of \
         candidates. Only the metrics, all computed from the same posterior, are set side by side."
            .to_owned(),
    );
    sentences.extend(few_trials(results));
    sentences.extend(grid_edge(results));
    sentences.extend(divergence(results));
    sentences
}

fn few_trials(results: &Comparison) -> Option<String> {
    let seeds = format::plural(results.plan.tuning_seeds as usize, "seed", "seeds");
    let tuned = !results.tuning.is_empty();
    tuned.then(|| {
        format!("Each learning rate was tried with {seeds}, so the choice between close ones is partly chance.")
    })
}

/// What is missing from the figures, and why.
fn divergence(results: &Comparison) -> Vec<String> {
    let mut sentences = Vec::new();
    for &loss in &results.plan.losses {
        let seeds: Vec<String> =
            results.diverged.iter().filter(|run| run.loss == loss).map(|run| run.seed.to_string()).collect();
        let left = results.summaries.iter().find(|summary| summary.loss == loss).map_or(0, |summary| summary.seeds);
        if seeds.is_empty() && left == 0 {
            sentences.push(format!("{} diverged at every learning rate tried and is left out.", loss.title()));
        } else if !seeds.is_empty() {
            let which = format::enumerate(&seeds);
            sentences.push(format!(
                "{}: the weights diverged with {} of {} seeds ({which}); they are left out, so its figures flatter it.",
                loss.title(),
                seeds.len(),
                seeds.len() + left,
            ));
        }
    }
    sentences
}

fn scope(results: &Comparison) -> String {
    let seeds = results.summaries.iter().map(|summary| summary.seeds).max().unwrap_or(0);
    let intervals = if seeds > 1 { " The intervals are Student's t intervals over those seeds." } else { "" };
    format!(
        "This is one data set, one network and {}. Seeds vary the initial weights, the batch order and the \
         mixing; they do not vary the test pictures, the split or the network.{intervals} What holds here may not \
         hold on other data or at another scale.",
        format::plural(seeds, "seed", "seeds"),
    )
}

/// The uncertainty that the intervals leave out because every run is tested on the same pictures.
fn sampling_error(results: &Comparison) -> Option<String> {
    let test = results.setting.test;
    let tops: Vec<f64> = results
        .summaries
        .iter()
        .filter_map(|summary| Some(summary.metric(TOP1)?.value.mean))
        .filter(|mean| mean.is_finite())
        .collect();
    if test == 0 || tops.is_empty() {
        return None;
    }
    let mean = (tops.iter().sum::<f64>() / tops.len() as f64).clamp(0.0, 1.0);
    let half = 1.96 * (mean * (1.0 - mean) / test as f64).sqrt();
    let paired = if has_differences(results) {
        " Paired differences share the pictures and carry less of it, not none."
    } else {
        ""
    };
    Some(format!(
        "Every run is tested on the same pictures, so no interval here covers their choice: a top-1 accuracy of {} % \
         on {} pictures alone carries about ± {} points (95 %, binomial).{paired}",
        format::value(mean, TOP1),
        format::count(test),
        format::value(half, TOP1),
    ))
}

fn multiplicity(results: &Comparison) -> Option<String> {
    let intervals = results
        .summaries
        .iter()
        .flat_map(|summary| &summary.metrics)
        .filter(|entry| entry.difference.and_then(Estimate::finite_half_width).is_some())
        .count();
    (intervals > 1).then(|| {
        format!(
            "Each interval stands for one comparison and is not corrected for their number. Of {intervals} paired 95 % \
             intervals, about {} would exclude zero by chance if no loss differed from the reference.",
            format::fixed(0.05 * intervals as f64, 1),
        )
    })
}

fn confounding(results: &Comparison) -> Option<String> {
    let (soft, hard): (Vec<_>, Vec<_>) =
        results.summaries.iter().partition(|summary| summary.loss.takes_soft_targets());
    if soft.is_empty() || hard.is_empty() {
        return None;
    }
    let titles: Vec<String> = hard.iter().map(|summary| summary.loss.title().to_owned()).collect();
    Some(format!(
        "{} on hard labels, without mixing or smoothing. Their differences to the soft-target losses are therefore \
         differences in augmentation too, not in the loss alone.",
        if titles.len() == 1 {
            format!("{} was trained", titles[0])
        } else {
            format!("{} were trained", format::enumerate(&titles))
        },
    ))
}

/// Losses whose chosen learning rate is the smallest or the largest tried.
fn grid_edge(results: &Comparison) -> Option<String> {
    let rates = &results.plan.learning_rates;
    let low = rates.iter().copied().reduce(f64::min)?;
    let high = rates.iter().copied().reduce(f64::max)?;
    let titles: Vec<String> = results
        .summaries
        .iter()
        .filter(|summary| low < high && (summary.learning_rate <= low || summary.learning_rate >= high))
        .map(|summary| summary.loss.title().to_owned())
        .collect();
    (!titles.is_empty()).then(|| {
        format!(
            "The learning rate chosen for {} lies at the edge of the grid; a better one may lie outside it.",
            format::enumerate(&titles),
        )
    })
}

/// The text with its first letter in upper case.
pub(crate) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;
    use crate::comparison::fixture;

    fn set_top1(results: &mut Comparison, mean: f64, half_width: Option<f64>) {
        results.summaries[0].metrics[0].difference = Some(Estimate { mean, half_width });
    }

    #[test]
    fn an_interval_with_zero_claims_nothing() {
        let mut results = fixture::small();
        set_top1(&mut results, 0.001, Some(0.002));
        let first = &claims(&results).shows[0];
        assert!(first.contains("+0.10 points (about 1.8 of 1,797 test pictures)"), "{first}");
        assert!(first.contains("\u{2212}0.10 to +0.30 over 3 seeds. The interval includes zero"), "{first}");
        assert!(!first.contains("better") && !first.contains("worse"), "{first}");
    }

    #[test]
    fn an_interval_without_zero_says_which_side() {
        let mut results = fixture::small();
        set_top1(&mut results, 0.003, Some(0.002));
        assert!(claims(&results).shows[0].contains("excludes zero: in this setting soft target InfoNCE did better"));
        set_top1(&mut results, -0.003, Some(0.002));
        assert!(claims(&results).shows[0].contains("excludes zero: in this setting soft target InfoNCE did worse"));
    }

    #[test]
    fn one_seed_claims_nothing() {
        let claims = claims(&fixture::made_up(LossKind::ALL, 1, 2));
        assert!(claims.shows[0].contains("cannot be told from chance"), "{:?}", claims.shows);
        assert!(!claims.shows.concat().contains("excludes"), "{:?}", claims.shows);
        assert!(!claims.limits.concat().contains("not corrected"), "{:?}", claims.limits);
    }

    #[test]
    fn without_the_reference_there_is_no_ranking() {
        let claims = claims(&fixture::made_up(&[LossKind::SoftTargetInfoNce, LossKind::Nll], 3, 2));
        assert_eq!(claims.shows.len(), 1);
        assert!(claims.shows[0].contains("no paired differences"), "{:?}", claims.shows);
    }

    #[test]
    fn the_limits_are_those_of_the_results() {
        let results = fixture::made_up(LossKind::ALL, 5, 2);
        let text = claims(&results).limits.concat();
        assert!(text.contains("5 seeds"), "{text}");
        // Every loss but the reference is compared with it.
        let intervals = (LossKind::ALL.len() - 1) * Metric::compared().count();
        let by_chance = format::fixed(0.05 * intervals as f64, 1);
        assert!(text.contains(&format!("Of {intervals} paired 95 % intervals, about {by_chance} would")), "{text}");
        assert!(text.contains("InfoNCE and NLL were trained on hard labels, without mixing"), "{text}");
        assert!(text.contains("chosen for InfoNCE and NLL lies at the edge"), "{text}");
        let soft = claims(&fixture::small()).limits.concat();
        assert!(!soft.contains("hard labels"), "{soft}");
        assert!(!soft.contains("edge of the grid"), "{soft}");
    }
}
