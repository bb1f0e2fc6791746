//! Dialects that are refused where they are read, and not at the first request.

use super::*;

/// Asserts that a dialect with these lines is refused, and that the error names the field.
fn assert_refused(field: &str, lines: &str) {
    let refused = read(lines).map(drop).unwrap_err().to_string();
    assert!(
        refused.contains(&format!("`{field}`")),
        "{lines}\n{refused}"
    );
}

fn assert_read(lines: &str) {
    let read = read(lines);
    assert!(read.is_ok(), "{lines}\n{read:?}");
}

#[test]
fn times_are_from_a_second_to_ten_years() {
    const MOST: u64 = 10 * 366 * 24 * 60 * 60;
    for (field, line) in [
        ("refresh.lifetime", "refresh.lifetime = { fixed = N }"),
        ("refresh.grace_seconds", "refresh.grace_seconds = N"),
        ("refresh.not_before", "refresh.not_before = N"),
        (
            "response.lifetime_when_absent",
            "response.lifetime_when_absent = N",
        ),
    ] {
        for seconds in [0, MOST + 1, i64::MAX as u64] {
            assert_refused(field, &line.replace('N', &seconds.to_string()));
        }
        for seconds in [1, MOST] {
            assert_read(&line.replace('N', &seconds.to_string()));
        }
    }
    for share in ["0.0", "-0.5", "0.001", "1.01", "nan", "inf"] {
        let line = format!("refresh.keep_alive_share = {share}");
        assert_refused("refresh.keep_alive_share", &line);
    }
    assert_read("refresh.keep_alive_share = 0.01");
}

#[test]
fn headers_of_http_carry_no_token_and_no_constant() {
    for name in [
        "host",
        "Content-Length",
        "connection",
        "transfer-encoding",
        "TE",
        "upgrade",
        "expect",
        "keep-alive",
        "proxy-authorization",
        "content-encoding",
    ] {
        assert_refused("attach", &format!("attach = {{ header = \"{name}\" }}"));
        for section in ["api_headers", "token.headers"] {
            let line = format!("{section} = {{ {name} = \"x\" }}");
            assert_refused(&format!("{section}.{name}"), &line);
        }
        for section in ["revocation", "introspection"] {
            let line = format!("[{section}]\nendpoint = \"/r\"\ntoken.header = \"{name}\"");
            assert_refused(&format!("{section}.token"), &line);
        }
        let line = placed(&format!("\"{name}: code\""), "\"x: refresh_token\"");
        assert_refused("token.code", &line);
        let line = placed("\"x: code\"", &format!("\"{name}: refresh_token\""));
        assert_refused("token.refresh", &line);
    }
    for name in ["accept", "content-type", "cookie", "User-Agent"] {
        assert_refused("attach", &format!("attach = {{ header = \"{name}\" }}"));
    }
    assert_read("attach = { header = \"authorization\" }");
    assert_read("api_headers = { accept = \"application/vnd.example+json\" }");
}

/// Returns the lines of a token request whose parameters are headers.
fn placed(code: &str, refresh: &str) -> String {
    format!("token.placement = \"headers\"\ntoken.code = [{code}]\ntoken.refresh = [{refresh}]")
}

#[test]
fn each_header_of_a_token_request_is_there_once() {
    let plain = placed("\"x-code: code\"", "\"x-refresh: refresh_token\"");
    assert_read(&plain);
    assert_read(&format!("{plain}\ntoken.fixed = {{ x-key = \"1\" }}"));
    for (field, lines) in [
        (
            "token.code",
            placed(
                "\"x-code: code\", \"X-Code: redirect_uri\"",
                "\"x: refresh_token\"",
            ),
        ),
        (
            "token.refresh",
            placed("\"x: code\"", "\"Authorization: refresh_token\""),
        ),
        (
            "token.fixed.X-CODE",
            format!("{plain}\ntoken.fixed = {{ X-CODE = \"1\" }}"),
        ),
        (
            "token.refresh_fixed.X-Refresh",
            format!("{plain}\ntoken.refresh_fixed = {{ X-Refresh = \"1\" }}"),
        ),
        (
            "token.code_fixed.authorization",
            format!("{plain}\ntoken.code_fixed = {{ authorization = \"1\" }}"),
        ),
    ] {
        assert_refused(field, &lines);
    }
    let own = placed(
        "\"authorization: code\", \"x-id: client_id\"",
        "\"authorization: refresh_token\", \"x-id: client_id\"",
    );
    assert_read(&format!("{own}\ntoken.client_authentication = \"none\""));
}

#[test]
fn a_scheme_takes_a_token_alone() {
    for scheme in ["Basic", "bearer", "Digest", "DPoP", "MAC", "Negotiate"] {
        assert_refused("attach", &format!("attach = {{ scheme = \"{scheme}\" }}"));
    }
    assert_read("attach = { scheme = \"Zoho-oauthtoken\" }");
}

#[test]
fn a_device_endpoint_is_safe_and_its_parameters_differ() {
    let with = |endpoint: &str, fixed: &str| {
        format!("[device]\nendpoint = \"{endpoint}\"\nfixed = {{ {fixed} = \"1\" }}")
    };
    for name in ["client_id", "client_secret", "scope"] {
        assert_refused(&format!("device.fixed.{name}"), &with("/d", name));
    }
    for endpoint in ["http://login.example/d", "https://a@login.example/d", "d"] {
        assert!(read(&with(endpoint, "audience")).is_err(), "{endpoint}");
    }
    assert_read(&with("/d", "audience"));
    let in_headers = placed("\"x-code: code\"", "\"x-refresh: refresh_token\"");
    let lines = |name: &str| format!("{in_headers}\n{}", with("/d", name));
    assert_refused("device.fixed.host", &lines("host"));
    assert_read(&lines("x-audience"));
    assert_read(&with("http://127.0.0.1:80/d", "audience"));
    let rule = "[[errors.map]]\nerror = \"x\"\nclass = \"pending\"";
    assert_refused("errors.map[0]", rule);
    assert_read(&format!("{rule}\ngrant_type = \"device_code\""));
}

#[test]
fn a_revocation_has_one_place_for_each_token() {
    for section in ["revocation", "introspection"] {
        let with = |line: &str| format!("[{section}]\nendpoint = \"/r\"\n{line}");
        for line in [
            "method = \"get\"",
            "method = \"get\"\ntoken = { form = \"t\" }",
            "method = \"get\"\ntoken = { json = \"t\" }",
        ] {
            assert_refused(&format!("{section}.method"), &with(line));
        }
        for place in ["form", "json"] {
            for name in ["", "token_type_hint", "client_id", "client_secret"] {
                let line = format!("token = {{ {place} = \"{name}\" }}");
                assert_refused(&format!("{section}.token"), &with(&line));
            }
        }
        assert_read(&with("method = \"get\"\ntoken = \"bearer\""));
        assert_read(&with("method = \"get\"\ntoken = { header = \"x-token\" }"));
    }
    assert_refused(
        "revocation.tokens",
        "[revocation]\nendpoint = \"/r\"\ntokens = [\"access_token\", \"access_token\"]",
    );
}

#[test]
fn an_origin_comes_from_no_token_and_no_code() {
    let with = |key: &str, name: &str, lines: &str| {
        format!("api_origins_from = [{{ {key} = \"{name}\", below = [\"a.com\"] }}]\n{lines}")
    };
    for (name, lines) in [
        ("a..b", ""),
        (".a", ""),
        ("a.", ""),
        ("access_token", ""),
        ("refresh_token", ""),
        ("user.access_token", ""),
        ("key", "response.access_token_field = \"key\""),
        (
            "data.key",
            "response.tokens_at = \"data\"\nresponse.refresh_token_field = \"key\"",
        ),
    ] {
        assert_refused("api_origins_from[0].field", &with("field", name, lines));
    }
    let nested = "response.tokens_at = \"data\"\nresponse.access_token_field = \"key\"";
    assert_read(&with("field", "key", nested));
    for (name, lines) in [
        ("code", ""),
        ("state", ""),
        ("error", ""),
        ("iss", ""),
        ("c", "authorization.callback = { code = \"c\" }"),
        (
            "flow",
            "authorization.redirect_rule = \"extra_query\"\n\
             authorization.state = { redirect_uri = \"flow\" }",
        ),
    ] {
        assert_refused(
            "api_origins_from[0].parameter",
            &with("parameter", name, lines),
        );
    }
    assert_read(&with("parameter", "domain", ""));
}

#[test]
fn an_issuer_is_an_https_url() {
    for issuer in [
        "",
        "example.com",
        "http://example.com",
        "https://{tenant}.example.com",
        "https://u@example.com",
        "https://example.com/#a",
        "urn:example",
    ] {
        let line = format!("authorization.issuer = \"{issuer}\"");
        assert_refused("authorization.issuer", &line);
    }
    for issuer in ["https://example.com/tenant", "http://127.0.0.1:8080"] {
        assert_read(&format!("authorization.issuer = \"{issuer}\""));
    }
}

#[test]
fn each_member_of_a_response_has_one_meaning() {
    for (field, line) in [
        (
            "response.refresh_token_field",
            "response.refresh_token_field = \"access_token\"",
        ),
        ("response.expiry_field", "response.expiry_field = \"scope\""),
        (
            "response.refresh_expiry_fields",
            "response.refresh_expiry_fields = [\"a\", \"expires_in\"]",
        ),
        (
            "response.refresh_expiry_fields",
            "response.refresh_expiry_fields = [\"a\", \"a\"]",
        ),
    ] {
        assert_refused(field, line);
    }
}

#[test]
fn only_types_that_mean_bearer_can_be_listed() {
    for name in ["dpop", "DPoP", "mac", "pop", "n_a", "N_A", ""] {
        let line = format!("response.token_types = [\"{name}\"]");
        assert_refused("response.token_types", &line);
    }
    for attach in ["{ header = \"x-token\" }", "{ scheme = \"token\" }"] {
        let lines = format!("attach = {attach}\nresponse.token_types = [\"user\"]");
        assert_refused("response.token_types", &lines);
    }
    assert_read("response.token_types = [\"user\"]");
}

#[test]
fn a_platform_that_gives_names_to_anyone_is_no_domain() {
    for platform in [
        "github.io",
        "s3.amazonaws.com",
        "s3.eu-west-1.amazonaws.com",
        "execute-api.us-east-1.amazonaws.com",
        "herokuapp.com",
        "azurewebsites.net",
        "cloudfront.net",
        "westeurope.cloudapp.azure.com",
        "workers.dev",
    ] {
        let line = format!("api_origins = [\"https://*.{platform}\"]");
        assert!(read(&line).is_err(), "{line}");
        let line = format!("api_origins_from = [{{ field = \"f\", below = [\"{platform}\"] }}]");
        assert_refused("api_origins_from[0].below", &line);
        let line = format!(
            "api_origins_from = [{{ field = \"f\", template = \"https://{{value}}.{platform}\" }}]"
        );
        assert_refused("api_origins_from[0].template", &line);
        // One name there has one owner.
        assert_read(&format!("api_origins = [\"https://*.acme.{platform}\"]"));
        assert_read(&format!("api_origins = [\"https://acme.{platform}\"]"));
    }
    for domain in ["googleapis.com", "docusign.net", "myshopify.com"] {
        assert_read(&format!("api_origins = [\"https://*.{domain}\"]"));
    }
}
