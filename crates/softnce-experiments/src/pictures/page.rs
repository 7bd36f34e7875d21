//! The page of the study, and its tables.

use maud::{Markup, html};
use softnce::LossKind;
use softnce_metrics::Estimate;
use softnce_report::number::{count, fixed, plural, setting, signed};
use softnce_report::page::{self, section};
use softnce_report::protocol::Protocol;
use softnce_report::table::Table;
use softnce_report::{look, row_head, with_interval};

use super::plan::PicturesConfig;
use super::results::{Claim, PicturesResults, SHOWN, SetResults};
use crate::forest::{Block, Forest, Row};
use crate::verdict::p_value;

const TITLE: &str = "The paper's claims on images";

/// The files for people, each with its name.
pub(crate) fn files(results: &PicturesResults) -> Vec<(String, String)> {
    vec![
        ("results.md".into(), markdown(results)),
        ("claims.svg".into(), forest(results).standalone()),
        ("report.html".into(), page(results)),
    ]
}

/// The page: the claims, then the results of each set.
fn page(results: &PicturesResults) -> String {
    let head = html! {
        header {
            h1 { (TITLE) }
            p.lead {
                "The paper claims that soft target InfoNCE is on par with soft target cross-entropy, and better than the \
                 losses of hard targets. On each set below, the same network is trained with " (losses(results))
                ", with the same budget for each loss, paired by seed."
            }
            p.quiet {
                "Our own design: the paper's tables (Hugger and Uhlmann, arXiv 2404.14076) could not be consulted. The folder \
                 of each set holds the whole report of its comparison."
            }
        }
        (page::contents([("claims", "Claims"), ("results", "Results"), ("reproduce", "Reproduce")]))
    };
    let main = html! {
        (section("claims", "The claims", html! { (figure(results)) (claims(results)) }))
        (section("results", "Results on the test pictures", html! {
            @for set in &results.sets { (table(set)) }
        }))
        (section("reproduce", "Reproduce", html! { pre { code { (results.command) } } }))
    };
    page::page(TITLE, &results.version, head, main)
}

/// How many losses each set has.
fn losses(results: &PicturesResults) -> String {
    let mut numbers: Vec<usize> = results.sets.iter().map(losses_of).collect();
    numbers.dedup();
    match numbers[..] {
        [number] => plural(number, "loss", "losses"),
        _ => "several losses".to_owned(),
    }
}

/// The losses of a set, those without results included.
fn losses_of(set: &SetResults) -> usize {
    let mut losses: Vec<LossKind> =
        set.rows.iter().map(|row| row.loss).chain(set.diverged.iter().map(|run| run.loss)).collect();
    losses.sort();
    losses.dedup();
    losses.len()
}

fn figure(results: &PicturesResults) -> Markup {
    let caption = format!(
        "Difference in test accuracy, soft target InfoNCE minus the other loss: mean and 95 % interval over the seeds. Grey: the \
         margin of {} points, within which both count as on par.",
        setting(results.config.margin)
    );
    page::single("The claims drawn.", &caption, None, forest(results).panel())
}

/// The claims as a drawing, set by set.
fn forest(results: &PicturesResults) -> Forest {
    let row = |claim: &Claim| Row {
        words: claim.words(),
        look: look(claim.other),
        difference: claim.difference,
        is_tested: claim.equivalence.is_some(),
    };
    let block = |set: &SetResults| Block { title: set.name.clone(), rows: set.claims.iter().map(row).collect() };
    Forest { blocks: results.sets.iter().map(block).collect(), margins: vec![results.config.margin] }
}

fn claims(results: &PicturesResults) -> Markup {
    let claims: Vec<&Claim> = results.sets.iter().flat_map(|set| &set.claims).collect();
    if claims.is_empty() {
        return html! { p { "No claim could be tested: each needs two losses with at least two seeds in common." } };
    }
    let margin = results.config.margin;
    // The default margin was fixed before the study was run; of another margin this is not known.
    let fixed = if margin == PicturesConfig::default().margin { ", fixed before any run" } else { "" };
    let mut caption =
        "Difference in test accuracy, soft target InfoNCE minus the other loss, in percentage points, with the \
                       half width of its 95 % interval over the seeds."
            .to_owned();
    if claims.iter().any(|claim| claim.equivalence.is_some()) {
        caption.push_str(&format!(
            " On par: two one-sided t tests at the level of 5 % with a margin of {} points{fixed}; p: the p-value of this \
             test.",
            setting(margin)
        ));
    }
    if claims.iter().any(|claim| claim.equivalence.is_none()) {
        caption.push_str(" Better: the interval excludes zero.");
    }
    if claims.len() > 1 {
        caption.push_str(" The tests are not corrected for the number of claims.");
    }
    page::table(
        "Claims.",
        &caption,
        html! {
            thead { tr { th scope="col" { "set" } th scope="col" { "claim" } th.number scope="col" { "difference" } th scope="col" { "verdict" } } }
            tbody {
                @for set in &results.sets {
                    @for claim in &set.claims {
                        tr {
                            th scope="row" { (set.name) }
                            td { (claim.words()) }
                            td.number { (with_interval(claim.difference, 2, signed)) }
                            td { (verdict(claim)) }
                        }
                    }
                }
            }
        },
    )
}

fn verdict(claim: &Claim) -> String {
    let word = claim.verdict.name();
    match claim.equivalence {
        Some(test) => format!("{word} ({})", p_value(test.p_value)),
        None => word.to_owned(),
    }
}

fn table(set: &SetResults) -> Markup {
    let (data, protocol) = (&set.setting, Protocol::read(&set.recipe));
    let validation = match data.validation {
        0 => "no validation pictures".to_owned(),
        pictures => plural(pictures, "validation picture", "validation pictures"),
    };
    let tested = protocol.tested_in_words().map_or_else(String::new, |words| format!(" Tested {words}."));
    let several = set.rows.iter().any(|row| row.seeds > 1);
    let interval = if several { " Mean ± half width of the 95 % interval over the seeds." } else { "" };
    let caption = format!(
        "{}; {}, {}; {}; {}, {validation}, {}.{tested}{interval}",
        data.data,
        data.network,
        plural(data.parameters, "parameter", "parameters"),
        plural(set.epochs, "epoch", "epochs"),
        plural(data.train, "training picture", "training pictures"),
        plural(data.test, "test picture", "test pictures"),
    );
    let heads = SHOWN.iter().map(|metric| metric.head);
    let heads = ["rate", "seeds"].into_iter().chain(heads).chain(["NLL, scaled"]).map(page::prose);
    page::table(
        &format!("{}.", set.name),
        &caption,
        html! {
            (page::head(&["loss"], heads))
            tbody {
                @for row in &set.rows {
                    tr {
                        (row_head(row.loss))
                        td.number { (setting(row.learning_rate)) }
                        td.number { (seeds(set, row.loss)) }
                        @for (metric, value) in SHOWN.iter().zip(&row.values) {
                            td.number { (shown(*value, metric.unit.scale(), metric.unit.decimals())) }
                        }
                        td.number { (row.scaled_nll.map_or_else(|| "–".into(), |value| shown(value, 1.0, 4))) }
                    }
                }
                @for loss in without_results(set) {
                    tr {
                        (row_head(loss))
                        td.number { "–" }
                        td.number { (seeds(set, loss)) }
                        @for _ in 0..=SHOWN.len() { td.number { "diverged" } }
                    }
                }
            }
        },
    )
}

/// Seeds of a loss with results, and how many there were where some diverged.
fn seeds(set: &SetResults, loss: LossKind) -> String {
    let finished = set.rows.iter().find(|row| row.loss == loss).map_or(0, |row| row.seeds);
    match set.diverged.iter().filter(|run| run.loss == loss).count() {
        0 => count(finished),
        diverged => format!("{} of {}", count(finished), count(finished + diverged)),
    }
}

/// Losses all of whose runs diverged.
fn without_results(set: &SetResults) -> Vec<LossKind> {
    let has_results = |loss: LossKind| set.rows.iter().any(|row| row.loss == loss);
    let mut losses: Vec<LossKind> =
        set.diverged.iter().map(|run| run.loss).filter(|&loss| !has_results(loss)).collect();
    losses.dedup();
    losses
}

fn shown(value: Estimate, scale: f64, decimals: usize) -> String {
    with_interval(value.scaled(scale), decimals, fixed)
}

/// The claims and the numbers in Markdown.
fn markdown(results: &PicturesResults) -> String {
    let mut claims = Table::new(["set", "claim", "difference, points", "verdict"]).with_text(1).with_text(3);
    let heads = ["set", "loss", "rate"].into_iter().chain(SHOWN.map(|metric| metric.head)).chain(["NLL, scaled"]);
    let mut values = Table::new(heads).with_text(1);
    for set in &results.sets {
        for claim in &set.claims {
            let difference = with_interval(claim.difference, 2, signed);
            claims.add([set.name.clone(), claim.words(), difference, verdict(claim)]);
        }
        for row in &set.rows {
            let first = [set.name.clone(), row.loss.title().to_owned(), setting(row.learning_rate)];
            let shown_values = SHOWN.iter().zip(&row.values);
            let shown_values =
                shown_values.map(|(metric, value)| shown(*value, metric.unit.scale(), metric.unit.decimals()));
            let scaled = row.scaled_nll.map_or_else(|| "–".into(), |value| shown(value, 1.0, 4));
            values.add(first.into_iter().chain(shown_values).chain([scaled]));
        }
        for loss in without_results(set) {
            let first = [set.name.as_str(), loss.title(), "–"];
            values.add(first.into_iter().chain(std::iter::repeat_n("diverged", SHOWN.len() + 1)));
        }
    }
    format!("{}\n{}", claims.markdown(), values.markdown())
}
