//! What the cards show.

use std::time::{Duration, SystemTime};

use tokenkeeper::{Connection, Status, operating::AccountHealth, store::ErrorChain};

use crate::{Dashboard, providers::Provider, session::SignedIn};

/// What the card of a provider shows.
pub struct Card {
    pub brand: &'static str,
    pub name: &'static str,
    pub state: CardState,
    /// What the API or a refresh has just said.
    pub said: Option<String>,
}

pub enum CardState {
    Connected(Facts),
    /// The reason why there is nothing to show.
    NotConnected(String),
}

/// The lines of a connected account.
pub struct Facts {
    /// Whether nothing needs care.
    pub is_well: bool,
    /// Whether only a new login helps.
    pub needs_login: bool,
    pub person: String,
    pub fresh_until: String,
    pub last_refresh: String,
    pub health: String,
}

/// Returns the cards of all providers. `said` is for the card of one.
pub async fn all(
    dashboard: &Dashboard,
    person: &SignedIn,
    said: Option<(&str, String)>,
) -> Vec<Card> {
    let mut cards = Vec::new();
    for provider in dashboard.providers.iter() {
        let said = said.as_ref().filter(|(brand, _)| *brand == provider.brand);
        cards.push(Card {
            brand: provider.brand,
            name: provider.name,
            state: state(dashboard, provider, person).await,
            said: said.map(|(_, said)| said.clone()),
        });
    }
    cards
}

async fn state(dashboard: &Dashboard, provider: &Provider, person: &SignedIn) -> CardState {
    let account = match dashboard.accounts.account(provider.brand, &person.0) {
        Ok(account) => account,
        Err(error) => return CardState::NotConnected(ErrorChain::of(&error).to_string()),
    };
    let seen = dashboard.activity.of(&account);
    match account.status().await {
        Ok(Status::Connected(connection)) => {
            let now = SystemTime::now();
            let refreshed = seen.last_refresh.and_then(|at| now.duration_since(at).ok());
            CardState::Connected(Facts {
                is_well: connection.health == AccountHealth::Healthy,
                needs_login: connection.reauthorize.is_some(),
                person: seen
                    .name
                    .unwrap_or_else(|| "The provider does not say".to_owned()),
                fresh_until: fresh_until(&connection, now),
                last_refresh: refreshed.map_or_else(
                    || "None since the login".to_owned(),
                    |ago| format!("{} ago", words(ago)),
                ),
                health: health(&connection),
            })
        }
        Ok(_) => CardState::NotConnected("Not connected".to_owned()),
        Err(error) => CardState::NotConnected(ErrorChain::of(&error).to_string()),
    }
}

fn fresh_until(connection: &Connection, now: SystemTime) -> String {
    match connection.expires_at.map(|at| at.duration_since(now)) {
        None => "The provider does not say".to_owned(),
        Some(Ok(left)) => words(left),
        Some(Err(expired)) => format!("Expired {} ago", words(expired.duration())),
    }
}

fn health(connection: &Connection) -> String {
    if let Some(cause) = &connection.reauthorize {
        return format!("A new login is needed: {cause}");
    }
    match connection.health {
        AccountHealth::Healthy => "Healthy".to_owned(),
        AccountHealth::Expired => "Expired: the next call refreshes it".to_owned(),
        AccountHealth::Failing => "The last refresh failed: it is tried again".to_owned(),
        AccountHealth::Misconfigured => "The configuration is at fault".to_owned(),
        AccountHealth::Unexplained => "The provider refuses without a reason".to_owned(),
        health => health.to_string(),
    }
}

/// Returns a duration in words of one unit.
fn words(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (count, unit) = match seconds {
        0..=89 => (seconds.max(1), "second"),
        90..=5399 => (seconds / 60, "minute"),
        5400..=129_599 => (seconds / 3600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural}")
}
