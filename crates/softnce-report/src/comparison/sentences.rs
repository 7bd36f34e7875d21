//! Every sentence of the page that depends on the recipe or on the results, true and false.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use softnce::LossKind;

use super::page;
use crate::comparison::fixture;
use crate::results::{Comparison, DivergedRun};

/// A recipe with these lines; by default the last epoch is tested, and nothing is mixed or augmented.
fn recipe(lines: &str) -> String {
    format!("name = \"a\"\n{lines}\n")
}

fn with(recipe_lines: &str, losses: &[LossKind], seeds: u64) -> Comparison {
    Comparison { recipe: recipe(recipe_lines), ..fixture::made_up(losses, seeds, 4) }
}

/// The text of the page, without its style and script, with plain spaces and hyphens.
fn text(results: &Comparison) -> String {
    let page = page(results).unwrap();
    let body = page.split("</head>").nth(1).unwrap().split("<script>").next().unwrap();
    body.replace('\u{a0}', " ").replace('\u{2011}', "-")
}

#[track_caller]
fn check(results: &Comparison, said: &[&str], not_said: &[&str]) {
    let text = text(results);
    for words in said {
        assert!(text.contains(words), "missing: {words}");
    }
    for words in not_said {
        assert!(!text.contains(words), "said: {words}");
    }
}

const BEST: &str = "[evaluation]\nbest = true";
const LAST: &str = "[evaluation]\nbest = false";
const BEST_WORDS: &str = "the epoch that had the best validation accuracy";
const LAST_WORDS: &str = "with the weights of the last epoch";
const NO_CHOICE: &str = "No epoch was chosen";

#[test]
fn the_tested_epoch_is_that_of_the_recipe() {
    check(
        &with(BEST, LossKind::ALL, 3),
        &[BEST_WORDS, "the epoch with the best validation accuracy was chosen", "accuracy of the best epoch in %"],
        &[LAST_WORDS, NO_CHOICE, "of the last epoch", "after the last epoch"],
    );
    check(
        &with(LAST, LossKind::ALL, 3),
        &[LAST_WORDS, NO_CHOICE, "accuracy of the last epoch in %"],
        &[BEST_WORDS, "was chosen (between", "of the best epoch"],
    );
    check(&with("", LossKind::ALL, 3), &[], &[BEST_WORDS, LAST_WORDS, NO_CHOICE, "was chosen (between"]);
    let averaged = format!("[optimizer]\naverage = 0.99\n{LAST}");
    check(&with(&averaged, LossKind::ALL, 3), &["with the averaged weights of the last epoch"], &[LAST_WORDS]);
}

#[test]
fn an_early_stop_is_named() {
    let stop = format!("{LAST}\n[training]\npatience = 5");
    check(
        &with(&stop, LossKind::ALL, 3),
        &[
            "for at most 4 epochs",
            "stopping after 5 validations without improvement",
            "Each training stopped when they no longer improved",
        ],
        &[NO_CHOICE],
    );
    check(&with(LAST, LossKind::ALL, 3), &["for 4 epochs"], &["at most 4 epochs", "stopping after"]);
}

#[test]
fn mixing_is_a_difference_only_where_some_losses_have_it() {
    let without = "trained without";
    for (lines, words) in [
        ("[mixing]\nmixup = 0.2", Some("InfoNCE and NLL were trained without mixing, unlike other losses")),
        ("[mixing]\nmixup = 0.2\nsmoothing = 0.1", Some("without mixing and label smoothing, unlike")),
        ("[mixing]\nsmoothing = 0.1", Some("without label smoothing, unlike")),
        (
            "[data.train_labels]\nkind = \"csv\"",
            Some("without the label distributions of the training pictures, unlike"),
        ),
        ("[mixing]\nmixup = 0.2\nprobability = 0.0", None),
        ("[augmentation.train]\nflip = 0.5", None),
        ("", None),
    ] {
        match words {
            Some(words) => {
                check(&with(lines, LossKind::ALL, 2), &[words, "leaves out the settings"], &["augmentation"])
            }
            None => check(&with(lines, LossKind::ALL, 2), &[], &[without, "leaves out the settings"]),
        }
        // Losses that all train alike.
        let [soft, hard] =
            [&[LossKind::SoftTargetInfoNce, LossKind::SoftTargetCrossEntropy], &[LossKind::InfoNce, LossKind::Nll]];
        check(&with(lines, soft, 2), &[], &[without]);
        check(&with(lines, hard, 2), &[], &[without]);
    }
}

#[test]
fn other_settings_that_some_losses_cannot_use_are_named() {
    check(
        &with("[loss]\nlogit_adjustment = 1.0", &[LossKind::SoftTargetInfoNce, LossKind::SoftTargetCrossEntropy], 2),
        &["Soft target InfoNCE was trained without logit adjustment, unlike other losses"],
        &[],
    );
    check(
        &with("[candidates]\nkind = \"queue\"\nsize = 8", &[LossKind::InfoNce, LossKind::Nll], 2),
        &["NLL was trained without candidates beyond the batch"],
        &[],
    );
}

#[test]
fn seeds_draw_what_the_recipe_leaves_to_chance() {
    let draws = "A seed draws the initial weights";
    check(
        &with("", LossKind::ALL, 2),
        &["A seed draws the initial weights and the order of the pictures;"],
        &["the mixing;"],
    );
    check(
        &with("[augmentation.train]\nflip = 0.5\n[mixing]\ncutmix = 1.0", LossKind::ALL, 2),
        &["the order of the pictures, the augmentation and the mixing;"],
        &[],
    );
    check(
        &with("", LossKind::ALL, 1),
        &["one network and 1 seed.", "The seed is 0"],
        &[draws, "Student", "±&nbsp;half"],
    );
}

#[test]
fn one_seed_has_no_words_on_intervals() {
    check(
        &with("", LossKind::ALL, 1),
        &["One seed, so no intervals", "from 1 seed", "Line: the only seed", "The values drawn.", "; difference "],
        &[
            "Mean over the seeds",
            "mean over the seeds",
            "pooled over the seeds",
            "paired differences below are more",
            "mean paired difference",
            "seeds.",
        ],
    );
    check(
        &with("", LossKind::ALL, 3),
        &[
            "Mean over the seeds ±",
            "pooled over the seeds",
            "The seeds are 0 to 2, the same for every loss.",
            "mean paired difference",
            "the largest over the seeds",
            "Each run has its own loss, seed and chosen learning rate.",
        ],
        &["One seed", "the only seed"],
    );
}

#[test]
fn one_loss_is_not_compared() {
    for &loss in LossKind::ALL {
        check(
            &with(LAST, &[loss], 3),
            &["1 loss, trained from 3 seeds", "Only one loss has results"],
            &[
                "the same grid",
                "same network and optimiser",
                "the same for every loss",
                "values of the losses themselves",
                "all losses together",
                "unlike other losses",
            ],
        );
    }
}

#[test]
fn without_a_validation_part_the_curves_are_of_the_test_pictures() {
    let mut results = with("[data]\nvalidation_share = 0.0\n[evaluation]\nbest = false", LossKind::ALL, 2);
    results.setting.validation = 0;
    results.tuning.clear();
    results.plan.learning_rates = vec![0.01];
    check(
        &results,
        &[
            "Test accuracy by epoch",
            "the learning curves are of the test pictures",
            "none; epochs were evaluated on the test pictures",
            "all runs have the learning rate 0.01",
        ],
        &[
            "Validation accuracy",
            "computed once",
            "validation pictures",
            "Each learning rate was tried",
            "chosen learning rate",
        ],
    );
    check(
        &with(LAST, LossKind::ALL, 2),
        &["Validation accuracy by epoch", "computed once, on 1,797 test"],
        &["Test accuracy by"],
    );
}

#[test]
fn test_pictures_that_were_split_off_are_said_to_be() {
    let share = "[data]\ntest_share = 0.2\ntrain_part = \"train\"\nvalidation_share = 0.1";
    check(&with(share, LossKind::ALL, 2), &["1,797, 20 % of each class of the publisher's train part"], &[]);
    check(&with("", LossKind::ALL, 2), &[], &["of each class of the publisher"]);
}

#[test]
fn losses_without_results_have_their_row() {
    let mut results = with(LAST, LossKind::ALL, 3);
    let lost = LossKind::InfoNce;
    results.runs.retain(|run| run.loss != lost);
    results.summaries.retain(|summary| summary.loss != lost);
    for seed in 0..3 {
        let reason = "logits".to_owned();
        results.diverged.push(DivergedRun { loss: lost, seed, learning_rate: 0.01, reason });
    }
    check(
        &results,
        &["InfoNCE has no results: it diverged with 3 of 3 seeds (seeds 0, 1 and 2)", ">0 of 3<", ">diverged<"],
        &[],
    );
    results.diverged.clear();
    check(&results, &["InfoNCE has no results: it diverged at every learning rate tried"], &[]);
    for text in [super::terminal(&results), super::markdown(&results)] {
        assert!(text.replace('\n', " ").contains("InfoNCE has no results: it diverged at every"), "{text}");
    }
}
