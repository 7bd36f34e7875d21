//! The page of the study, its tables and drawings.

use maud::{Markup, html};
use softnce_report::number::{count, enumerate, fixed, plural};
use softnce_report::page::{self, section};
use softnce_report::table::Table;
use softnce_report::{sheet, with_interval};

use super::groups::groups;
use super::measure::ClassesMeasure;
use super::plan::{ClassesConfig, Group};
use super::results::{ClassesResults, GroupResults, Row};
use crate::chart::{Chart, HEIGHT, LOOKS, Series, Spacing, lines};

const TITLE: &str = "Many classes: quality against samples and time";

/// The files for people, each with its name.
pub(crate) fn files(results: &ClassesResults) -> Vec<(String, String)> {
    let mut files = vec![("results.md".into(), markdown(results)), ("report.html".into(), page(results))];
    for (group, found) in results.groups() {
        for (against, drawing) in drawings(group, found) {
            let file = sheet(&drawing.name(), 1, HEIGHT, &[drawing.panel()], &drawing.looks());
            files.push((format!("{}-{against}.svg", group.name), file));
        }
    }
    files
}

/// The page: for each group what is compared, the drawings and the table.
fn page(results: &ClassesResults) -> String {
    let entries = results.config.groups.iter().map(|group| (group.name.as_str(), group.title.as_str()));
    let head = html! {
        header {
            h1 { (TITLE) }
            p.lead {
                "Heads over very many classes, trained with different candidates from "
                (plural(results.config.seeds as usize, "seed", "seeds")) " and evaluated over all classes."
            }
        }
        (page::contents(entries.chain([("reproduce", "Reproduce")])))
    };
    // The words of this version; the results hold those of the version that wrote them.
    let current = groups();
    let about = |group: &Group| {
        current.iter().find(|other| other.name == group.name).map_or(group.about.clone(), |other| other.about.clone())
    };
    let main = html! {
        @for (group, found) in results.groups() {
            (section(&group.name, &group.title, html! {
                p { (page::prose(&about(group))) }
                @for (against, drawing) in drawings(group, found) {
                    @let legend = page::legend(drawing.looks());
                    (page::single(&format!("{}.", capital(drawing.y.0)), caption_of(against), Some(legend), drawing.panel()))
                }
                (table(group, found, &results.config))
                @for warning in warnings(found) { p.quiet { "Warning of the runs: " (page::prose(&warning)) "." } }
            }))
        }
        (section("reproduce", "Reproduce", html! {
            pre { code { (results.command) } }
            p.quiet { "Times depend on the machine and on its other work; all else is the same in each run." }
        }))
    };
    page::page(TITLE, &results.version, head, main)
}

fn capital(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn caption_of(against: &str) -> &'static str {
    match against {
        "samples" => {
            "At the end of training, against the number of samples that every row is compared with. A level across the \
             drawing has no number of samples."
        }
        _ => {
            "Each evaluation of the first seed, against the seconds of training before it, without evaluations and checkpoints."
        }
    }
}

/// The drawings of a group, each with what it is drawn against.
fn drawings<'r>(group: &'r Group, found: &'r GroupResults) -> Vec<(&'static str, Chart<'r>)> {
    let all = [("samples", against_samples(group, found)), ("time", against_time(group, found))];
    all.into_iter().filter(|(_, chart)| !chart.series.is_empty()).collect()
}

/// The first measure of a group.
fn drawn(group: &Group) -> ClassesMeasure {
    group.measures.first().copied().unwrap_or(ClassesMeasure::Nll)
}

fn rows<'r>(group: &'r Group, found: &'r GroupResults) -> impl Iterator<Item = (&'r super::plan::Variant, &'r Row)> {
    group.variants.iter().zip(&found.rows)
}

fn against_samples<'r>(group: &'r Group, found: &'r GroupResults) -> Chart<'r> {
    let measure = drawn(group);
    let values = rows(group, found)
        .map(|(variant, row)| (variant.name.as_str(), &variant.drawn, row.values.get(&measure).copied()));
    chart(group, ("samples", Spacing::Log), lines(values))
}

fn against_time<'r>(group: &'r Group, found: &'r GroupResults) -> Chart<'r> {
    let measure = drawn(group);
    let timed = rows(group, found).filter(|(variant, _)| variant.timed).zip(LOOKS.iter().cycle());
    let series = timed.map(|((variant, row), look)| {
        let history = row.runs.first().map(|run| run.history.as_slice()).unwrap_or_default();
        let points = history.iter().filter_map(|evaluation| Some((evaluation.seconds, measure.of(evaluation)?)));
        Series { name: variant.name.clone(), look: *look, points: points.collect(), ranges: Vec::new() }
    });
    chart(group, ("seconds of training", Spacing::Log), series.collect())
}

fn chart<'r>(group: &'r Group, x: (&'r str, Spacing), series: Vec<Series>) -> Chart<'r> {
    let measure = drawn(group);
    let spacing = match measure {
        ClassesMeasure::Perplexity | ClassesMeasure::Divergence => Spacing::Log,
        _ => Spacing::Even,
    };
    let y = (measure.label(), spacing);
    Chart { title: &group.title, x, y, decimals: measure.decimals(), references: Vec::new(), series, marked: true }
}

/// The variants side by side.
fn table(group: &Group, found: &GroupResults, config: &ClassesConfig) -> Markup {
    page::table(
        "Results.",
        &caption(group, found, config),
        html! {
            (page::head(&["candidates"], group.measures.iter().map(|measure| page::prose(measure.label()))))
            tbody {
                @for row in &found.rows {
                    tr {
                        th scope="row" { (row.name) }
                        @for &measure in &group.measures { td.number { (value(row, measure)) } }
                    }
                }
            }
        },
    )
}

fn value(row: &Row, measure: ClassesMeasure) -> String {
    let value = row.values.get(&measure);
    value.map_or_else(|| "–".to_owned(), |value| with_interval(*value, measure.decimals(), fixed))
}

/// What was trained.
fn caption(group: &Group, found: &GroupResults, config: &ClassesConfig) -> String {
    let sizes = found.sizes;
    let changes = match group.changes_but(&config.set).as_slice() {
        [] => String::new(),
        changes => format!(" with {}", enumerate(changes)),
    };
    let set = match config.set.as_slice() {
        [] => String::new(),
        set => format!(" All variants also have these changes, which the titles do not show: {}.", enumerate(set)),
    };
    let over = if config.seeds == 1 { "One seed." } else { "Mean ± half width of the 95 % interval over the seeds." };
    let timed = if group.measures.iter().any(|measure| measure.is_time()) {
        " Times are those of the machine, without evaluations and checkpoints."
    } else {
        ""
    };
    format!(
        "Recipe {}{changes}; {} classes of {} features, {}, {}.{set} {over}{timed}",
        group.recipe,
        count(sizes.classes),
        count(sizes.features),
        plural(sizes.train, "training row", "training rows"),
        plural(sizes.test, "test row", "test rows"),
    )
}

/// The warnings of the runs, each once, with the variants that had it.
fn warnings(found: &GroupResults) -> Vec<String> {
    let mut all: Vec<(&str, Vec<String>)> = Vec::new();
    for row in &found.rows {
        for warning in row.runs.first().iter().flat_map(|run| &run.warnings) {
            match all.iter_mut().find(|(known, _)| known == warning) {
                Some((_, names)) => names.push(row.name.clone()),
                None => all.push((warning, vec![row.name.clone()])),
            }
        }
    }
    all.into_iter().map(|(warning, names)| format!("{} ({})", warning, enumerate(&names))).collect()
}

/// The same tables in Markdown.
fn markdown(results: &ClassesResults) -> String {
    let mut text = String::new();
    for (group, found) in results.groups() {
        let head = ["candidates"].into_iter().chain(group.measures.iter().map(|measure| measure.label()));
        let mut table = Table::new(head);
        for row in &found.rows {
            let values = group.measures.iter().map(|&measure| value(row, measure));
            table.add([row.name.clone()].into_iter().chain(values));
        }
        let caption = caption(group, found, &results.config);
        text.push_str(&format!("{}\n\n{}\n{caption}\n\n", group.title, table.markdown()));
        warnings(found).iter().for_each(|warning| text.push_str(&format!("Warning of the runs: {warning}.\n\n")));
    }
    text
}

/// Every evaluation of every training, for the CSV file.
pub(crate) fn csv(results: &ClassesResults) -> Vec<[String; 6]> {
    let mut rows = vec![["group", "variant", "seed", "step", "measure", "value"].map(str::to_owned)];
    for (group, found) in results.groups() {
        for row in &found.rows {
            for run in &row.runs {
                for evaluation in &run.history {
                    for measure in ClassesMeasure::ALL {
                        let Some(value) = measure.of(evaluation) else { continue };
                        let [seed, step] = [run.seed, evaluation.step].map(|number| number.to_string());
                        let measure = measure.name().to_owned();
                        rows.push([group.name.clone(), row.name.clone(), seed, step, measure, value.to_string()]);
                    }
                }
            }
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use softnce_classes::results::Evaluation;
    use softnce_metrics::{Estimate, RankingEvaluator};

    use super::super::results::{Found, Sizes};
    use super::*;
    use crate::chart::Drawn;

    fn made_up() -> ClassesResults {
        let mut ranking = RankingEvaluator::new(10, &[1], None).unwrap();
        ranking.push(ndarray::arr2(&[[3_u32]]).view(), &[vec![(3, 1.0)]]).unwrap();
        let ranking = ranking.finish().unwrap();
        let evaluation = |step: u64| Evaluation {
            step,
            seconds: 0.5 * step as f64,
            train_loss: None,
            nll: 8.0 / step as f64,
            temperature: 1.0,
            divergence: Some(0.25),
            ranking: ranking.clone(),
        };
        let sizes = Sizes { train: 1000, test: 50, classes: 10_000, features: 64 };
        let config = ClassesConfig { seeds: 1, set: Vec::new(), groups: groups() };
        let rows = |group: &Group| {
            let row = |(at, variant): (usize, &super::super::plan::Variant)| {
                let history = vec![evaluation(1), evaluation(4)];
                let warnings = if at == 1 { vec!["mind the <gap>".to_owned()] } else { Vec::new() };
                let estimate = Estimate { mean: 2.5, half_width: None };
                Row {
                    name: variant.name.clone(),
                    values: ClassesMeasure::ALL.map(|measure| (measure, estimate)).into(),
                    runs: vec![Found { seed: 0, sizes, warnings, history }],
                }
            };
            group.variants.iter().enumerate().map(row).collect()
        };
        let groups = config.groups.iter().map(|group| GroupResults { sizes, rows: rows(group) }).collect();
        ClassesResults { version: "0.1.0".into(), command: "the command".into(), config, groups }
    }

    #[test]
    fn files_are_well_formed_and_hold_every_variant() {
        let results = made_up();
        let files = files(&results);
        let page = &files.iter().find(|(name, _)| name == "report.html").unwrap().1;
        assert!(page.contains("mind the &lt;gap&gt;") && page.contains("the command"));
        for (group, _) in results.groups() {
            assert!(page.contains(&format!("id=\"{}\"", group.name)));
            let is_drawn = |kind: &str| match kind {
                "samples" => group.variants.iter().any(|variant| variant.drawn != Drawn::No),
                _ => group.variants.iter().any(|variant| variant.timed),
            };
            for kind in ["samples", "time"] {
                let name = format!("{}-{kind}.svg", group.name);
                let drawing = files.iter().find(|(file, _)| *file == name);
                assert_eq!(drawing.is_some(), is_drawn(kind), "{name}");
                drawing.iter().for_each(|(_, drawing)| drop(roxmltree::Document::parse(drawing).unwrap()));
            }
        }
        let rows = csv(&results);
        let variants: usize = results.config.groups.iter().map(|group| group.variants.len()).sum();
        assert_eq!(rows.len(), 1 + variants * 2 * ClassesMeasure::ALL.len());
        let text = &files.iter().find(|(name, _)| name == "results.md").unwrap().1;
        assert!(text.contains("10,000 classes of 64 features, 1,000 training rows, 50 test rows. One seed."), "{text}");
    }

    #[test]
    fn a_perplexity_that_overflows_is_left_out() {
        let mut results = made_up();
        let runs = results.groups.iter_mut().flat_map(|group| &mut group.rows).flat_map(|row| &mut row.runs);
        runs.for_each(|run| run.history[1].nll = 800.0);
        assert!(csv(&results).iter().all(|row| row[4] != "perplexity" || row[3] == "1"));
        let (_, drawing) = files(&results).into_iter().find(|(name, _)| name == "next-word-10000-time.svg").unwrap();
        assert!(drawing.contains("marker") && !drawing.contains("n/a"), "{drawing}");
    }

    #[test]
    fn the_caption_has_the_changes_that_were_trained() {
        let mut results = made_up();
        results.config.set = ["schedule.steps=16", "training.batch_size=64"].map(str::to_owned).to_vec();
        let text = markdown(&results);
        assert!(
            !text.contains("schedule.steps=2000") && text.contains("data.rows.classes=10000, evaluation.every=250")
        );
        assert!(
            text.contains("which the titles do not show: schedule.steps=16 and training.batch_size=64. One seed."),
            "{text}"
        );
    }
}
