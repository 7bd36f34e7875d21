//! What the figures show and what they do not show, in sentences computed from the results.

use softnce::LossKind;
use softnce_metrics::{Estimate, Metric, NLL, TOP1};

use super::words;
use crate::format::{self, Verdict, capital};
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

/// Whether any loss has a difference from the reference.
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
        "Only one loss has results, so there is nothing to compare it with.".to_owned()
    } else {
        format!(
            "There are no paired differences, because {} has no results; these numbers do not rank the losses.",
            REFERENCE_LOSS.title(),
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
    let seeds = words::paired_seeds(results, summary.loss);
    let what = if seeds > 1 { "mean paired difference" } else { "difference" };
    let mut sentence = format!(
        "{}: {name} {}{percent}, {other} {}{percent}; {what} {}{}",
        capital(metric.phrase),
        format::mean(entry.value, metric),
        format::mean(reference, metric),
        format::mean_difference(difference, metric),
        metric.unit.after_difference(),
    );
    if metric == TOP1 && difference.mean.is_finite() {
        let pictures = difference.mean.abs() * results.setting.test as f64;
        let (test, decimals) = (format::count(results.setting.test), usize::from(seeds > 1));
        sentence.push_str(&format!(" (about {} of {test} test pictures)", format::fixed(pictures, decimals)));
    }
    let (Some(interval), Some(verdict)) = (format::interval(difference, metric), format::verdict(difference, metric))
    else {
        sentence.push_str(". With one seed there is no interval, so this difference may be chance.");
        return Some(sentence);
    };
    let seeds = format::plural(seeds, "seed", "seeds");
    sentence.push_str(&format!(", 95 % interval {interval} over {seeds}. "));
    sentence.push_str(&match verdict {
        Verdict::Open => {
            format!("The interval includes zero: these runs show no difference between {name} and {other}.")
        }
        Verdict::Better => format!("The interval excludes zero: {name} was better than {other} in this setting."),
        Verdict::Worse => format!("The interval excludes zero: {name} was worse than {other} in this setting."),
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
            "The 95 % interval of the difference ({} minus {}) {}.",
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
    sentences.extend(loss_values(results));
    sentences.extend(few_trials(results));
    sentences.extend(grid_edge(results));
    sentences.extend(divergence(results));
    sentences
}

fn few_trials(results: &Comparison) -> Option<String> {
    let seeds = format::plural(results.plan.tuning_seeds as usize, "seed", "seeds");
    let tuned = !results.tuning.is_empty();
    tuned.then(|| {
        format!(
            "Each learning rate was tried with {seeds}, so the choice between rates with close results may be chance."
        )
    })
}

/// What is missing from the results, and why.
pub(crate) fn divergence(results: &Comparison) -> Vec<String> {
    let sentence = |&loss: &LossKind| {
        let name = loss.title();
        let seeds: Vec<String> = words::diverged(results, loss).map(|run| run.seed.to_string()).collect();
        let finished = words::finished_seeds(results, loss);
        if finished == 0 && seeds.is_empty() {
            return Some(match results.tuning.is_empty() {
                true => format!("{} has no results.", capital(name)),
                false => format!("{} has no results: it diverged at every learning rate tried.", capital(name)),
            });
        }
        if seeds.is_empty() {
            return None;
        }
        let noun = if seeds.len() == 1 { "seed" } else { "seeds" };
        let which =
            format!("{} of {} seeds ({noun} {})", seeds.len(), seeds.len() + finished, format::enumerate(&seeds));
        Some(match finished {
            0 => format!("{} has no results: it diverged with {which}.", capital(name)),
            _ => format!(
                "{} diverged with {which}. Its results are those of the other seeds, and so are too favourable.",
                capital(name)
            ),
        })
    };
    results.plan.losses.iter().filter_map(sentence).collect()
}

fn scope(results: &Comparison) -> String {
    let seeds = words::seeds(results);
    let drawn = format::enumerate(&words::protocol(results).drawn_by_the_seed());
    let over_seeds = if seeds > 1 {
        format!(
            " A seed draws {drawn}; the pictures of each part and the network are the same for all seeds. The intervals \
             are Student's t intervals over the seeds."
        )
    } else {
        String::new()
    };
    format!(
        "This is one data set, one network and {}.{over_seeds} Other data or another scale may give other results.",
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
        " For the paired differences it is smaller, but not zero, because they share the pictures."
    } else {
        ""
    };
    Some(format!(
        "All runs are tested on the same pictures. No interval here includes the uncertainty that comes from the choice \
         of these pictures: about ± {} points (95 %, binomial) for a top-1 accuracy of {} % on {}.{paired}",
        format::value(half, TOP1),
        format::value(mean, TOP1),
        format::plural(test, "picture", "pictures"),
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
            "The intervals are not corrected for their number. Of {intervals} paired 95 % intervals, about {} would \
             exclude zero by chance if no loss differed from the reference.",
            format::fixed(0.05 * intervals as f64, 1),
        )
    })
}

/// What some losses of the comparison train with and others cannot.
fn confounding(results: &Comparison) -> Vec<String> {
    let protocol = words::protocol(results);
    let losses = || results.summaries.iter().map(|summary| summary.loss);
    // A setting that no loss can use makes no difference between them.
    let differs = |what: &&'static str| losses().any(|loss| !protocol.left_out_of(loss).contains(what));
    let mut groups: Vec<(Vec<&'static str>, Vec<String>)> = Vec::new();
    for loss in losses() {
        let left_out: Vec<&'static str> = protocol.left_out_of(loss).into_iter().filter(|what| differs(what)).collect();
        if left_out.is_empty() {
            continue;
        }
        match groups.iter_mut().find(|(others, _)| *others == left_out) {
            Some((_, titles)) => titles.push(loss.title().to_owned()),
            None => groups.push((left_out, vec![loss.title().to_owned()])),
        }
    }
    let sentence = |(left_out, titles): (Vec<&'static str>, Vec<String>)| {
        let verb = if titles.len() == 1 { "was" } else { "were" };
        let left_out: Vec<String> = left_out.into_iter().map(str::to_owned).collect();
        format!(
            "{} {verb} trained without {}, unlike other losses here. Differences from those losses are due to this too, \
             not to the loss alone.",
            capital(&format::enumerate(&titles)),
            format::enumerate(&left_out),
        )
    };
    groups.into_iter().map(sentence).collect()
}

fn loss_values(results: &Comparison) -> Option<String> {
    let contrastive = results.summaries.iter().any(|summary| summary.loss.is_contrastive());
    let candidates =
        if contrastive { ", and the value of a contrastive loss depends on the number of candidates" } else { "" };
    (results.summaries.len() > 1).then(|| {
        format!(
            "The values of the losses themselves are not compared: each loss has its own scale{candidates}. All metrics \
             are computed from the posterior, in the same way for every loss."
        )
    })
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
            "The learning rate chosen for {} is the smallest or the largest of the grid; a better one may lie outside it.",
            format::enumerate(&titles),
        )
    })
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
        assert!(claims(&results).shows[0].contains("excludes zero: soft target InfoNCE was better than soft target"));
        set_top1(&mut results, -0.003, Some(0.002));
        assert!(claims(&results).shows[0].contains("excludes zero: soft target InfoNCE was worse than soft target"));
    }

    #[test]
    fn one_seed_claims_nothing() {
        let claims = claims(&fixture::made_up(LossKind::ALL, 1, 2));
        assert!(claims.shows[0].contains("this difference may be chance"), "{:?}", claims.shows);
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
        assert!(text.contains("InfoNCE and NLL were trained without mixing and label smoothing, unlike"), "{text}");
        assert!(text.contains("chosen for InfoNCE and NLL is the smallest or the largest"), "{text}");
        let soft = claims(&fixture::small()).limits.concat();
        assert!(!soft.contains("trained without"), "{soft}");
        assert!(!soft.contains("of the grid"), "{soft}");
    }
}
