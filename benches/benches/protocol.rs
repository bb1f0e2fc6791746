//! Reading token responses, refusals and redirects, in the RFC's form and in other dialects.
//!
//! Next to each: the cost of parsing the bare text with serde_json or `form_urlencoded`.

use std::{hint::black_box, time::SystemTime};

use bytes::Bytes;
use criterion::{
    BenchmarkGroup, Criterion, criterion_group, criterion_main, measurement::WallTime,
};
use http::Response;
use tokenkeeper_benches::{registration, token};
use tokenkeeper_engine::protocol::{
    Dialect, ExpectedRedirect, GrantType, Provider, Redirect, State,
};
use tokenkeeper_provider_amiqus::Amiqus;
use tokenkeeper_provider_ioffice::IOffice;
use tokenkeeper_provider_qics_milestones::QicsMilestones;

type Group<'c> = BenchmarkGroup<'c, WallTime>;

fn responses(criterion: &mut Criterion) {
    let fields = [
        ("access_token", format!("{:?}", token())),
        ("refresh_token", r#""refresh-1""#.to_owned()),
        ("token_type", r#""Bearer""#.to_owned()),
        ("expires_in", "3600".to_owned()),
        ("scope", r#""read""#.to_owned()),
    ];
    let object = |quote: &str| {
        let fields = fields.each_ref();
        let fields = fields.map(|(name, value)| format!("{quote}{name}{quote}:{value}"));
        format!("{{{}}}", fields.join(","))
    };
    let (standard, unquoted) = (object("\""), object(""));
    let mut group = criterion.benchmark_group("protocol/token response");
    json(&mut group, &standard);
    let mut read =
        |name, provider: &dyn Provider, body| read(&mut group, name, provider, 200, body);
    read("RFC 6749, strict", &rfc(), &standard);
    read("milliseconds", &ioffice(), &standard);
    read("loose, given JSON", &qics(), &standard);
    read("loose, unquoted keys", &qics(), &unquoted);
}

fn refusals(criterion: &mut Criterion) {
    let refused = concat!(
        r#"{"error":"invalid_request","error_description":"The refresh token is invalid.","#,
        r#""hint":"Token has been revoked"}"#
    );
    let mut group = criterion.benchmark_group("protocol/refusal");
    json(&mut group, refused);
    read(&mut group, "RFC 6749", &rfc(), 400, refused);
    read(&mut group, "mapped", &amiqus(), 401, refused);
}

/// Measures serde_json on the bare text.
fn json(group: &mut Group<'_>, body: &str) {
    group.bench_function("serde_json alone", |b| {
        b.iter(|| serde_json::from_str::<serde_json::Value>(black_box(body)));
    });
}

fn read(group: &mut Group<'_>, name: &str, provider: &dyn Provider, status: u16, body: &str) {
    let response = Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .body(Bytes::copy_from_slice(body.as_bytes()))
        .expect("the parts are valid");
    let sent_at = SystemTime::now();
    let read = |response| provider.read_token_response(GrantType::RefreshToken, response, sent_at);
    assert_eq!(read(&response).is_ok(), status == 200, "{name}");
    group.bench_function(name, |b| b.iter(|| read(black_box(&response))));
}

fn redirects(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("protocol/redirect");
    let state = "c3RhdGUtb2YtMzItYnl0ZXMtaW4tYmFzZTY0dXJs";
    let standard = format!("code=4%2F0AeaYSHBh7Zr2fT9xYw8mQ&state={state}");
    let carried = format!("flow={state}&code=4%2F0AeaYSHBh7Zr2fT9xYw8mQ");
    group.bench_function("form_urlencoded alone", |b| {
        b.iter(|| {
            form_urlencoded::parse(black_box(&standard).as_bytes())
                .into_owned()
                .collect::<Vec<_>>()
        });
    });
    let state = State::new(state);
    let mut read = |name: &str, provider: &dyn Provider, redirect: Redirect| {
        let expected = ExpectedRedirect { state: &state };
        let read = |redirect| provider.read_redirect(redirect, &expected);
        assert!(read(&redirect).is_ok(), "{name}");
        group.bench_function(name, |b| b.iter(|| read(black_box(&redirect))));
    };
    read("RFC 6749, strict", &rfc(), Redirect::query(&*standard));
    read(
        "in the fragment",
        &ioffice(),
        Redirect::fragment(&*standard),
    );
    read(
        "state in the redirect URI",
        &qics(),
        Redirect::query(&*carried),
    );
}

fn rfc() -> impl Provider {
    let dialect = Dialect::rfc6749("example", "https://login.example.com");
    let dialect = dialect.expect("the origin is valid");
    dialect
        .with(registration())
        .expect("the registration has a secret")
}

fn amiqus() -> impl Provider {
    Amiqus::new(registration()).expect("the registration has a secret")
}

fn qics() -> impl Provider {
    QicsMilestones::new(registration()).expect("the registration has a secret")
}

fn ioffice() -> impl Provider {
    let provider = IOffice::new(registration()).expect("the dialect has a scope");
    provider
        .base("https://tenant.example")
        .expect("the origin is valid")
}

criterion_group!(benches, responses, refusals, redirects);
criterion_main!(benches);
