//! The page of the study, and its table.

use std::fmt::Write;

use maud::{Markup, html};
use softnce_metrics::Estimate;
use softnce_report::number::{count, fixed, plural, setting, signed};
use softnce_report::page::{self, section};
use softnce_report::{look, with_interval};

use super::forest;
use super::results::{Claim, PicturesResults, SHOWN, SetResults};

/// The page: the claims, then the figures of each set.
pub(crate) fn page(results: &PicturesResults) -> String {
    let head = html! {
        header {
            h1 { "The claims on real pictures" }
            p.lead {
                "The paper claims that soft target InfoNCE is on par with soft target cross-entropy, and better than the \
                 losses of hard targets. Each set below trains the same network under all five losses, at equal budgets, \
                 paired by seed."
            }
            p.quiet {
                "Our own design: the paper's tables (Hugger and Uhlmann, arXiv 2404.14076) could not be consulted. Each set's \
                 folder holds the whole report of its comparison."
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
    page::page("The claims on real pictures", &results.version, head, main)
}

fn figure(results: &PicturesResults) -> Markup {
    let caption = format!(
        "Difference in test accuracy, soft target InfoNCE less the other loss: mean and 95 % interval over the seeds. Grey: the \
         margin of {} points within which both are on par.",
        setting(results.config.margin)
    );
    page::panels("The claims drawn.", &caption, &[forest::panel(results)])
}

fn claims(results: &PicturesResults) -> Markup {
    let caption = format!(
        "Difference in test accuracy, soft target InfoNCE less the other loss, in percentage points, with the half width of its \
         95 % interval over the seeds. On par: two one-sided t tests at the level of 5 % with a margin of {} points, stated \
         before any run. Better: the interval excludes zero. Not corrected for the number of claims.",
        setting(results.config.margin)
    );
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
        Some(test) => format!("{word} (p = {})", fixed(test.p_value, 3)),
        None => word.to_owned(),
    }
}

fn table(set: &SetResults) -> Markup {
    let data = &set.setting;
    let caption = format!(
        "{}; {}, {}; {}; {} training pictures, {} to choose by, {} to test on. Mean ± half width of the 95 % interval over the seeds.",
        data.data,
        data.network,
        plural(data.parameters, "parameter", "parameters"),
        plural(set.epochs, "epoch", "epochs"),
        count(data.train),
        count(data.validation),
        count(data.test),
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
                        th.loss scope="row" { (page::swatch(look(row.loss))) (row.loss.title()) }
                        td.number { (setting(row.learning_rate)) }
                        td.number { (row.seeds) }
                        @for (metric, value) in SHOWN.iter().zip(&row.values) {
                            td.number { (shown(*value, metric.unit.scale(), metric.unit.decimals())) }
                        }
                        td.number { (row.scaled_nll.map_or_else(|| "–".into(), |value| shown(value, 1.0, 4))) }
                    }
                }
            }
        },
    )
}

fn shown(value: Estimate, scale: f64, decimals: usize) -> String {
    with_interval(value.scaled(scale), decimals, fixed)
}

/// The claims and the figures in Markdown.
pub(crate) fn markdown(results: &PicturesResults) -> String {
    let mut text = String::from("| set | claim | difference, points | verdict |\n| --- | --- | ---: | --- |\n");
    for set in &results.sets {
        for claim in &set.claims {
            let difference = with_interval(claim.difference, 2, signed);
            // Writing to a string cannot fail.
            let _ = writeln!(text, "| {} | {} | {difference} | {} |", set.name, claim.words(), verdict(claim));
        }
    }
    text.push_str(
        "\n| set | loss | rate | top-1 % | NLL | ECE width % | NLL, scaled |\n| --- | --- | ---: | ---: | ---: | ---: | ---: |\n",
    );
    for set in &results.sets {
        for row in &set.rows {
            let values = SHOWN.iter().zip(&row.values);
            let values = values.map(|(metric, value)| shown(*value, metric.unit.scale(), metric.unit.decimals()));
            let values = values.collect::<Vec<_>>().join(" | ");
            let scaled = row.scaled_nll.map_or_else(|| "–".into(), |value| shown(value, 1.0, 4));
            let (loss, rate) = (row.loss.title(), setting(row.learning_rate));
            let _ = writeln!(text, "| {} | {loss} | {rate} | {values} | {scaled} |", set.name);
        }
    }
    text
}
