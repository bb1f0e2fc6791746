//! The plaintext of a flow.

use tokenkeeper_refresh::{self as refresh, WallMillis};
use zeroize::{Zeroize as _, Zeroizing};

use super::{
    bytes::{self, Reader},
    seal::Contents,
};

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
    /// The application's own text.
    pub(crate) note: Option<String>,
}

impl FlowContents {
    /// Returns what identifies the flow in the account's record.
    pub(crate) fn identity(&self) -> refresh::Flow {
        refresh::Flow {
            id: self.id,
            ends: self.expires,
        }
    }

    /// Returns all texts. The note comes last and only if there is one, so that earlier versions
    /// read the flows of those who write none.
    fn texts(&self) -> Vec<Option<&str>> {
        let mut texts: Vec<Option<&str>> = vec![
            Some(&self.brand),
            Some(&self.site),
            Some(&self.client_id),
            Some(&self.subject),
            Some(&self.state),
            Some(&self.redirect_uri),
            self.verifier.as_deref(),
            self.scope.as_deref(),
        ];
        texts.extend(self.note.as_deref().map(Some));
        texts
    }
}

impl Contents for FlowContents {
    const PURPOSE: &'static [u8] = b"tokenkeeper flow 2";

    fn expires(&self) -> WallMillis {
        self.expires
    }

    fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        bytes::write(self.id, self.expires, &self.texts())
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes)?;
        let mut contents = Self {
            id: reader.id,
            expires: reader.expires,
            brand: reader.text()??,
            site: reader.text()??,
            client_id: reader.text()??,
            subject: reader.text()??,
            state: reader.text()??,
            redirect_uri: reader.text()??,
            verifier: reader.text()?,
            scope: reader.text()?,
            note: None,
        };
        if !reader.is_empty() {
            contents.note = Some(reader.text()??);
        }
        reader.is_empty().then_some(contents)
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
            note: None,
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
    fn a_note_comes_back_and_is_no_part_of_other_flows() {
        let without = contents().to_bytes();
        let mut contents = contents();
        contents.note = Some("next=%2Fsettings".to_owned());
        let bytes = contents.to_bytes();
        assert_eq!(bytes[..without.len()], without[..]);
        let back = FlowContents::from_bytes(&bytes).unwrap();
        assert_eq!(back.note.as_deref(), Some("next=%2Fsettings"));
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
