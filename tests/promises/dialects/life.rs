//! The life of an account: a login, requests, a refresh, a refusal, a new login, a disconnect.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use tokenkeeper::{
    Account, Accounts, Error, MemoryStore,
    protocol::{Dialect, Redirect, Registration},
    tower::TokenLayer,
};
use tokenkeeper_emulator::{
    DEFAULT_CLIENT_ID, DEFAULT_REDIRECT_URI, DEFAULT_USER, Emulator, Endpoint, RegisteredClient,
};
use tokenkeeper_test_support::{InProcessTransport, redirect_of};
use tower::{Layer as _, ServiceExt as _, service_fn};

use super::Kind;
use crate::client::BoxError;

/// A secret that form-encoding changes, and that decoding would spoil.
const SECRET: &str = "s3+cret%2F";
const BASE: &str = "https://login.example.com";
const LIFE: Duration = Duration::from_secs(3600);

/// The fields of a dialect by RFC 6749. A line of a kind replaces the one with its key.
const RFC_6749: [&str; 6] = [
    "brand = \"kind\"",
    "base = \"https://login.example.com\"",
    "authorization.endpoint = \"/authorize\"",
    "token.endpoint = \"/token\"",
    "revocation.endpoint = \"/revoke\"",
    "introspection.endpoint = \"/introspect\"",
];

/// Leads an account through its life, with a dialect of these lines.
pub(super) async fn live(kind: &Kind, lines: &[&str]) -> Result<(), BoxError> {
    let client = RegisteredClient::new(DEFAULT_CLIENT_ID).secret(SECRET);
    let emulator = Emulator::plain()
        .options(kind.options.clone())
        .client(client.redirect_uri(DEFAULT_REDIRECT_URI))
        .base_url(BASE)
        .access_token_lifetime(LIFE)
        .in_process();
    let registration = Registration::new(DEFAULT_CLIENT_ID, DEFAULT_REDIRECT_URI);
    let registration = registration.secret(SECRET).scope("read write");
    let provider = Dialect::from_toml(&text(lines))?.with((kind.register)(registration))?;
    let accounts = Accounts::builder(MemoryStore::new())
        .provider(provider)
        .transport(InProcessTransport::new(emulator.clone()))
        .build()?;
    let account = accounts.account("kind", "user-42")?;
    let life = Life {
        kind,
        emulator,
        accounts,
        account,
    };
    let lived = life.run().await;
    if let Err(error) = &lived {
        life.assert_without_secrets(&**error);
    }
    lived
}

/// Returns the text of a dialect.
fn text(lines: &[&str]) -> String {
    let key = |line: &&str| line.split_once(" =").map(|(key, _)| key.to_owned());
    let own: Vec<_> = lines.iter().map(key).collect();
    let mut text: Vec<_> = RFC_6749.to_vec();
    text.retain(|line| !own.contains(&key(line)));
    text.extend(lines);
    text.join("\n")
}

/// An account in the middle of its life.
struct Life<'a> {
    kind: &'a Kind,
    emulator: Emulator,
    accounts: Accounts,
    account: Account,
}

impl Life<'_> {
    async fn run(&self) -> Result<(), BoxError> {
        self.log_in().await?;
        self.refresh().await?;
        self.be_refused().await?;
        self.log_in().await?;
        self.disconnect().await
    }

    /// Fails if an error shows a secret: a wrong dialect must not tell more than a right one.
    fn assert_without_secrets(&self, error: &(dyn std::error::Error + 'static)) {
        let sources = std::iter::successors(Some(error), |error| error.source());
        let texts: Vec<_> = sources.map(|e| format!("{e}\n{e:?}")).collect();
        let shown = texts.join("\n");
        let counters = self.emulator.counters();
        let presented = counters.presentations.iter().map(|p| &*p.refresh_token);
        for secret in presented.chain([SECRET, "s3%2Bcret%252F"]) {
            assert!(!shown.contains(secret), "{}: {shown}", self.kind.name);
        }
    }

    async fn log_in(&self) -> Result<(), BoxError> {
        let start = self.account.connect()?;
        let url = format!("{}&approve=1", start.url);
        let page = self
            .emulator
            .call(Request::get(url).body(Bytes::new())?)
            .await?;
        self.accounts.finish(start.flow, redirect(&page)?).await?;
        self.check_expiry().await?;
        self.expect_api(StatusCode::OK).await
    }

    /// Lets the access token expire, which a request to the API notices.
    async fn refresh(&self) -> Result<(), BoxError> {
        self.emulator.expire_access_tokens();
        self.expect_api(StatusCode::OK).await?;
        self.check_expiry().await?;
        let counters = self.emulator.counters();
        ensure(counters.refreshes() == 1, "there is not one refresh")?;
        let token = self.account.token().await?;
        ensure(token.generation() == 2, "the tokens are not the second")?;
        let login_data = self.account.login_data().await?;
        ensure((self.kind.brings)(&login_data), "the login data are others")
    }

    /// Revokes the grant at the provider: one refusal must be enough to ask for a login.
    async fn be_refused(&self) -> Result<(), BoxError> {
        self.emulator.revoke_user(DEFAULT_USER);
        match self.call_api().await {
            Err(error) => match Error::find(&*error) {
                Some(Error::ReauthorizationRequired { .. }) => {}
                _ => return Err(error),
            },
            Ok(response) => return Err(format!("{}", response.status()).into()),
        }
        let counters = self.emulator.counters();
        ensure(counters.refreshes() == 2, "there is not one more refresh")
    }

    async fn disconnect(&self) -> Result<(), BoxError> {
        let token = self.account.token().await?;
        self.account.disconnect().await?;
        drop(token);
        let counters = self.emulator.counters();
        ensure(counters.revocations == 2, "not both tokens were revoked")?;
        ensure(
            counters.presented_after_answer() == 0 && counters.max_concurrent_presentations < 2,
            "a refresh token was presented twice",
        )
    }

    /// Checks that the access token expires when the provider said so.
    async fn check_expiry(&self) -> Result<(), BoxError> {
        let expiry = self.account.token().await?.expires_at();
        let expected = self.kind.expires.then(|| SystemTime::now() + LIFE);
        let matches = match (expiry, expected) {
            (Some(expiry), Some(expected)) => {
                let minute = Duration::from_secs(60);
                expiry > expected - minute && expiry < expected + minute
            }
            (expiry, expected) => expiry == expected,
        };
        ensure(matches, "the access token expires at another time")
    }

    async fn expect_api(&self, status: StatusCode) -> Result<(), BoxError> {
        let response = self.call_api().await?;
        ensure(response.status() == status, "the API rejects the token")
    }

    /// Calls the API at the address that the emulator has for it.
    async fn call_api(&self) -> Result<Response<Bytes>, BoxError> {
        let url = self.emulator.url(Endpoint::Api).unwrap_or_default();
        let emulator = self.emulator.clone();
        let http = service_fn(
            move |request: Request<tokenkeeper::tower::Replay<Full<Bytes>>>| {
                let emulator = emulator.clone();
                async move {
                    let (head, body) = request.into_parts();
                    let body = body.collect().await?.to_bytes();
                    let answer = emulator.call(Request::from_parts(head, body)).await?;
                    Ok::<_, BoxError>(answer)
                }
            },
        );
        let layered = TokenLayer::new(self.account.clone()).layer(http);
        let request = Request::get(url).body(Full::new(Bytes::new()))?;
        layered.oneshot(request).await
    }
}

/// Reads the redirect as a browser follows it.
fn redirect(page: &Response<Bytes>) -> Result<Redirect, BoxError> {
    match page.headers().get("location") {
        Some(location) => Ok(redirect_of(location.to_str()?)),
        None => Err(format!("no redirect: {:?}", page.status()).into()),
    }
}

fn ensure(holds: bool, otherwise: &str) -> Result<(), BoxError> {
    if holds { Ok(()) } else { Err(otherwise.into()) }
}
