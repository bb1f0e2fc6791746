//! Registrations that cannot work are refused when they meet a dialect.

use tokenkeeper_protocol::{
    AuthorizationRequest, Client, ClientAuthentication, Error, Pkce, Provider, Registration,
};

use crate::support::*;

fn with_redirect_uri(text: &str) -> Result<Client, Error> {
    dialect().with(Registration::new("id", text).secret("s"))
}

#[test]
fn a_redirect_uri_is_absolute_https_and_plain() {
    for given in [
        "",
        "/cb",
        "app.example/cb",
        "http://app.example/cb",
        "https://app.example/cb#f",
        "https://app.example/cb#",
        "https://user@app.example/cb",
        "https://u:p@app.example/cb",
        "com.example.app:cb",
        "myapp://cb",
        "javascript:/cb",
        "file:///cb",
        " https://app.example/cb",
        "https://app.example/cb\n",
        "https:\\\\app.example\\cb",
        "https://app.example/a/../cb",
    ] {
        let refused = with_redirect_uri(given);
        assert!(
            matches!(refused, Err(Error::RedirectUri { .. })),
            "{given}: {refused:?}"
        );
    }
    for given in [
        "https://app.example/cb",
        "http://127.0.0.1:8080/cb",
        "http://localhost/cb",
        "https://app.example/?a=b",
        "com.example.app:/cb",
        "com.example.app://cb",
    ] {
        let client = with_redirect_uri(given).unwrap();
        assert_eq!(client.registered_redirect_uri().as_str(), given);
        assert_eq!(client.registration().redirect_uri(), given);
    }
}

#[test]
fn a_redirect_uri_is_never_changed_silently() {
    for (given, normal) in [
        ("https://APP.example", "https://app.example/"),
        ("https://app.example:0443/cb", "https://app.example/cb"),
        ("HTTPS://app.example/cb", "https://app.example/cb"),
    ] {
        let refused = with_redirect_uri(given).unwrap_err().to_string();
        assert!(refused.contains(&format!("`{normal}`")), "{refused}");
    }
}

/// Both forms are common, and the provider compares the bytes.
#[test]
fn a_path_slash_and_a_default_port_are_sent_as_registered() {
    for registered in [
        "http://localhost:8080",
        "http://localhost:8080/",
        "http://localhost:8080?a=b",
        "http://[::1]:80",
        "https://app.example",
        "https://app.example:443/cb",
        "https://app.example/cb/",
        "https://app.example:8443/cb",
        "com.example.app:/cb",
    ] {
        let client = with_redirect_uri(registered).unwrap();
        let redirect_uri = client.redirect_uri(&state());
        assert_eq!(redirect_uri.as_str(), registered);
        let request = AuthorizationRequest {
            state: &state(),
            redirect_uri: &redirect_uri,
            scope: None,
            code_challenge: Some("ch"),
            extra: &[],
        };
        let url = client
            .authorization_url(&client.site(None).unwrap(), &request)
            .unwrap();
        let sent = url.query_pairs().find(|(name, _)| name == "redirect_uri");
        assert_eq!(sent.unwrap().1, registered);
    }
}

#[test]
fn a_private_use_scheme_needs_pkce() {
    let mut dialect = dialect();
    dialect.authorization.pkce = Pkce::Off;
    let refused = dialect.with(Registration::new("id", "com.example.app:/cb").secret("s"));
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("switch PKCE on"), "{refused}");
}

#[test]
fn a_redirect_uri_has_no_parameter_that_the_provider_adds() {
    for name in ["code", "state", "error", "iss"] {
        let refused = with_redirect_uri(&format!("https://app.example/cb?{name}=1"));
        assert!(
            matches!(refused, Err(Error::RedirectUri { .. })),
            "{name}: {refused:?}"
        );
    }
}

#[test]
fn a_client_id_is_printable() {
    for given in [
        "", "a\nb", "é", "id\n", "id\r\n", " id", "id ", "id\0", "id\u{a0}",
    ] {
        let refused = dialect().with(Registration::new(given, CALLBACK).secret("s"));
        assert!(
            matches!(refused, Err(Error::ClientId { .. })),
            "{given:?}: {refused:?}"
        );
    }
}

#[test]
fn an_id_or_secret_that_was_copied_badly_is_refused() {
    for given in [
        " id",
        "id ",
        "\u{feff}id",
        "id\u{200b}",
        "i\u{a0}d",
        "\"id\"",
        "'id'",
        "`id`",
        "“id”",
    ] {
        let refused = dialect().with(Registration::new(given, CALLBACK).secret("s"));
        assert!(matches!(refused, Err(Error::ClientId { .. })), "{given:?}");
    }
    for given in [
        "SECRET\n",
        "SECRET\r\n",
        "SECRET\0",
        "SEC\tRET",
        " SECRET",
        "SECRET\u{a0}",
        "SEC\u{85}RET",
        "\u{feff}SECRET",
        "SECRET\u{200b}",
        "SEC\u{a0}RET",
        "SECRÉT-SEC",
        "\"SECRET\"",
        "'SECRET'",
        "`SECRET`",
        "“SECRET”",
    ] {
        let refused = dialect().with(Registration::new("id", CALLBACK).secret(given));
        let Err(error @ Error::ClientSecret { .. }) = refused else {
            panic!("{given:?}: {refused:?}")
        };
        assert!(!format!("{error} {error:?}").contains("SEC"), "{error}");
        let remedy = ["copy it again", "remove it"];
        let shown = error.to_string();
        assert!(remedy.iter().any(|r| shown.contains(r)), "{shown}");
    }
    for good in ["it's", "\"", "a\"b", "\"a", "~!@#$%^&*()_+ x"] {
        let taken = dialect().with(Registration::new("id", CALLBACK).secret(good));
        assert!(taken.is_ok(), "{good}: {taken:?}");
    }
}

#[test]
fn white_space_around_other_values_is_refused() {
    for given in [
        " https://app.example/cb",
        "https://app.example/cb\n",
        "https://app.example/cb ",
    ] {
        let refused = with_redirect_uri(given);
        assert!(
            matches!(refused, Err(Error::RedirectUri { .. })),
            "{given:?}"
        );
    }
    for given in ["a\n", " a", "a ", "a\tb", "a  b"] {
        let refused = dialect().with(registration().scope(given));
        assert!(matches!(refused, Err(Error::Scope { .. })), "{given:?}");
    }
}

#[test]
fn a_missing_or_empty_secret_is_refused_if_needed() {
    let bare = || Registration::new("id", CALLBACK);
    for registration in [bare(), bare().secret("")] {
        let refused = dialect().with(registration).unwrap_err();
        assert!(matches!(refused, Error::SecretMissing { .. }));
        assert!(refused.to_string().contains("Registration::secret"));
    }
    let mut public = dialect();
    public.token.client_authentication = ClientAuthentication::None;
    assert!(public.with(bare()).is_ok());
}

#[test]
fn a_malformed_scope_is_refused() {
    let refused = dialect().with(registration().scope(""));
    assert!(matches!(refused, Err(Error::Scope { .. })), "{refused:?}");
}

#[test]
fn all_mistakes_are_named_at_once() {
    let mut dialect = dialect();
    dialect.brand = "Example".to_owned();
    dialect.resource.rejected = vec![429];
    let registration = Registration::new("", "/cb").scope("");
    let Err(Error::Several { errors }) = dialect.with(registration) else {
        panic!("several errors")
    };
    fn kind(error: &Error) -> &str {
        match error {
            Error::Dialect { field, .. } => field.as_str(),
            Error::ClientId { .. } => "client id",
            Error::SecretMissing { .. } => "secret",
            Error::Scope { .. } => "scope",
            Error::RedirectUri { .. } => "redirect URI",
            _ => "another",
        }
    }
    assert_eq!(
        errors.iter().map(kind).collect::<Vec<_>>(),
        [
            "brand",
            "resource.rejected",
            "client id",
            "secret",
            "scope",
            "redirect URI"
        ]
    );
}
