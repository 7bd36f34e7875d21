//! The page of the study, and its tables.

use maud::{Markup, html};
use softnce_report::number::{enumerate, fixed, plural, signed};
use softnce_report::page::{self, section};
use softnce_report::protocol::Protocol;
use softnce_report::table::Table;
use softnce_report::{sheet, with_interval};

use super::plan::{ChartPlan, Group};
use super::results::{GroupResults, Row, VariantsResults};
use super::study::Study;
use crate::chart::{Chart, HEIGHT, Spacing, lines};
use crate::measure::Measure;

/// The files for people, each with its name.
pub(crate) fn files(study: &Study, results: &VariantsResults) -> Vec<(String, String)> {
    let charts = standalone(results).into_iter().map(|(group, chart)| (format!("{group}.svg"), chart));
    let texts = [("results.md".into(), markdown(results)), ("report.html".into(), page(study, results))];
    charts.chain(texts).collect()
}

/// The page: for each group the theory and the results.
fn page(study: &Study, results: &VariantsResults) -> String {
    let entries = results.config.groups.iter().map(|group| (group.name.as_str(), group.title.as_str()));
    let paired =
        results.config.groups.iter().flat_map(|group| &group.variants).any(|variant| variant.against.is_some());
    let head = html! {
        header {
            h1 { (study.title) }
            p.lead {
                "Variants of a recipe, each trained from " (plural(results.config.seeds as usize, "seed", "seeds"))
                " and evaluated on the test pictures" @if paired { ", paired by seed" } "."
            }
            p.quiet {
                "Our own design: the paper's tables (Hugger and Uhlmann, arXiv 2404.14076) could not be consulted."
            }
        }
        (page::contents(entries.chain([("reproduce", "Reproduce")])))
    };
    // The text of this version; the results hold that of the version that wrote them.
    let current = (study.groups)();
    let theory = |group: &Group| {
        current.iter().find(|other| other.name == group.name).map_or(group.theory.clone(), |other| other.theory.clone())
    };
    let main = html! {
        @for (group, found) in results.groups() {
            (section(&group.name, &group.title, html! {
                p { (page::prose(&theory(group))) }
                @if let Some(plan) = &group.chart { (chart(group, plan, found)) }
                (table(group, found, results.config.seeds))
                (meanings(group, found))
            }))
        }
        (section("reproduce", "Reproduce", html! { pre { code { (results.command) } } }))
    };
    page::page(study.title, &results.version, head, main)
}

fn chart(group: &Group, plan: &ChartPlan, found: &GroupResults) -> Markup {
    let label = plan.measure.label();
    let chart = plot(group, plan, found, &label);
    let several = found.rows.iter().any(|row| row.runs.len() > 1);
    let over = if several { "Mean over the seeds with its 95 % interval" } else { "From one seed" };
    let without = if found.rows.iter().any(|row| row.diverged() > 0) { ", without those that diverged" } else { "" };
    page::single(
        &format!("{}.", group.title),
        &format!("{over}{without}."),
        Some(page::legend(chart.looks())),
        chart.panel(),
    )
}

/// The charts as files of their own, by the names of their groups.
fn standalone(results: &VariantsResults) -> Vec<(&str, String)> {
    let charts = results.groups().filter_map(|(group, found)| {
        let plan = group.chart.as_ref()?;
        let label = plan.measure.label();
        let chart = plot(group, plan, found, &label);
        Some((group.name.as_str(), sheet(&chart.name(), 1, HEIGHT, &[chart.panel()], &chart.looks())))
    });
    charts.collect()
}

/// The chart of a group; `label` is that of its measure.
fn plot<'r>(group: &'r Group, plan: &'r ChartPlan, found: &GroupResults, label: &'r str) -> Chart<'r> {
    let spacing = if plan.log { Spacing::Log } else { Spacing::Even };
    let rows = group.variants.iter().zip(&found.rows);
    let values =
        rows.map(|(variant, row)| (variant.name.as_str(), &variant.drawn, row.values.get(&plan.measure).copied()));
    Chart {
        title: &group.title,
        x: (&plan.axis, spacing),
        y: (label, Spacing::Even),
        decimals: plan.measure.decimals(),
        references: Vec::new(),
        series: lines(values),
        marked: true,
    }
}

/// The variants side by side.
fn table(group: &Group, found: &GroupResults, seeds: u64) -> Markup {
    let caption = caption(group, found, seeds);
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

/// What was trained, and what the numbers are.
fn caption(group: &Group, found: &GroupResults, seeds: u64) -> String {
    let [train, validation, test] = found.pictures;
    let changes: String = group.changes.iter().map(|change| format!(", {change}")).collect();
    let mut text = format!(
        "Recipe {}{changes}; {}; {}, {}, {}.",
        group.recipe,
        plural(found.parameters, "parameter", "parameters"),
        plural(train, "training picture", "training pictures"),
        match validation {
            0 => "no validation pictures".to_owned(),
            pictures => plural(pictures, "validation picture", "validation pictures"),
        },
        plural(test, "test picture", "test pictures"),
    );
    let changed = changed_keys(group);
    if !changed.is_empty() {
        text.push_str(&format!(" The variants differ in {}.", enumerate(&changed)));
    }
    let protocols = protocols(group);
    if let [words] = &distinct(protocols.iter().filter_map(Protocol::tested_in_words))[..] {
        text.push_str(&format!(" Tested {words}."));
    }
    let drawn = distinct(protocols.iter().flat_map(Protocol::drawn_by_the_seed));
    match seeds {
        1 => text.push_str(" One seed, so no intervals."),
        _ => {
            text.push_str(" Mean ± half width of the 95 % interval over the seeds");
            if !drawn.is_empty() {
                text.push_str(&format!("; a seed draws {}", enumerate(&drawn)));
            }
            text.push_str(". All seeds have the same split.");
        }
    }
    if group.variants.iter().any(|variant| variant.against.is_some()) {
        text.push_str(match seeds {
            1 => " Below: the difference from the variant named after \"against\".",
            _ => {
                " Below: the difference from the variant named after \"against\", paired by seed; bold where its interval \
                 excludes zero (not corrected for the number of comparisons)."
            }
        });
    }
    text
}

/// The keys of the recipe that the variants change.
fn changed_keys(group: &Group) -> Vec<String> {
    let changes = group.variants.iter().flat_map(|variant| &variant.changes);
    let keys = changes.map(|change| change.split('=').next().unwrap_or_default().trim());
    distinct(keys.filter(|key| !key.is_empty()).map(str::to_owned))
}

/// The words in their order, each once.
fn distinct(words: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut distinct: Vec<String> = Vec::new();
    for word in words {
        if !distinct.contains(&word) {
            distinct.push(word);
        }
    }
    distinct
}

/// How each variant was trained, unless its recipe can no longer be read.
fn protocols(group: &Group) -> Vec<Protocol> {
    let read = |variant| group.recipe(variant, 0).ok().and_then(|recipe| recipe.to_toml().ok());
    group.variants.iter().filter_map(read).map(|recipe| Protocol::read(&recipe)).collect()
}

/// The meanings of the headings.
fn meanings(group: &Group, found: &GroupResults) -> Markup {
    let words = distinct(shown(group, found).into_iter().filter_map(Measure::meaning));
    html! { @if !words.is_empty() { p.quiet { (page::prose(&words.join("; "))) "." } } }
}

/// The measures that any row has.
fn shown(group: &Group, found: &GroupResults) -> Vec<Measure> {
    let has = |measure: &Measure| found.rows.iter().any(|row| row.values.contains_key(measure));
    group.measures.iter().copied().filter(has).collect()
}

fn value(row: &Row, measure: Measure) -> String {
    let value = row.values.get(&measure);
    let missing = if row.values.is_empty() && row.diverged() > 0 { "diverged" } else { "–" };
    value.map_or_else(|| missing.into(), |value| with_interval(*value, measure.decimals(), fixed))
}

/// The same tables in Markdown.
fn markdown(results: &VariantsResults) -> String {
    let mut text = String::new();
    for (group, found) in results.groups() {
        let measures = shown(group, found);
        let head = ["variant", "against"].map(str::to_owned).into_iter().chain(measures.iter().map(|one| one.label()));
        let mut table = Table::new(head).with_text(1);
        for (variant, row) in group.variants.iter().zip(&found.rows) {
            let diverged = if row.diverged() > 0 { format!(" ({} diverged)", row.diverged()) } else { String::new() };
            let first = [format!("{}{diverged}", row.name), variant.against.clone().unwrap_or_default()];
            let values = measures.iter().map(|&measure| {
                let mark = if row.is_clear(measure) { "**" } else { "" };
                format!("{mark}{}{mark}", value(row, measure))
            });
            table.add(first.into_iter().chain(values));
        }
        text.push_str(&format!("{}\n\n{}\n", group.title, table.markdown()));
    }
    if results.config.seeds > 1 {
        text.push_str(
            "Bold: the difference from the variant in the column *against*, paired by seed, has a 95 % interval that excludes \
             zero (not corrected for the number of comparisons).\n",
        );
    }
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
                run.values.iter().for_each(|(measure, value)| add(&measure.name(), value.to_string()));
            }
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use softnce_metrics::Estimate;

    use super::*;
    use crate::variants::{Found, STUDIES, VariantsConfig};

    /// Made-up results of a study; the first variant of each group diverged with one seed.
    fn made_up(study: &Study, seeds: u64) -> VariantsResults {
        let config = VariantsConfig { seeds, ..study.config() };
        let groups = config.groups.iter().map(|group| {
            let rows = group.variants.iter().enumerate().map(|(at, variant)| {
                let estimate = Estimate { mean: 1.0, half_width: (seeds > 1).then_some(0.5) };
                let values = group.measures.iter().map(|&measure| (measure, estimate));
                let diverged = |seed: u64| (at == 0 && seed == 0).then(|| "logits".to_owned());
                let run = |seed| Found { seed, values: Default::default(), diverged: diverged(seed) };
                let runs = (0..seeds).map(run).collect();
                Row { name: variant.name.clone(), values: values.collect(), differences: Default::default(), runs }
            });
            GroupResults { pictures: [800, 0, 100], parameters: 10, rows: rows.collect() }
        });
        let (version, command) = ("0.1.0".to_owned(), "the command".to_owned());
        VariantsResults { version, study: study.name.to_owned(), command, groups: groups.collect(), config }
    }

    #[test]
    fn captions_follow_the_recipes() {
        for study in STUDIES {
            let results = made_up(study, 3);
            for (group, found) in results.groups() {
                let caption = caption(group, found, 3);
                assert!(caption.contains("no validation pictures, 100 test pictures."), "{caption}");
                assert!(caption.contains("Tested with the weights of the last epoch."), "{caption}");
                let rate = group
                    .variants
                    .iter()
                    .flat_map(|variant| &variant.changes)
                    .any(|change| change.contains("learning_rate"));
                assert_eq!(
                    caption.contains("differ in") && caption.contains("optimizer.learning_rate"),
                    rate,
                    "{caption}"
                );
                let augments = caption.contains("the augmentation");
                assert_eq!(augments, group.recipe != "digits", "{caption}");
                assert!(self::caption(group, found, 1).contains("One seed, so no intervals."));
            }
            let page = page(study, &results);
            assert!(page.contains("1 of 3 diverged") && !page.contains("NaN"));
            for (group, found) in results.groups() {
                let meanings = meanings(group, found).into_string();
                assert!(meanings.matches("scaled: ").count() <= 1, "{meanings}");
            }
        }
    }

    #[test]
    fn the_theory_is_that_of_this_version() {
        let mut results = made_up(&STUDIES[0], 2);
        results.config.groups[0].theory = "as an older version had it".to_owned();
        assert!(!page(&STUDIES[0], &results).contains("as an older version had it"));
        results.config.groups[0].name = "another".to_owned();
        assert!(page(&STUDIES[0], &results).contains("as an older version had it"));
    }
}
