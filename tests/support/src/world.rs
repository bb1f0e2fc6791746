//! A simulated deployment in one process.

use std::{sync::Arc, time::Duration};

use tokenkeeper_emulator::{Builder, Emulator, Endpoint, Fault as EndpointFault};
use tokenkeeper_engine::{
    Account, Accounts, AccountsBuilder, Flow, FlowKey, Options, TestClock,
    protocol::{AccessToken, Dialect, LoginOriginRule, Provider, Redirect, RevocationReach},
    store::Version,
};
use tokenkeeper_provider_amiqus::Amiqus;
use tokenkeeper_store_memory::MemoryStore;

use crate::{
    BASE, FaultyStore, HOUR, InProcessTransport, LEASE, StoreFault, amiqus, approve, call_api_with,
    credential, in_process, ioffice, login, new_clock, plain, registration, settle,
};

/// An engine, the emulator of its provider and its store, on one clock that the tests advance.
/// Further engines on the same parts act as other processes.
pub struct World {
    pub clock: TestClock,
    pub emulator: Emulator,
    pub store: Arc<FaultyStore>,
    pub accounts: Accounts,
    provider: Arc<dyn Provider>,
}

impl World {
    pub fn new<O>(emulator: Builder<O>, provider: impl Provider, options: Options) -> Self {
        let store = FaultyStore::new(MemoryStore::new());
        Self::with_store(store, emulator, provider, options)
    }

    /// Returns a world whose store does not notify of changes.
    pub fn without_notifications_at<O>(
        emulator: Builder<O>,
        provider: impl Provider,
        options: Options,
    ) -> Self {
        let store = FaultyStore::without_notifications(MemoryStore::new());
        Self::with_store(store, emulator, provider, options)
    }

    fn with_store<O>(
        store: FaultyStore,
        emulator: Builder<O>,
        provider: impl Provider,
        options: Options,
    ) -> Self {
        let clock = new_clock();
        let emulator = in_process(emulator, &clock);
        let store = Arc::new(store);
        let provider: Arc<dyn Provider> = Arc::new(provider);
        let accounts = build_engine(&emulator, store.clone(), &clock, provider.clone(), options);
        Self {
            provider,
            clock,
            emulator,
            store,
            accounts,
        }
    }

    /// Amiqus, with access tokens that live for an hour.
    pub fn amiqus() -> Self {
        Self::amiqus_with(Options::default())
    }

    pub fn amiqus_with(options: Options) -> Self {
        let emulator = Emulator::amiqus().access_token_lifetime(HOUR);
        Self::new(emulator, amiqus(), options)
    }

    /// Amiqus over a store that does not notify of changes.
    pub fn without_notifications(options: Options) -> Self {
        let emulator = Emulator::amiqus().access_token_lifetime(HOUR);
        Self::without_notifications_at(emulator, amiqus(), options)
    }

    /// iOFFICE, whose tokens can be revoked.
    pub fn ioffice() -> Self {
        let emulator = Emulator::ioffice().record_requests();
        Self::new(emulator, ioffice(), Options::default())
    }

    /// iOFFICE over a store that does not notify of changes.
    pub fn ioffice_without_notifications() -> Self {
        let emulator = Emulator::ioffice().record_requests();
        Self::without_notifications_at(emulator, ioffice(), Options::default())
    }

    /// A provider that follows RFC 6749 and RFC 7009.
    pub fn plain() -> Self {
        Self::plain_with(|_| ())
    }

    /// A plain provider where a revocation reaches no other login.
    pub fn plain_with_separate_revocation() -> Self {
        Self::plain_with(|dialect| {
            let revocation = dialect.revocation.as_mut().unwrap();
            revocation.reaches = RevocationReach::Authorization;
        })
    }

    /// A plain provider with a changed dialect.
    pub fn plain_with(change: impl FnOnce(&mut Dialect)) -> Self {
        let plain = plain(change);
        let emulator = Emulator::plain()
            .record_requests()
            .access_token_lifetime(HOUR);
        Self::new(emulator, plain, Options::default())
    }

    /// A plain provider whose answers name the API's origin in `instance_url`, below `force.com`,
    /// and a connected account at `https://acme.my.force.com`.
    pub async fn with_login_origin() -> Self {
        let world = Self::plain_with(|dialect| {
            let mut rule = LoginOriginRule::default();
            rule.field = Some("instance_url".to_owned());
            rule.below = vec!["force.com".to_owned()];
            dialect.api_origins_from.push(rule);
        });
        let named = EndpointFault::field("instance_url", "https://acme.my.force.com");
        world.emulator.faults().once(Endpoint::Token, named);
        world.connect_account().await;
        world
    }

    /// Connects an account whose access token then expires.
    pub async fn expired(self) -> (Self, Account) {
        let account = self.connect_account().await;
        self.advance(HOUR).await;
        (self, account)
    }

    /// A world without notifications, and an account that has just found in the store that its
    /// token expired.
    pub async fn expired_and_compared() -> (Self, Account) {
        let (world, account) = Self::without_notifications(Options::default())
            .expired()
            .await;
        account.status().await.unwrap();
        (world, account)
    }

    /// Returns the account of this world in its first process.
    pub fn account(&self) -> Account {
        self.account_of(&self.accounts)
    }

    /// Returns the account in a given process.
    pub fn account_of(&self, accounts: &Accounts) -> Account {
        let brand = self.provider.brand();
        match self.provider.site(None) {
            Ok(_) => accounts.account(brand, "user-42").unwrap(),
            Err(_) => accounts.account_at(brand, BASE, "user-42").unwrap(),
        }
    }

    /// Returns the account in another process.
    pub fn account_elsewhere(&self) -> Account {
        self.account_of(&self.another_process())
    }

    /// Returns the generation of the token set that another process is served.
    pub async fn generation_elsewhere(&self) -> u64 {
        let token = self.account_elsewhere().token().await;
        token.unwrap().generation()
    }

    /// Returns the account in a process that starts now and has its own clock.
    pub fn account_on_clock(&self, clock: TestClock) -> Account {
        self.account_of(&self.builder().clock(clock).build().unwrap())
    }

    /// Returns another engine on the same store and provider, which acts as another process.
    pub fn another_process(&self) -> Accounts {
        self.builder().build().unwrap()
    }

    /// Returns another Amiqus process, which has this client secret.
    pub fn process_with_secret(&self, secret: &str) -> Accounts {
        let provider = Amiqus::new(registration().secret(secret)).unwrap();
        let provider = provider.base(BASE).unwrap();
        self.builder_for(provider).build().unwrap()
    }

    /// Returns the builder of another process. Later setters replace its parts.
    pub fn builder(&self) -> AccountsBuilder {
        self.builder_for(self.provider.clone())
    }

    /// Returns the builder of another process that configures the provider differently.
    pub fn builder_for(&self, provider: impl Provider) -> AccountsBuilder {
        let options = Options::default();
        let store = self.store.clone();
        builder(&self.emulator, store, &self.clock, provider, options)
    }

    /// Logs in to the account, and returns it.
    pub async fn connect_account(&self) -> Account {
        let account = self.account();
        login(&self.emulator, &account).await.unwrap();
        self.emulator.reset_counters();
        account
    }

    /// Connects the account in this process, and lets another process read it. Returns both.
    pub async fn connect_in_two_processes(&self) -> (Account, Account) {
        let (here, there) = (self.connect_account().await, self.account_elsewhere());
        there.token().await.unwrap();
        (here, there)
    }

    /// Starts a login of the account and approves it. The code is not exchanged yet.
    pub async fn approved_login(&self) -> (Flow, Redirect) {
        let start = self.account().connect().unwrap();
        let redirect = approve(&self.emulator, start.url.as_str()).await;
        (start.flow, redirect)
    }

    /// Logs in to an account while the write that the store holds is waiting, then releases the
    /// write.
    pub async fn log_in_before_held_put(&self, account: &Account) {
        settle().await;
        login(&self.emulator, account).await.unwrap();
        self.store.release();
    }

    /// Leaves an attempt in the store as a process does that is killed after it wrote the attempt:
    /// nothing was presented, and no process renews the lease.
    pub async fn leave_dead_attempt(&self) {
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
        entry.version = Version::random();
        self.store.overwrite(&key, Some(entry)).await;
    }

    /// Loses the answer to the next refresh and the write that records the loss: the claim is
    /// written, that of the replay is not.
    pub fn lose_answer_and_its_record(&self) {
        let faults = self.emulator.faults();
        faults.once(Endpoint::Token, EndpointFault::CutBeforeAnswer);
        self.store.fail_after(1, 3, StoreFault::Refuse);
    }

    /// Advances all clocks.
    pub async fn advance(&self, time: Duration) {
        tokio::time::advance(time).await;
    }

    /// Calls the API once with the served token, and returns the status code.
    pub async fn call_api(&self, account: &Account) -> u16 {
        call_api_with(&self.emulator, &credential(account).await).await
    }

    /// Returns whether the provider accepts a token, according to its introspection endpoint.
    pub async fn is_valid(&self, token: &str) -> bool {
        let (site, token) = (self.account().site().clone(), AccessToken::new(token));
        let request = self.provider.introspection_request(&site, &token);
        let request = request.unwrap().expect("the provider has introspection");
        let response = self
            .emulator
            .call(request.map(bytes::Bytes::from))
            .await
            .unwrap();
        let answer: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
        answer["active"] == true
    }

    pub fn token_requests(&self) -> u64 {
        self.emulator.counters().token_requests
    }

    /// Returns the requests that the revocation endpoint has received, if requests are recorded.
    pub fn revocation_requests(&self) -> Vec<http::Request<bytes::Bytes>> {
        let requests = self.emulator.recorded_requests().into_iter();
        requests
            .filter(|request| request.uri().path().ends_with("/revoke"))
            .collect()
    }
}

pub fn build_engine(
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
        .transport(InProcessTransport::new(emulator.clone()))
        .clock(clock.clone())
        .flow_key(FlowKey::new([7; 32]))
        .options(options)
}
