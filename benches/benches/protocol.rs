//! Reading token responses and redirects: as the RFC has them, and in the dialects that take more. Beside each, what reading the bare text
//! costs: serde_json's, and that of `form_urlencoded`.

use std::{hint::black_box, time::SystemTime};

use bytes::Bytes;
use criterion::{
    BenchmarkGroup, Criterion, criterion_group, criterion_main, measurement::WallTime,
};
use http::Response;
use tokenkeeper_benches::token;
use tokenkeeper_engine::protocol::{
    Dialect, ExpectedRedirect, GrantKind, Provider, Redirect, Registration, State,
};
use tokenkeeper_provider_amiqus::Amiqus;
use tokenkeeper_provider_ioffice::IOffice;
use tokenkeeper_provider_qics_milestones::QicsMilestones;

type Group<'c> = BenchmarkGroup<'c, WallTime>;

fn responses(criterion: &mut Criterion) {
    let standard = format!(
        r#"{{"access_token":"{}","refresh_token":"refresh-1","token_type":"Bearer","expires_in":3600,"scope":"read"}}"#,
        token()
    );
    let unquoted = format!(
        r#"{{access_token:"{}",refresh_token:"refresh-1",token_type:"Bearer",expires_in:3600,scope:"read"}}"#,
        token()
    );
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
    let refused = r#"{"error":"invalid_request","error_description":"The refresh token is invalid.","hint":"Token has been revoked"}"#;
    let mut group = criterion.benchmark_group("protocol/refusal");
    json(&mut group, refused);
    read(&mut group, "RFC 6749", &rfc(), 400, refused);
    read(&mut group, "mapped", &amiqus(), 401, refused);
}

/// What reading the bare text costs.
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
    let read = |response| provider.read_token_response(GrantKind::Refresh, response, sent_at);
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

fn registration() -> Registration {
    Registration::new("client-1", "https://app.example/callback")
        .expect("the redirect URI is https")
        .secret("secret-1")
}

fn rfc() -> impl Provider {
    let dialect = Dialect::rfc6749("example", "https://login.example.com");
    let dialect = dialect.expect("the origin is one");
    dialect.with(registration()).expect("there is a secret")
}

fn amiqus() -> impl Provider {
    Amiqus::new(registration()).expect("there is a secret")
}

fn qics() -> impl Provider {
    QicsMilestones::new(registration()).expect("there is a secret")
}

fn ioffice() -> impl Provider {
    let provider = IOffice::new(registration()).expect("the dialect has a scope");
    provider
        .base("https://tenant.example")
        .expect("the origin is one")
}

criterion_group!(benches, responses, refusals, redirects);
criterion_main!(benches);
