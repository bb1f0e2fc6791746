//! Registrations that cannot work are refused at once.

use tokenkeeper_protocol::{ClientAuthentication, Error, Registration};

use crate::support::*;

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
        "com.example.app:/cb",
        "myapp://cb",
        "file:///cb",
    ] {
        let refused = Registration::new("id", given);
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
    ] {
        assert_eq!(
            Registration::new("id", given)
                .unwrap()
                .redirect_uri()
                .as_str(),
            given
        );
    }
}

#[test]
fn a_redirect_uri_is_never_changed_silently() {
    for (given, normal) in [
        ("https://app.example", "https://app.example/"),
        ("https://APP.example:443/cb", "https://app.example/cb"),
    ] {
        let refused = Registration::new("id", given).unwrap_err().to_string();
        assert!(refused.contains(&format!("`{normal}`")), "{refused}");
    }
}

#[test]
fn a_client_id_is_printable() {
    for given in ["", "a\nb", "é"] {
        assert!(
            matches!(
                Registration::new(given, CALLBACK),
                Err(Error::ClientId { .. })
            ),
            "{given:?}"
        );
    }
}

#[test]
fn a_missing_or_empty_secret_is_named_where_it_is_needed() {
    let bare = || Registration::new("id", CALLBACK).unwrap();
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
fn a_redirect_uri_does_not_hold_what_the_redirect_brings() {
    for name in ["code", "state", "error", "iss"] {
        let uri = format!("https://app.example/cb?{name}=1");
        let registration = Registration::new("id", &uri).unwrap().secret("s");
        assert!(
            matches!(dialect().with(registration), Err(Error::RedirectUri { .. })),
            "{name}"
        );
    }
}

#[test]
fn a_scope_that_makes_no_sense_is_refused() {
    let registration = Registration::new("id", CALLBACK)
        .unwrap()
        .secret("s")
        .scope("");
    assert!(matches!(
        dialect().with(registration),
        Err(Error::Scope { .. })
    ));
}
