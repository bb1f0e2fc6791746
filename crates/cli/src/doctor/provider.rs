//! What concerns one provider: the client, the redirect URI, the endpoints, the clock.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, Uri, header::DATE};
use tokenkeeper::{
    Account, Accounts, ConnectOptions, MemoryStore,
    login::{Error as LoginError, LoopbackLogin},
    protocol::{Grant, Provider, RefreshToken, RequestBody},
    reqwest::ReqwestTransport,
    transport::Transport as _,
};

use super::report::Report;
use crate::{
    BoxError, causes,
    config::{Config, ProviderConfig},
    login::port_of,
    progress, time,
};

/// How long an endpoint may take to answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How far apart the clocks may be: the engine warns of the same difference.
const MAX_SKEW: Duration = Duration::from_secs(60);

/// Checks a provider of the configuration.
pub(super) async fn check(
    report: &mut Report,
    config: &Config,
    name: &str,
    transport: &ReqwestTransport,
) {
    let titled = |what: &str| format!("{name}: {what}");
    let client = titled("client");
    let made = match config.provider(name) {
        Ok(provider) => Patient::new(name, provider, config, transport).await,
        Err(error) => Err(error),
    };
    let patient = report.take(&client, made, |patient| {
        format!(
            "`{}` is registered",
            patient.provider.client().registration().client_id()
        )
    });
    let Some(patient) = patient else { return };

    let redirect_uri = patient.check_redirect_uri().await;
    report.take(&titled("redirect URI"), redirect_uri, String::clone);
    let authorization = patient.authorization_endpoint();
    let token = patient.token_endpoint();
    for (what, endpoint) in [
        ("authorization endpoint", authorization),
        ("token endpoint", token),
    ] {
        let answer = match endpoint {
            Ok(endpoint) => progress::show("asking the provider", reach(transport, endpoint)).await,
            Err(error) => Err(error),
        };
        let reached = report.take(&titled(what), answer, |(uri, answer)| {
            format!("{uri} answers ({})", answer.status())
        });
        // The clock that counts is that of the token endpoint, which is the last one.
        if let (Some((_, answer)), "token endpoint") = (reached, what) {
            let skew = check_clock(answer.headers(), SystemTime::now());
            report.take(&titled("clock"), skew, String::clone);
        }
    }
}

/// A provider, and an engine that never sends a request.
struct Patient {
    provider: Arc<dyn Provider>,
    accounts: Accounts,
    account: Account,
}

impl Patient {
    async fn new(
        name: &str,
        provider: &ProviderConfig,
        config: &Config,
        transport: &ReqwestTransport,
    ) -> Result<Self, BoxError> {
        let built = provider.build(name, config).await?;
        let accounts = Accounts::builder(MemoryStore::new())
            .provider(Arc::clone(&built))
            .transport(transport.clone())
            .build()?;
        let account = match &provider.site {
            Some(site) => accounts.account_at(built.brand(), site, "doctor")?,
            None => accounts.account(built.brand(), "doctor")?,
        };
        Ok(Self {
            provider: built,
            accounts,
            account,
        })
    }

    /// Listens for a redirect as a login does, for a moment.
    async fn check_redirect_uri(&self) -> Result<String, BoxError> {
        let options = ConnectOptions::new();
        let port = port_of(&self.accounts, &self.account, &options)?;
        let registered = self.provider.client().registered_redirect_uri();
        let login = LoopbackLogin::new(&self.account).open_browser(false);
        match login.show(|_| {}).port(port).start().await {
            Ok(_) => Ok(format!("a login can listen at {registered}")),
            Err(LoginError::NotLoopback { .. }) => Ok(format!(
                "{registered} is not on this machine: at a login, paste the address at which the \
                 browser ends"
            )),
            Err(error) => Err(error.into()),
        }
    }

    fn authorization_endpoint(&self) -> Result<Uri, BoxError> {
        let mut url = self.account.connect()?.url;
        url.set_query(None);
        Ok(url.as_str().parse()?)
    }

    /// Returns the address of token requests. What else such a request holds is dropped.
    fn token_endpoint(&self) -> Result<Uri, BoxError> {
        let token = RefreshToken::new("doctor");
        let grant = Grant::RefreshToken {
            refresh_token: &token,
            redirect_uri: self.provider.client().registration().redirect_uri(),
            scope: None,
        };
        let request = self.provider.token_request(self.account.site(), &grant)?;
        Ok(request.uri().clone())
    }
}

/// Asks for the head of an endpoint. Any answer shows that it can be reached.
async fn reach(
    transport: &ReqwestTransport,
    endpoint: Uri,
) -> Result<(Uri, Response<Bytes>), BoxError> {
    let request = Request::builder()
        .method(Method::HEAD)
        .uri(&endpoint)
        .body(RequestBody::new(Vec::new()))?;
    match transport.send(request, TIMEOUT).await {
        Ok(answer) => Ok((endpoint, answer)),
        Err(error) => {
            let error = causes(&error);
            let text = format!(
                "{endpoint} cannot be reached: {error}; check the network, a proxy, and `site` in \
                 the configuration"
            );
            Err(text.into())
        }
    }
}

/// Compares this machine's clock with that of a response.
fn check_clock(head: &HeaderMap, now: SystemTime) -> Result<String, BoxError> {
    let date = head.get(DATE).and_then(|date| date.to_str().ok());
    let Some(date) = date.and_then(|date| httpdate::parse_http_date(date).ok()) else {
        return Ok("the provider does not send its own".to_owned());
    };
    let (skew, direction) = match now.duration_since(date) {
        Ok(ahead) => (ahead, "ahead of"),
        Err(behind) => (behind.duration(), "behind"),
    };
    if skew <= MAX_SKEW {
        return Ok("within a minute of the provider's".to_owned());
    }
    let skew = time::rough(skew);
    let text = format!(
        "this machine's clock is {skew} {direction} the provider's, so tokens are refreshed too \
         early or too late: synchronize it by NTP"
    );
    Err(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_may_be_a_minute_apart() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let at = |date: SystemTime| {
            let mut head = HeaderMap::new();
            let date = httpdate::fmt_http_date(date);
            head.insert(DATE, date.parse().unwrap());
            check_clock(&head, now).map_err(|error| error.to_string())
        };
        let minute = Duration::from_secs(60);
        for date in [now, now - minute, now + minute] {
            assert!(at(date).is_ok());
        }
        let ahead = at(now - minute - minute).unwrap_err();
        assert!(ahead.contains("clock is 2 minutes ahead of"), "{ahead}");
        let behind = at(now + Duration::from_secs(90)).unwrap_err();
        assert!(
            behind.contains("clock is 1 minute 30 seconds behind"),
            "{behind}"
        );
        assert!(check_clock(&HeaderMap::new(), now).is_ok());
    }
}
