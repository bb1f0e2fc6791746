//! Sites that people choose, from the side of one who types any number of them.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use tokenkeeper_engine::{
    Account, Accounts, Advice, Error, ExchangeError, Options, RequestBody, Transport,
    TransportError,
    protocol::{
        AddressPolicy, Client, ClientAuthentication, Dialect, LoginOriginRule, Origin, Redirect,
        RefreshToken, Registration, SitePolicy, TokenSet,
        bytes::Bytes,
        http::{HeaderValue, Request, Response, Uri},
    },
};
use tokenkeeper_store_memory::MemoryStore;
use tokio::sync::Semaphore;

use crate::harness::{HOUR, new_clock, seconds, settle};

/// The sites that were asked, and the addresses that they may have.
type Asked = Vec<(String, Option<AddressPolicy>)>;

/// The token endpoint of every site: it gives tokens, once there is a permit.
#[derive(Clone, Debug)]
struct Tenants {
    permits: Arc<Semaphore>,
    seen: Arc<Mutex<Asked>>,
}

impl Tenants {
    fn new() -> Self {
        Self {
            permits: Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)),
            seen: Arc::default(),
        }
    }

    fn seen(&self) -> Vec<(String, Option<AddressPolicy>)> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }
}

#[async_trait]
impl Transport for Tenants {
    async fn send(
        &self,
        request: Request<RequestBody>,
        _: Duration,
    ) -> Result<Response<Bytes>, TransportError> {
        self.permits.acquire().await.unwrap().forget();
        let host = request.uri().host().unwrap().to_owned();
        let policy = AddressPolicy::of(request.extensions());
        self.seen.lock().unwrap().push((host.clone(), policy));
        if let Some(policy) = policy.filter(|_| host.starts_with("inside")) {
            let inside = [([10, 0, 0, 1], 443).into()];
            policy
                .allowed(&host, inside)
                .map_err(TransportError::AddressRefused)?;
        }
        let answer = r#"{
            "access_token": "a",
            "refresh_token": "r",
            "token_type": "Bearer",
            "expires_in": 3600,
            "api": "https://api.tenants.example"
        }"#;
        let mut answer = Response::new(Bytes::from_static(answer.as_bytes()));
        let json = HeaderValue::from_static("application/json");
        answer.headers_mut().insert("content-type", json);
        Ok(answer)
    }
}

fn dialect() -> Dialect {
    let mut dialect = Dialect::rfc6749("tenants", "https://unused.example").unwrap();
    dialect.base = None;
    dialect.token.client_authentication = ClientAuthentication::None;
    let mut rule = LoginOriginRule::default();
    rule.field = Some("api".to_owned());
    rule.below = vec!["tenants.example".to_owned()];
    dialect.api_origins_from.push(rule);
    dialect
}

/// A provider whose sites are what people type.
fn provider(sites: SitePolicy) -> Client {
    let registration = Registration::new("client", "https://app.example/cb");
    dialect().with(registration).unwrap().sites(sites)
}

fn any_site() -> SitePolicy {
    SitePolicy::predicate(|_| true)
}

fn engine(provider: Client) -> (Accounts, Tenants) {
    let tenants = Tenants::new();
    let accounts = Accounts::builder(MemoryStore::new())
        .provider(provider)
        .transport(tenants.clone())
        .clock(new_clock())
        .options(Options::default());
    (accounts.build().unwrap(), tenants)
}

const ACME: &str = "https://acme.example";

fn is_ours(accounts: &Accounts, origin: &str) -> bool {
    accounts.allows(&format!("{origin}/v1").parse::<Uri>().unwrap())
}

/// Returns the numbers of accounts and typed sites in memory, as `Debug` shows them.
fn in_memory(accounts: &Accounts) -> (usize, usize) {
    let memory = format!("{accounts:?}");
    let count = |text| memory.matches(text).count();
    (count("AccountEntry"), count("https://typed"))
}

async fn log_in(account: &Account) -> Result<(), Error> {
    let login = account.connect()?;
    let redirect = format!("code=c&state={}", login.state.expose());
    let accounts = Accounts::from(account);
    accounts
        .finish(login.flow, Redirect::query(redirect))
        .await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn typed_sites_are_not_ours_and_leave_memory() {
    let (accounts, tenants) = engine(provider(any_site()));
    for number in 0..1000 {
        let site = format!("https://typed-{number}.example");
        let account = accounts.account_at("tenants", &site, "mallory").unwrap();
        match number % 3 {
            0 => drop(account.connect().unwrap()),
            // The store knows nothing of it.
            1 => drop(account.token().await.unwrap_err()),
            // A login that fails.
            _ => {
                let login = account.connect().unwrap();
                let denied = format!("error=access_denied&state={}", login.state.expose());
                let finished = accounts.finish(login.flow, Redirect::query(denied)).await;
                drop(finished.unwrap_err());
            }
        }
        assert!(!is_ours(&accounts, &site), "{site}");
    }
    assert!(tenants.seen().is_empty());
    assert_ne!(in_memory(&accounts), (0, 0));
    tokio::time::sleep(seconds(15)).await;
    settle().await;
    assert_eq!(in_memory(&accounts), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_typed_site_leaves_memory_after_its_last_handle() {
    let (accounts, _) = engine(provider(any_site()));
    let account = accounts.account_at("tenants", "https://typed.example", "u");
    tokio::time::sleep(seconds(60)).await;
    assert_eq!(in_memory(&accounts), (1, 1));
    drop(account.unwrap());
    tokio::time::sleep(seconds(15)).await;
    settle().await;
    assert_eq!(in_memory(&accounts), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_site_is_ours_while_an_account_is_connected_there() {
    let (accounts, tenants) = engine(provider(any_site()));
    let [alice, bob] = ["alice", "bob"].map(|subject| {
        let account = accounts.account_at("tenants", ACME, subject);
        account.unwrap()
    });
    assert!(!is_ours(&accounts, ACME));
    log_in(&alice).await.unwrap();
    bob.adopt(TokenSet::new("b")).await.unwrap();
    assert_eq!(tenants.seen().len(), 1);
    assert!(is_ours(&accounts, ACME));
    assert!(
        is_ours(&accounts, "https://api.tenants.example"),
        "what the login names"
    );

    alice.disconnect().await.unwrap();
    assert!(is_ours(&accounts, ACME), "bob is connected");
    assert!(!is_ours(&accounts, "https://api.tenants.example"));
    bob.forget().await.unwrap();
    assert!(!is_ours(&accounts, ACME));

    // A new login, and a refresh, count once.
    for _ in 0..2 {
        log_in(&alice).await.unwrap();
        alice.refresh().await.unwrap();
    }
    assert!(is_ours(&accounts, ACME));
    assert!(is_ours(&accounts, "https://api.tenants.example"));
    alice.disconnect().await.unwrap();
    assert!(!is_ours(&accounts, ACME));
    assert!(!is_ours(&accounts, "https://api.tenants.example"));
}

#[tokio::test(start_paused = true)]
async fn a_login_in_flight_makes_no_site_ours() {
    let (accounts, tenants) = engine(provider(any_site()));
    tenants.permits.forget_permits(Semaphore::MAX_PERMITS);
    let account = accounts.account_at("tenants", ACME, "mallory").unwrap();
    let login = tokio::spawn({
        let account = account.clone();
        async move { log_in(&account).await }
    });
    settle().await;
    assert!(!login.is_finished() && !is_ours(&accounts, ACME));
    tenants.permits.add_permits(1);
    login.await.unwrap().unwrap();
    assert!(is_ours(&accounts, ACME));
}

#[tokio::test(start_paused = true)]
async fn a_site_leaves_with_its_last_account_in_memory() {
    let (accounts, _) = engine(provider(any_site()));
    let account = accounts.account_at("tenants", ACME, "alice").unwrap();
    account.adopt(TokenSet::new("a")).await.unwrap();
    drop(account);
    assert!(is_ours(&accounts, ACME));
    tokio::time::sleep(2 * HOUR).await;
    settle().await;
    assert!(!is_ours(&accounts, ACME));
    assert_eq!(in_memory(&accounts).0, 0);
    // The store still knows it.
    let account = accounts.account_at("tenants", ACME, "alice").unwrap();
    account.status().await.unwrap();
    assert!(is_ours(&accounts, ACME));
}

#[tokio::test(start_paused = true)]
async fn a_fixed_base_is_always_ours() {
    let mut dialect = dialect();
    dialect.base = Some(Origin::parse(ACME).unwrap());
    let registration = Registration::new("client", "https://app.example/cb");
    let (accounts, _) = engine(dialect.with(registration).unwrap());
    assert!(is_ours(&accounts, ACME));
    let account = accounts.account("tenants", "alice").unwrap();
    account.adopt(TokenSet::new("a")).await.unwrap();
    account.disconnect().await.unwrap();
    assert!(is_ours(&accounts, ACME));
}

#[tokio::test(start_paused = true)]
async fn token_requests_carry_the_policy_of_a_chosen_site() {
    let public = AddressPolicy::public();
    let only = SitePolicy::only([ACME]).unwrap();
    let cases = [
        (provider(any_site()), Some(public)),
        (provider(SitePolicy::subdomains_of("example")), Some(public)),
        (
            provider(any_site().allow_private()),
            Some(public.allow_private(true)),
        ),
        (
            provider(any_site().allow_loopback()),
            Some(public.allow_loopback(true)),
        ),
        // The application wrote these itself.
        (provider(only), None),
        (provider(any_site()).base(ACME).unwrap(), None),
    ];
    for (provider, expected) in cases {
        let (accounts, tenants) = engine(provider);
        let account = accounts.account_at("tenants", ACME, "alice").unwrap();
        log_in(&account).await.unwrap();
        account.refresh().await.unwrap();
        let sent = ("acme.example".to_owned(), expected);
        assert_eq!(tenants.seen(), [sent.clone(), sent]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_the_dialect_names_has_no_policy() {
    let mut dialect = dialect();
    let endpoint = "https://tokens.internal/token".to_owned();
    dialect.token.endpoint = endpoint.try_into().unwrap();
    let registration = Registration::new("client", "https://app.example/cb");
    let provider = dialect.with(registration).unwrap().sites(any_site());
    let (accounts, tenants) = engine(provider);
    let account = accounts.account_at("tenants", ACME, "alice").unwrap();
    log_in(&account).await.unwrap();
    assert_eq!(tenants.seen(), [("tokens.internal".to_owned(), None)]);
}

#[tokio::test(start_paused = true)]
async fn a_refused_address_is_a_fault_of_the_configuration() {
    let (accounts, tenants) = engine(provider(any_site()));
    let account = accounts
        .account_at("tenants", "https://inside.example", "mallory")
        .unwrap();
    let error = log_in(&account).await.unwrap_err();
    let Error::Exchange { source, .. } = &error else {
        panic!("{error:?}");
    };
    let ExchangeError::Transport(transport) = source else {
        panic!("{source:?}");
    };
    assert!(matches!(**transport, TransportError::AddressRefused(_)));
    assert_eq!(error.advice(), Advice::FixConfiguration);

    // A connected account keeps its tokens, and is not tried over and over.
    let mut tokens = TokenSet::new("a");
    tokens.refresh_token = Some(RefreshToken::new("r"));
    account.adopt(tokens).await.unwrap();
    tenants.seen();
    for _ in 0..10 {
        let error = account.refresh().await.unwrap_err();
        assert!(matches!(error, Error::Configuration { .. }), "{error:?}");
        assert_eq!(error.advice(), Advice::FixConfiguration);
    }
    assert_eq!(account.token().await.unwrap().expose(), "a");
}
