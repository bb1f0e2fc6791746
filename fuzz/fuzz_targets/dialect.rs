//! A dialect in TOML is refused, or makes a provider whose requests can be built.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tokenkeeper_protocol::{
    AccessToken, AuthorizationRequest, Client, CodeVerifier, DeviceAuthorizationRequest,
    DeviceCode, Dialect, Grant, LoginData, Origin, Provider as _, RefreshToken, Registration,
    SitePolicy, State, TokenSet, ValuePattern,
};

const CALLBACK: &str = "https://app.example/cb";

fuzz_target!(|text: &str| {
    let Ok(dialect) = Dialect::from_toml(text) else {
        return;
    };
    let mut registration = Registration::new("id", CALLBACK).secret("s");
    for (name, rules) in &dialect.values {
        let value = match &rules.pattern {
            ValuePattern::Digits => "1",
            ValuePattern::OneOf(texts) => texts.first().map_or("", String::as_str),
            _ => "a",
        };
        registration = registration.value(name, value);
    }
    if let Ok(client) = dialect.with(registration) {
        let any = SitePolicy::predicate(|_| true).send_secret_to_every_allowed_site();
        let client = client.sites(any.allow_loopback().allow_private());
        let dialect = client.dialect();
        let free = dialect.base.is_none() && dialect.site.is_none();
        let site = client
            .site(free.then_some("https://tenant.example"))
            .expect("the dialect's base, one of its sites, or an allowed one");
        check(&client, &site);
    }
});

fn check(client: &Client, site: &Origin) {
    let state = State::new("st-1");
    let redirect_uri = client.redirect_uri(&state);
    let challenge = CodeVerifier::new("v").code_challenge();
    for challenge in [None, Some(challenge.as_str())] {
        let request = AuthorizationRequest {
            state: &state,
            redirect_uri: &redirect_uri,
            scope: None,
            code_challenge: challenge,
            extra: &[],
        };
        if let Ok(url) = client.authorization_url(site, &request) {
            assert!(Origin::of(&url.as_str().parse().expect("a URI")).is_some());
        }
    }
    let grant = Grant::RefreshToken {
        refresh_token: &RefreshToken::new("rt-1"),
        redirect_uri: CALLBACK,
        scope: None,
    };
    let device = DeviceAuthorizationRequest::default();
    let device = client.device_authorization_request(site, &device);
    let poll = Grant::DeviceCode {
        device_code: &DeviceCode::new("dc-1"),
    };
    let tokens = TokenSet::new("at-1").with_refresh_token("rt-1");
    let mut requests: Vec<_> = client.token_request(site, &grant).into_iter().collect();
    requests.extend(device.ok().flatten());
    requests.extend(client.token_request(site, &poll));
    requests.extend(
        client
            .revocation_requests(site, &tokens)
            .into_iter()
            .flatten(),
    );
    requests.extend(
        client
            .introspection_request(site, &tokens.access_token)
            .ok()
            .flatten(),
    );
    for request in requests {
        assert!(Origin::of(request.uri()).is_some(), "{}", request.uri());
    }
    let _ = client.attach(&AccessToken::new("at-1"), Some("bearer"));
    for origin in client.api_origins(site, &LoginData::default()) {
        let loopback = origin.exact().is_some_and(Origin::is_loopback);
        assert!(origin.to_string().starts_with("https://") || loopback);
    }
}
