//! The script of a page, and the policy that allows no other.

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

const SCRIPT: &str = include_str!("page.js");

/// What the page may load: pictures that lie in it, its own styles, and this script. A name that slipped through the
/// escaping could therefore run nothing.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let digest = STANDARD.encode(Sha256::digest(SCRIPT));
    format!("default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'")
});

/// The policy, for the head of the page.
pub(super) fn policy() -> Markup {
    html! { meta http-equiv="Content-Security-Policy" content=(*POLICY); }
}

/// The script, for the end of the page.
pub(super) fn script() -> Markup {
    html! { script { (PreEscaped(SCRIPT)) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_is_also_xml() {
        // Neither can it end its element early.
        assert!(!SCRIPT.contains(['<', '&']) && !SCRIPT.contains("]]>"));
    }
}
