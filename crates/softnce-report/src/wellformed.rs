//! Whether a page is well formed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

/// Reads the page as XML: only the doctype and the elements without content are HTML's own.
pub(crate) fn assert_well_formed(page: &str) {
    let body = page.strip_prefix("<!DOCTYPE html>").expect("a doctype");
    let xml = body
        .split_inclusive('>')
        .map(|part| match part.strip_suffix('>') {
            Some(tag) if tag.starts_with("<meta") || tag.starts_with("<img") => format!("{tag}/>"),
            _ => part.to_owned(),
        })
        .collect::<String>();
    roxmltree::Document::parse(&xml).unwrap_or_else(|error| panic!("{error}"));
}
