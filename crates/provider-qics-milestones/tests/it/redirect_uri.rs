use tokenkeeper_protocol::{AuthorizationRequest, RedirectUri, State};

use super::*;

#[test]
fn q14_a_redirect_uri_that_contains_the_registered_is_refused() {
    let provider = qics();
    let (site, state) = (provider.site(None).unwrap(), State::new("F"));
    for other in [
        "https://evil.test/?u=https://app.example/cb",
        "https://evil.test/#https://app.example/cb",
        "https://app.example/cb/../x",
        "https://app.example/cbx",
        "https://app.example:444/cb",
        "https://u@app.example/cb?flow=F",
        "https://app.example/cb?flow=F#x",
    ] {
        let redirect_uri = RedirectUri::new(other);
        let request = AuthorizationRequest {
            state: &state,
            redirect_uri: &redirect_uri,
            scope: None,
            code_challenge: None,
            extra: &[],
        };
        let refused = provider.authorization_url(&site, &request);
        assert!(matches!(refused, Err(Error::RedirectUri { .. })), "{other}");
    }
}

#[test]
fn extra_query_parameters_of_the_redirect_uri_are_allowed() {
    let registration = Registration::new("id", "https://app.example/cb?lang=nl");
    let provider = QicsMilestones::new(registration.secret("s")).unwrap();
    let check = |uri: &RedirectUri| provider.client().check_redirect_uri(uri);
    let own = provider.redirect_uri(&State::new("F"));
    assert_eq!(own.as_str(), "https://app.example/cb?lang=nl&flow=F");
    assert!(check(&own).is_ok());
    for short in [
        "https://app.example/cb?flow=F",
        "https://app.example/cb?lang=nlx",
    ] {
        assert!(check(&RedirectUri::new(short)).is_err(), "{short}");
    }
}
