//! The requests and policies of a provider, as text to compare with a golden file.

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};

use super::{
    subject::{Subject, VERIFIER},
    violation::Violation,
};
use crate::{
    access_token::AccessToken,
    authorization::AuthorizationRequest,
    error::Error,
    redirect_uri::RedirectUri,
    request_body::RequestBody,
    secret::{CodeVerifier, State},
    token_set::TokenSet,
};

// With characters that a form escapes and a header does not.
const CODE: &str = "c/1+2==";
const DEVICE_CODE: &str = "dc/1+2==";
const ACCESS: &str = "at/1+2==";
const REFRESH: &str = "rt/1+2==";

/// Writes out everything that a provider sends, and its policies, for a golden file.
///
/// The sections: the URL of the authorization page for the state `S`, the code exchange, the device
/// authorization and a poll (if the provider has them), the refresh, the revocations, the
/// introspection, a request to the API with its token, the verdicts on responses of the API, and
/// the policies. A line breaks before each `&` of a query or a form.
///
/// # Errors
/// [`Violation`] if the provider refuses one of these requests.
pub fn transcript(subject: &Subject) -> Result<String, Violation> {
    let (provider, site) = (subject.provider(), subject.site()?);
    let state = State::new("S");
    let redirect_uri = provider.redirect_uri(&state);
    let access = AccessToken::new(ACCESS);
    let tokens = TokenSet::new(ACCESS).with_refresh_token(REFRESH);
    let api = Request::get("https://api.example/items?page=1").body(Bytes::new());
    let mut api = api.map_err(Error::from)?;
    provider.attach(&access, None)?.apply_to(&mut api)?;
    let list = |requests: &[Request<RequestBody>]| match requests {
        [] => "none".to_owned(),
        some => {
            let texts = some.iter().map(request_text);
            texts
                .map(|text| text.trim_end().to_owned() + "\n\n")
                .collect()
        }
    };
    let introspection = provider.introspection_request(&site, &access)?;
    let sections = [
        (
            "authorization",
            authorization(subject, &state, &redirect_uri)?,
        ),
        (
            "exchange",
            request_text(&subject.exchange_at(CODE, redirect_uri.as_str())?),
        ),
        ("device", list(&subject.device(DEVICE_CODE)?)),
        ("refresh", request_text(&subject.refresh(REFRESH)?)),
        (
            "revocation",
            list(&provider.revocation_requests(&site, &tokens)?),
        ),
        ("introspection", list(introspection.as_slice())),
        ("API", request_text(&api)),
        ("verdicts", verdicts(subject)),
        ("policies", policies(subject)),
    ];
    let sections = sections
        .iter()
        .filter(|(title, text)| *title != "device" || text != "none")
        .map(|(title, text)| {
            let text = text.trim_end().replace('&', "\n  &");
            format!("# {title}\n{text}\n")
        });
    Ok(sections.collect::<Vec<_>>().join("\n"))
}

/// Writes a request as text: the line, the headers in order, an empty line, the body.
pub fn request_text(request: &Request<impl AsRef<[u8]>>) -> String {
    let mut text = format!("{} {}\n", request.method(), request.uri());
    for (name, value) in request.headers() {
        let value = String::from_utf8_lossy(value.as_bytes());
        text.push_str(&format!("{name}: {value}\n"));
    }
    text + "\n" + &String::from_utf8_lossy(request.body().as_ref())
}

/// Lists what some statuses of the API say about the token.
fn verdicts(subject: &Subject) -> String {
    let read = |status: StatusCode| {
        let verdict = subject
            .provider()
            .read_resource_response(status, &HeaderMap::new());
        format!("{}: {verdict:?}\n", status.as_u16())
    };
    [
        StatusCode::UNAUTHORIZED,
        StatusCode::FORBIDDEN,
        StatusCode::NOT_FOUND,
        StatusCode::TOO_MANY_REQUESTS,
    ]
    .map(read)
    .concat()
}

fn policies(subject: &Subject) -> String {
    let dialect = subject.provider().client().dialect();
    format!(
        "old access token: {:?}\nrefresh token lifetime: {:?}\nkeep-alive share: {:?}\n\
         grace: {:?}\nPKCE: {:?}\nstate echo: {:?}\nrevocation reaches: {:?}\n",
        dialect.old_access_token(),
        dialect.refresh_token_lifetime(),
        dialect.keep_alive_share(),
        dialect.grace(),
        dialect.pkce(),
        dialect.state_echo(),
        dialect.revocation_reaches(),
    )
}

fn authorization(subject: &Subject, state: &State, uri: &RedirectUri) -> Result<String, Violation> {
    let challenge = CodeVerifier::new(VERIFIER).code_challenge();
    let request = AuthorizationRequest {
        state,
        redirect_uri: uri,
        scope: None,
        code_challenge: subject.uses_pkce().then_some(&*challenge),
        extra: &[],
    };
    let url = subject
        .provider()
        .authorization_url(&subject.site()?, &request)?;
    Ok(url.into())
}
