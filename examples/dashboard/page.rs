//! The page.

use axum::{
    http::header,
    response::{IntoResponse as _, Response},
};
use maud::{Markup, html};
use tokenkeeper_pages::{STYLE_SOURCE, bare};

use super::{
    cards::{Card, CardState, Facts},
    session::SECOND,
};

/// Responds with the page of these cards.
pub fn respond(cards: &[Card]) -> Response {
    // The forms lead to the providers, which are on loopback here.
    let policy = format!(
        "default-src 'none'; style-src {STYLE_SOURCE}; base-uri 'none'; \
         form-action 'self' http://127.0.0.1:*; frame-ancestors 'none'"
    );
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::CACHE_CONTROL, "no-store".to_owned()),
        (header::REFERRER_POLICY, "same-origin".to_owned()),
    ];
    (headers, page(cards).into_string()).into_response()
}

fn page(cards: &[Card]) -> Markup {
    let connected = cards.iter().filter(|card| card.is_connected()).count();
    let body = html! {
        header {
            h1 { "Your accounts" }
            p.soft {
                (connected) " of " (cards.len()) " connected. Their tokens stay on the server."
            }
        }
        main {
            ul {
                @for card in cards { li { (render(card)) } }
            }
        }
    };
    bare("Your accounts", "board", body)
}

fn render(card: &Card) -> Markup {
    let class = match &card.state {
        CardState::Connected(facts) if facts.is_well => "card done",
        CardState::Connected(_) => "card failed",
        CardState::NotConnected(_) => "card idle",
    };
    let title = title(card);
    let id = match card.account {
        None => card.brand.to_owned(),
        Some(account) => format!("{}-{account}", card.brand),
    };
    let heading = format!("{id}-name");
    html! {
        article id=(id) class=(class) aria-labelledby=(heading) {
            h2 id=(heading) { (title) }
            @match &card.state {
                CardState::Connected(facts) => { (lines(facts)) (actions(card, facts)) }
                CardState::NotConnected(reason) => {
                    p.state.soft { (reason) }
                    div.actions { (button("connect", "Connect", card, true)) }
                }
            }
            @if let Some(said) = &card.said {
                pre.said role="status" tabindex="0" aria-label={ "Answer of " (title) } {
                    (said)
                }
            }
        }
    }
}

fn lines(facts: &Facts) -> Markup {
    html! {
        dl {
            dt { "Connected as" } dd.person { (facts.person) }
            dt { "Fresh for" } dd.fresh { (facts.fresh_until) }
            dt { "Last refresh" } dd.refreshed { (facts.last_refresh) }
            dt { "Health" } dd.state { (facts.health) }
        }
    }
}

fn actions(card: &Card, facts: &Facts) -> Markup {
    let title = title(card);
    html! {
        div.actions {
            @if facts.needs_login {
                (button("connect", "Connect again", card, true))
            } @else {
                a.button href=(path("call", card, card.account))
                    aria-label={ "Call the API of " (title) } { "Call the API" }
                (button("refresh", "Refresh", card, false))
            }
            (button("disconnect", "Disconnect", card, false))
            @if card.offers_second {
                form.second method="post" action=(path("connect", card, Some(SECOND))) {
                    button aria-label={ "Add an account at " (title) } { "Add an account" }
                }
            }
        }
    }
}

/// A form with a button: `POST /{action}/{provider}`.
fn button(action: &str, label: &str, card: &Card, main: bool) -> Markup {
    html! {
        form method="post" action=(path(action, card, card.account)) {
            button.main[main] aria-label={ (label) " " (title(card)) } { (label) }
        }
    }
}

fn title(card: &Card) -> String {
    match card.account {
        None => card.name.to_owned(),
        Some(account) => format!("{}, {account} account", card.name),
    }
}

/// The path of an action on one of the person's accounts at a card's provider.
fn path(action: &str, card: &Card, account: Option<&str>) -> String {
    match account {
        None => format!("/{action}/{}", card.brand),
        Some(account) => format!("/{action}/{}?account={account}", card.brand),
    }
}
