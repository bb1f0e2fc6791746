//! A redirect, in the query or in the fragment: no code gets through without this flow's state.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tokenkeeper_protocol::{
    Client, Dialect, ExpectedRedirect, Provider as _, Redirect, Registration, ResponseMode, State,
    url::form_urlencoded,
};

const STATE: &str = "st-1";

fuzz_target!(|input: (bool, &str)| {
    let (fragment, text) = input;
    let (channel, redirect) = if fragment {
        (ResponseMode::Fragment, Redirect::fragment(text))
    } else {
        (ResponseMode::Query, Redirect::query(text))
    };
    let state = State::new(STATE);
    let read = client(channel).read_redirect(&redirect, &ExpectedRedirect { state: &state });
    let Ok(callback) = read else { return };
    assert!(!callback.code.expose().is_empty());
    // Another parser's reading of the same text. They differ in `+`, which stays in a fragment.
    let text = text
        .strip_prefix(if fragment { '#' } else { '?' })
        .unwrap_or(text);
    // A mark such as `#_=_` ends the text.
    let text = text.split('#').next().unwrap_or_default();
    let escaped = if fragment {
        text.replace('+', "%2B")
    } else {
        text.to_owned()
    };
    let named = |name: &str| -> Vec<String> {
        let pairs = form_urlencoded::parse(escaped.as_bytes());
        pairs
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
            .collect()
    };
    assert_eq!(named("state"), [STATE]);
    assert_eq!(named("code"), [callback.code.expose()]);
    assert!(named("error").iter().all(String::is_empty));
});

fn client(channel: ResponseMode) -> Client {
    let registration = Registration::new("id", "https://app.example/cb");
    let mut dialect = Dialect::rfc6749("fuzz", "https://login.example").expect("valid");
    dialect.authorization.response_mode = channel;
    dialect.with(registration.secret("s")).expect("valid")
}
