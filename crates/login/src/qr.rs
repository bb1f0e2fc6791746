//! QR codes as text.

use qrcode::{EcLevel, QrCode, render::unicode::Dense1x2};
use tokenkeeper_engine::protocol::Url;

/// Returns a QR code of a URL as lines of text, for a terminal: two modules in each character,
/// dark ones in the foreground's colour, with a border in the background's. `None`: the URL is too
/// long.
///
/// Scanners expect dark on light: print it in black on white.
///
/// # Examples
///
/// ```
/// use tokenkeeper_engine::protocol::Url;
/// use tokenkeeper_login::qr_code;
///
/// let url = Url::parse("https://login.example/device?user_code=WDJB-MJHT")?;
/// let code = qr_code(&url).ok_or("the URL is too long")?;
/// assert!(code.lines().count() > 10);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn qr_code(url: &Url) -> Option<String> {
    let code = QrCode::with_error_correction_level(url.as_str(), EcLevel::L).ok()?;
    Some(code.render::<Dense1x2>().quiet_zone(true).build())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_a_square_with_a_border() {
        let url = Url::parse("https://login.example/device?user_code=WDJB-MJHT").unwrap();
        let code = qr_code(&url).unwrap();
        let lines: Vec<_> = code.lines().collect();
        let width = lines[0].chars().count();
        // Two modules in each character, and perhaps one of the border in the last line.
        assert_eq!(lines.len(), width.div_ceil(2));
        assert!(lines.iter().all(|line| line.chars().count() == width));
        assert!(lines[0].trim().is_empty() && lines[1].trim().is_empty());
        // The corner of a finder pattern, four modules from the edge.
        assert!(lines[2].starts_with("    \u{2588}\u{2580}"), "{code}");
    }

    #[test]
    fn a_url_that_is_too_long_has_no_code() {
        let url = Url::parse(&format!("https://login.example/{}", "a".repeat(3000))).unwrap();
        assert_eq!(qr_code(&url), None);
    }
}
