#![doc = include_str!("../README.md")]

use maud::{DOCTYPE, Markup, PreEscaped, html};

/// The style sheet of all pages.
pub const STYLE: &str = include_str!("page.css");

/// The style sheet as a source of a Content Security Policy's `style-src`.
pub const STYLE_SOURCE: &str = "'sha256-j5nsa7m5aNP8FbFbL0i7e5r7FvPypQxqGolNEML0raM='";

/// What a page shows at a glance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mark {
    /// Something is done, in progress, or can be started.
    Done,
    /// Something failed, or needs care.
    Failed,
}

/// Renders a page with this title, which is its heading too, and the content below it.
#[must_use]
pub fn document(mark: Mark, title: &str, content: Markup) -> Markup {
    let class = match mark {
        Mark::Done => "card done",
        Mark::Failed => "card failed",
    };
    let main = html! {
        main class=(class) {
            h1 { (title) }
            (content)
        }
    };
    bare(title, "single", main)
}

/// Renders a page with this title around a body of this class.
#[must_use]
pub fn bare(title: &str, class: &str, body: Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body class=(class) { (body) }
        }
    }
}

/// Returns 128 random bits in hexadecimal, for the nonce of a Content Security Policy or a form.
///
/// # Panics
/// If the operating system provides no random numbers.
#[must_use]
pub fn nonce() -> String {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("the operating system provides random numbers");
    format!("{:032x}", u128::from_ne_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use base64::prelude::{BASE64_STANDARD, Engine as _};
    use sha2::{Digest as _, Sha256};

    use super::*;

    #[test]
    fn the_policys_source_is_the_style_sheet() {
        let digest = BASE64_STANDARD.encode(Sha256::digest(STYLE));
        assert_eq!(STYLE_SOURCE, format!("'sha256-{digest}'"));
    }

    #[test]
    fn texts_are_escaped() {
        let page = document(Mark::Failed, "<b>", html! { p { "&" } }).into_string();
        assert!(page.contains("<title>&lt;b&gt;</title>"), "{page}");
        assert!(page.contains("<h1>&lt;b&gt;</h1><p>&amp;</p>"), "{page}");
    }
}
