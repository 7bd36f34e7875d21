#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;

use softnce_metrics::{RankingAt, RankingGroup, RankingGroups, RankingResult};

use super::*;
use crate::data::Inputs;
use crate::recipe::ClassesRecipe;
use crate::results::Evaluation;

const RECIPE: &str = r#"
name = "words & <tags>"
[data]
kind = "sparse-text"
train = "train.txt"
test = "test.txt"
[encoder]
kind = "bag"
width = 64
[head]
bias = true
storage = { weights = "bf16", place = "disk" }
[candidates]
kind = "classes"
count = 4000
corrected = false
[loss]
alpha = 0.75
[optimizer]
kind = "adagrad"
learning_rate = 0.05
[schedule]
steps = 2000
[training]
batch_size = 256
[evaluation]
every = 1000
k = [5, 1]
"#;

/// Made-up results.
fn made_up() -> RunResults {
    let group = |classes, labels, share: Option<f64>| RankingGroup {
        classes,
        labels,
        predictions: 10,
        precision: share,
        recall: share.map(|share| share / 2.0),
        class_recall: share.map(|share| share / 4.0),
    };
    let groups = RankingGroups {
        frequent: group(120, 640.0, Some(0.9)),
        medium: group(3_456, 96.0, Some(0.4)),
        rare: group(27_362, 0.0, None),
    };
    let at = |k, precision, groups| RankingAt {
        k,
        precision,
        recall: 0.5 * precision,
        ndcg: 0.75 * precision,
        propensity_scored_precision: Some(0.25 * precision),
        groups,
    };
    let evaluation = |step, seconds, nll, precision| Evaluation {
        step,
        seconds,
        train_loss: Some(nll - 4.0),
        nll,
        temperature: 0.5,
        divergence: None,
        ranking: RankingResult {
            examples: 1_200,
            unlabelled: 3,
            at: vec![at(5, precision / 2.0, Some(groups)), at(1, precision, Some(groups))],
        },
    };
    RunResults {
        warnings: vec!["targets spread over <many> classes".to_owned()],
        version: "0.1.0".to_owned(),
        recipe: ClassesRecipe::from_table("made up", toml::from_str(RECIPE).unwrap()).unwrap(),
        train_rows: 14_146,
        test_rows: 6_616,
        inputs: Inputs::Sparse { inputs: 101_938 },
        features: 64,
        classes: 30_938,
        occurring: Some(30_001),
        history: vec![evaluation(1_000, 6.25, 8.5, 0.3), evaluation(2_000, 12.5, 7.25, 0.6235)],
    }
}

/// The files of results, by name.
fn files(results: &RunResults) -> BTreeMap<String, String> {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), results).unwrap();
    let entries = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap());
    entries.map(|entry| (entry.file_name().into_string().unwrap(), fs::read_to_string(entry.path()).unwrap())).collect()
}

/// Reads the page as XML: only the doctype and the `meta` elements are HTML's own.
fn assert_well_formed(page: &str) {
    let body = page.strip_prefix("<!DOCTYPE html>").unwrap();
    let parts = body.split_inclusive('>').map(|part| match part.strip_suffix('>') {
        Some(tag) if tag.starts_with("<meta") => format!("{tag}/>"),
        _ => part.to_owned(),
    });
    roxmltree::Document::parse(&parts.collect::<String>()).unwrap_or_else(|error| panic!("{error}"));
    for link in page.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(page.contains(&format!("<section id=\"{link}\"")), "{link}");
    }
    for text in ["NaN", "None", "Some(", "\"inf\""] {
        assert!(!page.contains(text), "{text}");
    }
}

/// How many elements of a class a drawing has.
fn elements(drawing: &str, class: &str) -> usize {
    let document = roxmltree::Document::parse(drawing).unwrap();
    document.descendants().filter(|node| node.attribute("class") == Some(class)).count()
}

#[test]
fn the_files_show_the_values_of_the_results() {
    let results = made_up();
    let files = files(&results);
    assert_eq!(files.keys().collect::<Vec<_>>(), ["curves.svg", "report.html", "results.csv", "results.md"]);
    let page = &files["report.html"];
    assert_well_formed(page);
    // exp(7.25) is 1408.10; ln(30938) is 10.3397; 30938 * 65 + 101938 * 64 values.
    let shown = ["7.2500", "1,408.10", "10.3397", "62.35", "31.18", "46.76", "15.59", "8,535,002", "101,938", "90.00"];
    for value in shown {
        assert!(page.contains(value), "{value} in the page");
        assert!(files["results.md"].contains(value), "{value} in the table");
    }
    assert!(page.contains("<h1>words &amp; &lt;tags&gt;</h1>"));
    assert!(page.contains("3 rows have no label") && page.contains("corrected = false"));
    assert!(page.contains("<strong>Warning: </strong>targets spread over &lt;many&gt; classes."), "{page}");
    let text = &files["results.md"];
    for line in [
        "**Warning:** targets spread over <many> classes.",
        "| k | precision | recall | nDCG | propensity-scored precision |",
        "| 1 | 62.35 | 31.18 | 46.76 | 15.59 |",
        "| medium | 1 | 3,456 | 96 | 40.00 | 20.00 | 10.00 |",
        "| rare | 5 | 27,362 | 0 | n/a | n/a | n/a |",
        "| classes | 30,938, of which 30,001 occur in the training rows |",
        "| loss | soft target InfoNCE; noise: frequencies of the classes to the power 0.75; temperature 1 |",
        "| candidates | 4,000 classes drawn for each batch, without correction for their probabilities: the loss is \
         biased |",
        "| optimiser | adagrad, learning rate 0.05 |",
        // 2,000 steps over epochs of 56 batches: 35 epochs and 40 batches of 256.
        "| steps | 2,000 of 256 rows, 35.72 epochs |",
        "| training time, without evaluations | 12.5 s |",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} in {text}");
    }
    assert!(text.contains("Frequent: more than 100; medium: 20 to 100; rare: fewer than 20"), "{text}");
    assert!(text.contains("64, pooled (mean; activation: none) from the embeddings of 101,938 inputs"), "{text}");
    for widths in text.split("\n\n").filter(|part| part.starts_with('|')) {
        let widths: Vec<usize> = widths.lines().map(|line| line.matches('|').count()).collect();
        assert!(widths.iter().all(|&width| width == widths[0] || width == 0), "{text}");
    }
}

#[test]
fn the_table_for_a_terminal_shows_the_last_evaluation() {
    let text = terminal(&made_up());
    for value in ["7.2500", "62.35", "frequent", "90.00"] {
        assert!(text.contains(value), "{value} in {text}");
    }
    assert!(!text.contains("8.5000"), "{text}");
}

#[test]
fn every_value_is_in_the_csv_file() {
    let results = made_up();
    let files = files(&results);
    let text = &files["results.csv"];
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "step,seconds,measure,k,classes,value");
    for line in [
        "1000,6.25,nll,,all,8.5",
        "2000,12.5,train_loss,,all,3.25",
        "2000,12.5,precision,1,all,0.6235",
        "2000,12.5,class_recall,5,medium,0.1",
    ] {
        assert!(lines.contains(&line), "{line} in {text}");
    }
    // Loss, temperature, NLL and perplexity; at each of two k four values, and three of two groups: the rare classes
    // have no labels.
    assert_eq!(lines.len(), 1 + 2 * (4 + 2 * (4 + 3 * 2)));
    assert!(!text.contains(",rare,") && !text.contains("divergence"));
}

#[test]
fn a_panel_has_each_evaluation_as_a_tooltip() {
    let drawing = &files(&made_up())["curves.svg"];
    assert_eq!(elements(drawing, "mean"), 4);
    assert_eq!(elements(drawing, "marker"), 4);
    for text in
        ["step 1,000, 6.2 s: 8.5000 nats", "step 2,000, 12.5 s: 62.35 %", "Precision at 1", ">seconds<", ">steps<"]
    {
        assert!(drawing.contains(text), "{text} in {drawing}");
    }
}

#[test]
fn the_divergence_is_shown_where_it_is_known() {
    let mut results = made_up();
    results.history.iter_mut().for_each(|evaluation| evaluation.divergence = Some(0.125));
    results.occurring = None;
    let files = files(&results);
    assert!(files["results.md"].contains("| classes | 30,938 |"), "{}", files["results.md"]);
    assert!(files["results.md"].contains("is its expected number of training rows"), "{}", files["results.md"]);
    assert!(files["results.md"].contains("| divergence from the true posterior, nats | 0.1250 | n/a |"));
    assert!(files["results.csv"].contains("2000,12.5,divergence,,all,0.125"));
    assert!(files["report.html"].contains("0.1250"));
}

/// One evaluation, no time, values at their bounds, no groups, no evaluation at all.
#[test]
fn unusual_results_are_drawn() {
    for (nll, precision) in [(0.0, 1.0), (1e-9, 0.0), (800.0, 0.5)] {
        let mut results = made_up();
        results.history.truncate(1);
        let only = &mut results.history[0];
        (only.seconds, only.nll, only.step, only.train_loss) = (0.0, nll, 1, None);
        only.ranking.at.iter_mut().for_each(|at| (at.precision, at.groups) = (precision, None));
        let files = files(&results);
        assert_well_formed(&files["report.html"]);
        assert!(!files["report.html"].contains("frequency in training"));
        assert_eq!(elements(&files["curves.svg"], "marker"), 4);
        assert!(!files["curves.svg"].contains("NaN") && !files["curves.svg"].contains("inf"));
    }
    let results = RunResults { history: Vec::new(), ..made_up() };
    assert_well_formed(&files(&results)["report.html"]);
    assert_eq!(terminal(&results), "");
}
