//! Parsers on arbitrary input: no panic, and written values are read unchanged.

use proptest::prelude::*;
use tokenkeeper_protocol::{
    AccessToken, AttachmentMethod, Client, Dialect, ExpectedRedirect, GrantType, Json, Origin,
    Provider, Redirect, Registration, ResponseMode, StateEcho, TokenSet,
    http::{HeaderMap, HeaderValue, Uri},
    parse_www_authenticate,
};

use crate::support::*;

fn loose() -> Client {
    with(|d| d.response.json = Json::Loose)
}

fn read(client: &Client, body: Vec<u8>) -> Option<TokenSet> {
    client
        .read_token_response(
            GrantType::AuthorizationCode,
            &response(200, &[], body),
            sent_at(),
        )
        .ok()
}

proptest! {
    #[test]
    fn no_response_panics(
        status in 200_u16..600,
        body in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        for client in [client(), loose()] {
            let response = response(status, &[], body.clone());
            let _ = client.read_token_response(GrantType::RefreshToken, &response, sent_at());
        }
    }

    #[test]
    fn no_text_that_resembles_a_response_panics(
        text in "[{}:,\"\\\\ a-c0-9eE+.\\-\\[\\]éun]{0,60}",
    ) {
        let _ = read(&loose(), format!("{{access_token:\"a\",{text}").into_bytes());
    }

    #[test]
    fn strict_and_loose_spellings_are_equal(
        key in "[a-z_][a-z0-9_]{0,8}",
        text in any::<String>(),
        number in any::<i32>(),
    ) {
        prop_assume!(!["access_token", "expires_in", "token_type", "n_n"].contains(&&*key));
        prop_assume!(key != "refresh_token" && key != "refresh_in" && key != "scope");
        let value = serde_json::to_string(&text).unwrap();
        let strict = format!(r#"{{"access_token":"a","{key}":{value},"n_n":{number}}}"#);
        let bare = format!("{{access_token:\"a\", {key}:{value} ,n_n : {number}}}");
        let read = |body: String| read(&loose(), body.into_bytes()).map(|set| set.extra);
        let strict = read(strict);
        prop_assert!(strict.is_some());
        prop_assert_eq!(strict, read(bare));
    }

    #[test]
    fn any_string_next_to_a_token_leaves_it(
        name in prop::collection::vec(any::<u8>(), 0..20),
        text in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let sane = |bytes: Vec<u8>| -> Vec<u8> {
            bytes.into_iter().filter(|b| !matches!(b, b'"' | b'\\')).collect()
        };
        let body = [
            br#"{"access_token":"a",""#, &*sane(name), br#"":""#, &sane(text),
            br#"","refresh_token":"r"}"#,
        ];
        let set = read(&client(), body.concat());
        let token = set.map(|set| set.access_token);
        prop_assert_eq!(token, Some(AccessToken::new("a")));
    }

    #[test]
    fn any_expiry_leaves_the_token(number in any::<f64>(), text in any::<String>()) {
        for value in [serde_json::json!(number), serde_json::json!(text)] {
            let body = serde_json::json!({"access_token": "a", "expires_in": value}).to_string();
            let set = read(&client(), body.into_bytes()).unwrap();
            prop_assert!(set.expires_at.is_none_or(|at| at >= sent_at()));
            // Any expiry can be written to a store.
            let _ = serde_json::to_string(&set).unwrap();
        }
    }

    #[test]
    fn a_token_set_survives_its_text(
        access in ".{1,40}",
        refresh in prop::option::of(".{1,40}"),
        ms in 0_u64..4_000_000_000_000,
    ) {
        let at = std::time::UNIX_EPOCH + std::time::Duration::from_millis(ms);
        let mut set = TokenSet::new(access).with_issued_at(at).with_expires_at(at);
        if let Some(refresh) = refresh {
            set = set.with_refresh_token(refresh);
        }
        let text = serde_json::to_string(&set).unwrap();
        prop_assert_eq!(serde_json::from_str::<TokenSet>(&text).unwrap(), set);
    }

    #[test]
    fn no_redirect_panics(text in any::<String>()) {
        let expected = ExpectedRedirect { state: &state() };
        let _ = client().read_redirect(&Redirect::query(text.clone()), &expected);
        let fragment = with(|d| d.authorization.response_mode = ResponseMode::Fragment);
        let _ = fragment.read_redirect(&Redirect::fragment(text.clone()), &expected);
        let urls = [text.clone(), format!("{CALLBACK}?{text}"), format!("{CALLBACK}#{text}")];
        for redirect in urls.into_iter().filter_map(|url| Redirect::from_url(url).ok()) {
            let _ = client().read_redirect(&redirect, &expected);
            let _ = fragment.read_redirect(&redirect, &expected);
        }
    }

    #[test]
    fn a_code_survives_both_response_modes(code in ".{1,60}") {
        let escaped: String = code.bytes().map(|b| format!("%{b:02X}")).collect();
        let text = format!("code={escaped}&state=st-1");
        let fragment = with(|d| {
            d.authorization.response_mode = ResponseMode::Fragment;
            d.authorization.state_echo = StateEcho::Unknown;
        });
        let query = Redirect::query(text.clone());
        let expected = ExpectedRedirect { state: &state() };
        for (client, redirect) in [(client(), query), (fragment, Redirect::fragment(text))] {
            let response = client.read_redirect(&redirect, &expected).unwrap();
            prop_assert_eq!(response.code.expose(), code.as_str());
        }
    }

    #[test]
    fn no_code_gets_through_with_another_state(given in "[a-z0-9-]{0,8}", rest in "[a-z=&]{0,20}") {
        prop_assume!(given != "st-1");
        let text = format!("code=c&state={given}&{rest}");
        let expected = ExpectedRedirect { state: &state() };
        let read = client().read_redirect(&Redirect::query(text), &expected);
        prop_assert!(read.is_err());
    }

    #[test]
    fn no_challenge_panics(line in prop::collection::vec(any::<u8>(), 0..80)) {
        let mut headers = HeaderMap::new();
        if let Ok(value) = HeaderValue::from_bytes(&line) {
            headers.insert("www-authenticate", value);
        }
        let _ = parse_www_authenticate(&headers);
    }

    #[test]
    fn a_challenge_survives_its_text(
        scheme in "[A-Za-z]{1,10}",
        name in "[a-z_]{1,10}",
        value in "[ -~]{0,30}",
    ) {
        let quoted = value.replace('\\', "\\\\").replace('"', "\\\"");
        let mut headers = HeaderMap::new();
        let header = format!("{scheme} {name}=\"{quoted}\"");
        headers.insert("www-authenticate", HeaderValue::from_str(&header).unwrap());
        let challenges = parse_www_authenticate(&headers);
        prop_assert_eq!(challenges.len(), 1);
        prop_assert_eq!(challenges[0].parameter(&name), Some(value.as_str()));
    }

    #[test]
    fn no_text_becomes_an_unsafe_origin(text in "[a-z:/@.?#\\[\\]0-9]{0,30}") {
        if let Ok(origin) = Origin::parse(&text) {
            prop_assert!(origin.as_str().starts_with("https://") || origin.is_loopback());
            prop_assert_eq!(&Origin::parse(origin.as_str()).unwrap(), &origin);
            prop_assert!(origin.matches(&origin.as_str().parse::<Uri>().unwrap()));
        }
    }

    #[test]
    fn no_dialect_text_panics(text in any::<String>()) {
        #[cfg(feature = "toml")]
        prop_assert!(Dialect::from_toml(&text).is_err());
        prop_assert!(Dialect::from_json(&text).is_err());
    }

    #[test]
    fn no_redirect_uri_panics(text in any::<String>()) {
        let _ = dialect().with(Registration::new("id", text));
    }

    #[test]
    fn a_token_in_the_query_is_unchanged(token in "[!-~]{1,40}", query in "[a-z=&%2]{0,20}") {
        let client = with(|d| d.attach = AttachmentMethod::Query("access_token".to_owned()));
        let mut uri: Uri = format!("https://a.example/p?{query}").parse().unwrap();
        let attachment = client.attach(&AccessToken::new(&*token), None).unwrap();
        attachment.apply(&mut uri, &mut HeaderMap::new()).unwrap();
        let url = tokenkeeper_protocol::Url::parse(&uri.to_string()).unwrap();
        let values: Vec<_> = url.query_pairs().filter(|(name, _)| name == "access_token").collect();
        prop_assert_eq!(values.len(), 1);
        prop_assert_eq!(values[0].1.as_ref(), token.as_str());
    }
}
