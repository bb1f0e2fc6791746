//! One entry of the audit trail.

use std::{sync::Arc, time::SystemTime};

use serde::Serialize;
use tokenkeeper_protocol::ErrorCode;
use tokenkeeper_store::KeyDigest;

use super::{actor::Actor, reason::AuditReason, timestamp};

/// One entry of the audit trail: what was done to an account, when, and who asked for it.
///
/// It holds no secret, no subject, no site that a person chose, and no text of a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditEntry {
    /// The number of the entry among those of this process, from 1. A sink that is given an entry
    /// again recognizes it by this number, and a gap shows that entries were lost.
    pub sequence: u64,
    /// When it happened, by this machine's clock.
    pub time: SystemTime,
    /// The id of the process: random, and that of its attempts in the store.
    pub process: Arc<str>,
    /// What happened.
    pub kind: AuditKind,
    /// The brand of the provider; `None` where none is known, as for a forged flow.
    pub provider: Option<Arc<str>>,
    /// The digest of the account; `None` where none is known.
    pub account: Option<KeyDigest>,
    /// The number of the login: the higher one is the newer. `None` before it has one.
    pub authorization: Option<u64>,
    /// Who asked, if the application [named](Actor) one; `None` for what the engine does itself.
    pub actor: Option<Actor>,
}

/// What happened to an account.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuditKind {
    /// A login was started: a redirect was made for it.
    LoginStarted,
    /// A login's tokens are in the store.
    LoginFinished,
    /// A login brought no tokens, or they were superseded.
    LoginFailed {
        /// The reason.
        reason: AuditReason,
        /// The `error` code of the provider, if it is a listed one.
        code: Option<ErrorCode>,
    },
    /// Tokens of the application are in the store.
    Adopted,
    /// Tokens of the application were not taken over.
    AdoptionFailed {
        /// The reason.
        reason: AuditReason,
    },
    /// A refresh brought a token set.
    Refreshed {
        /// The number of the token set within its login.
        generation: u64,
    },
    /// The token endpoint refused the refresh token: a new login is needed.
    ReauthorizationRequired {
        /// The reason.
        reason: AuditReason,
        /// The `error` code of the provider, if it is a listed one.
        code: Option<ErrorCode>,
    },
    /// The account was disconnected.
    Disconnected,
    /// A disconnect failed.
    DisconnectFailed {
        /// The reason.
        reason: AuditReason,
    },
    /// The provider confirmed a revocation.
    Revoked,
    /// A revocation failed, and is tried again; once until it succeeds.
    RevocationFailed,
    /// The account was forgotten: nothing of it is kept.
    Forgotten,
    /// The account could not be forgotten.
    ForgetFailed {
        /// The reason.
        reason: AuditReason,
    },
    /// The account's record could not be opened; once until it can.
    RecordNotOpened {
        /// The reason.
        reason: AuditReason,
    },
    /// A site that a person chose was refused by the provider's policy.
    SiteRefused {
        /// A digest of the site: the first 8 bytes of its SHA-256, in hexadecimal digits.
        site: String,
    },
    /// Entries were lost, since the sink took none for too long.
    EntriesLost {
        /// How many.
        count: u64,
    },
}

impl AuditKind {
    /// Returns the name of the kind in the trail.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::LoginStarted => "login_started",
            Self::LoginFinished => "login_finished",
            Self::LoginFailed { .. } => "login_failed",
            Self::Adopted => "adopted",
            Self::AdoptionFailed { .. } => "adoption_failed",
            Self::Refreshed { .. } => "refreshed",
            Self::ReauthorizationRequired { .. } => "reauthorization_required",
            Self::Disconnected => "disconnected",
            Self::DisconnectFailed { .. } => "disconnect_failed",
            Self::Revoked => "revoked",
            Self::RevocationFailed => "revocation_failed",
            Self::Forgotten => "forgotten",
            Self::ForgetFailed { .. } => "forget_failed",
            Self::RecordNotOpened { .. } => "record_not_opened",
            Self::SiteRefused { .. } => "site_refused",
            Self::EntriesLost { .. } => "entries_lost",
        }
    }

    /// Returns why it failed, if it did.
    #[must_use]
    pub fn reason(&self) -> Option<AuditReason> {
        match self {
            Self::LoginFailed { reason, .. }
            | Self::AdoptionFailed { reason }
            | Self::ReauthorizationRequired { reason, .. }
            | Self::DisconnectFailed { reason }
            | Self::ForgetFailed { reason }
            | Self::RecordNotOpened { reason } => Some(*reason),
            _ => None,
        }
    }

    /// Returns the provider's `error` code, unless it is an unlisted one.
    fn code(&self) -> Option<&str> {
        match self {
            Self::LoginFailed { code, .. } | Self::ReauthorizationRequired { code, .. } => {
                code.as_ref()?.as_str()
            }
            _ => None,
        }
    }
}

impl AuditEntry {
    /// Returns the entry as one line of JSON without a line break, as [`JsonLines`] writes it.
    ///
    /// [`JsonLines`]: crate::JsonLines
    #[must_use]
    pub fn to_json(&self) -> String {
        let generation = match self.kind {
            AuditKind::Refreshed { generation } => Some(generation),
            _ => None,
        };
        let lost = match self.kind {
            AuditKind::EntriesLost { count } => Some(count),
            _ => None,
        };
        let site = match &self.kind {
            AuditKind::SiteRefused { site } => Some(site.as_str()),
            _ => None,
        };
        let line = Line {
            time: timestamp::rfc_3339(self.time),
            process: &self.process,
            sequence: self.sequence,
            event: self.kind.name(),
            provider: self.provider.as_deref(),
            account: self.account.map(|account| account.to_string()),
            authorization: self.authorization,
            actor: self.actor.as_ref().map(Actor::as_str),
            generation,
            reason: self.kind.reason().map(AuditReason::as_str),
            code: self.kind.code(),
            site,
            lost,
        };
        serde_json::to_string(&line).expect("its fields are text and numbers")
    }
}

/// The members of an entry in JSON, in their order.
#[derive(Serialize)]
struct Line<'a> {
    time: String,
    process: &'a str,
    sequence: u64,
    event: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    authorization: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    generation: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    site: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lost: Option<u64>,
}
