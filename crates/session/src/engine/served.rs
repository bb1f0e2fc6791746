//! What a caller gets without waiting, and for how long.

use std::time::Duration;

use http::Request;
use tokenkeeper_protocol::{Attachment, Error as AttachError, TokenSet};

use crate::{
    clock::{Ticks, Time},
    options::Options,
    source::{AttachResult, Stamp},
};

/// A token that may be served. The valid path reads `fresh_until` and nothing else.
#[derive(Debug)]
pub(crate) struct Served {
    pub(crate) attachment: Attachment,
    pub(crate) stamp: Stamp,
    /// Until then there is nothing to do.
    pub(crate) fresh_until: Ticks,
    /// From then on it is refreshed behind the callers' backs.
    pub(crate) stale_at: Ticks,
    pub(crate) expires_at: Ticks,
    /// From then on it is compared with the store behind the callers' backs.
    pub(crate) revalidate_at: Ticks,
    /// From then on it is not served before it has been compared.
    pub(crate) overdue_at: Ticks,
}

impl Served {
    /// Puts the token on a request.
    #[inline(always)]
    pub(crate) fn attach<B>(&self, request: &mut Request<B>) -> AttachResult {
        self.put_on(request)?;
        Ok(self.stamp)
    }

    /// Its result fits into a register: the stamp of a token would go through memory, in other pieces than it is read in.
    #[inline]
    fn put_on<B>(&self, request: &mut Request<B>) -> Result<(), Box<AttachError>> {
        Ok(self.attachment.apply_to(request)?)
    }

    /// A token that no engine keeps.
    pub(crate) fn forever(attachment: Attachment, stamp: Stamp) -> Self {
        Self {
            attachment,
            stamp,
            fresh_until: Ticks::NEVER,
            stale_at: Ticks::NEVER,
            expires_at: Ticks::NEVER,
            revalidate_at: Ticks::NEVER,
            overdue_at: Ticks::NEVER,
        }
    }
}

/// When a token set is to be refreshed: rolled once per process and generation. By default it has long ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Schedule {
    pub(crate) stale_at: Ticks,
    pub(crate) expires_at: Ticks,
}

impl Schedule {
    /// `roll` lies in `0.0..1.0`.
    pub(crate) fn new(tokens: &TokenSet, options: &Options, time: &Time, roll: f64) -> Self {
        let now = time.ticks();
        // Counted from when this process got to know the token: the issuer's clock may be wrong.
        let issued = time.ticks_at(tokens.issued_at).min(now);
        let floor = issued.after(options.floor);
        let Some(expires) = tokens.expires_at else {
            // Without a known expiry only the server's hint or a rejection leads to a refresh.
            let hint = tokens.refresh_at.map(|at| time.ticks_at(at).max(floor));
            return Self {
                stale_at: hint.unwrap_or(Ticks::NEVER),
                expires_at: Ticks::NEVER,
            };
        };
        let expires_at = time.ticks_at(expires);
        let lifetime = expires.duration_since(tokens.issued_at).unwrap_or_default();
        let window = stale_window(lifetime, options);
        let ahead = window.mul_f64(1.0 - roll / 2.0);
        let planned = match tokens.refresh_at {
            Some(hint) => time.ticks_at(hint),
            None => Ticks(expires_at.0.saturating_sub(millis(ahead))),
        };
        Self {
            stale_at: planned.max(floor).min(expires_at),
            // Never the default, which says that none was made.
            expires_at: expires_at.max(Ticks(1)),
        }
    }
}

/// How long before its expiry a token counts as stale, before jitter.
pub(crate) fn stale_window(lifetime: Duration, options: &Options) -> Duration {
    lifetime
        .mul_f64(options.stale_share)
        .clamp(
            options.stale_least,
            options.stale_most.max(options.stale_least),
        )
        .min(lifetime / 2)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
