//! The life of an account: a login, requests, a refresh, a refusal, a new login, a disconnect.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use tokenkeeper::{
    Account, Accounts, Confirmation, Error, MemoryStore, Status,
    protocol::{Dialect, LoginData, Provider, Redirect, Registration, url::form_urlencoded},
    tower::{Replay, TokenLayer},
};
use tokenkeeper_emulator::{
    DEFAULT_CLIENT_ID, DEFAULT_REDIRECT_URI, DEFAULT_USER, Emulator, Endpoint, PlainOptions,
    RegisteredClient,
};
use tokenkeeper_test_support::{InProcessTransport, call_api_with, credential, redirect_of};
use tower::{Layer as _, ServiceExt as _, service_fn};

use super::Kind;
use crate::client::BoxError;

/// A secret that form-encoding changes, and that decoding would spoil.
pub(super) const SECRET: &str = "s3+cret%2F";
const BASE: &str = "https://login.example.com";
pub(super) const LIFE: Duration = Duration::from_secs(3600);

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
    let registration = Registration::new(DEFAULT_CLIENT_ID, DEFAULT_REDIRECT_URI);
    let registration = registration.secret(SECRET).scope("read write");
    let provider = Dialect::from_toml(&text(lines))?.with((kind.register)(registration))?;
    let story = Story {
        name: kind.name,
        base: BASE.to_owned(),
        brings: kind.brings,
        access_token_lifetime: kind.expires.then_some(LIFE),
        revokes: true,
    };
    let account = ("kind", None);
    story.run(kind.options.clone(), provider, account).await
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

/// What a life must look like.
pub(super) struct Story {
    pub(super) name: &'static str,
    /// The base URL of the provider.
    pub(super) base: String,
    /// Checks what the login brought, after a refresh.
    pub(super) brings: fn(&LoginData) -> bool,
    /// How long an access token lives, if the provider tells it.
    pub(super) access_token_lifetime: Option<Duration>,
    /// Whether a disconnect ends the access token at the provider.
    pub(super) revokes: bool,
}

impl Story {
    /// Leads an account through its life. It is one of this brand and at this site.
    pub(super) async fn run(
        self,
        options: PlainOptions,
        provider: impl Provider,
        (brand, site): (&str, Option<&str>),
    ) -> Result<(), BoxError> {
        let client = RegisteredClient::new(DEFAULT_CLIENT_ID).secret(SECRET);
        let emulator = Emulator::plain()
            .options(options)
            .client(client.redirect_uri(DEFAULT_REDIRECT_URI))
            .base_url(&self.base)
            .access_token_lifetime(self.access_token_lifetime.unwrap_or(LIFE))
            .in_process();
        let accounts = Accounts::builder(MemoryStore::new())
            .provider(provider)
            .transport(InProcessTransport::new(emulator.clone()))
            .build()?;
        let account = |subject| match site {
            Some(site) => accounts.account_at(brand, site, subject),
            None => accounts.account(brand, subject),
        };
        let life = Life {
            story: self,
            emulator,
            account: account("user-42")?,
            other: account("user-43")?,
            accounts,
        };
        let lived = life.run().await;
        if let Err(error) = &lived {
            life.assert_without_secrets(&**error);
        }
        lived
    }
}

/// An account in the middle of its life.
struct Life {
    story: Story,
    emulator: Emulator,
    accounts: Accounts,
    account: Account,
    /// An account that has no tokens of an earlier login to revoke.
    other: Account,
}

impl Life {
    async fn run(&self) -> Result<(), BoxError> {
        self.log_in(&self.account).await?;
        self.refresh().await?;
        self.be_refused().await?;
        self.log_in(&self.account).await?;
        self.log_in(&self.other).await?;
        self.disconnect(&self.other).await
    }

    /// Fails if an error shows a secret: a wrong dialect must not tell more than a right one.
    fn assert_without_secrets(&self, error: &(dyn std::error::Error + 'static)) {
        let sources = std::iter::successors(Some(error), |error| error.source());
        let texts: Vec<_> = sources.map(|e| format!("{e}\n{e:?}")).collect();
        let shown = texts.join("\n");
        let counters = self.emulator.counters();
        let presented = counters.presentations.iter().map(|p| &*p.refresh_token);
        for secret in presented.chain([SECRET, "s3%2Bcret%252F"]) {
            assert!(!shown.contains(secret), "{}: {shown}", self.story.name);
        }
    }

    async fn log_in(&self, account: &Account) -> Result<(), BoxError> {
        let start = account.connect()?;
        let url = format!("{}&approve=1", start.url);
        let page = self
            .emulator
            .call(Request::get(url).body(Bytes::new())?)
            .await?;
        let (flow, redirect) = (start.flow, redirect(&page)?);
        let confirmation = Confirmation::ByPerson;
        let login = self.accounts.finish_confirmed(flow, redirect, confirmation);
        login.await?;
        self.check_expiry(account).await?;
        self.expect_success(account).await
    }

    /// Lets the access token expire, which a request to the API notices.
    async fn refresh(&self) -> Result<(), BoxError> {
        self.emulator.expire_access_tokens();
        self.expect_success(&self.account).await?;
        self.check_expiry(&self.account).await?;
        let counters = self.emulator.counters();
        ensure(counters.refreshes() == 1, "there is not one refresh")?;
        let token = self.account.token().await?;
        ensure(token.generation() == 2, "the tokens are not the second")?;
        let login_data = self.account.login_data().await?;
        ensure(
            (self.story.brings)(&login_data),
            "the login data are others",
        )
    }

    /// Revokes the grant at the provider: one refusal must be enough to ask for a login.
    async fn be_refused(&self) -> Result<(), BoxError> {
        self.emulator.revoke_user(DEFAULT_USER);
        match self.call_api(&self.account).await {
            Err(error) => match Error::find(&*error) {
                Some(Error::ReauthorizationRequired { .. }) => {}
                _ => return Err(error),
            },
            Ok(response) => return Err(format!("{}", response.status()).into()),
        }
        let counters = self.emulator.counters();
        ensure(counters.refreshes() == 2, "there is not one more refresh")
    }

    async fn disconnect(&self, account: &Account) -> Result<(), BoxError> {
        let credential = credential(account).await;
        account.disconnect().await?;
        let status = account.status().await?;
        let done = matches!(
            status,
            Status::Disconnected {
                revocation_pending: false
            }
        );
        ensure(done, &format!("{status:?}"))?;
        let ended = call_api_with(&self.emulator, &credential).await == 401;
        ensure(
            ended == self.story.revokes,
            "the access token was not revoked",
        )?;
        let counters = self.emulator.counters();
        ensure(
            counters.presented_after_answer() == 0 && counters.max_concurrent_presentations < 2,
            "a refresh token was presented twice",
        )
    }

    /// Checks that the access token expires when the provider said so.
    async fn check_expiry(&self, account: &Account) -> Result<(), BoxError> {
        let expiry = account.token().await?.expires_at();
        let lifetime = self.story.access_token_lifetime;
        let expected = lifetime.map(|lifetime| SystemTime::now() + lifetime);
        let matches = match (expiry, expected) {
            (Some(expiry), Some(expected)) => {
                let minute = Duration::from_secs(60);
                expiry > expected - minute && expiry < expected + minute
            }
            (expiry, expected) => expiry == expected,
        };
        ensure(matches, "the access token expires at another time")
    }

    async fn expect_success(&self, account: &Account) -> Result<(), BoxError> {
        let response = self.call_api(account).await?;
        let accepted = response.status() == StatusCode::OK;
        ensure(accepted, "the API rejects the token")
    }

    /// Calls the API at the address that the emulator has for it.
    async fn call_api(&self, account: &Account) -> Result<Response<Bytes>, BoxError> {
        let url = self.emulator.url(Endpoint::Api).unwrap_or_default();
        let emulator = self.emulator.clone();
        let http = service_fn(move |request: Request<Replay<Full<Bytes>>>| {
            let emulator = emulator.clone();
            async move {
                let (head, body) = request.into_parts();
                let body = body.collect().await?.to_bytes();
                let answer = emulator.call(Request::from_parts(head, body)).await?;
                Ok::<_, BoxError>(answer)
            }
        });
        let layered = TokenLayer::new(account.clone()).layer(http);
        let request = Request::get(url).body(Full::new(Bytes::new()))?;
        layered.oneshot(request).await
    }
}

/// Reads the redirect as a browser follows it.
fn redirect(page: &Response<Bytes>) -> Result<Redirect, BoxError> {
    match page.headers().get("location") {
        Some(location) => Ok(redirect_of(location.to_str()?)),
        None if page.status() == StatusCode::OK => Ok(form_post(str::from_utf8(page.body())?)),
        None => Err(format!("no redirect: {:?}", page.status()).into()),
    }
}

/// Reads the form that a page posts at once.
fn form_post(page: &str) -> Redirect {
    let mut body = form_urlencoded::Serializer::new(String::new());
    for input in page.split("<input type=hidden name=\"").skip(1) {
        let mut parts = input.split('"');
        let (name, value) = (parts.next(), parts.nth(1));
        body.append_pair(name.unwrap_or_default(), value.unwrap_or_default());
    }
    Redirect::form_post(body.finish())
}

fn ensure(holds: bool, otherwise: &str) -> Result<(), BoxError> {
    if holds { Ok(()) } else { Err(otherwise.into()) }
}
