//! The plaintext of a flow, and its bytes.
//!
//! A cookie may hold the flow, so the bytes are few: the id (16 bytes), the end (8 bytes, in Unix
//! milliseconds) and the texts, each behind its length (4 bytes, all ones for none).

use tokenkeeper_refresh::{self as refresh, WallMillis};
use zeroize::{Zeroize as _, Zeroizing};

/// The plaintext of a [`Flow`](super::Flow).
#[derive(PartialEq, Eq)]
pub(crate) struct FlowContents {
    pub(crate) id: refresh::Id,
    pub(crate) expires: WallMillis,
    pub(crate) brand: String,
    pub(crate) site: String,
    pub(crate) client_id: String,
    pub(crate) subject: String,
    pub(crate) state: String,
    pub(crate) redirect_uri: String,
    pub(crate) verifier: Option<String>,
    pub(crate) scope: Option<String>,
}

/// The length that stands for no text.
const NONE: u32 = u32::MAX;

impl FlowContents {
    /// Returns what identifies the flow in the account's record.
    pub(crate) fn identity(&self) -> refresh::Flow {
        refresh::Flow {
            id: self.id,
            ends: self.expires,
        }
    }

    pub(super) fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        // No byte stays behind in a buffer that grew: the length of all texts and their lengths.
        let texts = self.texts();
        let length: usize = texts.iter().flatten().map(|text| text.len()).sum();
        let mut bytes = Zeroizing::new(Vec::with_capacity(24 + 4 * texts.len() + length));
        bytes.extend(self.id.0);
        bytes.extend(self.expires.to_be_bytes());
        for text in texts {
            let length = text.map_or(NONE, |text| {
                u32::try_from(text.len()).expect("a text is shorter than 4 GiB")
            });
            bytes.extend(length.to_be_bytes());
            bytes.extend(text.unwrap_or_default().as_bytes());
        }
        bytes
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (id, rest) = bytes.split_first_chunk::<16>()?;
        let (expires, mut rest) = rest.split_first_chunk::<8>()?;
        let mut text = || {
            let (length, after) = rest.split_first_chunk::<4>()?;
            let length = u32::from_be_bytes(*length);
            if length == NONE {
                rest = after;
                return Some(None);
            }
            let (text, after) = after.split_at_checked(usize::try_from(length).ok()?)?;
            rest = after;
            Some(Some(str::from_utf8(text).ok()?.to_owned()))
        };
        let contents = Self {
            id: refresh::Id(*id),
            expires: u64::from_be_bytes(*expires),
            brand: text()??,
            site: text()??,
            client_id: text()??,
            subject: text()??,
            state: text()??,
            redirect_uri: text()??,
            verifier: text()?,
            scope: text()?,
        };
        rest.is_empty().then_some(contents)
    }

    fn texts(&self) -> [Option<&str>; 8] {
        [
            Some(&self.brand),
            Some(&self.site),
            Some(&self.client_id),
            Some(&self.subject),
            Some(&self.state),
            Some(&self.redirect_uri),
            self.verifier.as_deref(),
            self.scope.as_deref(),
        ]
    }
}

impl Drop for FlowContents {
    fn drop(&mut self) {
        self.state.zeroize();
        self.verifier.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents() -> FlowContents {
        FlowContents {
            id: refresh::Id([7; 16]),
            expires: 1_790_000_000_000,
            brand: "amiqus".to_owned(),
            site: "https://id.amiqus.co".to_owned(),
            client_id: "client-1".to_owned(),
            subject: "zoë".to_owned(),
            state: "s".repeat(43),
            redirect_uri: "https://app.example/callback".to_owned(),
            verifier: Some("v".repeat(43)),
            scope: None,
        }
    }

    #[test]
    fn contents_come_back() {
        let contents = contents();
        let back = FlowContents::from_bytes(&contents.to_bytes());
        assert!(back.is_some_and(|back| back == contents));
    }

    #[test]
    fn no_text_is_not_an_empty_one() {
        let mut contents = contents();
        contents.scope = Some(String::new());
        let back = FlowContents::from_bytes(&contents.to_bytes()).unwrap();
        assert_eq!(back.scope.as_deref(), Some(""));
    }

    #[test]
    fn bytes_that_end_early_or_late_are_refused() {
        let bytes = contents().to_bytes();
        for end in 0..bytes.len() {
            assert!(FlowContents::from_bytes(&bytes[..end]).is_none(), "{end}");
        }
        assert!(FlowContents::from_bytes(&[&bytes[..], b"x"].concat()).is_none());
    }
}
