//! Redirects as whole URLs.

use tokenkeeper_protocol::{
    AuthorizationResponse, Client, ExpectedRedirect, Provider, Redirect, RedirectError,
    Registration, ResponseMode, StateEcho, Url,
};

use crate::support::*;

const PASTED: &str = "https://app.example/cb?code=c&state=st-1";

fn read(client: &Client, url: &str) -> Result<AuthorizationResponse, RedirectError> {
    let redirect = Redirect::from_url(url)?;
    client.read_redirect(&redirect, &ExpectedRedirect { state: &state() })
}

fn at(redirect_uri: &str) -> Client {
    dialect()
        .with(Registration::new("id", redirect_uri).secret("s"))
        .unwrap()
}

fn fragment() -> Client {
    with(|d| {
        d.authorization.response_mode = ResponseMode::Fragment;
        d.authorization.state_echo = StateEcho::Unknown;
    })
}

#[test]
fn a_pasted_url_is_read_in_whatever_surrounds_it() {
    for (before, after) in [
        ("", ""),
        ("  \t", "\r\n"),
        ("<", ">"),
        ("\"", "\""),
        (" '<", ">' "),
        ("`", "`"),
        ("(", ")"),
        ("\u{201c}", "\u{201d}"),
        ("\u{feff}", "\u{200b}"),
        ("", "#_=_"),
        ("", "#"),
        ("<", "#_=_>"),
        ("«", "»"),
        ("«\u{a0}", "\u{a0}»"),
        ("»", "«"),
        ("‹", "›"),
        ("", ")"),
        ("", "."),
        ("", ","),
        ("(", ")."),
        ("", "\"."),
        ("", ">"),
        ("[", "]"),
        ("[the page](", ")"),
        ("[https://app.example/cb](", "),"),
        ("view-source:", ""),
        ("<View-Source:", ">"),
    ] {
        let read = read(&client(), &format!("{before}{PASTED}{after}"));
        let code = read.map(|response| response.code.expose().to_owned());
        assert_eq!(code.as_deref(), Ok("c"), "{before}{after}");
    }
    let url = Url::parse(PASTED).unwrap();
    assert!(Redirect::from_url(&url).is_ok());
}

#[test]
fn ampersands_of_a_pages_source_are_read() {
    let text = "https://app.example/cb?code=a%26amp%3Bb&amp;state=st-1&amp;x=1";
    let response = read(&client(), text).unwrap();
    assert_eq!(response.code.expose(), "a&amp;b");
    assert_eq!(response.extra, [("x".to_owned(), "1".to_owned())]);
}

#[test]
fn a_bracket_of_the_url_is_no_mark() {
    let response = read(&client(), "https://app.example/cb?state=st-1&code=a(b)").unwrap();
    assert_eq!(response.code.expose(), "a(b)");
}

#[test]
fn line_breaks_of_a_terminal_are_removed() {
    let read = read(
        &client(),
        "https://app.example/cb\n  ?code=c%2B\r\n1&state=st-1\n",
    );
    assert_eq!(read.unwrap().code.expose(), "c+1");
}

#[test]
fn escapes_of_a_pasted_url_are_decoded_once() {
    let response = read(
        &client(),
        "https://app.example/cb?code=a%252Bb%2Bc+d'&state=st-1",
    );
    assert_eq!(response.unwrap().code.expose(), "a%2Bb+c d'");
    let response = read(&client(), "https://app.example/cb?code=é&state=st-1");
    assert_eq!(response.unwrap().code.expose(), "é");
}

#[test]
fn a_text_that_is_not_one_url_is_refused() {
    for text in [
        "",
        " <> ",
        "code=c&state=st-1",
        "?code=c&state=st-1",
        "/cb?code=c&state=st-1",
        "app.example/cb?code=c&state=st-1",
        "localhost:8080/cb?code=c&state=st-1",
        "https://app.example/cb?code=c&state=st-1 and more",
        "see https://app.example/cb?code=c&state=st-1",
    ] {
        assert_eq!(read(&client(), text), Err(RedirectError::NotUrl), "{text}");
    }
}

#[test]
fn the_response_mode_selects_query_or_fragment() {
    let url = "https://app.example/cb?code=q&state=st-1#code=f&state=st-1";
    assert_eq!(read(&client(), url).unwrap().code.expose(), "q");
    assert_eq!(read(&fragment(), url).unwrap().code.expose(), "f");
    let in_fragment = "https://app.example/cb?lang=nl#code=f&state=st-1";
    let read_in_query = read(&client(), in_fragment);
    assert_eq!(
        read_in_query,
        Err(RedirectError::WrongResponseMode("fragment"))
    );
    let in_query = "https://app.example/cb?error=access_denied#_=_";
    let read_in_fragment = read(&fragment(), in_query);
    assert_eq!(
        read_in_fragment,
        Err(RedirectError::WrongResponseMode("query"))
    );
    let nowhere = read(&fragment(), "https://app.example/cb");
    assert_eq!(nowhere, Err(RedirectError::CodeMissing));
}

#[test]
fn a_url_of_another_place_is_refused() {
    for url in [
        "https://login.example/authorize?client_id=1&state=st-1",
        "https://app.example/?code=c&state=st-1",
        "https://app.example/cb/?code=c&state=st-1",
        "https://app.example/CB?code=c&state=st-1",
        "https://app.example:8443/cb?code=c&state=st-1",
        "http://app.example/cb?code=c&state=st-1",
        "https://evil.test/cb?code=c&state=st-1",
    ] {
        assert_eq!(read(&client(), url), Err(RedirectError::WrongUrl), "{url}");
    }
    assert!(read(&client(), "HTTPS://App.Example:443/cb?code=c&state=st-1").is_ok());
}

#[test]
fn a_url_on_loopback_may_have_another_port() {
    let other = "http://127.0.0.1:49152/cb?code=c&state=st-1";
    assert!(read(&at("http://127.0.0.1/cb"), other).is_ok());
    assert!(read(&at("http://127.0.0.1:8080/cb"), other).is_ok());
    let localhost = "http://localhost:49152?code=c&state=st-1";
    let refused = read(&at("http://localhost:8080"), localhost);
    assert_eq!(refused, Err(RedirectError::WrongUrl));
    assert!(read(&at("http://localhost:49152"), localhost).is_ok());
}

#[test]
fn a_url_of_a_private_use_scheme_is_read() {
    let client = at("com.example.app:/cb");
    let response = read(&client, "com.example.app:/cb?code=c&state=st-1");
    assert_eq!(response.unwrap().code.expose(), "c");
    let other = read(&client, "com.example.other:/cb?code=c&state=st-1");
    assert_eq!(other, Err(RedirectError::WrongUrl));
}
