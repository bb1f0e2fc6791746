//! Challenges of `WWW-Authenticate`.

use tokenkeeper_protocol::{Challenge, http::HeaderMap, http::HeaderValue, parse_www_authenticate};

fn parse(lines: &[&str]) -> Vec<Challenge> {
    let mut headers = HeaderMap::new();
    for line in lines {
        headers.append(
            "www-authenticate",
            HeaderValue::from_bytes(line.as_bytes()).unwrap(),
        );
    }
    parse_www_authenticate(&headers)
}

fn challenge(scheme: &str, params: &[(&str, &str)], token68: Option<&str>) -> Challenge {
    let params = params
        .iter()
        .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
        .collect();
    Challenge {
        scheme: scheme.to_owned(),
        params,
        token68: token68.map(str::to_owned),
    }
}

#[test]
fn challenges_are_separated() {
    assert_eq!(parse(&[]), []);
    assert_eq!(parse(&["Bearer"]), [challenge("Bearer", &[], None)]);
    assert_eq!(
        parse(&[r#"Bearer realm="a, b", ERROR = invalid_token ,error_description="say \"hi\"""#]),
        [challenge(
            "Bearer",
            &[
                ("realm", "a, b"),
                ("error", "invalid_token"),
                ("error_description", "say \"hi\"")
            ],
            None
        )]
    );
    assert_eq!(
        parse(&[
            r#"Negotiate, Basic realm="x", Bearer error="e""#,
            "NTLM TlRM+/=="
        ]),
        [
            challenge("Negotiate", &[], None),
            challenge("Basic", &[("realm", "x")], None),
            challenge("Bearer", &[("error", "e")], None),
            challenge("NTLM", &[], Some("TlRM+/==")),
        ]
    );
}

#[test]
fn challenges_before_an_unreadable_part_count() {
    assert_eq!(
        parse(&[r#"Bearer error="e", x="open"#]),
        [challenge("Bearer", &[("error", "e")], None)]
    );
    assert_eq!(
        parse(&["Bearer error=e, (", "Basic"]),
        [
            challenge("Bearer", &[("error", "e")], None),
            challenge("Basic", &[], None)
        ]
    );
}

#[test]
fn a_second_line_does_not_extend_a_challenge() {
    let alone = [challenge("Bearer", &[], None)];
    assert_eq!(parse(&["Bearer", "error=e"]), alone);
    assert_eq!(parse(&["Bearer", "=x"]), alone);
    assert_eq!(
        parse(&["Bearer x=="]),
        [challenge("Bearer", &[], Some("x=="))]
    );
}
