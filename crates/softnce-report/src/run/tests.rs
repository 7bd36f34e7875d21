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
    for attribute in ["href=\"http", "href=\"//", "url(", "@import", "<script", "<link"] {
        assert!(!page.contains(attribute), "{attribute} in the page");
    }
    assert_eq!(page.matches("src=").count(), page.matches("src=\"data:image/png;base64,").count());
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
    assert!(checked(&fixture::bare(1)).contains("No picture was classified wrong"));
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
    assert!(checked(&report).contains("end of the range searched: the validation split"));
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
