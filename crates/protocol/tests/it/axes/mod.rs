//! The exact bytes that each axis of a dialect changes, and the errors of wrong ones.

mod api;
mod authorization;
mod checks;
mod lines;
mod site;
mod token;
mod values;

use tokenkeeper_protocol::{
    AuthorizationRequest, Client, Dialect, Error, Grant, Provider, Registration,
};

use crate::support::*;

/// Reads the plain dialect with further lines.
fn read(lines: &str) -> Result<Dialect, Error> {
    let base = if lines.contains("site = ") {
        ""
    } else {
        "base = \"https://login.example\"\n"
    };
    Dialect::from_toml(&format!(
        "brand = \"example\"\n{base}\
         authorization.endpoint = \"/authorize\"\n\
         authorization.pkce = \"off\"\n\
         token.endpoint = \"/token\"\n{lines}"
    ))
}

fn client(lines: &str) -> Client {
    with(lines, Registration::new("id", CALLBACK).secret("s+/~"))
}

fn with(lines: &str, registration: Registration) -> Client {
    read(lines).unwrap().with(registration).unwrap()
}

/// Returns the authorization URL, without what is the same everywhere.
fn authorization(client: &Client, site: Option<&str>) -> String {
    try_authorization(client, site, &[]).unwrap()
}

fn try_authorization(
    client: &Client,
    site: Option<&str>,
    extra: &[(&str, &str)],
) -> Result<String, Error> {
    let request = AuthorizationRequest {
        state: &state(),
        redirect_uri: &callback(),
        scope: None,
        code_challenge: None,
        extra,
    };
    let url = client.authorization_url(&client.site(site)?, &request)?;
    Ok(url.as_str().to_owned())
}

fn exchange(client: &Client, site: Option<&str>) -> String {
    show_token_request(client, site, &code_grant(&code()))
}

fn refresh(client: &Client, site: Option<&str>) -> String {
    show_token_request(client, site, &refresh_grant(&refresh_token()))
}

fn show_token_request(client: &Client, site: Option<&str>, grant: &Grant<'_>) -> String {
    let site = client.site(site).unwrap();
    show(&client.token_request(&site, grant).unwrap())
}
