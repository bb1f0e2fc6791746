//! The bytes of a flow.
//!
//! A cookie may hold the flow, so the bytes are few: the id (16 bytes), the end (8 bytes, in Unix
//! milliseconds) and the texts, each behind its length (4 bytes, all ones for none).

use tokenkeeper_refresh::{Id, WallMillis};
use zeroize::Zeroizing;

/// The length that stands for no text.
const NONE: u32 = u32::MAX;

pub(super) fn write(id: Id, expires: WallMillis, texts: &[Option<&str>]) -> Zeroizing<Vec<u8>> {
    // No byte stays behind in a buffer that grew: the length of all texts and their lengths.
    let length: usize = texts.iter().flatten().map(|text| text.len()).sum();
    let mut bytes = Zeroizing::new(Vec::with_capacity(24 + 4 * texts.len() + length));
    bytes.extend(id.0);
    bytes.extend(expires.to_be_bytes());
    for text in texts {
        let length = text.map_or(NONE, |text| {
            u32::try_from(text.len()).expect("a text is shorter than 4 GiB")
        });
        bytes.extend(length.to_be_bytes());
        bytes.extend(text.unwrap_or_default().as_bytes());
    }
    bytes
}

/// Reads what [`write`] wrote, in its order.
pub(super) struct Reader<'b> {
    pub(super) id: Id,
    pub(super) expires: WallMillis,
    rest: &'b [u8],
}

impl<'b> Reader<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Option<Self> {
        let (id, rest) = bytes.split_first_chunk::<16>()?;
        let (expires, rest) = rest.split_first_chunk::<8>()?;
        Some(Self {
            id: Id(*id),
            expires: u64::from_be_bytes(*expires),
            rest,
        })
    }

    /// Returns the next text. `None`: the bytes are malformed; `Some(None)`: it is none.
    pub(super) fn text(&mut self) -> Option<Option<String>> {
        let (length, after) = self.rest.split_first_chunk::<4>()?;
        let length = u32::from_be_bytes(*length);
        if length == NONE {
            self.rest = after;
            return Some(None);
        }
        let (text, after) = after.split_at_checked(usize::try_from(length).ok()?)?;
        self.rest = after;
        Some(Some(str::from_utf8(text).ok()?.to_owned()))
    }

    /// Returns whether all bytes are read.
    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }
}
