//! The actor that the application names is in the audit trail.

use axum::Extension;
use futures_util::StreamExt as _;
use tokenkeeper_engine::{Actor, audit_channel};

use crate::{
    app::{self, App},
    login::callback,
};

#[tokio::test]
async fn the_actor_of_a_request_is_in_the_audit_trail() {
    let (emulator, provider) = app::amiqus().await;
    let (sink, entries) = audit_channel(16);
    let accounts = app::accounts().provider(provider).audit(sink);
    let named = Extension(Actor::new("clerk-7"));
    let app = App::wrapped(
        accounts.build().unwrap(),
        |routes| routes,
        |router| router.layer(named),
    );
    let mut browser = app.browser();
    let path = callback(&mut browser, &emulator, "amiqus", "approve=1").await;
    browser.get(&path).await;
    browser.post("/disconnect/amiqus").await;
    let entries: Vec<_> = entries.take(3).collect().await;
    let kinds = ["login_started", "login_finished", "disconnected"];
    for (entry, kind) in entries.iter().zip(kinds) {
        assert_eq!(entry.kind.name(), kind);
        assert_eq!(entry.actor.as_ref().map(Actor::as_str), Some("clerk-7"));
    }
}
