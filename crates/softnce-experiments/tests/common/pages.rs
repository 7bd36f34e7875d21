//! Checks of what a study writes.

/// Whether every drawing of a page can be read, and no figure is missing.
pub fn check_page(page: &str) {
    for drawing in page.split("<svg").skip(1) {
        check_drawing(&format!("<svg{}</svg>", drawing.split("</svg>").next().unwrap()), []);
    }
    assert!(page.contains("the command") && !page.contains("NaN") && !page.contains("n/a"));
}

/// Whether a drawing can be read, and no figure is missing; how many elements of each of these classes it has.
pub fn check_drawing<const N: usize>(drawing: &str, classes: [&str; N]) -> [usize; N] {
    let document = roxmltree::Document::parse(drawing).unwrap_or_else(|error| panic!("{error}: {drawing}"));
    let mut words = drawing.split(|letter: char| !letter.is_alphanumeric());
    assert!(!words.any(|word| ["NaN", "inf"].contains(&word)) && !drawing.contains("n/a"), "{drawing}");
    classes.map(|class| document.descendants().filter(|node| node.attribute("class") == Some(class)).count())
}

/// Whether every line of a table in Markdown has as many columns.
pub fn check_table(text: &str, columns: usize) {
    let widths = text.lines().filter(|line| line.starts_with('|')).map(|line| line.matches('|').count());
    let widths: Vec<usize> = widths.collect();
    assert!(widths.len() > 4 && widths.iter().all(|&width| width == columns + 1), "{text}");
}
