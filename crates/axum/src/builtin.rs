//! The built-in pages.

use axum::response::Response;
use http::StatusCode;
use maud::{Markup, PreEscaped, html};
use tokenkeeper_engine::FlowInfo;
use tokenkeeper_pages::{Mark, document};

use crate::{
    failure::{FailurePage, Retry, RetryForm},
    fields::Fields,
    page::{self, Forms, Scripts},
    provider_info::ProviderInfo,
};

/// Renders the page whose button starts a login.
pub(crate) fn connect(provider: &ProviderInfo, fields: &Fields, page: ConnectPage) -> Response {
    let name = &provider.name;
    let back = fields.next.as_deref().unwrap_or(&provider.back);
    let asks_site = page == ConnectPage::Site;
    let button = match page {
        ConnectPage::Again => "Connect again",
        ConnectPage::Site | ConnectPage::Login => "Connect",
    };
    let content = html! {
        @if page == ConnectPage::Again {
            p #connected { "You are connected. Another login replaces this one." }
        }
        p {
            "You go to " (name)
            @if let Some(site) = &fields.site { " (" (site) ")" }
            @if let Some(account) = &fields.account { " for your account “" (account) "”" }
            ", allow the access there, and come back."
        }
        (form("connect", &provider.connect, fields, asks_site, button, back))
    };
    let html = document(Mark::Done, &format!("Connect to {name}"), content);
    let forms = Forms::Provider(provider.secure);
    page::document(StatusCode::OK, html, Scripts::None, forms)
}

/// What the page to connect is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ConnectPage {
    /// The provider's site, which the person must name first.
    Site,
    /// A login of an account that needs one.
    Login,
    /// Another login of a connected account.
    Again,
}

/// Renders the page about a failure.
pub(crate) fn failure(page: &FailurePage) -> Response {
    let forms = match page.retry {
        Some(Retry::Form(_)) => Forms::Provider(page.secure),
        _ => Forms::None,
    };
    let html = document(Mark::Failed, &page.title(), failure_content(page));
    page::document(page.status(), html, Scripts::None, forms)
}

fn failure_content(page: &FailurePage) -> Markup {
    html! {
        p #text { (page.message()) }
        @match &page.retry {
            Some(Retry::Form(RetryForm { action, fields, asks_site })) => {
                (form("retry", action, fields, *asks_site, "Try again", &page.back))
            }
            Some(Retry::Link(path)) => div.actions {
                a #retry.button.main href=(path) { "Try again" }
                (back_link(&page.back))
            }
            None => div.actions { (back_link(&page.back)) }
        }
    }
}

/// Renders the relay page. Without a nonce it only removes the fragment from the address and the
/// history, and goes on to `next` if there is one.
pub(crate) fn relay(
    status: StatusCode,
    title: &str,
    content: &Relay<'_>,
    (nonce, next): (&str, &str),
) -> Response {
    let csp_nonce = tokenkeeper_pages::nonce();
    let (mark, forms) = match content {
        Relay::Text { .. } => (Mark::Done, Forms::Own),
        Relay::Failure(page) => (Mark::Failed, Forms::Provider(page.secure)),
    };
    let content = html! {
        @match content {
            Relay::Text { text, back } => {
                p #text role="status" { (text) }
                noscript {
                    p { "This page needs JavaScript to finish the login. Nothing was connected." }
                    div.actions { (back_link(back)) }
                }
                // The script shows it if it cannot go on.
                div #leave.actions hidden { a.button href=(back) { "Back" } }
                form #confirm method="post" hidden {
                    input type="hidden" name="redirect";
                    (answers())
                }
            }
            Relay::Failure(page) => (failure_content(page)),
        }
        script nonce=(csp_nonce) data-nonce=(nonce) data-next=(next) {
            (PreEscaped(include_str!("relay/script.js")))
        }
    };
    let scripts = Scripts::Fetching(&csp_nonce);
    page::document(status, document(mark, title, content), scripts, forms)
}

/// What the relay page shows.
pub(crate) enum Relay<'a> {
    /// What happens, and the path that leads back to the application.
    Text {
        text: &'a str,
        back: &'a str,
    },
    Failure(&'a FailurePage),
}

/// Renders the page that asks whether a redirect without a state is the person's. If its address
/// has the redirect, a script removes it from there and from the history.
pub(crate) fn confirm(title: &str, texts: [&str; 2], sealed: &str, at_redirect: bool) -> Response {
    let csp_nonce = at_redirect.then(tokenkeeper_pages::nonce);
    let content = html! {
        @for text in texts { p { (text) } }
        form method="post" action="?" {
            input type="hidden" name="redirect" value=(sealed);
            (answers())
        }
        @if let Some(nonce) = &csp_nonce {
            script nonce=(nonce) { "history.replaceState(null, '', location.pathname);" }
        }
    };
    let html = document(Mark::Failed, title, content);
    let scripts = csp_nonce.as_deref().map_or(Scripts::None, Scripts::Inline);
    page::document(StatusCode::OK, html, scripts, Forms::Own)
}

/// Returns the question that a person confirms.
pub(crate) fn question(name: &str, info: &FlowInfo) -> String {
    format!("Connect your account at {name} ({})?", info.account.site())
}

/// Renders a page whose script posts the form once more, to this query.
pub(crate) fn post_again(name: &str, query: &str, form: &str) -> Response {
    let csp_nonce = tokenkeeper_pages::nonce();
    let content = html! {
        form method="post" action={ "?" (query) } {
            @for (name, value) in form_urlencoded::parse(form.as_bytes()) {
                input type="hidden" name=(name) value=(value);
            }
            p role="status" { "Finishing the login…" }
            noscript { button.main { "Continue" } }
        }
        script nonce=(csp_nonce) { "document.forms[0].submit();" }
    };
    let html = document(Mark::Done, &format!("Connecting to {name}"), content);
    let scripts = Scripts::Inline(&csp_nonce);
    page::document(StatusCode::OK, html, scripts, Forms::Own)
}

/// Renders a form of these routes with its button, and a link back.
fn form(
    id: &str,
    action: &str,
    fields: &Fields,
    asks_site: bool,
    button: &str,
    back: &str,
) -> Markup {
    html! {
        form id=(id) method="post" action=(action) {
            @for (name, value) in fields.pairs() {
                input type="hidden" name=(name) value=(value);
            }
            @if asks_site {
                label for="site" { "Your address there" }
                input #site name="site" required autocomplete="on" autocapitalize="none"
                    spellcheck="false" inputmode="url" placeholder="your-company.example";
            }
            div.actions {
                button.main { (button) }
                (back_link(back))
            }
        }
    }
}

/// The answers of a form that asks. Neither stands out: only the person knows which is right.
fn answers() -> Markup {
    html! {
        div.actions {
            button name="answer" value="connect" { "Connect" }
            button name="answer" value="cancel" { "Cancel" }
        }
    }
}

fn back_link(path: &str) -> Markup {
    html! { a #back.button href=(path) { "Back" } }
}
