#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use softnce::LossKind;
use softnce_metrics::{NLL, TOP1};

use super::claims::claims;
use super::*;
use crate::comparison::fixture;
use crate::error::ReportError;
use crate::results::{Comparison, summarise_runs};
use crate::wellformed::assert_well_formed;
use crate::{format, page};

/// What must hold of every page.
fn checked(results: &Comparison) -> String {
    let page = page(results).unwrap();
    assert_well_formed(&page);
    for text in ["NaN", "inf ", "\"inf\"", "None", "Some("] {
        assert!(!page.contains(text), "{text} in the page");
    }
    for attribute in ["src=", "href=\"http", "href=\"//", "url(", "@import", "<link"] {
        assert!(!page.contains(attribute), "{attribute} in the page");
    }
    assert_eq!(page.matches("<script").count(), 1);
    page
}

#[test]
fn the_page_holds_the_titles_and_numbers() {
    let results = fixture::small();
    let page = checked(&results);
    for summary in &results.summaries {
        assert!(page.contains(summary.loss.title()));
        for entry in &summary.metrics {
            assert!(page.contains(&format::estimate(entry.value, entry.metric)));
            if let Some(difference) = entry.difference {
                assert!(page.contains(&format::interval(difference, entry.metric).unwrap()));
            }
            if let Some(reference) = entry.calibrated_reference {
                assert!(page.contains(&format!("calibrated {}", format::value(reference, entry.metric))));
            }
        }
    }
    assert!(!page.contains("#scaled") && !page.contains("id=\"scaled\""), "nothing was scaled");
    for trial in &results.tuning {
        assert!(page.contains(&format::value(trial.validation.unwrap().top1, TOP1)));
    }
    for sentence in claims(&results).shows.iter().chain(&claims(&results).limits) {
        assert!(page.contains(&page::prose(sentence)), "{sentence}");
    }
}

#[test]
fn figures_have_names_and_tables_have_scopes() {
    let page = checked(&fixture::made_up(LossKind::ALL, 3, 4));
    assert_eq!(page.matches("<svg viewBox").count(), page.matches("role=\"img\" aria-label=\"").count());
    assert_eq!(page.matches("<figure").count(), page.matches("<figcaption>").count());
    assert_eq!(page.matches("<table aria-label=").count(), page.matches("<figure class=\"table\">").count());
    assert_eq!(page.matches("<th ").count() + page.matches("<th>").count(), page.matches(" scope=\"").count());
}

#[test]
fn every_mark_has_a_tooltip() {
    for results in [fixture::made_up(LossKind::ALL, 3, 4), fixture::made_up(&LossKind::ALL[..2], 1, 1)] {
        crate::wellformed::assert_every_mark_has_a_tooltip(&checked(&results));
    }
}

#[test]
fn one_seed_has_no_intervals() {
    let page = checked(&fixture::made_up(LossKind::ALL, 1, 3));
    assert!(page.contains("One seed, so no intervals"));
    assert!(!page.contains("class=\"interval\""));
    assert!(!page.contains(">better<") && !page.contains(">worse<"));
}

#[test]
fn one_loss_has_no_differences() {
    for &loss in LossKind::ALL {
        let page = checked(&fixture::made_up(&[loss], 3, 1));
        assert!(!page.contains("id=\"differences\"") && !page.contains("#differences"));
        assert!(page.contains(loss.title()));
    }
}

#[test]
fn without_the_reference_there_are_no_differences() {
    let page = checked(&fixture::made_up(&[LossKind::SoftTargetInfoNce, LossKind::Nll], 3, 3));
    assert!(!page.contains("id=\"differences\""));
    assert!(page.contains("no paired differences"));
}

#[test]
fn diverged_runs_are_said_to_be_missing() {
    let mut results = fixture::small();
    let (loss, learning_rate) = (results.summaries[0].loss, results.summaries[0].learning_rate);
    results.diverged.push(crate::results::DivergedRun { loss, seed: 2, learning_rate, reason: "logits".into() });
    results.summaries[0].seeds = 2;
    let page = page(&results).unwrap();
    assert!(page.contains("Soft target InfoNCE diverged with 1 of 3 seeds (seed 2)"), "{page}");
    assert!(page.contains(">2 of 3<"), "{page}");
}

#[test]
fn missing_memory_is_said_to_be_missing() {
    let mut results = fixture::small();
    results.summaries.iter_mut().for_each(|summary| summary.peak_bytes = None);
    assert!(checked(&results).contains("Peak memory was not measured"));
}

#[test]
fn what_diverged_leaves_a_gap() {
    let mut results = fixture::small();
    for entry in &mut results.summaries[0].metrics {
        (entry.value.mean, entry.value.half_width) = (f64::NAN, Some(f64::NAN));
        entry.difference = entry.difference.map(|_| entry.value);
        entry.calibrated_reference = entry.calibrated_reference.map(|_| f64::INFINITY);
    }
    for run in results.runs.iter_mut().filter(|run| run.loss == LossKind::SoftTargetInfoNce) {
        run.test.set(TOP1, f64::NAN);
        run.test.set(NLL, f64::INFINITY);
        for epoch in &mut run.epochs {
            (epoch.validation_top1, epoch.validation_nll) = (f64::NAN, f64::INFINITY);
        }
    }
    results.tuning[0].validation = None;
    results.summaries[0].step_ms = 0.0;
    assert!(checked(&results).contains(format::MISSING));
}

#[test]
fn runs_without_epochs_or_bins_are_drawn_empty() {
    let mut results = fixture::small();
    results.tuning.clear();
    for run in &mut results.runs {
        run.epochs.clear();
        run.test.reliability.clear();
    }
    assert!(checked(&results).contains("No epochs were recorded"));
    results.runs.clear();
    checked(&results);
}

#[test]
fn equal_seeds_are_drawn_too() {
    let mut results = fixture::small();
    for run in &mut results.runs {
        run.test.set(TOP1, 1.0);
        run.epochs.iter_mut().for_each(|epoch| (epoch.validation_top1, epoch.validation_nll) = (1.0, 0.0));
    }
    checked(&results);
}

#[test]
fn text_is_escaped() {
    let mut results = fixture::small();
    results.setting.data = "digits <b>&\"co\"</b> https://example.org".into();
    let page = checked(&results);
    assert!(page.contains("digits &lt;b&gt;&amp;&quot;co&quot;&lt;/b&gt; https://example.org"));
}

#[test]
fn nothing_to_report_is_an_error() {
    let mut results = fixture::small();
    results.summaries.clear();
    assert!(matches!(page(&results), Err(ReportError::Empty)));
}

#[test]
fn runs_of_a_recipe_are_compared_too() {
    use crate::results::{ComparisonPlan, Cost, summarise_runs};
    use crate::run::fixture::full;

    let losses = [LossKind::SoftTargetInfoNce, LossKind::SoftTargetCrossEntropy];
    let runs: Vec<_> = losses
        .into_iter()
        .flat_map(|loss| (0..3).map(move |seed| (loss, seed)))
        .map(|(loss, seed)| {
            let mut report = full(10, 6);
            // The first loss is better by a little that differs by seed.
            let gain = if loss == losses[0] { 0.01 + 0.001 * seed as f64 } else { 0.0 };
            report.result.overall.top1 += gain;
            report.scaled.as_mut().unwrap().result.overall.nll += gain;
            let cost = Cost { step_ms: 80.0, loss_ms: None, peak_bytes: None };
            report.record(loss, seed, 0.001, cost)
        })
        .collect();
    assert_eq!(runs[0].epochs.iter().map(|record| record.epoch).collect::<Vec<_>>(), [2, 4, 6]);
    let comparison = Comparison {
        title: "Losses on made-up pictures".into(),
        plan: ComparisonPlan { losses: losses.to_vec(), epochs: 6, learning_rates: vec![0.001], tuning_seeds: 0 },
        recipe: "[model]\nkind = \"resnet20\"\n".into(),
        command: "softnce compare recipe.toml".into(),
        tuning: Vec::new(),
        summaries: summarise_runs(&losses, &runs).unwrap(),
        runs,
        ..fixture::small()
    };
    let page = checked(&comparison);
    assert!(page.contains("Losses on made-up pictures") && page.contains("kind = &quot;resnet20&quot;"));
    assert!(page.contains("softnce compare recipe.toml") && !page.contains("grid of learning rates"));
    assert!(page.contains("+1.10 points"), "the mean paired difference");
    assert!(page.contains("Paired differences after temperature scaling") && page.contains("+0.0110"));
    let scaled = comparison.summaries[1].scaled.as_ref().unwrap();
    assert!(page.contains(&format::with_interval(scaled.temperature, 3, format::fixed)));
    assert_eq!(scaled.metrics.iter().map(|entry| entry.metric).collect::<Vec<_>>(), comparison.scaled_metrics());
    assert!(page.contains(">n/a<"), "the loss alone was not timed");
    assert!(
        markdown(&comparison).contains(&format!("| {} |", format::with_interval(scaled.temperature, 3, format::fixed)))
    );
    assert!(markdown(&comparison).contains("**+1.10 ± 0.25**") && terminal(&comparison).contains("+1.10*"));
    assert_eq!(rows(&comparison).len(), 7);
    let json = serde_json::to_string(&comparison).unwrap();
    assert_eq!(serde_json::from_str::<Comparison>(&json).unwrap(), comparison);
}

/// `SOFTNCE_LOOK=folder cargo test -p softnce-report --release look -- --ignored` writes a page to look at.
#[test]
#[ignore = "writes a page to look at into the folder that SOFTNCE_LOOK names"]
fn look() {
    let folder = std::path::PathBuf::from(std::env::var_os("SOFTNCE_LOOK").expect("SOFTNCE_LOOK names a folder"));
    let page = page(&fixture::made_up(LossKind::ALL, 5, 80)).unwrap();
    std::fs::write(folder.join("comparison.html"), page).unwrap();
}

#[test]
fn no_tick_of_an_accuracy_is_above_100_per_cent() {
    let mut results = fixture::small();
    results.runs.iter_mut().for_each(|run| run.test.set(TOP1, 1.0));
    let losses: Vec<LossKind> = results.summaries.iter().map(|summary| summary.loss).collect();
    results.summaries = summarise_runs(&losses, &results.runs).unwrap();
    let figure = standalone(&results);
    let texts = figure.split('>').filter_map(|part| part.split('<').next()?.parse::<f64>().ok());
    let largest = texts.fold(0.0, f64::max);
    assert!((99.9..=100.0).contains(&largest), "{largest}");
}
