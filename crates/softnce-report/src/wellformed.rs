//! Whether a page is well formed, and whether its marks have tooltips.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

/// Reads the page as XML: only the doctype and the elements without content are HTML's own.
pub(crate) fn assert_well_formed(page: &str) {
    let xml = xml(page);
    roxmltree::Document::parse(&xml).unwrap_or_else(|error| panic!("{error}"));
}

/// Elements that show a value.
const MARKS: [&str; 10] =
    ["marker", "mean", "band", "whisker", "interval", "seed", "count", "context", "calibrated", "thin"];

/// Every mark of a drawing has a `title` or is in a group that has one, except in legends and headings.
pub(crate) fn assert_every_mark_has_a_tooltip(page: &str) {
    let xml = xml(page);
    let document = roxmltree::Document::parse(&xml).unwrap();
    let mut marks = 0;
    let is_mark = |node: &roxmltree::Node<'_, '_>| node.attribute("class").is_some_and(|class| MARKS.contains(&class));
    for mark in document.descendants().filter(is_mark) {
        if mark.ancestors().any(|node| node.attribute("class") == Some("key")) {
            continue;
        }
        let mut within = mark.ancestors().take_while(|node| !node.has_tag_name("svg"));
        let has_title = within.any(|node| node.children().any(|child| child.has_tag_name("title")));
        assert!(has_title, "no tooltip: {}", &xml[mark.range()]);
        marks += 1;
    }
    assert!(marks > 0);
}

/// The page as XML.
fn xml(page: &str) -> String {
    let body = page.strip_prefix("<!DOCTYPE html>").expect("a doctype");
    body.split_inclusive('>')
        .map(|part| match part.strip_suffix('>') {
            Some(tag) if tag.starts_with("<meta") || tag.starts_with("<img") => format!("{tag}/>"),
            _ => part.to_owned(),
        })
        .collect()
}
