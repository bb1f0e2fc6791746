//! Device codes (RFC 8628): what was asked for, what the person decided, and when it was polled.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use crate::ledger::Grant;
use crate::random;

/// Everything that was issued to devices. It forgets nothing.
#[derive(Default)]
pub(crate) struct Devices(HashMap<String, Device>);

/// A device code.
struct Device {
    grant: Grant,
    user_code: String,
    expires: SystemTime,
    /// The shortest pause between two polls, which each `slow_down` lengthens.
    interval: Duration,
    polled: Option<SystemTime>,
    decision: Decision,
}

/// What the person has decided.
enum Decision {
    Pending,
    Denied,
    /// By the user with this login.
    Approved(String),
    /// The tokens were issued.
    Redeemed,
}

/// The outcome of a poll.
pub(crate) enum Poll {
    Unknown,
    /// The code was issued to another client.
    Foreign,
    Expired,
    TooFast,
    Pending,
    Denied,
    /// The tokens were issued before.
    Redeemed,
    /// Tokens of this grant are due.
    Approved(Grant),
}

/// How much longer the pause is after a poll that came too fast (RFC 8628 §3.5).
const SLOWER: Duration = Duration::from_secs(5);

impl Devices {
    /// Issues a device code and a user code.
    pub(crate) fn issue(
        &mut self,
        grant: Grant,
        expires: SystemTime,
        interval: Duration,
    ) -> (String, String) {
        let (device_code, user_code) = (random::base64url(32), random::user_code());
        let device = Device {
            grant,
            user_code: user_code.clone(),
            expires,
            interval,
            polled: None,
            decision: Decision::Pending,
        };
        self.0.insert(device_code.clone(), device);
        (device_code, user_code)
    }

    /// Polls: at most one poll of an approved code gets its grant.
    pub(crate) fn poll(&mut self, device_code: &str, client: &str, now: SystemTime) -> Poll {
        let Some(device) = self.0.get_mut(device_code) else {
            return Poll::Unknown;
        };
        if device.grant.client != client {
            return Poll::Foreign;
        }
        let polled = device.polled.replace(now);
        if matches!(device.decision, Decision::Redeemed) {
            return Poll::Redeemed;
        }
        if device.expires <= now {
            return Poll::Expired;
        }
        if polled.is_some_and(|polled| now < polled + device.interval) {
            device.interval += SLOWER;
            return Poll::TooFast;
        }
        match &device.decision {
            Decision::Pending => Poll::Pending,
            Decision::Denied => Poll::Denied,
            Decision::Redeemed => Poll::Redeemed,
            Decision::Approved(login) => {
                let user = login.clone();
                device.decision = Decision::Redeemed;
                let grant = device.grant.clone();
                Poll::Approved(Grant { user, ..grant })
            }
        }
    }

    /// Returns what a person who types this code is asked: the client and the scope.
    pub(crate) fn asked(&self, user_code: &str, now: SystemTime) -> Option<&Grant> {
        let typed = normal(user_code);
        let mut waiting = self.0.values().filter(|device| device.waits(now));
        let device = waiting.find(|device| normal(&device.user_code) == typed)?;
        Some(&device.grant)
    }

    /// Approves (`Some`: the user's login) or denies. Returns whether such a code waits.
    pub(crate) fn decide(&mut self, user_code: &str, login: Option<&str>, now: SystemTime) -> bool {
        let typed = normal(user_code);
        let mut waiting = self.0.values_mut().filter(|device| device.waits(now));
        let Some(device) = waiting.find(|device| normal(&device.user_code) == typed) else {
            return false;
        };
        device.decision = match login {
            Some(login) => Decision::Approved(login.to_owned()),
            None => Decision::Denied,
        };
        true
    }
}

impl Device {
    fn waits(&self, now: SystemTime) -> bool {
        matches!(self.decision, Decision::Pending) && now < self.expires
    }
}

/// Returns a user code as it is compared: people type it in any case, with any punctuation.
fn normal(user_code: &str) -> String {
    let letters = user_code.chars().filter(char::is_ascii_alphanumeric);
    letters.map(|letter| letter.to_ascii_uppercase()).collect()
}
