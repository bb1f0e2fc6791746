//! Docker's credential helper protocol: <https://github.com/docker/docker-credential-helpers>.

use std::process::ExitCode;

use http::Uri;
use serde::{Deserialize, Serialize, de::IgnoredAny};
use serde_json::Map;
use tokenkeeper::{Account, Status};

use super::{Arguments, Reach, input};
use crate::{
    BoxError,
    exit::{Exit, misconfigured},
    output,
};

/// What docker's client compares a helper's output with, on a helper's failure.
const NOT_FOUND: &str = "credentials not found in native keychain";

/// Answers one call of docker.
pub(super) async fn run(
    arguments: &Arguments,
    input: &str,
    account: &Account,
) -> Result<ExitCode, BoxError> {
    match arguments.operation() {
        "get" => get(arguments, input, account).await,
        "list" => list(arguments, account).await,
        "store" => {
            let given: Stored = serde_json::from_str(input)
                .map_err(|_| input::malformed("is not what `docker login` stores"))?;
            server(&given.server_url)?;
            Err(refused("docker login", "tokenkeeper login"))
        }
        "erase" => {
            server(input)?;
            Err(refused("docker logout", "tokenkeeper logout"))
        }
        operation => {
            let text = format!("docker knows get, list, store and erase, but not `{operation}`");
            Err(misconfigured(text).into())
        }
    }
}

async fn get(arguments: &Arguments, input: &str, account: &Account) -> Result<ExitCode, BoxError> {
    let (text, url) = server(input)?;
    if !Reach::of(account).has(&url).await? {
        output::bytes(format!("{NOT_FOUND}\n").as_bytes())?;
        return Ok(Exit::Failed.into());
    }
    let fresh = arguments.fresh(account).await?;
    output::json(&Credential {
        server_url: text,
        username: &arguments.username,
        secret: fresh.token.expose(),
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Prints the servers of a connected account with the user name.
async fn list(arguments: &Arguments, account: &Account) -> Result<ExitCode, BoxError> {
    let mut servers = Map::new();
    if let Status::Connected(_) = account.status().await? {
        let mut origins = Reach::of(account).origins();
        origins.push(account.site().to_string());
        for origin in origins {
            servers.insert(origin, arguments.username.clone().into());
        }
    }
    output::json(&servers)?;
    Ok(ExitCode::SUCCESS)
}

/// Reads a server as docker writes it: a URL, or a host alone.
fn server(text: &str) -> Result<(&str, Uri), BoxError> {
    let text = text.trim();
    let url = match text.contains("://") {
        true => text.parse(),
        false => format!("https://{text}").parse(),
    };
    match url {
        Ok(url) => Ok((text, url)),
        Err(_) => Err(input::malformed("is no server's URL")),
    }
}

fn refused(done: &str, instead: &str) -> BoxError {
    misconfigured(format!(
        "`{done}` does not change an account of this helper: run `{instead}`"
    ))
    .into()
}

/// What docker reads.
#[derive(Serialize)]
struct Credential<'a> {
    #[serde(rename = "ServerURL")]
    server_url: &'a str,
    #[serde(rename = "Username")]
    username: &'a str,
    #[serde(rename = "Secret")]
    secret: &'a str,
}

/// What `docker login` stores. The name and the secret are not kept.
#[derive(Deserialize)]
struct Stored {
    #[serde(rename = "ServerURL")]
    server_url: String,
    #[serde(rename = "Username")]
    _username: IgnoredAny,
    #[serde(rename = "Secret")]
    _secret: IgnoredAny,
}

#[cfg(test)]
mod tests {
    use super::server;

    #[test]
    fn a_server_is_a_url_or_a_host() {
        for (text, url) in [
            ("ghcr.io", "https://ghcr.io/"),
            ("ghcr.io:5000\n", "https://ghcr.io:5000/"),
            ("https://index.docker.io/v1/", "https://index.docker.io/v1/"),
        ] {
            assert_eq!(server(text).unwrap().1, url, "{text}");
        }
        for text in ["", "\n", "a b", "https://", "a\nb"] {
            assert!(server(text).is_err(), "{text:?}");
        }
    }
}
