//! The pages of a login: what happened, and what to do next.

use axum::{body::Body, response::Response};
use http::{
    HeaderValue, StatusCode,
    header::{
        CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY,
        X_CONTENT_TYPE_OPTIONS,
    },
};
use maud::{Markup, PreEscaped, html};
use tokenkeeper_pages::Mark;

const SCRIPT: &str = include_str!("relay.js");

/// Loads nothing from elsewhere, and runs no script.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The same, with a form for this site.
const ASKING_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; \
                             form-action 'self'; frame-ancestors 'none'";

/// The pages of a login at this provider.
pub(super) struct Pages {
    provider: String,
    /// The application's page for a connected account.
    pub(super) connected: Option<String>,
}

impl Pages {
    pub(super) fn new(provider: &str) -> Self {
        Self {
            provider: provider.to_owned(),
            connected: None,
        }
    }

    pub(super) fn connected(&self) -> Response {
        let html = self.connected.clone().unwrap_or_else(|| {
            let title = format!("Connected to {}", self.provider);
            let text = "The command has its tokens. You can close this page.";
            render(Mark::Done, &title, text, html! {}).into_string()
        });
        page(StatusCode::OK, html)
    }

    /// Shows the failure that ended the login.
    pub(super) fn failed(&self, failure: &str) -> Response {
        let title = format!("Not connected to {}", self.provider);
        let hint = html! {
            p { "Go back to the terminal to try again. You can close this page." }
        };
        let html = render(Mark::Failed, &title, &sentence(failure), hint);
        page(StatusCode::OK, html.into_string())
    }

    /// Shows why an answer is refused, while the login goes on.
    pub(super) fn refused(&self, status: StatusCode, problem: &str) -> Response {
        let title = format!("Not connected to {} yet", self.provider);
        let hint = html! {
            p { "The login goes on: finish it in the page that the command opened." }
        };
        let html = render(Mark::Failed, &title, &sentence(problem), hint);
        page(status, html.into_string())
    }

    /// Asks whether an answer without a state is the person's.
    pub(super) fn ask(&self, site: &str, nonce: &str) -> Response {
        let title = format!("Connect to {}?", self.provider);
        let text = format!(
            "The answer of {site} does not show that it belongs to your login. Connect only if you \
             have just allowed this access yourself. If a link or another page led you here, \
             cancel: you would connect another person's account."
        );
        let form = html! {
            form method="post" action="?" {
                input type="hidden" name="nonce" value=(nonce);
                button name="answer" value="connect" { "Connect" }
                " "
                button name="answer" value="cancel" { "Cancel" }
            }
        };
        let html = render(Mark::Failed, &title, &text, form);
        let mut response = page(StatusCode::OK, html.into_string());
        let policy = HeaderValue::from_static(ASKING_POLICY);
        response
            .headers_mut()
            .insert(CONTENT_SECURITY_POLICY, policy);
        response
    }

    /// Serves the page whose script posts the fragment.
    pub(super) fn relay(&self, nonce: &str) -> Response {
        let script_nonce = tokenkeeper_pages::nonce();
        let form = html! {
            noscript { p { "This page needs JavaScript to finish the login." } }
            form method="post" {
                input type="hidden" name="nonce" value=(nonce);
                input type="hidden" name="fragment";
            }
            script nonce=(script_nonce) { (PreEscaped(SCRIPT)) }
        };
        let title = format!("Connecting to {}", self.provider);
        let html = render(Mark::Done, &title, "Finishing the login…", form);
        let mut response = page(StatusCode::OK, html.into_string());
        let policy = format!(
            "default-src 'none'; style-src 'unsafe-inline'; script-src 'nonce-{script_nonce}'; \
             base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
        );
        let policy = HeaderValue::try_from(policy).expect("a nonce is hexadecimal");
        response
            .headers_mut()
            .insert(CONTENT_SECURITY_POLICY, policy);
        response
    }
}

fn render(mark: Mark, title: &str, text: &str, more: Markup) -> Markup {
    let content = html! {
        p { (text) }
        (more)
    };
    tokenkeeper_pages::document(mark, title, content)
}

/// Returns an error's text as a sentence.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().into_iter().flat_map(char::to_uppercase);
    let mut sentence: String = first.chain(chars).collect();
    if !sentence.ends_with(['.', '!', '?']) {
        sentence.push('.');
    }
    sentence
}

fn page(status: StatusCode, html: String) -> Response {
    content(status, "text/html; charset=utf-8", html)
}

pub(super) fn text(status: StatusCode, text: &'static str) -> Response {
    content(status, "text/plain; charset=utf-8", text.to_owned())
}

fn content(status: StatusCode, kind: &'static str, content: String) -> Response {
    let mut response = Response::new(Body::from(content));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static(kind);
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

/// Redirects the browser to a path with a GET (303).
pub(super) fn see_other(path: &str) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    let path = HeaderValue::from_str(path).expect("paths and nonces are ASCII");
    response.headers_mut().insert(LOCATION, path);
    response
}

/// Sets the headers of every response that does not set them itself.
pub(super) fn harden(mut response: Response) -> Response {
    for (name, value) in [
        (CACHE_CONTROL, "no-store"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        let headers = response.headers_mut();
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    response
}
