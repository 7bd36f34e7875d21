//! Pages in one file, with their style, their script and their figures inside.

mod script;

use maud::{DOCTYPE, Markup, PreEscaped, Render, html};

use crate::drawing::{self, Look};

const STYLE: &str = include_str!("page.css");

/// A whole page. It needs nothing from outside the file.
///
/// `version` is that of the program, for the title and the foot; `head` stands above the main part.
pub fn page(title: &str, version: &str, head: Markup, main: Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                (script::policy())
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) ", softnce " (version) }
                style { (PreEscaped(STYLE)) (PreEscaped(drawing::STYLE)) }
            }
            body {
                (head)
                main { (main) }
                footer { p { "Written by softnce " (version) ". The page loads nothing from elsewhere." } }
                (script::script())
            }
        }
    };
    page.into_string()
}

/// A section under its title.
pub fn section(id: &str, title: &str, content: Markup) -> Markup {
    html! {
        section id=(id) aria-labelledby=(format!("{id}-title")) {
            h2 id=(format!("{id}-title")) { (title) }
            (content)
        }
    }
}

/// Links to the sections, by their ids and titles.
pub fn contents<'a>(entries: impl IntoIterator<Item = (&'a str, &'a str)>) -> Markup {
    html! {
        nav aria-label="Contents" {
            ul {
                @for (id, title) in entries {
                    li { a href=(format!("#{id}")) { (title) } }
                }
            }
        }
    }
}

/// A figure of panels side by side, which stack on a narrow screen.
pub fn panels(lead: &str, caption: &str, panels: &[Markup]) -> Markup {
    html! {
        figure {
            div.panels { @for panel in panels { (panel) } }
            figcaption { strong { (lead) } " " (prose(caption)) }
        }
    }
}

/// A figure of one large panel, with its legend if it has one; on a wide screen its caption stands beside it.
pub fn single(lead: &str, caption: &str, legend: Option<Markup>, panel: Markup) -> Markup {
    html! {
        figure.single {
            div.panels { (legend.unwrap_or_default()) (panel) }
            figcaption { strong { (lead) } " " (prose(caption)) }
        }
    }
}

/// The recipe of a page.
pub fn recipe(text: &str) -> Markup {
    html! { pre.recipe tabindex="0" { code { (text) } } }
}

/// The legend of a figure; it goes before the first panel.
pub fn legend<'a>(entries: impl IntoIterator<Item = (Look, &'a str)>) -> Markup {
    html! {
        ul.legend { @for (look, name) in entries { li { (swatch(look)) (name) } } }
    }
}

/// A series' mark within a line of text.
pub fn swatch(look: Look) -> Markup {
    html! {
        svg.swatch viewBox="0 0 30 12" width="30" height="12" aria-hidden="true" { (drawing::swatch(look, 2.0, 6.0)) }
    }
}

/// A table under its caption. Where the screen is narrower than the table, the table scrolls sideways and the caption
/// does not, which is why it is no `caption` element.
pub fn table(lead: &str, caption: &str, rows: Markup) -> Markup {
    html! {
        figure.table {
            figcaption { strong { (lead) } " " (prose(caption)) }
            div.scroll tabindex="0" role="region" aria-label=(lead) {
                table aria-label=(lead) { (rows) }
            }
        }
    }
}

/// The head of a table: columns of text, then columns of numbers.
pub fn head<T: Render>(text: &[&str], numbers: impl IntoIterator<Item = T>) -> Markup {
    html! {
        thead {
            tr {
                @for heading in text { th scope="col" { (heading) } }
                @for heading in numbers { th.number scope="col" { (heading) } }
            }
        }
    }
}

/// Two lists of sentences side by side, each under its title: what the figures show, and what they do not show.
pub fn claims<S: AsRef<str>>(shows: (&str, &[S]), limits: (&str, &[S])) -> Markup {
    html! {
        div.claims {
            @for (title, sentences) in [shows, limits] {
                div {
                    h3 { (title) }
                    ul { @for sentence in sentences { li { (prose(sentence.as_ref())) } } }
                }
            }
        }
    }
}

/// Content that is folded until the reader opens it, such as the numbers of a figure as a table.
pub fn details(summary: &str, content: Markup) -> Markup {
    html! { details { summary { (summary) } (content) } }
}

/// A text whose numbers and names do not break at the end of a line.
pub fn prose(text: &str) -> String {
    [(" %", "\u{a0}%"), (" x ", "\u{a0}x\u{a0}"), ("± ", "±\u{a0}"), ("op-1", "op\u{2011}1"), ("op-5", "op\u{2011}5")]
        .into_iter()
        .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}
