//! When a refresh is refused, and what it says about the refresh token.

use std::time::Duration;

use tokenkeeper_emulator::{DEFAULT_USER, Emulator, PlainOptions};

use crate::plain::{REQUESTS, plain};
use crate::support::{Vendor, client, error, frozen, json, text};

#[tokio::test]
async fn a_refresh_can_come_too_early() {
    let vendor = plain(PlainOptions::default().refresh_not_before(Duration::from_secs(30)));
    let token = vendor.issue().refresh_token;
    vendor.advance(Duration::from_secs(3569));
    let early = vendor.refresh(&token).await;
    assert_eq!(
        (early.status().as_u16(), &*error(&early)),
        (400, "access_denied")
    );
    assert!(text(&json(&early), "error_description").contains("not expired"));
    vendor.advance(Duration::from_secs(1));
    let tokens = json(&vendor.refresh(&token).await);
    let next = text(&tokens, "refresh_token");
    assert_eq!(error(&vendor.refresh(&next).await), "access_denied");
    vendor.expire_access_tokens();
    assert_eq!(vendor.refresh(&next).await.status(), 200);
    // It never said that a token is of no more use.
    assert_eq!(vendor.counters().presented_after_answer(), 0);
}

#[tokio::test]
async fn an_answer_can_have_the_life_of_the_refresh_token() {
    let lives = |options: PlainOptions| Vendor {
        emulator: Emulator::plain()
            .options(options.refresh_expiry_member("refresh_expires_in"))
            .client(client())
            .clock(frozen)
            .refresh_token_lifetime(Some(Duration::from_secs(7200)))
            .in_process(),
        requests: REQUESTS,
    };
    let hour = Duration::from_secs(3600);
    let rotating = lives(PlainOptions::default());
    let tokens = super::tokens(&rotating).await;
    assert_eq!(tokens["refresh_expires_in"], 7200);
    rotating.advance(hour);
    let refreshed = json(&rotating.refresh(&text(&tokens, "refresh_token")).await);
    assert_eq!(refreshed["refresh_expires_in"], 7200);

    let staying = lives(PlainOptions::default().refresh_token_stays());
    let token = staying.issue_tokens(DEFAULT_USER).unwrap().refresh_token;
    staying.advance(hour);
    let refreshed = json(&staying.refresh(&token).await);
    assert_eq!(refreshed["refresh_expires_in"], 3600);
    staying.advance(hour);
    assert_eq!(error(&staying.refresh(&token).await), "invalid_grant");

    let nested = lives(PlainOptions::default().tokens_at("data"));
    assert_eq!(
        super::tokens(&nested).await["data"]["refresh_expires_in"],
        7200
    );
    // Without an end there is nothing to say.
    let endless = plain(PlainOptions::default().refresh_expiry_member("refresh_expires_in"));
    assert_eq!(
        super::tokens(&endless).await.get("refresh_expires_in"),
        None
    );
}
