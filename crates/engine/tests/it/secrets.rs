//! no text that we make shows a secret or a subject.

use std::{
    fmt::Debug,
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::{FutureExt as _, StreamExt as _};
use tokenkeeper_emulator::{DEFAULT_CLIENT_SECRET, Emulator, Endpoint, Fault as Broken};
use tokenkeeper_engine::{Account, Accounts, Error, FlowKey, Options, TokenSource, protocol::Url};
use tokenkeeper_provider_qics_milestones::QicsMilestones;
use tokenkeeper_store_memory::MemoryStore;

use crate::harness::{BASE, Fault, HOUR, InProcess, World, amiqus, approve, registration, settle};

const SUBJECT: &str = "jane.doe@example.org";

/// All that was said, and what must not have been.
#[derive(Clone, Default)]
struct Said {
    text: Arc<Mutex<Vec<u8>>>,
    secrets: Arc<Mutex<Vec<String>>>,
}

impl Said {
    fn show(&self, thing: &dyn Debug) {
        let text = format!("{thing:?}\n{thing:#?}\n");
        self.text.lock().unwrap().extend_from_slice(text.as_bytes());
    }

    fn error(&self, error: &Error) {
        self.show(error);
        let mut next: Option<&dyn std::error::Error> = Some(error);
        while let Some(error) = next {
            self.show(&error.to_string());
            next = error.source();
        }
    }

    fn secret(&self, secret: impl Into<String>) {
        self.secrets.lock().unwrap().push(secret.into());
    }

    /// Everything of a URL that names a secret.
    fn secrets_of(&self, url: &Url) {
        for (name, value) in url.query_pairs() {
            if matches!(&*name, "state" | "flow" | "code" | "code_verifier") {
                self.secret(value.clone());
            }
            if let Ok(inner) = Url::parse(&value) {
                self.secrets_of(&inner);
            }
        }
    }

    async fn tokens(&self, world: &World, account: &Account) {
        let record = world.store.record(&account.key()).await;
        let tokens = &record["state"]["live"]["tokens"]["tokens"];
        for name in ["access_token", "refresh_token"] {
            self.secret(tokens[name].as_str().unwrap());
        }
    }

    fn check(&self) {
        let text = String::from_utf8_lossy(&self.text.lock().unwrap()).into_owned();
        let secrets = self.secrets.lock().unwrap();
        assert!(secrets.len() > 3 && text.len() > 1000);
        for secret in secrets.iter() {
            assert!(secret.len() > 5, "{secret:?}");
            assert!(!text.contains(secret.as_str()), "{secret} in {text}");
        }
    }
}

impl io::Write for Said {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A whole life, with failures, of an account whose subject is an e-mail address.
async fn live(world: &World, account: &Account, said: &Said) {
    let mut events = world.accounts.events();
    said.secret(SUBJECT);
    said.secret(DEFAULT_CLIENT_SECRET);
    said.show(&world.accounts);
    said.show(account);
    said.show(&account.key());
    said.error(&account.token().await.unwrap_err());

    let start = account.connect().unwrap();
    said.secrets_of(&start.url);
    said.secret(start.flow.as_str());
    said.show(&start);
    said.show(&world.accounts.flow(&start.flow).unwrap());
    let redirect = approve(&world.emulator, start.url.as_str()).await;
    said.show(&redirect);
    let account = world
        .accounts
        .finish(start.flow.clone(), redirect.clone())
        .await
        .unwrap();
    said.tokens(world, &account).await;
    said.error(
        &world
            .accounts
            .finish(start.flow, redirect)
            .await
            .unwrap_err(),
    );
    said.show(&account.token().await.unwrap());
    said.show(&TokenSource::credential(&account, true).await.unwrap());
    said.show(&account.status().await.unwrap());

    // A token that cannot be attached, an answer that cannot be read, a store that fails.
    let evil = Broken::field("access_token", "evil\r\nx-evil-token: 1");
    said.secret("x-evil-token");
    world.emulator.faults().once(Endpoint::Token, evil);
    let _ = account.refresh().await;
    said.error(&account.token().await.unwrap_err());
    account.refresh().await.unwrap();
    said.tokens(world, &account).await;
    world.store.fail_after(1, 3, Fault::Refuse);
    let _ = account.refresh().await;
    tokio::time::sleep(Duration::from_secs(9)).await;
    said.tokens(world, &account).await;
    world.store.fail(usize::MAX, Fault::Refuse);
    world.pass(HOUR).await;
    said.error(&account.token().await.unwrap_err());
    world.store.recover();
    world.pass(HOUR).await;
    world
        .emulator
        .faults()
        .always(Endpoint::Token, Broken::InvalidUtf8);
    said.error(&account.token().await.unwrap_err());
    world.emulator.faults().clear_all();
    settle().await;
    let _ = account.disconnect().await;
    said.error(&account.token().await.unwrap_err());
    while let Some(Some(event)) = events.next().now_or_never() {
        said.show(&event);
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_that_is_printed_or_traced_shows_a_secret_or_a_subject() {
    let said = Said::default();
    let writer = said.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_span_events(tracing_subscriber::fmt::format::FmtSpan::FULL)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let world = World::amiqus();
    let account = world.accounts.account("amiqus", SUBJECT).unwrap();
    live(&world, &account, &said).await;
    let unread = world.accounts.shutdown(Duration::ZERO).await;
    said.show(&unread);

    // Here the state travels inside the redirect URI.
    let qics = QicsMilestones::new(registration())
        .unwrap()
        .base(BASE)
        .unwrap();
    let emulator = Emulator::qics().access_token_lifetime(HOUR);
    let world = World::new(emulator, qics, Options::default());
    let account = world.accounts.account("qics-milestones", SUBJECT).unwrap();
    live(&world, &account, &said).await;

    // PKCE, and tokens that are revoked.
    let world = World::plain();
    let account = world.accounts.account("plain", SUBJECT).unwrap();
    live(&world, &account, &said).await;

    let key = FlowKey::new(*b"a-key-that-nobody-may-ever-see!!");
    said.secret("a-key-that-nobody-may-ever-see");
    let clock = world.clock.clone();
    let builder = Accounts::builder(MemoryStore::new())
        .provider(amiqus())
        .transport(InProcess::new(world.emulator.clone()))
        .clock(clock)
        .flow_key(key.clone());
    said.show(&key);
    said.show(&builder);
    said.check();
}
