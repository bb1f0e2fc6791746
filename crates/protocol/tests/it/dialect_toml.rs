//! Dialects as TOML: unknown keys and wrong values are refused with their line.

use tokenkeeper_protocol::{Dialect, RefreshLifetime, TokenParameter, TokenValue};

use crate::support::*;

const PLAIN: &str = r#"
brand = "example"
base = "https://login.example"
[authorization]
endpoint = "/authorize"
[token]
endpoint = "/token"
"#;

fn error(toml: &str) -> String {
    Dialect::from_toml(toml).unwrap_err().to_string()
}

#[test]
fn a_minimal_text_is_the_plain_dialect() {
    let mut plain = dialect();
    (plain.device, plain.revocation, plain.introspection) = (None, None, None);
    assert_eq!(Dialect::from_toml(PLAIN).unwrap(), plain);
}

#[test]
fn unknown_keys_are_refused_on_every_level_with_their_line() {
    let nested = [
        "[authorization]",
        "[token]",
        "[response]",
        "[errors]",
        "[refresh]",
        "[resource]",
        "[resource.rate_limit]",
        "[device]\nendpoint = \"/d\"",
        "[revocation]\nendpoint = \"/r\"",
        "[introspection]\nendpoint = \"/i\"",
        "[authorization.callback]",
        "[values.account]\npattern = \"label\"",
        "[[api_origins_from]]\nfield = \"url\"",
        "[[revocation.done_when]]\nstatus = 404",
        "[[errors.map]]\nclass = \"terminal\"\nerror = \"x\"",
    ];
    assert!(
        error(&format!("surprise = 1{PLAIN}"))
            .contains("line 1, column 1: unknown field `surprise`")
    );
    for table in nested {
        let (toml, line) = match PLAIN.split_once(table) {
            Some((before, after)) => (
                format!("{before}{table}\nsurprise = 1{after}"),
                before.lines().count() + 2,
            ),
            None => (
                format!("{PLAIN}{table}\nsurprise = 1\n"),
                PLAIN.lines().count() + table.lines().count() + 1,
            ),
        };
        let error = error(&toml);
        assert!(
            error.contains(&format!("line {line}, column 1: unknown field `surprise`")),
            "{table}: {error}"
        );
    }
}

#[test]
fn wrong_values_are_refused_with_their_line() {
    for (line, says) in [
        ("attach = \"cookie\"", "unknown variant `cookie`"),
        ("attach = { head = \"x\" }", "unknown variant `head`"),
        ("base = \"http://login.example\"", "https"),
        ("api_origins = [\"https://a.example/path\"]", "path"),
        ("brand = 7", "expected a string"),
    ] {
        let plain = PLAIN
            .replace("base = \"https://login.example\"", "")
            .replace("brand = \"example\"", "");
        let brand = if line.starts_with("brand") {
            ""
        } else {
            "brand = \"x\"\n"
        };
        let error = error(&format!("{brand}{line}{plain}"));
        let at = if brand.is_empty() { "line 1" } else { "line 2" };
        assert!(
            error.contains(at) && error.contains(says),
            "{line}: {error}"
        );
    }
    for (list, says) in [
        ("[\"grand_type\"]", "unknown value `grand_type`"),
        ("[\": code\"]", "empty"),
    ] {
        let error = error(&format!("{PLAIN}code = {list}"));
        assert!(error.contains("line 8") && error.contains(says), "{error}");
    }
    for endpoint in [
        "token",
        "//evil.test/x",
        "/a#b",
        "http://a.example/t",
        "https://u@a.example/t",
        "/a b",
        "\\\\\\\\evil",
    ] {
        let error = error(&PLAIN.replace("\"/token\"", &format!("\"{endpoint}\"")));
        assert!(error.contains("line 7"), "{endpoint}: {error}");
    }
}

#[test]
fn invalid_toml_is_refused_with_its_line() {
    assert!(error("brand = ").contains("line 1"));
    assert!(error(&format!("{PLAIN}oops")).contains("line 8"));
    assert!(error("").contains("missing field `brand`"));
}

#[test]
fn fields_that_contradict_each_other_are_named() {
    for (more, field) in [
        ("[response]\nexpiry_field = \"\"", "response.expiry_field"),
        ("[response]\ntokens_at = \"\"", "response.tokens_at"),
        ("[response]\ntokens_at = \"a..b\"", "response.tokens_at"),
        (
            "[response]\nrefresh_tokens_at = \"a.\"",
            "response.refresh_tokens_at",
        ),
        (
            "[response]\naccess_token_field = \"\"",
            "response.access_token_field",
        ),
        (
            "[response]\nrefresh_token_field = \".a\"",
            "response.refresh_token_field",
        ),
        (
            "[response]\ntoken_type_field = \"\"",
            "response.token_type_field",
        ),
        ("[response]\nscope_field = \"\"", "response.scope_field"),
        (
            "[response]\nrefresh_expiry_fields = [\"\"]",
            "response.refresh_expiry_fields",
        ),
        ("[response]\ntoken_types = [\"\"]", "response.token_types"),
        (
            "[response]\nlifetime_when_absent = 0",
            "response.lifetime_when_absent",
        ),
        (
            "[response]\nlifetime_when_absent = 400000000",
            "response.lifetime_when_absent",
        ),
        ("[errors]\ncode = [\"\"]", "errors.code"),
        ("[errors]\ntext = [\"a..b\"]", "errors.text"),
        (
            "[refresh]\nkeep_alive_share = 0.0",
            "refresh.keep_alive_share",
        ),
        (
            "[refresh]\nkeep_alive_share = nan",
            "refresh.keep_alive_share",
        ),
        ("[resource]\nrejected = [429]", "resource.rejected"),
        ("[resource]\nrejected = [200]", "resource.rejected"),
        (
            "[resource.rate_limit]\nlimit = \"a b\"",
            "resource.rate_limit",
        ),
        ("[[errors.map]]\nclass = \"terminal\"", "errors.map"),
        (
            "[[errors.map]]\nclass = \"terminal\"\nat = \"a\"\nstatus = 400",
            "errors.map",
        ),
        (
            "[[errors.map]]\nclass = \"terminal\"\nat = \".a\"\nerror = \"x\"",
            "errors.map",
        ),
        (
            "[[errors.map]]\nclass = \"terminal\"\nwithout_code = true",
            "errors.map",
        ),
        (
            "[[errors.map]]\nclass = \"terminal\"\nwithout_code = true\nstatus = 400\n\
             error = \"x\"",
            "errors.map",
        ),
        (
            "[revocation]\nendpoint = \"/r\"\ntokens = []",
            "revocation.tokens",
        ),
        (
            "[revocation]\nendpoint = \"/r\"\ntoken = { header = \"\" }",
            "revocation.token",
        ),
        (
            "[revocation]\nendpoint = \"/r\"\ntoken = { json = \"\" }",
            "revocation.token",
        ),
        (
            "[revocation]\nendpoint = \"/r\"\ndone_when = [{}]",
            "revocation.done_when",
        ),
        (
            "[revocation]\nendpoint = \"/r\"\ndone_when = [{ status = 429 }]",
            "revocation.done_when",
        ),
        (
            "[revocation]\nendpoint = \"/r\"\ndone_when = [{ status = 503 }]",
            "revocation.done_when",
        ),
        (
            "[introspection]\nendpoint = \"/r\"\ntoken = { form = \"\" }",
            "introspection.token",
        ),
        ("code = [\"grant_type\"]", "token.code"),
        (
            "code = [\"grant_type\", \"code\", \"client_secret\"]",
            "token.code",
        ),
        ("code = [\"code\", \"code\"]", "token.code"),
        ("refresh = [\"refresh_token\", \"code\"]", "token.refresh"),
        (
            "client_authentication = \"parameters\"\nrefresh = [\"refresh_token\", \"client_id\"]",
            "token.refresh",
        ),
        (
            "client_authentication = \"none\"\nrefresh = [\"refresh_token\"]",
            "token.refresh",
        ),
        ("placement = \"headers\"", "token.code"),
        (
            "placement = \"headers\"\ncode = [\"x: code\"]\nrefresh = [\"x: refresh_token\"]",
            "token.code",
        ),
        (
            "placement = \"headers\"\ncode = [\"a b: code\"]",
            "token.code",
        ),
        ("accept = \"a\\nb\"", "token.accept"),
        ("content_type = \"a\\nb\"", "token.content_type"),
    ] {
        let error = error(&format!("{PLAIN}{more}"));
        assert!(error.contains(&format!("`{field}")), "{more}: {error}");
    }
    for (line, field) in [
        ("parameters = [\"client_id\"]", "authorization.parameters"),
        (
            "parameters = [\"response_type\", \"client_id\", \"redirect_uri\"]",
            "authorization.parameters",
        ),
        (
            "parameters = [\"response_type\", \"client_id\", \"redirect_uri\", \"state\", \
             \"state\"]",
            "authorization.parameters",
        ),
        (
            "parameters = [\"response_type\", \"client_id\", \"redirect_uri\", \"state\"]\n\
             scope = \"x\"",
            "authorization.scope",
        ),
        ("scope = \"\"", "authorization.scope"),
        (
            "state = { redirect_uri = \"flow\" }",
            "authorization.redirect_rule",
        ),
        (
            "state = { redirect_uri = \"code\" }\nredirect_rule = \"extra_query\"",
            "authorization.state",
        ),
    ] {
        let error = error(&PLAIN.replace("\"/authorize\"", &format!("\"/authorize\"\n{line}")));
        assert!(error.contains(&format!("`{field}")), "{line}: {error}");
    }
    for brand in ["", "Example", "a b", "a/b"] {
        assert!(error(&PLAIN.replace("\"example\"", &format!("\"{brand}\""))).contains("`brand`"));
    }
}

#[test]
fn short_forms_are_read() {
    let toml = format!(
        "{PLAIN}code = [\"grant_type\", \"x-code: code\"]\n\
         [refresh]\nlifetime = {{ fixed = 60 }}\ngrace_seconds = 30\n"
    );
    let dialect = Dialect::from_toml(&toml).unwrap();
    let named = TokenParameter {
        name: "x-code".to_owned(),
        value: TokenValue::Code,
    };
    assert_eq!(dialect.token.code, [TokenValue::GrantType.into(), named]);
    assert_eq!(
        dialect.refresh_token_lifetime(),
        RefreshLifetime::Fixed(std::time::Duration::from_secs(60))
    );
    assert_eq!(dialect.grace(), Some(std::time::Duration::from_secs(30)));
}
