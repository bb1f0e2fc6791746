//! Answers that are forms, and answers that are compressed.

use tokenkeeper_protocol::Class;

use crate::{answers::*, support::*};

#[test]
fn a_form_is_read_like_json() {
    let body = "access_token=a%2Bb&expires_in=28800&refresh_token=r+1&token_type=bearer\
                &scope=x%20y&refresh_token_expires_in=15897600&note=n";
    let text = [("content-type", "text/plain;charset=UTF-8")];
    let json = [("content-type", "application/json")];
    for headers in [&[FORM][..], &text, &json, &[]] {
        let set = read_as(&client(), headers, body).unwrap();
        assert_eq!(set.access_token.expose(), "a+b");
        assert_eq!(refresh(&set), Some("r 1"));
        assert_eq!(set.expires_at, after(28800));
        assert_eq!(set.refresh_expires_at, after(15_897_600));
        assert_eq!(set.token_type.as_deref(), Some("bearer"));
        assert_eq!(set.scope.as_deref(), Some("x y"));
        assert_eq!(set.extra.keys().collect::<Vec<_>>(), ["note"]);
    }
    let set = read_as(&client(), &[FORM], "access_token=a&refresh_token=&scope=\n").unwrap();
    assert_eq!((refresh(&set), set.scope.as_deref()), (None, None));
}

#[test]
fn a_form_of_type_html_or_with_odd_separators_is_read() {
    let html = [("content-type", "text/html; charset=UTF-8")];
    let text = [("content-type", "text/plain")];
    for body in [
        "access_token=a&refresh_token=r",
        "access_token=a&refresh_token=r&",
        "&access_token=a&&refresh_token=r&&",
        "access_token=a&refresh_token=r\r\n",
        "access_token=a&refresh_token=r&scope=x y&name=Jo Do",
        "access_token=a&refresh_token=r&empty=",
    ] {
        for headers in [&html[..], &text, &[FORM], &[]] {
            let set = read_as(&client(), headers, body).unwrap();
            assert_eq!(set.access_token.expose(), "a", "{headers:?} {body}");
            assert_eq!(refresh(&set), Some("r"), "{headers:?} {body}");
        }
    }
    for body in [
        "error=invalid_grant&",
        "&&error=invalid_grant",
        "error=invalid_grant&error_description=The token is gone.",
    ] {
        let refusal = read_as(&client(), &text, body).unwrap_err();
        assert_eq!(refusal.class, Class::Terminal, "{body}");
    }
}

#[test]
fn what_is_no_form_is_not_read_as_one() {
    for (headers, body) in [
        (
            &[("content-type", "text/html")][..],
            "<p>access_token=a</p>",
        ),
        (&[("content-type", "text/html")], "access_token=a&x=<br>"),
        (&[("content-type", "text/html")], "access_token="),
        (&[("content-type", "text/html")], "error=invalid_grant"),
        (
            &[("content-type", "application/xhtml+xml")],
            "access_token=a",
        ),
        (&[], "<p>access_token=a</p>"),
        (&[], "your access_token=a"),
        (&[], "access_token"),
        (&[], "access_token=a&b"),
        (&[], "x=1&y=2"),
        (&[], "{\"access_token=a"),
        (&[FORM], "access_token=%ff"),
        (&[FORM], "access_token="),
    ] {
        let refusal = read_as(&client(), headers, body).unwrap_err();
        assert_eq!(refusal.class, Class::Ambiguous, "{headers:?} {body}");
    }
    // JSON counts whatever the content type says.
    assert!(read_as(&client(), &[FORM], r#"{"access_token":"a"}"#).is_ok());
}

#[test]
fn a_body_that_is_still_compressed_is_not_read() {
    for encoding in ["gzip", "br", "zstd", "gzip, br"] {
        let headers = [("content-encoding", encoding), FORM];
        let refusal = read_as(&client(), &headers, b"\x1f\x8b\x08\0=&").unwrap_err();
        assert_eq!(refusal.class, Class::Ambiguous, "{encoding}");
        assert!(refusal.to_string().contains("compressed"), "{refusal}");
    }
    // A proxy may decode the body and keep the header.
    for encoding in ["identity", "", "gzip", "br"] {
        let headers = [("content-encoding", encoding)];
        for body in ["access_token=a", r#"{"access_token":"a"}"#] {
            assert!(
                read_as(&client(), &headers, body).is_ok(),
                "{encoding} {body}"
            );
        }
    }
}
