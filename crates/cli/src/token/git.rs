//! Git's credential helper protocol: <https://git-scm.com/docs/gitcredentials#_custom_helpers>.

use std::process::ExitCode;

use http::Uri;
use tokenkeeper::Account;
use zeroize::Zeroizing;

use super::{Arguments, Reach, input};
use crate::{BoxError, output};

/// Answers one call of git. Git goes on to the next helper if nothing is printed.
pub(super) async fn run(
    arguments: &Arguments,
    input: &str,
    account: &Account,
) -> Result<ExitCode, BoxError> {
    let operation = arguments.operation();
    // Git wants a helper to ignore operations that it does not know. `store` is called after each
    // success, with what `get` printed.
    if matches!(operation, "get" | "erase")
        && let Some(query) = Query::parse(input)?
        && Reach::of(account).has(&query.url).await?
    {
        match operation {
            "get" => get(arguments, account, &query).await?,
            _ => erase(account, &query).await?,
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn get(arguments: &Arguments, account: &Account, query: &Query) -> Result<(), BoxError> {
    let fresh = arguments.fresh(account).await?;
    let username = query.username.as_ref().unwrap_or(&arguments.username);
    let expiry = fresh.expires_at();
    let expiry = expiry.map(|at| format!("password_expiry_utc={at}\n"));
    output::secret(&[
        b"username=",
        username.as_bytes(),
        b"\npassword=",
        fresh.token.expose().as_bytes(),
        b"\n",
        expiry.unwrap_or_default().as_bytes(),
    ])?;
    Ok(())
}

/// Refreshes the token if it is the one that the server rejected. A stale one was replaced already.
async fn erase(account: &Account, query: &Query) -> Result<(), BoxError> {
    let token = account.token().await?;
    if query.password.as_ref().map(|password| password.as_str()) == Some(token.expose()) {
        account.refresh().await?;
    }
    Ok(())
}

/// What git describes: where the credential is for, and which one was used.
struct Query {
    /// The root of the host.
    url: Uri,
    username: Option<String>,
    password: Option<Zeroizing<String>>,
}

impl Query {
    /// Reads a query. `None`: it is for no host, such as the password of a certificate's file.
    fn parse(text: &str) -> Result<Option<Self>, BoxError> {
        let (mut protocol, mut host) = (None, None);
        let (mut username, mut password) = (None, None);
        for line in text.lines().take_while(|line| !line.is_empty()) {
            let (name, value) = line
                .split_once('=')
                .ok_or_else(|| input::malformed("has a line without `=`"))?;
            let kept = match name {
                "protocol" => &mut protocol,
                "host" => &mut host,
                "username" => &mut username,
                "password" => &mut password,
                // Others describe what no answer depends on, and git may add some.
                _ => continue,
            };
            if kept.replace(value).is_some() {
                return Err(input::malformed("has a name twice"));
            }
        }
        let (Some(protocol), Some(host)) = (protocol, host) else {
            return Err(input::malformed("names no protocol or no host"));
        };
        if host.is_empty() {
            return Ok(None);
        }
        let url = Uri::builder()
            .scheme(protocol)
            .authority(host)
            .path_and_query("/")
            .build()
            .map_err(|_| input::malformed("names no valid protocol and host"))?;
        Ok(Some(Self {
            url,
            username: username.map(str::to_owned),
            password: password.map(|text| Zeroizing::new(text.to_owned())),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::Query;

    #[test]
    fn a_query_names_a_protocol_and_a_host_once() {
        let query = "capability[]=authtype\nprotocol=https\nhost=git.example:8443\npath=a=b\n\
                     wwwauth[]=Basic realm=\"x\"\nwwwauth[]=Bearer\nusername=me\n\nhost=after";
        let query = Query::parse(query).unwrap().unwrap();
        assert_eq!(query.url, "https://git.example:8443/");
        assert_eq!(query.username.as_deref(), Some("me"));
        let certificate = Query::parse("protocol=cert\nhost=\npath=/key\n");
        assert!(certificate.unwrap().is_none());
        for (malformed, problem) in [
            ("", "names no protocol"),
            ("protocol=https\n", "names no protocol or no host"),
            ("protocol=https\nhost\n", "without `=`"),
            ("protocol=https\nhost=a\nhost=b\n", "twice"),
            ("protocol=https\nhost=a b\n", "no valid"),
            ("protocol=a b\nhost=a\n", "no valid"),
        ] {
            let error = Query::parse(malformed).err().unwrap().to_string();
            assert!(error.contains(problem), "{malformed:?}: {error}");
        }
    }
}
