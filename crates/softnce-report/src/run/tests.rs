#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use softnce_metrics::Reading;

use super::*;
use crate::results::{ReportPicture, RunReport};
use crate::wellformed::assert_well_formed;

/// What must hold of every page.
fn checked(report: &RunReport) -> String {
    let page = page(report).unwrap();
    assert_well_formed(&page);
    // A picture's base64 may spell anything.
    let prose: String =
        page.split("base64,").map(|part| part.split_once("\" alt").map_or(part, |(_, rest)| rest)).collect();
    for text in ["NaN", "inf ", "\"inf\"", "None", "Some("] {
        assert!(!prose.contains(text), "{text} in the page");
    }
    for attribute in ["href=\"http", "href=\"//", "url(", "@import", "<link"] {
        assert!(!page.contains(attribute), "{attribute} in the page");
    }
    assert_eq!(page.matches("<script").count(), 1);
    assert_eq!(page.matches("src=\"").count(), page.matches("src=\"data:image/png;base64,").count());
    assert_eq!(page.matches("<svg viewBox").count(), page.matches("role=\"img\" aria-label=\"").count());
    assert_eq!(page.matches("<figure").count(), page.matches("<figcaption>").count());
    assert_eq!(page.matches("<th ").count() + page.matches("<th>").count(), page.matches(" scope=\"").count());
    page
}

#[test]
fn the_page_holds_the_numbers() {
    let report = fixture::full(10, 30);
    let page = checked(&report);
    for row in rows::rows(&report) {
        assert!(page.contains(&row.name) && page.contains(&row.reference), "{}", row.name);
        assert!(row.values.len() == 2 && row.values.iter().all(|value| page.contains(value)), "{}", row.name);
    }
    for picture in report.hardest.iter().chain(&report.confidently_wrong) {
        let caption = picture.caption.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        assert!(page.contains(&caption), "{caption}");
        let name = picture.name.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        assert!(page.contains(&format!("<p class=\"file\">{name}</p>")), "{name}");
        assert!(page.contains(&format!("alt=\"{name}\"")), "{name}");
    }
    assert_eq!(page.matches("<img ").count(), report.hardest.len() + report.confidently_wrong.len());
    assert!(page.contains("class=\"small\"") && page.contains("kind = &quot;resnet&quot;"));
    for [label, predicted, count] in report.result.confusion.most_confused(15) {
        let names =
            [label, predicted].map(|class| report.class_names[class].replace('&', "&amp;").replace('<', "&lt;"));
        let row = format!(">{}</th><td>{}</td><td class=\"number\">{count}</td>", names[0], names[1]);
        assert!(page.contains(&row.replace("b>", "b&gt;")), "{row}");
    }
    assert!(page.contains("1 h 23 min") && page.contains("272,474"));
}

#[test]
fn many_classes_are_folded_and_not_drawn() {
    let few = checked(&fixture::full(20, 3));
    assert!(few.contains("Confusion matrix in numbers") && !few.contains("least accurate"));
    let many = checked(&fixture::full(21, 3));
    assert!(!many.contains("Confusion matrix in numbers") && many.contains("Confusion matrix:"));
    assert!(many.contains("The 10 least accurate classes") && many.contains("All 21 classes"));
    let more = checked(&fixture::full(101, 3));
    assert!(!more.contains("Confusion matrix:") && more.contains("Most confused pairs"));
}

#[test]
fn what_is_not_there_is_left_out() {
    for classes in [1, 2, 10] {
        let page = checked(&fixture::bare(classes));
        for absent in [
            "id=\"curves\"",
            "trained for",
            "id=\"pictures\"",
            "id=\"frequency\"",
            "After scaling",
            "soft labels",
            "temperature scaling",
        ] {
            assert!(!page.contains(absent), "{absent}");
        }
    }
    assert!(checked(&fixture::bare(1)).contains("No prediction was wrong"));
}

#[test]
fn the_top_5_accuracy_of_few_classes_is_left_out() {
    for classes in [3, 5, 6] {
        let page = checked(&fixture::full(classes, 3)).replace('\u{2011}', "-").to_lowercase();
        assert_eq!(page.contains("top-5"), classes > 5, "{classes}");
    }
}

#[test]
fn one_epoch_and_odd_values_are_drawn() {
    let mut report = fixture::full(10, 1);
    checked(&report);
    let point = &mut report.curves[0];
    (point.train_loss, point.train_top1, point.validation) = (0.0, 1.0, None);
    (point.learning_rate, point.samples_per_second) = (0.0, f64::INFINITY);
    checked(&report);
    report.curves[0].train_loss = f64::NAN;
    report.curves[0].learning_rate = f64::NAN;
    assert!(checked(&report).contains(crate::number::MISSING));
}

#[test]
fn a_temperature_at_the_bound_is_said_to_be_so() {
    let mut report = fixture::full(10, 2);
    assert!(!checked(&report).contains("end of the range"));
    report.scaled.as_mut().unwrap().fit.at_bound = true;
    assert!(checked(&report).contains("end of the range searched: the validation pictures"));
}

/// The text of the page of a run with this recipe, with plain spaces.
fn text(recipe: &str) -> String {
    let report = RunReport { recipe_toml: recipe.to_owned(), ..fixture::full(10, 30) };
    let page = checked(&report);
    let body = page.split("</head>").nth(1).unwrap().split("<script>").next().unwrap();
    body.replace('\u{a0}', " ").replace('\u{2011}', "-")
}

#[test]
fn sentences_follow_the_recipe() {
    let best = "with the weights of the epoch that had the best validation accuracy";
    let on = "The training accuracy is measured during the epoch, on";
    let cases: [(&str, &[&str], &[&str]); 7] = [
        (
            "[evaluation]\nbest = true",
            &[best, "the best validation accuracy</td>"],
            &["of the last epoch", "30, the last"],
        ),
        ("[evaluation]\nbest = false", &["with the weights of the last epoch", "30, the last"], &[best]),
        (
            "[mixing]\nmixup = 0.8\n[augmentation.train]\nflip = 0.5",
            &["on augmented and mixed pictures and while", "Validation NLL"],
            &["were held out"],
        ),
        ("[augmentation.train.random_crop]\npadding = 2", &["on augmented pictures and while"], &["mixed"]),
        ("[mixing]\nsmoothing = 0.1", &["during the epoch, while the weights"], &[on]),
        (
            "[data]\nvalidation_share = 0.0\n[optimizer]\naverage = 0.99\n[evaluation]\nbest = false",
            &["Test NLL", "No pictures were held out", "30, the last; averaged weights"],
            &["Validation top-1", "Validation NLL by"],
        ),
        (
            "[data]\ntest_share = 0.2\ntrain_part = \"train\"\nvalidation_share = 0.1",
            &["20 % of each class of the publisher's train part"],
            &["No pictures were held out"],
        ),
    ];
    for (recipe, said, not_said) in cases {
        let text = text(recipe);
        for words in said {
            assert!(text.contains(words), "{recipe}: missing: {words}");
        }
        for words in not_said {
            assert!(!text.contains(words), "{recipe}: said: {words}");
        }
    }
}

#[test]
fn names_that_hold_markup_stay_text() {
    let mut report = fixture::full(10, 3);
    let names = [
        "<script>window.hacked = 1</script>",
        "\" onload=\"window.hacked = 1",
        "]]> <!-- -->",
        "'><img src=x onerror=window.hacked=1>",
        "\u{5d0}\u{5d1}\u{5d2} <b>",
        "&lt;b&gt;",
        "</title></svg></style>",
    ];
    for (place, name) in report.class_names.iter_mut().zip(names) {
        *place = name.to_owned();
    }
    report.class_names[9] = "a very long name without any space ".repeat(20).replace(' ', "_");
    report.title = names.concat();
    let examples = report.result.hardest.clone();
    for (picture, example) in report.hardest.iter_mut().zip(&examples) {
        picture.caption = caption(example, &report.class_names);
    }
    let page = checked(&report);
    for markup in ["<img src=x", "<b>", "<!--", "onload=\""] {
        assert!(!page.contains(markup), "{markup}");
    }
    assert!(page.contains("&lt;script&gt;window.hacked = 1&lt;/script&gt;") && page.contains("&amp;lt;b&amp;gt;"));
}

#[test]
fn every_mark_has_a_tooltip() {
    for report in [fixture::full(10, 30), fixture::full(21, 1), fixture::bare(3)] {
        crate::wellformed::assert_every_mark_has_a_tooltip(&checked(&report));
    }
}

#[test]
fn the_figures_read_back_from_json() {
    let report = fixture::full(10, 5);
    let text = json(&report).unwrap();
    let read: RunReport = serde_json::from_str(&text).unwrap();
    let values: serde_json::Value = serde_json::from_str(&text).unwrap();
    for row in rows::rows(&report) {
        let name = row.metric.name;
        for (list, result) in [("metrics", &report.result), ("scaled_metrics", &report.scaled.as_ref().unwrap().result)]
        {
            let found: Reading = serde_json::from_value(values[list][name].clone()).unwrap();
            assert_eq!(Some(found), (row.metric.of)(result), "{list} {name}");
        }
    }
    // The pictures by their names, without their pixels.
    let named = |pictures: &[ReportPicture]| {
        pictures.iter().map(|picture| ReportPicture { png: Vec::new(), ..picture.clone() }).collect::<Vec<_>>()
    };
    let (hardest, confidently_wrong) = (named(&report.hardest), named(&report.confidently_wrong));
    assert!(hardest[0].name.starts_with("pictures/test/"));
    assert_eq!(read, RunReport { hardest, confidently_wrong, ..report });
    // A picture that cannot be read any more is named all the same.
    let page = checked(&read);
    assert!(!page.contains("<img ") && page.contains(&read.hardest[0].name));
}

#[test]
fn the_markdown_table_holds_the_numbers() {
    for report in [fixture::full(10, 5), fixture::bare(10)] {
        let text = markdown(&report);
        for row in rows::rows(&report) {
            assert!(text.contains(&format!("| {} | {} | {} |", row.name, row.values.join(" | "), row.reference)));
        }
        for block in text.split("\n\n").filter(|block| block.starts_with('|')) {
            let columns: Vec<usize> = block.trim().lines().map(|line| line.matches('|').count()).collect();
            assert!(columns.windows(2).all(|pair| pair[0] == pair[1]), "{block}");
        }
    }
}

#[test]
fn a_page_gives_its_pictures_back() {
    let mut report = fixture::full(10, 5);
    report.hardest[1].png.clear();
    let written = page(&report).unwrap();
    let named = |pictures: &[ReportPicture]| -> Vec<ReportPicture> {
        pictures.iter().map(|picture| ReportPicture { png: Vec::new(), ..picture.clone() }).collect()
    };
    let (hardest, confidently_wrong) = (named(&report.hardest), named(&report.confidently_wrong));
    assert!(!hardest.is_empty() && !confidently_wrong.is_empty());
    let bare = RunReport { hardest, confidently_wrong, ..report.clone() };
    assert_eq!(with_pictures_of(&written, bare.clone()), report);
    for other in ["", "<strong>Hardest.</strong> <li><img src=\"data:image/png;base64,!\">"] {
        assert_eq!(with_pictures_of(other, bare.clone()), bare);
    }
    // Files of older versions have no names.
    let older = RunReport { hardest: Vec::new(), confidently_wrong: Vec::new(), ..report.clone() };
    let found = with_pictures_of(&written, older);
    assert_eq!(found.hardest[0].png, report.hardest[0].png);
    assert!(found.hardest[0].name.is_empty() && !page(&found).unwrap().contains("class=\"file\""));
}

#[test]
fn bad_reports_are_named() {
    let mut report = fixture::full(10, 2);
    report.hardest[1].png = b"GIF89a".to_vec();
    assert_eq!(page(&report).unwrap_err().to_string(), "hardest[1]: not a PNG file, expected one to stand in the page");
    report.class_names.pop();
    assert_eq!(page(&report).unwrap_err().to_string(), "class_names: 9 names, expected 10, one a class");
}

/// `SOFTNCE_LOOK=folder cargo test -p softnce-report --release look -- --ignored` writes pages to look at.
#[test]
#[ignore = "writes pages to look at into the folder that SOFTNCE_LOOK names"]
fn look() {
    let folder = std::path::PathBuf::from(std::env::var_os("SOFTNCE_LOOK").expect("SOFTNCE_LOOK names a folder"));
    for (name, report) in [
        ("ten", fixture::full(10, 30)),
        ("hundred", fixture::full(100, 200)),
        ("thousand", fixture::full(300, 3)),
        ("bare", fixture::bare(3)),
    ] {
        std::fs::write(folder.join(format!("{name}.html")), page(&report).unwrap()).unwrap();
        std::fs::write(folder.join(format!("{name}.md")), markdown(&report)).unwrap();
    }
}
