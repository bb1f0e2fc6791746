//! The engine lives with every kind of provider that the emulator plays, by a dialect in TOML.
//!
//! Protocol and emulator are two readings of the same documents, without common code: each row
//! shows that they read its kind alike.

mod answers;
mod api;
mod clients;
mod life;
mod play;
mod presets;
mod redirects;
mod refusals;
mod requests;

use tokenkeeper::protocol::{LoginData, Registration};
use tokenkeeper_emulator::PlainOptions;

use self::life::live;

/// A kind of provider: what the emulator plays, and how a dialect describes it.
struct Kind {
    name: &'static str,
    options: PlainOptions,
    /// The fields in which the dialect differs from RFC 6749, one a line.
    dialect: &'static str,
    register: fn(Registration) -> Registration,
    /// Checks what the login brought, after a refresh.
    brings: fn(&LoginData) -> bool,
    /// Whether the dialect knows when an access token expires.
    expires: bool,
}

impl Kind {
    fn new(name: &'static str, options: PlainOptions, dialect: &'static str) -> Self {
        Self {
            name,
            options,
            dialect,
            register: |registration| registration,
            brings: |_| true,
            expires: true,
        }
    }

    fn register(mut self, register: fn(Registration) -> Registration) -> Self {
        self.register = register;
        self
    }

    fn brings(mut self, brings: fn(&LoginData) -> bool) -> Self {
        self.brings = brings;
        self
    }

    fn without_expiry(mut self) -> Self {
        self.expires = false;
        self
    }

    fn lines(&self) -> Vec<&'static str> {
        let lines = self.dialect.lines().map(str::trim);
        lines.filter(|line| !line.is_empty()).collect()
    }

    /// Returns what is wrong if some line of the dialect is not needed.
    async fn superfluous(&self) -> Vec<String> {
        let mut found = Vec::new();
        for line in self.lines() {
            let mut lines = self.lines();
            lines.retain(|other| *other != line);
            if live(self, &lines).await.is_ok() {
                found.push(format!("{}: it lives without {line}", self.name));
            }
        }
        found
    }
}

fn kinds() -> Vec<Kind> {
    let groups = [
        requests::kinds(),
        clients::kinds(),
        redirects::kinds(),
        answers::kinds(),
        refusals::kinds(),
        api::kinds(),
    ];
    groups.into_iter().flatten().collect()
}

#[tokio::test]
async fn every_kind_lives_with_its_dialect() {
    let mut failed = Vec::new();
    for kind in kinds() {
        if let Err(error) = live(&kind, &kind.lines()).await {
            failed.push(format!("{}: {error}", kind.name));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[tokio::test]
async fn every_line_of_a_dialect_is_needed() {
    let mut found = Vec::new();
    for kind in kinds() {
        found.extend(kind.superfluous().await);
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}
