//! What the cards show.

use std::time::{Duration, SystemTime};

use tokenkeeper::{Account, Connection, Status, operating::AccountHealth, store::ErrorChain};

use super::{
    Dashboard,
    providers::Provider,
    session::{SECOND, SignedIn},
};

/// What the card of an account shows.
pub struct Card {
    pub brand: &'static str,
    pub name: &'static str,
    /// The name of an account that is not the person's first.
    pub account: Option<&'static str>,
    /// Whether the person can connect another account there.
    pub offers_second: bool,
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

/// Returns the cards of all providers. `said` is for the card of one account.
pub async fn all(
    dashboard: &Dashboard,
    person: &SignedIn,
    said: Option<(&Account, String)>,
) -> Vec<Card> {
    let mut cards = Vec::new();
    for provider in dashboard.providers.iter() {
        let mut first = card(dashboard, provider, person, None, said.as_ref()).await;
        let second = card(dashboard, provider, person, Some(SECOND), said.as_ref()).await;
        let has_second = second.is_connected();
        first.offers_second = first.is_connected() && !has_second;
        cards.push(first);
        cards.extend(has_second.then_some(second));
    }
    cards
}

impl Card {
    pub fn is_connected(&self) -> bool {
        matches!(self.state, CardState::Connected(_))
    }
}

async fn card(
    dashboard: &Dashboard,
    provider: &Provider,
    person: &SignedIn,
    name: Option<&'static str>,
    said: Option<&(&Account, String)>,
) -> Card {
    let account = dashboard.account(provider.brand, person, name);
    let said = said.filter(|(of, _)| account.as_ref() == Some(*of));
    Card {
        brand: provider.brand,
        name: provider.name,
        account: name,
        offers_second: false,
        said: said.map(|(_, said)| said.clone()),
        state: match account {
            Some(account) => state(dashboard, &account).await,
            None => CardState::NotConnected("There is no such account".to_owned()),
        },
    }
}

async fn state(dashboard: &Dashboard, account: &Account) -> CardState {
    let seen = dashboard.activity.of(account);
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
