//! The page of the study, and its tables.

use std::fmt::Write;

use maud::{Markup, html};
use softnce_report::number::{count, fixed, plural, signed};
use softnce_report::page::{self, section};
use softnce_report::{Look, SERIES, Shape, extent, sheet, with_interval};

use super::plan::{ChartPlan, Drawn, Group};
use super::results::{GroupResults, Row, VariantsResults};
use super::study::Study;
use crate::chart::{Chart, HEIGHT, Series, Spacing};
use crate::measure::Measure;

/// How the lines of a drawing look, in their order.
const LOOKS: [Look; 6] = [
    SERIES[0],
    SERIES[2],
    SERIES[1],
    SERIES[4],
    SERIES[3],
    Look { colour: "#882255", dash: "4 2", shape: Shape::Cross },
];

/// The page: for each group what theory says, and the results.
pub(crate) fn page(study: &Study, results: &VariantsResults) -> String {
    let entries = results.config.groups.iter().map(|group| (group.name.as_str(), group.title.as_str()));
    let head = html! {
        header {
            h1 { (study.title) }
            p.lead {
                "Variants of a recipe, each from " (plural(results.config.seeds as usize, "seed", "seeds"))
                ", judged on the test pictures and paired by seed."
            }
            p.quiet {
                "Our own design: the paper's tables (Hugger and Uhlmann, arXiv 2404.14076) could not be consulted. Learning rate and budget \
                 are the same for every variant of a group."
            }
        }
        (page::contents(entries.chain([("reproduce", "Reproduce")])))
    };
    let main = html! {
        @for (group, found) in results.groups() {
            (section(&group.name, &group.title, html! {
                p { (page::prose(&group.theory)) }
                @if let Some(plan) = &group.chart { (chart(group, plan, found)) }
                (table(group, found))
                (meanings(group, found))
            }))
        }
        (section("reproduce", "Reproduce", html! { pre { code { (results.command) } } }))
    };
    page::page(study.title, &results.version, head, main)
}

fn chart(group: &Group, plan: &ChartPlan, found: &GroupResults) -> Markup {
    let Plotted { panel, looks, .. } = plot(group, plan, found, &format!("by {}", plan.axis));
    let caption = "Mean over the seeds that did not diverge, with its 95 % interval.";
    page::panels(&format!("{}.", group.title), caption, &[page::legend(looks), panel])
}

/// The charts as files of their own, by the names of their groups.
pub(crate) fn standalone(results: &VariantsResults) -> Vec<(&str, String)> {
    let charts = results.groups().filter_map(|(group, found)| {
        let Plotted { name, panel, looks } = plot(group, group.chart.as_ref()?, found, &group.title);
        Some((group.name.as_str(), sheet(&name, 1, HEIGHT, &[panel], &looks)))
    });
    charts.collect()
}

/// The chart of a group.
struct Plotted<'r> {
    /// What it shows, in words.
    name: String,
    panel: Markup,
    /// What its looks stand for.
    looks: Vec<(Look, &'r str)>,
}

fn plot<'r>(group: &'r Group, plan: &ChartPlan, found: &GroupResults, title: &str) -> Plotted<'r> {
    let spacing = if plan.log { Spacing::Log } else { Spacing::Even };
    let rows = || group.variants.iter().zip(&found.rows);
    let mut lines: Vec<(&str, Vec<(f64, &Row)>)> = Vec::new();
    for (variant, row) in rows() {
        if let Drawn::At { series, x } = &variant.drawn {
            match lines.iter_mut().find(|(name, _)| name == series) {
                Some((_, points)) => points.push((*x, row)),
                None => lines.push((series, vec![(*x, row)])),
            }
        }
    }
    let ends = extent(lines.iter().flat_map(|(_, points)| points.iter().map(|point| point.0)));
    for (variant, row) in rows().filter(|(variant, _)| variant.drawn == Drawn::Level) {
        lines.push((&variant.name, vec![(ends.0, row), (ends.1, row)]));
    }
    let series = lines.iter().enumerate().map(|(at, (_, points))| {
        let there = points.iter().filter_map(|(x, row)| Some((*x, *row.values.get(&plan.measure)?)));
        let there: Vec<_> = there.collect();
        Series {
            look: LOOKS[at % LOOKS.len()],
            points: there.iter().map(|(x, value)| (*x, value.mean)).collect(),
            ranges: there.iter().map(|(_, value)| value.span().into()).collect(),
        }
    });
    let label = plan.measure.label();
    let chart = Chart {
        title,
        x: (&plan.axis, spacing),
        y: (&label, Spacing::Even),
        references: Vec::new(),
        series: series.collect(),
        marked: true,
    };
    let looks = lines.iter().enumerate().map(|(at, (name, _))| (LOOKS[at % LOOKS.len()], *name));
    Plotted { name: chart.name(), panel: chart.panel(), looks: looks.collect() }
}

/// The variants side by side.
fn table(group: &Group, found: &GroupResults) -> Markup {
    let [train, validation, test] = found.pictures;
    let caption = format!(
        "Recipe {}{}; {}; {} training pictures, {} to choose by, {} to test on. Mean ± half width of the 95 % interval over the \
         seeds, which draw weights, order and augmentation; the split is the same. Below: the difference to the variant that it is held against, paired by seed; bold where its interval excludes \
         zero (not corrected for the number of comparisons).",
        group.recipe,
        group.changes.iter().map(|change| format!(", {change}")).collect::<String>(),
        plural(found.parameters, "parameter", "parameters"),
        count(train),
        count(validation),
        count(test),
    );
    let measures = shown(group, found);
    page::table(
        "Results.",
        &caption,
        html! {
            (page::head(&["variant"], measures.iter().map(|measure| page::prose(&measure.label()))))
            tbody {
                @for (variant, row) in group.variants.iter().zip(&found.rows) {
                    tr {
                        th scope="row" {
                            (row.name)
                            @if row.diverged() > 0 {
                                span.under { (row.diverged()) " of " (row.runs.len()) " diverged" }
                            }
                            @if let Some(other) = &variant.against { span.under { "against " (other) } }
                        }
                        @for &measure in &measures {
                            td.number {
                                (value(row, measure))
                                @if let Some(difference) = row.differences.get(&measure) {
                                    span.under.clear[row.is_clear(measure)] {
                                        (with_interval(*difference, measure.decimals(), signed))
                                    }
                                }
                            }
                        }
                    }
                }
            }
        },
    )
}

/// What the headings stand for.
fn meanings(group: &Group, found: &GroupResults) -> Markup {
    let mut words: Vec<String> = shown(group, found).into_iter().filter_map(Measure::meaning).collect();
    words.dedup();
    html! { @if !words.is_empty() { p.quiet { (page::prose(&words.join("; "))) "." } } }
}

/// The measures that any row has.
fn shown(group: &Group, found: &GroupResults) -> Vec<Measure> {
    let has = |measure: &Measure| found.rows.iter().any(|row| row.values.contains_key(measure));
    group.measures.iter().copied().filter(has).collect()
}

fn value(row: &Row, measure: Measure) -> String {
    let value = row.values.get(&measure);
    value.map_or_else(|| "–".into(), |value| with_interval(*value, measure.decimals(), fixed))
}

/// The same tables in Markdown.
pub(crate) fn markdown(results: &VariantsResults) -> String {
    let mut text = String::new();
    for (group, found) in results.groups() {
        let measures = shown(group, found);
        let _ = write!(text, "{}\n\n| variant | against |", group.title);
        measures.iter().for_each(|measure| text.push_str(&format!(" {} |", measure.label())));
        text.push_str("\n| --- | --- |");
        measures.iter().for_each(|_| text.push_str(" ---: |"));
        text.push('\n');
        for (variant, row) in group.variants.iter().zip(&found.rows) {
            // Writing to a string cannot fail.
            let diverged = if row.diverged() > 0 { format!(" ({} diverged)", row.diverged()) } else { String::new() };
            let _ = write!(text, "| {}{diverged} | {} |", row.name, variant.against.as_deref().unwrap_or_default());
            for &measure in &measures {
                let mark = if row.is_clear(measure) { "**" } else { "" };
                let _ = write!(text, " {mark}{}{mark} |", value(row, measure));
            }
            text.push('\n');
        }
        text.push('\n');
    }
    text.push_str(
        "Bold: the difference to the variant that it is held against, paired by seed, has a 95 % interval that excludes zero \
         (not corrected for the number of comparisons).\n",
    );
    text
}

/// Every training, for the CSV file.
pub(crate) fn rows(results: &VariantsResults) -> Vec<[String; 5]> {
    let mut rows = vec![["group", "variant", "seed", "measure", "value"].map(str::to_owned)];
    for (group, found) in results.groups() {
        for row in &found.rows {
            for run in &row.runs {
                let mut add = |measure: &str, value: String| {
                    rows.push([group.name.clone(), row.name.clone(), run.seed.to_string(), measure.to_owned(), value]);
                };
                if run.diverged.is_some() {
                    add("diverged", "1".to_owned());
                }
                run.values.iter().for_each(|(measure, value)| add(&measure.label(), value.to_string()));
            }
        }
    }
    rows
}
