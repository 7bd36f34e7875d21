//! The hardest and the most confidently wrong pictures.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{Markup, html};

use crate::results::{ReportPicture, RunReport};

/// Pictures up to this wide, in pixels, are enlarged without smoothing.
const SMALL: u32 = 112;

/// The galleries; none where there are no pictures.
pub(super) fn section(report: &RunReport) -> Option<Markup> {
    if report.hardest.is_empty() && report.confidently_wrong.is_empty() {
        return None;
    }
    Some(html! {
        (gallery("Hardest.", "The largest negative log likelihood, from the largest down.", &report.hardest))
        (gallery(
            "Most confidently wrong.",
            "The wrong predictions with the largest probability, from the largest down. Some of the labels may \
             themselves be wrong.",
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
                                @let source = format!("data:image/png;base64,{}", STANDARD.encode(&picture.png));
                                img.small[is_small(&picture.png)] src=(source) alt=(picture.name);
                            }
                            p { (picture.caption) }
                            p.file { (picture.name) }
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
