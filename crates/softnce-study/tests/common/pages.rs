//! Checks of what a study writes.

/// Whether every drawing of a page can be read, and no figure is missing.
pub fn check_page(page: &str) {
    for drawing in page.split("<svg").skip(1) {
        let drawing = format!("<svg{}</svg>", drawing.split("</svg>").next().unwrap());
        roxmltree::Document::parse(&drawing).unwrap_or_else(|error| panic!("{error}: {drawing}"));
    }
    assert!(page.contains("the command") && !page.contains("NaN") && !page.contains("n/a"));
}

/// Whether every line of a table in Markdown has as many columns.
pub fn check_table(text: &str, columns: usize) {
    let widths = text.lines().filter(|line| line.starts_with('|')).map(|line| line.matches('|').count());
    let widths: Vec<usize> = widths.collect();
    assert!(widths.len() > 4 && widths.iter().all(|&width| width == columns + 1), "{text}");
}
