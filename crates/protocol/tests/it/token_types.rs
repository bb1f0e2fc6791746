//! Token types: only bearer tokens are sent as such.

use tokenkeeper_protocol::{AttachmentMethod, Client, Error, Provider};

use crate::{answers::*, support::*};

#[test]
fn only_bearer_tokens_are_attached_as_such() {
    let attach = |client: &Client, token_type: Option<&str>| {
        client
            .attach(&access_token(), token_type)
            .map(|a| show_attachment(&a))
    };
    for token_type in [None, Some("bearer"), Some("Bearer"), Some("BEARER")] {
        assert_eq!(
            attach(&client(), token_type).unwrap(),
            "authorization: Bearer at.1"
        );
    }
    for (token_type, shown) in [
        ("DPoP", "`DPoP`"),
        ("mac", "`mac`"),
        ("N_A", "`N_A`"),
        ("", "an unlisted one"),
        ("bearer ", "an unlisted one"),
        ("rt-0123456789abcdef", "an unlisted one"),
    ] {
        let error = attach(&client(), Some(token_type)).unwrap_err();
        assert!(matches!(error, Error::TokenType { .. }), "{error:?}");
        assert!(error.to_string().contains(shown), "{error}");
    }
    let named = with(|d| d.response.token_types = vec!["user".to_owned(), "bot".to_owned()]);
    for token_type in ["user", "User", "bot", "bearer"] {
        assert!(attach(&named, Some(token_type)).is_ok(), "{token_type}");
    }
    assert!(attach(&named, Some("mac")).is_err());
}

#[test]
fn other_attachments_take_all_types_but_those_with_a_proof() {
    for method in [
        AttachmentMethod::Header("x-token".to_owned()),
        AttachmentMethod::Scheme("Zoho-oauthtoken".to_owned()),
        AttachmentMethod::Query("token".to_owned()),
    ] {
        let own = with(|d| d.attach = method.clone());
        // The dialect says how the provider's types are used.
        for token_type in [None, Some("bearer"), Some("api"), Some("rt-0123")] {
            let attached = own.attach(&access_token(), token_type);
            assert!(attached.is_ok(), "{method:?} {token_type:?}");
        }
        for token_type in ["mac", "DPoP", "PoP", "N_A"] {
            let error = own.attach(&access_token(), Some(token_type)).unwrap_err();
            assert!(matches!(error, Error::TokenType { .. }), "{error:?}");
        }
    }
}

#[test]
fn a_type_that_is_no_string_is_kept_and_not_attached() {
    for token_type in ["7", "[\"bearer\"]", "true"] {
        let set = tokens(format!(
            r#"{{"access_token":"a","token_type":{token_type}}}"#
        ));
        let kept = set.token_type.as_deref();
        assert!(
            client().attach(&set.access_token, kept).is_err(),
            "{token_type}"
        );
    }
    for token_type in ["null", "\"\""] {
        let set = tokens(format!(
            r#"{{"access_token":"a","token_type":{token_type}}}"#
        ));
        assert_eq!(set.token_type, None);
    }
}
