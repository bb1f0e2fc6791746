//! An engine, an emulator and a store in one process, on one clock that the tests move.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{FutureExt as _, StreamExt as _};
use http::Request;
use tokenkeeper_emulator::{
    Builder, DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, DEFAULT_REDIRECT_URI, Emulator, Endpoint,
    Fault as Broken,
};
use tokenkeeper_engine::{
    Account, Accounts, AccountsBuilder, Error, Event, EventKind, Options, TestClock, TokenSource,
    protocol::{
        AccessToken, Client, Dialect, Provider, Reach, Redirect, Registration, SitePolicy, TokenSet,
    },
};
use tokenkeeper_provider_amiqus::Amiqus;
use tokenkeeper_provider_ioffice::IOffice;
use tokenkeeper_store_memory::MemoryStore;

use crate::{Fault, FaultyStore, InProcess};

/// Where the emulator in process thinks that it is.
pub const BASE: &str = "http://127.0.0.1:9";
pub const HOUR: Duration = Duration::from_secs(3600);
/// The default lease.
pub const LEASE: Duration = Duration::from_secs(20);

pub struct World {
    pub clock: TestClock,
    pub emulator: Emulator,
    pub store: Arc<FaultyStore>,
    pub accounts: Accounts,
    provider: Arc<dyn Provider>,
}

impl World {
    /// Amiqus with access tokens that live for an hour.
    pub fn amiqus() -> Self {
        Self::amiqus_with(Options::default())
    }

    pub fn amiqus_with(options: Options) -> Self {
        let emulator = Emulator::amiqus().access_token_lifetime(HOUR);
        Self::new(emulator, amiqus(), options)
    }

    /// Amiqus over a store that tells nobody of changes.
    pub fn mute(options: Options) -> Self {
        let emulator = Emulator::amiqus().access_token_lifetime(HOUR);
        Self::mute_with(emulator, amiqus(), options)
    }

    /// Over a store that tells nobody of changes.
    pub fn mute_with<O>(emulator: Builder<O>, provider: impl Provider, options: Options) -> Self {
        let store = FaultyStore::mute(MemoryStore::new());
        Self::over(store, emulator, provider, options)
    }

    pub fn new<O>(emulator: Builder<O>, provider: impl Provider, options: Options) -> Self {
        let store = FaultyStore::new(MemoryStore::new());
        Self::over(store, emulator, provider, options)
    }

    fn over<O>(
        store: FaultyStore,
        emulator: Builder<O>,
        provider: impl Provider,
        options: Options,
    ) -> Self {
        let clock = new_clock();
        let emulator = in_process(emulator, &clock);
        let store = Arc::new(store);
        let provider: Arc<dyn Provider> = Arc::new(provider);
        let accounts = engine(&emulator, store.clone(), &clock, provider.clone(), options);
        Self {
            provider,
            clock,
            emulator,
            store,
            accounts,
        }
    }

    /// The parts of another engine on the same store and provider. Later setters replace them.
    pub fn builder(&self) -> AccountsBuilder {
        self.builder_for(self.provider.clone())
    }

    /// The same with another configuration of the provider.
    pub fn builder_for(&self, provider: impl Provider) -> AccountsBuilder {
        let options = Options::default();
        let store = self.store.clone();
        builder(&self.emulator, store, &self.clock, provider, options)
    }

    /// A process with its own clock, as if it had started now.
    pub fn account_on(&self, clock: TestClock) -> Account {
        self.account_of(&self.builder().clock(clock).build().unwrap())
    }

    /// Whether the provider still takes a token, according to its introspection endpoint.
    pub async fn is_live(&self, token: &str) -> bool {
        let (site, token) = (self.account().site().clone(), AccessToken::new(token));
        let request = self.provider.introspection_request(&site, &token);
        let request = request.unwrap().expect("the provider has introspection");
        let response = self.emulator.call(request).await.unwrap();
        let answer: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
        answer["active"] == true
    }

    /// The requests that the revocation endpoint has seen, where requests are recorded.
    pub fn revocations(&self) -> usize {
        let requests = self.emulator.recorded_requests().into_iter();
        requests
            .filter(|request| request.uri().path().ends_with("/revoke"))
            .count()
    }

    /// Another engine on the same store and provider: what another process is.
    pub fn another_process(&self) -> Accounts {
        self.another_process_with(Options::default())
    }

    pub fn another_process_with(&self, options: Options) -> Accounts {
        engine(
            &self.emulator,
            self.store.clone(),
            &self.clock,
            self.provider.clone(),
            options,
        )
    }

    pub fn account(&self) -> Account {
        self.account_of(&self.accounts)
    }

    /// The account in this process.
    pub fn account_of(&self, accounts: &Accounts) -> Account {
        let brand = self.provider.brand();
        match self.provider.site(None) {
            Ok(_) => accounts.account(brand, "user-42").unwrap(),
            Err(_) => accounts.account_at(brand, BASE, "user-42").unwrap(),
        }
    }

    /// iOFFICE, whose tokens can be revoked.
    pub fn ioffice() -> Self {
        let emulator = Emulator::ioffice().record_requests();
        Self::new(emulator, ioffice(), Options::default())
    }

    /// The same over a store that tells nobody of changes.
    pub fn ioffice_mute() -> Self {
        let emulator = Emulator::ioffice().record_requests();
        Self::mute_with(emulator, ioffice(), Options::default())
    }

    /// A provider as RFC 6749 and RFC 7009 have it.
    pub fn plain() -> Self {
        Self::plain_with(|_| ())
    }

    /// The same, where a revocation reaches no other login.
    pub fn plain_revoking_alone() -> Self {
        Self::plain_with(|dialect| {
            let revocation = dialect.revocation.as_mut().unwrap();
            revocation.reaches = Reach::Authorization;
        })
    }

    pub fn plain_with(change: impl FnOnce(&mut Dialect)) -> Self {
        let plain = plain(change);
        let emulator = Emulator::plain()
            .record_requests()
            .access_token_lifetime(HOUR);
        Self::new(emulator, plain, Options::default())
    }

    /// The same account in another process.
    pub fn elsewhere(&self) -> Account {
        self.elsewhere_with(Options::default())
    }

    pub fn elsewhere_with(&self, options: Options) -> Account {
        self.account_of(&self.another_process_with(options))
    }

    /// A process that is killed right after it wrote its attempt: nobody renews the lease, and
    /// nothing was presented.
    pub async fn killed_in_mid_refresh(&self) {
        let key = self.account().key();
        let mut entry = self.store.entry(&key).await.unwrap();
        let mut stored: serde_json::Value = serde_json::from_slice(&entry.value).unwrap();
        let live = &mut stored["record"]["state"]["live"];
        live["presented"] = 1.into();
        live["attempt"] = serde_json::json!({
            "id": format!("{:032x}", 7),
            "holder": format!("{:032x}", 9),
            "lease": LEASE.as_millis() as u64,
            "digest": 1,
        });
        entry.value = serde_json::to_vec(&stored).unwrap().into();
        entry.version = tokenkeeper_engine::store::Version::random();
        self.store.overwrite(&key, Some(entry)).await;
    }

    /// An account that has gone through the whole login.
    pub async fn connected(&self) -> Account {
        let account = self.account();
        login(&self.emulator, &account).await.unwrap();
        self.emulator.reset_counters();
        account
    }

    /// A world that tells of no changes, and an account in it whose token has ended, as memory and
    /// store know.
    pub async fn with_an_expired_token() -> (Self, Account) {
        let world = Self::mute(Options::default());
        let account = world.connected().await;
        world.pass(HOUR).await;
        account.status().await.unwrap();
        (world, account)
    }

    /// The answer to the next refresh is lost, and what that means cannot be written: the claim
    /// goes through, that of the replay does not.
    pub fn lose_an_answer_and_its_note(&self) {
        let faults = self.emulator.faults();
        faults.once(Endpoint::Token, Broken::CutBeforeAnswer);
        self.store.fail_after(1, 3, Fault::Refuse);
    }

    /// Moves all clocks on.
    pub async fn pass(&self, time: Duration) {
        tokio::time::advance(time).await;
    }

    /// Calls the API with the token that is served, once.
    pub async fn call(&self, account: &Account) -> u16 {
        let credential = TokenSource::credential(account, true).await.unwrap();
        call_with(&self.emulator, &credential).await
    }

    pub fn token_requests(&self) -> u64 {
        self.emulator.counters().token_requests
    }
}

pub fn new_clock() -> TestClock {
    TestClock::starting_at(std::time::UNIX_EPOCH + Duration::from_secs(1_800_000_000))
}

pub fn in_process<O>(emulator: Builder<O>, clock: &TestClock) -> Emulator {
    use tokenkeeper_engine::Clock as _;
    let clock = clock.clone();
    emulator
        .base_url(BASE)
        .clock(move || clock.wall())
        .in_process()
}

pub fn engine(
    emulator: &Emulator,
    store: Arc<FaultyStore>,
    clock: &TestClock,
    provider: impl Provider,
    options: Options,
) -> Accounts {
    builder(emulator, store, clock, provider, options)
        .build()
        .unwrap()
}

fn builder(
    emulator: &Emulator,
    store: Arc<FaultyStore>,
    clock: &TestClock,
    provider: impl Provider,
    options: Options,
) -> AccountsBuilder {
    Accounts::builder(store)
        .provider(provider)
        .transport(InProcess::new(emulator.clone()))
        .clock(clock.clone())
        .options(options)
}

/// A provider as RFC 6749 and RFC 7009 have it, with a changed dialect.
pub fn plain(change: impl FnOnce(&mut Dialect)) -> Client {
    let mut dialect = Dialect::rfc6749("plain", BASE).unwrap();
    change(&mut dialect);
    dialect.with(registration()).unwrap()
}

pub fn registration() -> Registration {
    Registration::new(DEFAULT_CLIENT_ID, DEFAULT_REDIRECT_URI)
        .unwrap()
        .secret(DEFAULT_CLIENT_SECRET)
}

pub fn amiqus() -> Amiqus {
    Amiqus::new(registration()).unwrap().base(BASE).unwrap()
}

fn ioffice() -> IOffice {
    let registration = Registration::new(DEFAULT_CLIENT_ID, DEFAULT_REDIRECT_URI).unwrap();
    let sites = SitePolicy::only([BASE]).unwrap().allow_loopback();
    IOffice::new(registration).unwrap().sites(sites)
}

/// What a person and a browser do: follow the URL, approve, come back.
pub async fn login(emulator: &Emulator, account: &Account) -> Result<Account, Error> {
    let start = account.connect()?;
    let redirect = approve(emulator, start.url.as_str()).await;
    Accounts::from(account).finish(start.flow, redirect).await
}

pub async fn approve(emulator: &Emulator, url: &str) -> Redirect {
    let location = visit(emulator, &format!("{url}&approve=1")).await;
    redirect_of(&location)
}

pub async fn visit(emulator: &Emulator, url: &str) -> String {
    let request = Request::get(url).body(Bytes::new()).unwrap();
    let response = emulator.call(request).await.unwrap();
    response.headers()["location"].to_str().unwrap().to_owned()
}

pub fn redirect_of(location: &str) -> Redirect {
    match location.split_once('#') {
        Some((_, fragment)) => Redirect::fragment(fragment),
        None => Redirect::query(location.split_once('?').unwrap().1),
    }
}

pub async fn call_with(emulator: &Emulator, credential: &tokenkeeper_engine::Credential) -> u16 {
    let url = emulator.url(Endpoint::Api).unwrap();
    let (mut head, body) = Request::get(url).body(Bytes::new()).unwrap().into_parts();
    credential
        .attachment()
        .apply(&mut head.uri, &mut head.headers)
        .unwrap();
    let request = Request::from_parts(head, body);
    emulator.call(request).await.unwrap().status().as_u16()
}

/// Tokens that the application got by other means.
pub fn issued(emulator: &Emulator) -> TokenSet {
    let tokens = emulator
        .issue_tokens(tokenkeeper_emulator::DEFAULT_USER)
        .unwrap();
    TokenSet::new(tokens.access_token)
        .with_refresh_token(tokens.refresh_token)
        .with_issued_at(emulator.now())
        .with_expires_at(tokens.expires_at.unwrap())
}

/// The events so far.
pub fn drain(events: &mut (impl futures_util::Stream<Item = Event> + Unpin)) -> Vec<EventKind> {
    let mut seen = Vec::new();
    while let Some(Some(event)) = events.next().now_or_never() {
        seen.push(event.kind);
    }
    seen
}

/// Lets everything that is ready run.
pub async fn settle() {
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
}
