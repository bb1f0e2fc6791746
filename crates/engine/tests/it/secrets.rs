//! No text that the library produces shows a secret or a subject.

use std::{
    fmt::Debug,
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::{FutureExt as _, StreamExt as _};
use tokenkeeper_emulator::{DEFAULT_CLIENT_SECRET, Emulator, Endpoint, Fault as EndpointFault};
use tokenkeeper_engine::{Account, Accounts, Error, FlowKey, Options, protocol::Url};
use tokenkeeper_store_memory::MemoryStore;

use crate::harness::{
    HOUR, InProcessTransport, StoreFault, World, amiqus, approve, credential, qics, seconds, settle,
};

const SUBJECT: &str = "jane.doe@example.org";

/// Collects all output, and the secrets that must not occur in it.
#[derive(Clone, Default)]
struct Output {
    text: Arc<Mutex<Vec<u8>>>,
    secrets: Arc<Mutex<Vec<String>>>,
}

impl Output {
    fn show(&self, thing: &dyn Debug) {
        let text = format!("{thing:?}\n{thing:#?}\n");
        self.text.lock().unwrap().extend_from_slice(text.as_bytes());
    }

    fn show_error(&self, error: &Error) {
        self.show(error);
        let mut next: Option<&dyn std::error::Error> = Some(error);
        while let Some(error) = next {
            self.show(&error.to_string());
            next = error.source();
        }
    }

    fn add_secret(&self, secret: impl Into<String>) {
        self.secrets.lock().unwrap().push(secret.into());
    }

    /// Adds all secrets in a URL.
    fn add_secrets_of(&self, url: &Url) {
        for (name, value) in url.query_pairs() {
            if matches!(&*name, "state" | "flow" | "code" | "code_verifier") {
                self.add_secret(value.clone());
            }
            if let Ok(inner) = Url::parse(&value) {
                self.add_secrets_of(&inner);
            }
        }
    }

    async fn add_tokens(&self, world: &World, account: &Account) {
        let record = world.store.record(&account.key()).await;
        let tokens = &record["state"]["live"]["tokens"]["tokens"];
        for name in ["access_token", "refresh_token"] {
            self.add_secret(tokens[name].as_str().unwrap());
        }
    }

    fn assert_no_secret(&self) {
        let text = String::from_utf8_lossy(&self.text.lock().unwrap()).into_owned();
        let secrets = self.secrets.lock().unwrap();
        assert!(secrets.len() > 3 && text.len() > 1000);
        for secret in secrets.iter() {
            assert!(secret.len() > 5, "{secret:?}");
            assert!(!text.contains(secret.as_str()), "{secret} in {text}");
        }
    }
}

impl io::Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The answers that echo the refresh token `%` wherever a value of theirs is shown.
fn echoes() -> Vec<(u16, &'static str, &'static str)> {
    let json = "application/json";
    vec![
        (400, json, r#"{"error":"%"}"#),
        (
            400,
            json,
            r#"{"error":"invalid_request","error_description":"%"}"#,
        ),
        (401, json, r#"{"error":{"code":"%","message":"%"}}"#),
        (200, json, r#"{"error":"%"}"#),
        (400, json, r#"{"code":"%"}"#),
        (400, "application/x-www-form-urlencoded", "error=%"),
        (400, "%", r#"{"error":"invalid_scope"}"#),
        (415, "text/%", "%"),
        (200, "application/%", r#"{"%":{"access_token":"%"}}"#),
        (200, "text/html", "<p>%</p>"),
        (200, json, r#"{"access_token":7,"%":"%"}"#),
    ]
}

/// Refreshes an account whose provider echoes its refresh token.
async fn refresh_with_echoes(world: &World, account: &Account, output: &Output) {
    let record = world.store.record(&account.key()).await;
    let tokens = &record["state"]["live"]["tokens"]["tokens"];
    let secret = tokens["refresh_token"].as_str().unwrap();
    for (status, content_type, body) in echoes() {
        let answer = http::Response::builder()
            .status(status)
            .header("content-type", content_type.replace('%', secret))
            .header("content-encoding", "identity")
            .body(body.replace('%', secret).into());
        let answer = EndpointFault::Answer(answer.unwrap());
        world.emulator.faults().always(Endpoint::Token, answer);
        if let Err(error) = account.refresh().await {
            output.show_error(&error);
        }
        output.show(&account.status().await.unwrap());
        match account.introspect().await {
            Ok(found) => output.show(&found),
            Err(error) => output.show_error(&error),
        }
        world.emulator.faults().clear_all();
        world.advance(HOUR).await;
    }
    // A type that echoes it: the tokens are kept, and the error names no type.
    let echo = EndpointFault::field("token_type", secret);
    world.emulator.faults().once(Endpoint::Token, echo);
    account.refresh().await.unwrap();
    output.show_error(&account.token().await.unwrap_err());
    output.show(&account.status().await.unwrap());
    account.refresh().await.unwrap();
    output.add_tokens(world, account).await;
}

/// Runs an account, whose subject is an e-mail address, through its whole life with failures.
async fn run_life(world: &World, account: &Account, output: &Output) {
    let mut events = world.accounts.events();
    output.add_secret(SUBJECT);
    output.add_secret(DEFAULT_CLIENT_SECRET);
    output.show(&world.accounts);
    output.show(account);
    output.show(&account.key());
    output.show_error(&account.token().await.unwrap_err());

    let start = account.connect().unwrap();
    output.add_secrets_of(&start.url);
    output.add_secret(start.flow.as_str());
    output.show(&start);
    output.show(&world.accounts.flow(&start.flow).unwrap());
    let redirect = approve(&world.emulator, start.url.as_str()).await;
    output.show(&redirect);
    let id_token = EndpointFault::field("id_token", "header.s3cr3t-claims.signature");
    world.emulator.faults().once(Endpoint::Token, id_token);
    output.add_secret("s3cr3t-claims");
    let login = world.accounts.finish(start.flow.clone(), redirect.clone());
    let login = login.await.unwrap();
    output.show(&login);
    let account = login.account;
    output.add_tokens(world, &account).await;
    output.show(&world.accounts.finish(start.flow, redirect).await.unwrap());
    output.show(&account.token().await.unwrap());
    output.show(&credential(&account).await);
    output.show(&account.status().await.unwrap());

    // A token that cannot be attached, an unreadable answer, and a failing store.
    let evil = EndpointFault::field("access_token", "evil\r\nx-evil-token: 1");
    output.add_secret("x-evil-token");
    world.emulator.faults().once(Endpoint::Token, evil);
    let _ = account.refresh().await;
    output.show_error(&account.token().await.unwrap_err());
    account.refresh().await.unwrap();
    output.add_tokens(world, &account).await;
    refresh_with_echoes(world, &account, output).await;
    world.store.fail_after(1, 3, StoreFault::Refuse);
    let _ = account.refresh().await;
    tokio::time::sleep(seconds(9)).await;
    output.add_tokens(world, &account).await;
    world.store.fail(usize::MAX, StoreFault::Refuse);
    world.advance(HOUR).await;
    output.show_error(&account.token().await.unwrap_err());
    world.store.recover();
    world.advance(HOUR).await;
    world
        .emulator
        .faults()
        .always(Endpoint::Token, EndpointFault::InvalidUtf8);
    output.show_error(&account.token().await.unwrap_err());
    world.emulator.faults().clear_all();
    settle().await;
    let _ = account.disconnect().await;
    output.show_error(&account.token().await.unwrap_err());
    while let Some(Some(event)) = events.next().now_or_never() {
        output.show(&event);
    }
}

#[tokio::test(start_paused = true)]
async fn no_output_shows_a_secret_or_a_subject() {
    let output = Output::default();
    let writer = output.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_span_events(tracing_subscriber::fmt::format::FmtSpan::FULL)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let world = World::amiqus();
    let account = world.accounts.account("amiqus", SUBJECT).unwrap();
    run_life(&world, &account, &output).await;
    let unread = world.accounts.shutdown(Duration::ZERO).await;
    output.show(&unread);

    // The state is inside the redirect URI.
    let emulator = Emulator::qics().access_token_lifetime(HOUR);
    let world = World::new(emulator, qics(), Options::default());
    let account = world.accounts.account("qics-milestones", SUBJECT).unwrap();
    run_life(&world, &account, &output).await;

    // A provider with PKCE and revocation.
    let world = World::plain();
    let account = world.accounts.account("plain", SUBJECT).unwrap();
    run_life(&world, &account, &output).await;

    let key = FlowKey::new(*b"a-key-that-no-one-may-ever-see!!");
    output.add_secret("a-key-that-no-one-may-ever-see");
    let clock = world.clock.clone();
    let builder = Accounts::builder(MemoryStore::new())
        .provider(amiqus())
        .transport(InProcessTransport::new(world.emulator.clone()))
        .clock(clock)
        .flow_key(key.clone());
    output.show(&key);
    output.show(&builder);
    output.assert_no_secret();
}
