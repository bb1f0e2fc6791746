//! Stands in for your sessions: every browser is a person.

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderValue, header},
    middleware::Next,
    response::Response,
};
use tokenkeeper::protocol::State;

/// The person who is signed in.
#[derive(Clone)]
pub struct SignedIn(pub String);

/// The name of a person's second account at a provider.
pub const SECOND: &str = "second";

/// Returns the subject of a person's account with this name, if there may be one.
pub fn subject(person: &str, name: &str) -> Option<String> {
    // Ids of people have no slash, so no two share a subject.
    (name == SECOND).then(|| format!("{person}/{name}"))
}

/// Recognizes a browser by its cookie, and gives one to a new browser.
pub async fn visitor(mut request: Request, next: Next) -> Response {
    if let Some(id) = known(request.headers()) {
        request.extensions_mut().insert(SignedIn(id));
        return next.run(request).await;
    }
    let id = State::random().expose().to_owned();
    request.extensions_mut().insert(SignedIn(id.clone()));
    let mut response = next.run(request).await;
    let cookie = format!("visitor={id}; HttpOnly; SameSite=Lax; Path=/");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

fn known(headers: &HeaderMap) -> Option<String> {
    let cookies = headers.get_all(header::COOKIE).into_iter();
    let mut pairs = cookies
        .filter_map(|cookies| cookies.to_str().ok())
        .flat_map(|cookies| cookies.split("; "));
    let id = pairs.find_map(|pair| pair.strip_prefix("visitor="))?;
    let is_ours = id.len() >= 20
        && id
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    is_ours.then(|| id.to_owned())
}
