//! The answers and refusals that the vendors' documents, or reports of users, show.

use std::time::{Duration, SystemTime};

use serde_json::{Map, Value};
use tokenkeeper_presets as presets;
use tokenkeeper_protocol::{
    Class, Client, ExpectedRedirect, GrantType, LoginData, Provider, Redirect, RefreshToken,
    Refusal, RevocationOutcome, State, TokenSet,
    bytes::Bytes,
    conformance::sent_at,
    http::{Response, header::CONTENT_TYPE},
};

use crate::{
    cases::{Case, Cases},
    support,
};

#[test]
fn responses_of_the_documents_mean_what_they_say() {
    let mut wrong = Vec::new();
    for name in presets::names() {
        let cases = Cases::of(name);
        assert!(!cases.cases.is_empty(), "{name} has no cases");
        let client = support::client(name, &cases);
        for case in &cases.cases {
            let meaning = meaning(&client, cases.site.as_deref(), case);
            if meaning != case.expected {
                let Case { kind, body, .. } = case;
                wrong.push(format!(
                    "{name}: {kind}\n{body}\nmeans    {meaning}\nand not  {}",
                    case.expected
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn an_answer_to_a_code_is_among_the_cases_of_each_preset() {
    for name in presets::names() {
        let cases = Cases::of(name).cases;
        let has_tokens = |case: &Case| case.kind == "code" && case.expected.starts_with("access ");
        assert!(cases.iter().any(has_tokens), "{name}");
    }
}

#[test]
fn a_dead_grant_is_among_the_cases_of_each_preset() {
    let mut missing = Vec::new();
    for name in presets::names() {
        let cases = Cases::of(name).cases;
        let refreshes = cases
            .iter()
            .any(|case| case.expected.contains(", refresh "));
        let kind = if refreshes { "refresh" } else { "code" };
        let is_dead = |case: &Case| case.kind == kind && case.expected.starts_with("terminal");
        if !cases.iter().any(is_dead) {
            missing.push(format!("{name}: {kind}"));
        }
    }
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn a_device_is_among_the_cases_of_each_preset_with_one() {
    for name in presets::names() {
        let has = presets::get(name).unwrap().device.is_some();
        let cases = Cases::of(name).cases;
        let is_of_device = |case: &Case| case.kind == "device" && case.expected.starts_with("type");
        assert_eq!(cases.iter().any(is_of_device), has, "{name}");
        let pending = |case: &Case| case.kind == "poll" && case.expected.starts_with("pending");
        assert_eq!(cases.iter().any(pending), has, "{name}");
    }
}

#[test]
fn a_documented_token_can_be_attached() {
    for name in presets::names() {
        let cases = Cases::of(name);
        let client = support::client(name, &cases);
        for case in cases.cases {
            let grant_type = match case.kind.as_str() {
                "code" => GrantType::AuthorizationCode,
                "refresh" => GrantType::RefreshToken,
                "poll" => GrantType::DeviceCode,
                _ => continue,
            };
            if let Ok(tokens) = client.read_token_response(grant_type, &response(&case), sent_at())
            {
                let attached = client.attach(&tokens.access_token, tokens.token_type.as_deref());
                assert!(attached.is_ok(), "{name}: {attached:?}");
            }
        }
    }
}

/// Says what a case means, in the words of the files.
fn meaning(client: &Client, site: Option<&str>, case: &Case) -> String {
    match case.kind.as_str() {
        "code" => tokens(client, GrantType::AuthorizationCode, case),
        "refresh" => tokens(client, GrantType::RefreshToken, case),
        "poll" => tokens(client, GrantType::DeviceCode, case),
        "device" => device(client, case),
        "revoke" => match client.read_revocation_response(&response(case)) {
            RevocationOutcome::Done => "done".to_owned(),
            other => format!("{other:?}"),
        },
        "redirect" => redirect(client, &case.body),
        "origins" => {
            let site = client.site(site).unwrap();
            let answer: Map<String, Value> = serde_json::from_str(&case.body).unwrap();
            let data = LoginData::new(answer, Vec::new());
            let origins = client.api_origins(&site, &data);
            let origins: Vec<_> = origins.iter().map(ToString::to_string).collect();
            origins.join(", ")
        }
        other => panic!("unknown kind of case: {other}"),
    }
}

fn tokens(client: &Client, grant_type: GrantType, case: &Case) -> String {
    match client.read_token_response(grant_type, &response(case), sent_at()) {
        Ok(set) => of_tokens(&set),
        Err(refusal) => of_refusal(&refusal),
    }
}

fn of_tokens(set: &TokenSet) -> String {
    let seconds = |time: SystemTime| time.duration_since(sent_at()).unwrap_or(Duration::ZERO);
    let in_seconds = |time: SystemTime| seconds(time).as_secs().to_string();
    let scope = set.scope.clone().filter(|scope| !scope.is_empty());
    let refresh_token = set.refresh_token.as_ref().map(RefreshToken::expose);
    [
        ("access", Some(set.access_token.expose().to_owned())),
        ("refresh", refresh_token.map(str::to_owned)),
        ("expires", set.expires_at.map(in_seconds)),
        ("refresh expires", set.refresh_expires_at.map(in_seconds)),
        ("scope", scope),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some(format!("{name} {}", value?)))
    .collect::<Vec<_>>()
    .join(", ")
}

fn of_refusal(refusal: &Refusal) -> String {
    let class = match refusal.class {
        Class::Transient { .. } => "transient",
        Class::Ambiguous => "ambiguous",
        Class::Terminal => "terminal",
        Class::Unexplained => "unexplained",
        Class::Configuration => "configuration",
        Class::Pending => "pending",
        Class::SlowDown => "slow down",
    };
    match &refusal.code {
        Some(code) => format!("{class}, {code}"),
        None => class.to_owned(),
    }
}

fn device(client: &Client, case: &Case) -> String {
    match client.read_device_authorization_response(&response(case), sent_at()) {
        Ok(device) => format!(
            "type {} at {}, every {} for {}",
            device.user_code,
            device.verification_uri,
            device.interval.as_secs(),
            device.expires_in.as_secs(),
        ),
        Err(error) => format!("{error:?}"),
    }
}

fn redirect(client: &Client, parameters: &str) -> String {
    let state = State::new("S");
    let expected = ExpectedRedirect { state: &state };
    match client.read_redirect(&Redirect::query(parameters), &expected) {
        Ok(answer) => {
            let mut text = format!("code {}", answer.code.expose());
            for (name, value) in answer.extra {
                text += &format!(", {name} {value}");
            }
            text
        }
        Err(error) => format!("{error:?}"),
    }
}

fn response(case: &Case) -> Response<Bytes> {
    Response::builder()
        .status(case.status)
        .header(CONTENT_TYPE, &case.content_type)
        .body(Bytes::from(case.body.clone()))
        .unwrap()
}
