//! The entries that the engine keeps in the store between those of accounts.

use tokenkeeper_store::Key;

/// Returns whether the store's entry under this key is the engine's own, not that of an account.
///
/// There are two kinds, each under the brand, base URL and client id of the account that it
/// concerns, and under a digest in place of the subject: the mark of an account that was
/// [forgotten](crate::Account::forget), and the claim of a login's code while the account's record
/// cannot be read. They name no person, and the store drops them after some days. A program that
/// lists the store itself skips them, as [`Accounts::overview`](crate::Accounts::overview) and the
/// [`Refresher`](crate::Refresher) do. No account can have such a subject: see
/// [`Error::ReservedSubject`](crate::Error::ReservedSubject).
///
/// ```
/// use tokenkeeper_engine::{is_internal_entry, store::Key};
///
/// let key = |subject: &str| Key::new("amiqus", "https://id.amiqus.co", "client-1", subject);
/// assert!(is_internal_entry(&key(&format!("forgotten:{}", "0a".repeat(32)))?));
/// assert!(!is_internal_entry(&key("user-42")?));
/// # Ok::<(), tokenkeeper_engine::store::KeyError>(())
/// ```
#[must_use]
pub fn is_internal_entry(key: &Key) -> bool {
    is_internal_subject(key.subject())
}

/// Returns whether an internal entry may have this subject.
pub(super) fn is_internal_subject(subject: &str) -> bool {
    let kinds = [InternalEntry::Forgotten, InternalEntry::Claimed];
    let digest = kinds
        .iter()
        .find_map(|kind| subject.strip_prefix(kind.prefix()));
    digest.is_some_and(|digest| {
        let is_digit = |digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f');
        digest.len() == 64 && digest.bytes().all(is_digit)
    })
}

/// A kind of internal entry.
#[derive(Clone, Copy, Debug)]
pub(super) enum InternalEntry {
    /// The mark of a forgotten account.
    Forgotten,
    /// The claim of a login's code.
    Claimed,
}

impl InternalEntry {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Forgotten => "forgotten:",
            Self::Claimed => "claimed:",
        }
    }

    /// Returns the key of the entry that concerns an account. No one can read the subject from it.
    pub(super) fn key(self, account: &Key, digest: impl Into<[u8; 32]>) -> Key {
        let digits = digest.into().map(|byte| format!("{byte:02x}")).concat();
        let subject = [self.prefix(), &digits].concat();
        Key::new(
            account.brand(),
            account.base(),
            account.client_id(),
            &subject,
        )
        .expect("the other fields are those of a key")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(subject: &str) -> Key {
        Key::new("brand", "https://base.example", "client", subject).unwrap()
    }

    #[test]
    fn the_keys_of_internal_entries_are_recognized() {
        for kind in [InternalEntry::Forgotten, InternalEntry::Claimed] {
            let of = |digest| kind.key(&key("user-42"), [digest; 32]);
            assert!(is_internal_entry(&of(0)), "{:?}", of(0).subject());
            assert!(is_internal_entry(&of(0xfa)), "{:?}", of(0xfa).subject());
            assert_ne!(of(0), of(0xfa));
        }
    }

    #[test]
    fn similar_subjects_are_those_of_accounts() {
        let digest = "0a".repeat(32);
        for subject in [
            "user-42".to_owned(),
            "forgotten:".to_owned(),
            digest.clone(),
            format!("forgotten:{}", &digest[1..]),
            format!("forgotten:{digest}0"),
            format!("forgotten:{}", digest.to_uppercase()),
            format!("forgotten:{}g", &digest[1..]),
            format!("Claimed:{digest}"),
            format!("unclaimed:{digest}"),
        ] {
            assert!(!is_internal_entry(&key(&subject)), "{subject}");
        }
    }
}
