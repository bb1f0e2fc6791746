//! The page.

use axum::{
    http::header,
    response::{IntoResponse as _, Response},
};
use maud::{Markup, html};
use tokenkeeper_pages::{STYLE_SOURCE, bare};

use crate::cards::{Card, CardState, Facts};

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
    let connected = |card: &&Card| matches!(card.state, CardState::Connected(_));
    let connected = cards.iter().filter(connected).count();
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
    let heading = format!("{}-name", card.brand);
    html! {
        article id=(card.brand) class=(class) aria-labelledby=(heading) {
            h2 id=(heading) { (card.name) }
            @match &card.state {
                CardState::Connected(facts) => { (lines(facts)) (actions(card, facts)) }
                CardState::NotConnected(reason) => {
                    p.state.soft { (reason) }
                    div.actions { (button("connect", "Connect", card, true)) }
                }
            }
            @if let Some(said) = &card.said {
                pre.said role="status" tabindex="0" aria-label={ "Answer of " (card.name) } {
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
    html! {
        div.actions {
            @if facts.needs_login {
                (button("connect", "Connect again", card, true))
            } @else {
                a.button href={ "/call/" (card.brand) }
                    aria-label={ "Call the API of " (card.name) } { "Call the API" }
                (button("refresh", "Refresh", card, false))
            }
            (button("disconnect", "Disconnect", card, false))
        }
    }
}

/// A form with a button: `POST /{action}/{provider}`.
fn button(action: &str, label: &str, card: &Card, main: bool) -> Markup {
    html! {
        form method="post" action={ "/" (action) "/" (card.brand) } {
            button.main[main] aria-label={ (label) " " (card.name) } { (label) }
        }
    }
}
