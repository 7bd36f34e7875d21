//! The hardest and the most confidently wrong pictures.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{Markup, html};
use softnce_metrics::EvaluatedExample;

use super::caption::caption;
use crate::results::{ReportPicture, RunReport};

/// Pictures up to this wide, in pixels, are enlarged without smoothing.
const SMALL: u32 = 112;

/// The titles of the galleries.
const HARDEST: &str = "Hardest.";
const WRONG: &str = "Most confidently wrong.";
/// What stands before a picture in a page.
const DATA: &str = "data:image/png;base64,";

/// The same report with the pictures of a page that was written of it: `metrics.json` has only their names, or not even
/// these in older versions. The pictures stay without pixels if the page has another number of them than the report lists.
#[must_use]
pub fn with_pictures_of(page: &str, mut report: RunReport) -> RunReport {
    let gallery = |title: &str, examples: &[EvaluatedExample], named: &[ReportPicture]| -> Vec<ReportPicture> {
        let after = page.split(&format!("<strong>{title}</strong>")).nth(1).unwrap_or_default();
        let items: Vec<&str> = after.split("</ul>").next().unwrap_or_default().split("<li>").skip(1).collect();
        if items.len() != examples.len() {
            return named.to_vec();
        }
        let file = |item: &str| item.split(DATA).nth(1).and_then(|rest| STANDARD.decode(rest.split('"').next()?).ok());
        let pictures = items.iter().zip(examples).enumerate().map(|(at, (item, example))| ReportPicture {
            name: named.get(at).map_or_else(String::new, |picture| picture.name.clone()),
            png: file(item).unwrap_or_default(),
            caption: caption(example, &report.class_names),
        });
        pictures.collect()
    };
    let hardest = gallery(HARDEST, &report.result.hardest, &report.hardest);
    let confidently_wrong = gallery(WRONG, &report.result.confidently_wrong, &report.confidently_wrong);
    (report.hardest, report.confidently_wrong) = (hardest, confidently_wrong);
    report
}

/// The galleries; `None` without pictures.
pub(super) fn section(report: &RunReport) -> Option<Markup> {
    if report.hardest.is_empty() && report.confidently_wrong.is_empty() {
        return None;
    }
    Some(html! {
        (gallery(HARDEST, "The pictures with the largest negative log likelihood, the largest first.", &report.hardest))
        (gallery(
            WRONG,
            "The wrong predictions with the largest probability, the largest first. Some of the labels may be wrong.",
            &report.confidently_wrong,
        ))
    })
}

fn gallery(lead: &str, caption: &str, pictures: &[ReportPicture]) -> Markup {
    html! {
        @if !pictures.is_empty() {
            figure.table {
                figcaption { strong { (lead) } " " (caption) }
                ul.gallery {
                    @for picture in pictures {
                        li {
                            @if !picture.png.is_empty() {
                                @let source = format!("{DATA}{}", STANDARD.encode(&picture.png));
                                img.small[is_small(&picture.png)] src=(source) alt=(picture.name);
                            }
                            p { (picture.caption) }
                            @if !picture.name.is_empty() { p.file { (picture.name) } }
                        }
                    }
                }
            }
        }
    }
}

/// Whether the header of the PNG file states a small width.
fn is_small(png: &[u8]) -> bool {
    let width = png.get(16..20).and_then(|bytes| bytes.try_into().ok()).map(u32::from_be_bytes);
    width.is_some_and(|width| width <= SMALL)
}
