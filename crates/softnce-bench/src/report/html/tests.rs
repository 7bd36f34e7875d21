use super::*;
use crate::report::block::blocks;
use crate::report::fixture;
use crate::report::row::cells;

/// The page as XML: only the doctype and the `meta` elements of the head are HTML's own.
fn assert_well_formed(page: &str) {
    let body = page.strip_prefix("<!DOCTYPE html>").expect("a doctype");
    let xml = body
        .split_inclusive('>')
        .map(|part| match part.strip_suffix('>') {
            Some(tag) if tag.starts_with("<meta") => format!("{tag}/>"),
            _ => part.to_owned(),
        })
        .collect::<String>();
    roxmltree::Document::parse(&xml).unwrap_or_else(|error| panic!("{error}"));
}

/// What must hold of every page.
fn checked(results: &Results) -> String {
    let page = page(results);
    assert_well_formed(&page);
    for text in ["NaN", "inf ", "\"inf\"", "None", "Some("] {
        assert!(!page.contains(text), "{text} in the page");
    }
    for attribute in ["src=", "href=\"http", "href=\"//", "url(", "@import", "<link"] {
        assert!(!page.contains(attribute), "{attribute} in the page");
    }
    for link in page.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(page.contains(&format!("<section id=\"{link}\"")), "{link}");
    }
    page
}

#[test]
fn the_page_holds_every_number_and_every_path() {
    let results = fixture::whole();
    let text = checked(&results);
    for block in blocks(&results) {
        assert!(text.contains(&block.title()), "{}", block.title());
        for measurement in block.measured {
            assert!(
                cells(&block, measurement).iter().all(|cell| text.contains(&format!("<td class=\"number\">{cell}<")))
            );
        }
    }
    assert!(crate::Path::ALL.iter().all(|path| text.contains(&page::prose(path.description()))));
    assert!(text.contains("A processor, 2 cores, AVX2 instructions, linux x86_64"));
    assert_eq!(text.matches("<svg viewBox").count(), Plot::all(&results).len());
}

#[test]
fn figures_have_names_and_tables_have_scopes() {
    let page = checked(&fixture::whole());
    assert_eq!(page.matches("<svg viewBox").count(), page.matches("role=\"img\" aria-label=\"").count());
    assert_eq!(page.matches("<figure").count(), page.matches("<figcaption>").count());
    assert_eq!(page.matches("<th ").count() + page.matches("<th>").count(), page.matches(" scope=\"").count());
}

#[test]
fn what_is_not_there_has_no_section() {
    let mut results = fixture::small();
    let page = checked(&results);
    assert!(page.contains("id=\"skipped\"") && !page.contains("id=\"figures\""));
    assert_eq!(page.matches("its N x M x d tensor takes 50.0 MiB, more than the cap of 1.0 MiB").count(), 3);
    results.skipped.clear();
    results.measurements.clear();
    results.machine.processor = None;
    let page = checked(&results);
    for id in ["skipped", "figures", "medians", "measurements"] {
        assert!(!page.contains(&format!("id=\"{id}\"")), "{id}");
    }
}

#[test]
fn text_is_escaped() {
    let mut results = fixture::small();
    results.machine.processor = Some("a <b>&\"co\"</b> https://example.org".to_owned());
    assert!(checked(&results).contains("a &lt;b&gt;&amp;&quot;co&quot;&lt;/b&gt; https://example.org"));
}
