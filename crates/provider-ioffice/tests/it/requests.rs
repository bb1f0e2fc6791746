use tokenkeeper_protocol::{
    AccessToken, Attachment, AuthorizationCode, AuthorizationRequest, Callback, Error,
    ExpectedRedirect, Grant, Hazard, Origin, Provider, Redirect, RedirectError, RefreshToken,
    State, TokenSet,
};

use super::*;

fn site() -> Origin {
    ioffice().site(Some("acme.example.com")).unwrap()
}

fn exchange(code: &str, redirect_uri: &str) -> Result<Request<Bytes>, Error> {
    let code = AuthorizationCode::new(code);
    let grant = Grant::Code {
        code: &code,
        redirect_uri,
        scope: None,
        verifier: None,
    };
    ioffice().token_request(&site(), &grant)
}

#[test]
fn i2_the_authorization_url_has_all_five_parameters() {
    let provider = ioffice();
    let state = State::new("st");
    let redirect_uri = provider.redirect_uri(&state);
    let request = AuthorizationRequest {
        state: &state,
        redirect_uri: &redirect_uri,
        scope: None,
        challenge: None,
        extra: &[],
    };
    assert_eq!(
        provider
            .authorization_url(&site(), &request)
            .unwrap()
            .as_str(),
        "https://acme.example.com/login.html?response_type=code&client_id=my-client\
         &redirect_uri=https%3A%2F%2Fapp.example%2Fcb&scope=email&state=st"
    );
}

#[test]
fn i5_the_fragment_is_read_as_the_relay_posts_it() {
    let read = |fragment: &str| -> Result<Callback, RedirectError> {
        let state = State::new("st");
        ioffice().read_redirect(
            &Redirect::fragment(fragment),
            &ExpectedRedirect { state: &state },
        )
    };
    let callback = read("code=ab+c%2Bd==&appCode=X%20Y").unwrap();
    assert_eq!(callback.code.expose(), "ab+c+d==");
    assert_eq!(callback.extra, [("appCode".to_owned(), "X Y".to_owned())]);
    assert!(read("#code=c&appCode=a&state=st").is_ok());
    assert_eq!(
        read("code=c&state=other"),
        Err(RedirectError::StateMismatch)
    );
    assert_eq!(
        read("code=c&error=access_denied"),
        Err(RedirectError::CodeAndError)
    );
}

#[test]
fn i9_the_exchange_has_six_headers_an_empty_body_and_no_secret() {
    let request = exchange("ab+c+d==", CALLBACK).unwrap();
    assert_eq!(
        show(&request),
        "POST https://acme.example.com/external/api/oauth2/token\n\
         content-type: application/json\n\
         x-grant-type: authorization_code\n\
         x-redirect-uri: https://app.example/cb\n\
         x-client-id: my-client\n\
         x-scope: email\n\
         x-auth-code: ab+c+d==\n\
         content-length: 0\n\n"
    );
    assert!(request.headers()["x-auth-code"].is_sensitive());
    assert!(!show(&request).contains("s3cr3t"));
}

#[test]
fn the_refresh_has_the_refresh_token_in_its_own_header() {
    let refresh_token = RefreshToken::new("rt-1");
    let grant = Grant::Refresh {
        refresh_token: &refresh_token,
        redirect_uri: CALLBACK,
        scope: Some("tenant.read"),
    };
    let request = ioffice().token_request(&site(), &grant).unwrap();
    assert_eq!(
        show(&request),
        "POST https://acme.example.com/external/api/oauth2/token\n\
         content-type: application/json\n\
         x-grant-type: refresh_token\n\
         x-redirect-uri: https://app.example/cb\n\
         x-client-id: my-client\n\
         x-scope: tenant.read\n\
         x-refresh-token: rt-1\n\
         content-length: 0\n\n"
    );
    assert!(request.headers()["x-refresh-token"].is_sensitive());
}

#[test]
fn i10_no_parameter_is_in_a_form_or_the_query() {
    let refresh = Grant::Refresh {
        refresh_token: &RefreshToken::new("rt-1"),
        redirect_uri: CALLBACK,
        scope: None,
    };
    let refresh = ioffice().token_request(&site(), &refresh);
    for request in [exchange("c", CALLBACK), refresh] {
        let request = request.unwrap();
        assert_eq!(request.headers()["content-type"], "application/json");
        assert!(request.body().is_empty());
        assert_eq!(request.uri().query(), None);
    }
}

#[test]
fn i22_a_code_or_redirect_uri_that_is_no_header_value_is_refused() {
    for (bad, expected) in [
        ("c\r\nx: y", Hazard::Control),
        ("c\0", Hazard::Control),
        (" c", Hazard::Blank),
        ("c ", Hazard::Blank),
        ("cödé", Hazard::NonAscii),
        ("", Hazard::Empty),
    ] {
        for refused in [exchange(bad, CALLBACK), exchange("c", bad)] {
            let fits =
                matches!(&refused, Err(Error::HeaderValue { hazard, .. }) if *hazard == expected);
            assert!(fits, "{bad:?}: {refused:?}");
        }
    }
}

#[test]
fn the_token_is_attached_in_its_own_header_and_never_as_bearer() {
    let Attachment::Header { name, value } = ioffice().attach(&AccessToken::new("at-1")).unwrap()
    else {
        panic!("a header")
    };
    assert_eq!(
        (name.as_str(), value.as_bytes()),
        ("x-access-token", &b"at-1"[..])
    );
    assert!(value.is_sensitive());
}

#[test]
fn i20_a_revocation_has_only_its_token_first_access_then_refresh() {
    let tokens = TokenSet::new("at-1").with_refresh_token("rt-1");
    let requests = ioffice().revocation_requests(&site(), &tokens).unwrap();
    assert_eq!(
        requests.iter().map(show).collect::<Vec<_>>(),
        [
            "GET https://acme.example.com/external/api/oauth2/revoke\nx-token: at-1\n\n",
            "GET https://acme.example.com/external/api/oauth2/revoke\nx-token: rt-1\n\n",
        ]
    );
    assert!(
        requests
            .iter()
            .all(|request| request.headers()["x-token"].is_sensitive())
    );
}

#[test]
fn the_introspection_has_only_its_token() {
    let request = ioffice()
        .introspection_request(&site(), &AccessToken::new("at-1"))
        .unwrap()
        .unwrap();
    assert_eq!(
        show(&request),
        "GET https://acme.example.com/external/api/oauth2/tokeninfo\nx-token: at-1\n\n"
    );
}

#[test]
fn a_site_is_a_tenants_and_has_to_be_allowed() {
    let provider = ioffice();
    for given in ["acme.example.com", "https://ACME.example.com/"] {
        let site = provider.site(Some(given)).unwrap();
        assert_eq!(site.as_str(), "https://acme.example.com");
        assert_eq!(provider.api_origins(&site), [site]);
    }
    assert!(matches!(
        provider.site(None),
        Err(Error::SiteMissing { .. })
    ));
    assert!(matches!(
        provider.site(Some("globex.example.com")),
        Err(Error::SiteRefused { .. })
    ));
    assert!(matches!(
        provider.site(Some("http://acme.example.com")),
        Err(Error::Origin { .. })
    ));
    let unstated = IOffice::new(registration()).unwrap();
    assert!(matches!(
        unstated.site(Some("acme.example.com")),
        Err(Error::SitePolicyMissing { .. })
    ));
    let fixed = unstated.base("http://127.0.0.1:1234").unwrap();
    assert_eq!(fixed.site(None).unwrap().as_str(), "http://127.0.0.1:1234");
}
