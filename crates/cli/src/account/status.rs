//! `tokenkeeper status`, and what `accounts` shows of each account.

use std::{process::ExitCode, time::SystemTime};

use serde::Serialize;
use tokenkeeper::{Account, Status, store::Key};

use super::AccountName;
use crate::{
    BoxError,
    app::{self, Which},
    exit::Exit,
    global::Global,
    output::{self, Field},
    time,
};

/// Shows how an account is: how long its token is fresh, and what is wrong since when
///
/// It reads the store alone. The exit status is 0 if requests carry a token, 3 if the account needs
/// a login, and 2 if the configuration is at fault.
///
/// Example: tokenkeeper status amiqus
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// PROVIDER, or PROVIDER/NAME.
    account: AccountName,
}

pub(crate) async fn run(arguments: Arguments, global: &Global) -> Result<ExitCode, BoxError> {
    let provider = [arguments.account.provider.as_str()];
    app::with(global, Which::Named(&provider), async |app| {
        let account = app.account(&arguments.account)?;
        let row = Row::read(&arguments.account, &account).await?;
        output::record(global.json, &row, &row.fields())?;
        Ok(row.exit())
    })
    .await
}

/// What is shown of an account.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    account: String,
    provider: String,
    site: String,
    client_id: String,
    /// The name of the account in logs.
    digest: String,
    health: &'static str,
    /// Why, if something is wrong.
    cause: Option<String>,
    #[serde(with = "time::option")]
    since: Option<SystemTime>,
    #[serde(with = "time::option")]
    retry_at: Option<SystemTime>,
    #[serde(with = "time::option")]
    expires_at: Option<SystemTime>,
    /// When the tokens were issued: the last login or refresh.
    #[serde(with = "time::option")]
    issued_at: Option<SystemTime>,
    scope: Option<String>,
    generation: Option<u64>,
    /// Whether the newest tokens are in the store.
    written: Option<bool>,
}

impl Row {
    /// Reads the account's status.
    pub(crate) async fn read(name: &AccountName, account: &Account) -> Result<Self, BoxError> {
        let status = account.status().await?;
        let mut row = Self::new(name, &account.key(), status.health().as_str());
        if let Status::Connected(connection) = status {
            let failure = connection.failure;
            let code = failure.as_ref().and_then(|failure| failure.code.clone());
            let class = failure.as_ref().map(|failure| failure.class.to_string());
            let cause = connection.reauthorize.map(|cause| cause.to_string());
            row.cause = cause.or(code).or(class);
            row.since = failure
                .map(|failure| failure.since)
                .or(connection.refused_since);
            row.retry_at = connection.retry_at;
            row.expires_at = connection.expires_at;
            row.issued_at = Some(connection.issued_at);
            row.scope = connection.scope;
            row.generation = Some(connection.generation);
            row.written = Some(connection.written);
        }
        Ok(row)
    }

    /// Returns what is known of an account whose provider is not configured.
    pub(crate) fn unconfigured(key: &Key) -> Self {
        let name = AccountName::new(key.brand(), Some(key.subject()));
        Self::new(&name, key, "not_configured")
    }

    /// Returns what is known of an account whose record does not open.
    pub(crate) fn unreadable(name: &AccountName, key: &Key, problem: &str) -> Self {
        let mut row = Self::new(name, key, "unreadable");
        row.cause = Some(problem.to_owned());
        row
    }

    fn new(name: &AccountName, key: &Key, health: &'static str) -> Self {
        Self {
            account: name.to_string(),
            provider: key.brand().to_owned(),
            site: key.base().to_owned(),
            client_id: key.client_id().to_owned(),
            digest: key.digest().to_string(),
            health,
            cause: None,
            since: None,
            retry_at: None,
            expires_at: None,
            issued_at: None,
            scope: None,
            generation: None,
            written: None,
        }
    }

    /// Returns the fields of a row in a table.
    pub(crate) fn columns(&self) -> Vec<Field> {
        let roughly = |at: Option<SystemTime>| at.map(time::relative).unwrap_or_default();
        vec![
            Field::new("account", &self.account),
            Field::new("site", &self.site),
            self.health(),
            Field::new("fresh until", roughly(self.expires_at)),
            Field::new("last refresh", roughly(self.issued_at)),
            Field::new("cause", self.cause.clone().unwrap_or_default()),
            Field::new("since", roughly(self.since)),
        ]
    }

    /// Returns all that is known.
    pub(crate) fn fields(&self) -> Vec<Field> {
        let mut fields = vec![
            Field::new("account", &self.account),
            Field::new("site", &self.site),
            self.health(),
        ];
        let optional = [
            ("cause", self.cause.clone()),
            ("since", self.since.map(time::shown)),
            ("next try", self.retry_at.map(time::shown)),
            ("fresh until", self.expires_at.map(time::shown)),
            ("last refresh", self.issued_at.map(time::shown)),
            ("scope", self.scope.clone()),
            (
                "token sets",
                self.generation.map(|number| number.to_string()),
            ),
        ];
        for (name, value) in optional {
            fields.extend(value.map(|value| Field::new(name, value)));
        }
        if self.written == Some(false) {
            fields.push(Field::new("store", "the newest tokens are not written yet"));
        }
        fields
    }

    fn health(&self) -> Field {
        Field::new("health", self.health.replace('_', " ")).health(self.health)
    }

    /// Returns the exit status that tells a script what to do.
    fn exit(&self) -> ExitCode {
        match self.health {
            "reauthorization_required"
            | "not_connected"
            | "disconnected"
            | "revocation_pending" => Exit::LoginNeeded.into(),
            "misconfigured" => Exit::Configuration.into(),
            _ => ExitCode::SUCCESS,
        }
    }
}
