//! The checks of codes and refresh tokens that Milestones and iOFFICE share.

use std::time::SystemTime;

use super::refusal::Refusal;
use crate::ledger::{Code, GrantId, Ledger, Standing};

/// Returns the code if it is the client's and can be redeemed.
pub(super) fn live_code<'a>(
    ledger: &'a Ledger,
    value: &str,
    client: &str,
    now: SystemTime,
) -> Result<&'a Code, Refusal> {
    let code = ledger
        .code(value)
        .filter(|code| code.grant.client == client)
        .ok_or_else(unknown_code)?;
    if code.redeemed.is_some() || code.expires <= now {
        return Err(Refusal::code("the code was redeemed before or has expired"));
    }
    Ok(code)
}

/// Redeems a code that [`live_code`] has checked, and returns its grant.
pub(super) fn redeem_code(ledger: &mut Ledger, value: &str) -> Result<GrantId, Refusal> {
    ledger.redeem_code(value).ok_or_else(unknown_code)
}

/// Returns the grant of a refresh token if it is the client's and can be redeemed.
pub(super) fn live_refresh_token(
    ledger: &Ledger,
    value: &str,
    client: &str,
    now: SystemTime,
) -> Result<GrantId, Refusal> {
    match ledger.refresh(value, now) {
        (Standing::Live, Some(grant)) if ledger.grant(grant).client == client => Ok(grant),
        _ => Err(Refusal::refresh_token(
            "the refresh token is unknown, used, revoked or expired",
        )),
    }
}

fn unknown_code() -> Refusal {
    Refusal::code("the code is unknown")
}
