//! Errors of the axes: each names the field and its line.

use super::*;

/// The number of lines before those of a case.
const BEFORE: usize = 5;

fn assert_refused(field: &str, line: usize, lines: &str) {
    let error = read(lines).unwrap_err().to_string();
    let line = line + BEFORE - usize::from(lines.contains("site = "));
    let expected = format!("`{field}` (line {line})");
    assert!(
        error.contains(&expected),
        "{lines}\n{error}\nexpected {expected}"
    );
}

#[test]
fn fields_that_contradict_each_other_have_their_line() {
    for (field, line, lines) in [
        ("attach", 1, "attach = { scheme = \"a b\" }"),
        (
            "api_headers.authorization",
            1,
            "api_headers = { authorization = \"x\" }",
        ),
        ("api_headers.a b", 1, "api_headers = { \"a b\" = \"x\" }"),
        ("api_headers.x", 2, "[api_headers]\nx = \" a\""),
        ("api_headers.x", 1, "api_headers = { x = \"é\" }"),
        (
            "api_headers.x-t",
            2,
            "attach.header = \"X-T\"\napi_headers.x-t = \"a\"",
        ),
        (
            "authorization.fixed.scope",
            1,
            "authorization.fixed = { scope = \"a\" }",
        ),
        (
            "authorization.fixed.code_challenge",
            1,
            "authorization.fixed = { code_challenge = \"a\" }",
        ),
        (
            "authorization.fixed.user_scope",
            2,
            "authorization.further_scopes.user_scope = \"a\"\n\
             authorization.fixed.user_scope = \"a\"",
        ),
        (
            "authorization.further_scopes.state",
            1,
            "authorization.further_scopes = { state = \"a\" }",
        ),
        (
            "authorization.further_scopes.x",
            1,
            "authorization.further_scopes = { x = \"a  b\" }",
        ),
        (
            "authorization.scope_separator",
            1,
            "authorization.scope_separator = \"\"",
        ),
        (
            "authorization.scope_separator",
            1,
            "authorization.scope_separator = \", \"",
        ),
        (
            "authorization.scope_separator",
            1,
            "authorization.scope_separator = \"a\"",
        ),
        (
            "authorization.fragment",
            1,
            "authorization.fragment = \"a?b\"",
        ),
        (
            "authorization.callback",
            1,
            "authorization.callback = { code = \"\" }",
        ),
        (
            "authorization.callback",
            1,
            "authorization.callback = { code = \"state\" }",
        ),
        (
            "authorization.callback",
            1,
            "authorization.callback = { code = \"iss\" }",
        ),
        (
            "authorization.state",
            3,
            "authorization.callback = { code = \"c\" }\n\
             authorization.redirect_rule = \"extra_query\"\n\
             authorization.state = { redirect_uri = \"c\" }",
        ),
        (
            "token.content_type",
            1,
            "token.content_type = \"application/json\"",
        ),
        (
            "token.content_type",
            1,
            "token.content_type = \"text/plain\"",
        ),
        (
            "token.content_type",
            2,
            "token.placement = \"json\"\ntoken.content_type = \"text/plain\"",
        ),
        (
            "token.fixed.grant_type",
            1,
            "token.fixed = { grant_type = \"a\" }",
        ),
        (
            "token.code_fixed.code",
            1,
            "token.code_fixed = { code = \"a\" }",
        ),
        (
            "token.refresh_fixed.x",
            2,
            "token.refresh = [\"x: refresh_token\"]\ntoken.refresh_fixed = { x = \"a\" }",
        ),
        (
            "token.refresh_fixed.x",
            2,
            "token.fixed = { x = \"a\" }\ntoken.refresh_fixed = { x = \"a\" }",
        ),
        (
            "token.headers.accept",
            1,
            "token.headers = { accept = \"a\" }",
        ),
        (
            "token.refresh",
            2,
            "token.refresh_client_authentication = \"parameters\"\n\
             token.refresh = [\"refresh_token\"]",
        ),
        ("refresh.not_before", 1, "refresh.not_before = 0"),
        (
            "api_origins_from[0]",
            1,
            "api_origins_from = [{ below = [\"example.com\"] }]",
        ),
        (
            "api_origins_from[0]",
            1,
            "api_origins_from = [{ field = \"f\" }]",
        ),
        (
            "api_origins_from[0]",
            1,
            "api_origins_from = [{ field = \"f\", parameter = \"p\", below = [\"a.com\"] }]",
        ),
        (
            "errors.map[1]",
            4,
            "[[errors.map]]\nerror = \"a\"\nclass = \"terminal\"\n\
             [[errors.map]]\nclass = \"terminal\"",
        ),
        (
            "revocation.done_when[1]",
            3,
            "[revocation]\nendpoint = \"/r\"\ndone_when = [{ status = 404 }, { status = 503 }]",
        ),
        (
            "api_origins_from[1].below",
            6,
            "[[api_origins_from]]\nfield = \"f\"\nbelow = [\"example.com\"]\n\
             [[api_origins_from]]\nfield = \"f\"\nbelow = [\"com\"]",
        ),
        (
            "api_origins_from[0].template",
            1,
            "api_origins_from = [{ field = \"f\", template = \"https://{value}.com\" }]",
        ),
        (
            "api_origins_from[0].template",
            1,
            "api_origins_from = [{ field = \"f\", template = \"https://{x}.example.com\" }]",
        ),
    ] {
        assert_refused(field, line, lines);
    }
}

#[test]
fn placeholders_and_values_have_their_line() {
    for (field, line, lines) in [
        ("token.fixed.x", 1, "token.fixed = { x = \"{y}\" }"),
        (
            "token.refresh_endpoint",
            1,
            "token.refresh_endpoint = \"/{y}\"",
        ),
        ("values.a", 1, "values = { a = { pattern = \"label\" } }"),
        ("values.A", 1, "values = { A = { pattern = \"label\" } }"),
        ("values.state", 1, "[values.state]\npattern = \"label\""),
        (
            "values.a.default",
            3,
            "token.fixed = { a = \"{a}\" }\nvalues.a.pattern = \"digits\"\n\
             values.a.default = \"x\"",
        ),
        (
            "values.a.pattern",
            2,
            "token.fixed = { a = \"{a}\" }\nvalues.a.pattern = { one_of = [] }",
        ),
        (
            "token.refresh_endpoint",
            1,
            "token.refresh_endpoint = \"https://{a}.example.com\"\nvalues.a.pattern = \"word\"",
        ),
        (
            "token.refresh_endpoint",
            1,
            "token.refresh_endpoint = \"https://example.com:{a}/\"\nvalues.a.pattern = \"digits\"",
        ),
        (
            "token.refresh_endpoint",
            1,
            "token.refresh_endpoint = \"https://a.example.com/{a}\"\nvalues.a.pattern = \"text\"",
        ),
        (
            "token.refresh_endpoint",
            1,
            "token.refresh_endpoint = \"/{client_id}\"",
        ),
        (
            "token.refresh_endpoint",
            1,
            "token.refresh_endpoint = \"https://a.{a}/\"\nvalues.a.pattern = \"digits\"",
        ),
        (
            "api_origins[1]",
            1,
            "api_origins = [\"https://a.example\", \"https://{a}.example.com\"]\n\
             values.a.pattern = \"text\"",
        ),
        (
            "site",
            1,
            "site = \"https://{a}.example.com/x\"\nvalues.a.pattern = \"label\"",
        ),
        ("site", 1, "site = \"https://a.example.com\""),
        (
            "site",
            1,
            "site = \"https://{a}.Example.com\"\nvalues.a.pattern = \"label\"",
        ),
        (
            "site",
            1,
            "site = \"https://{a}.example.com:443\"\nvalues.a.pattern = \"label\"",
        ),
        (
            "site",
            1,
            "site = \"https://{a}.bücher.example\"\nvalues.a.pattern = \"label\"",
        ),
        (
            "api_headers.x",
            2,
            "site = \"https://{a}.example.com\"\napi_headers = { x = \"{a}\" }\n\
             values.a.pattern = \"label\"",
        ),
        (
            "token.refresh_endpoint",
            2,
            "site = \"https://{a}.example.com\"\ntoken.refresh_endpoint = \"https://api.{a}/\"\n\
             values.a.pattern = \"label\"",
        ),
    ] {
        assert_refused(field, line, lines);
    }
}

#[test]
fn a_site_next_to_a_base_has_its_line() {
    let text = "brand = \"example\"\nbase = \"https://login.example\"\n\
                site = \"https://{a}.example.com\"\nvalues.a.pattern = \"label\"\n\
                authorization.endpoint = \"/a\"\ntoken.endpoint = \"/t\"\n";
    let error = Dialect::from_toml(text).unwrap_err().to_string();
    assert!(error.contains("`site` (line 3)"), "{error}");
}

#[test]
fn malformed_templates_have_their_line() {
    for template in [
        "{", "}", "{}", "a}b", "{a{b}}", "{A}", "{a b}", "{a}{b}", "{1}",
    ] {
        let error = read(&format!("\ntoken.fixed = {{ x = \"{template}\" }}")).unwrap_err();
        assert!(error.to_string().contains("line 7"), "{template}: {error}");
    }
    for endpoint in [
        "{a}/x",
        "http://{a}.example.com/",
        "//{a}",
        "/{a}#f",
        "https://u@{a}.b.c/",
    ] {
        let error = read(&format!("token.refresh_endpoint = \"{endpoint}\"")).unwrap_err();
        assert!(error.to_string().contains("line 6"), "{endpoint}: {error}");
    }
}

#[test]
fn several_errors_have_their_lines() {
    let error = read("attach = { header = \"a b\" }\nrefresh.not_before = 0").unwrap_err();
    assert_eq!(
        error.to_string(),
        "the dialect's field `attach` (line 6) holds an invalid header name; \
         the dialect's field `refresh.not_before` (line 7) must be from 1 second to 10 \
         years: remove it for an unknown or unlimited time"
    );
}

#[test]
fn a_missing_field_has_the_line_of_its_section() {
    let lines = "token.placement = \"headers\"";
    let error = read(lines).unwrap_err().to_string();
    assert!(error.contains("`token.code` (line 5)"), "{error}");
}

#[test]
fn a_dialect_that_is_no_text_has_no_line() {
    let error = Dialect::new("Example", None, "/a", "/t").unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("the dialect's field `brand` must")
    );
}
