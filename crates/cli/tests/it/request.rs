//! `request`, against an emulator.

use serde_json::Value;
use tokenkeeper_emulator::{Emulator, Endpoint, Fault};

use crate::{text, world::World};

#[tokio::test(flavor = "multi_thread")]
async fn it_prints_the_body_and_more_if_asked() {
    let world = World::connected().await;
    let api = world.api();
    let output = world.run(&["request", "GET", &api]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let body: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(body.to_string().contains("bob@example.com"), "{body}");

    let included = world.run(&["request", "GET", &api, "-i"]);
    let (head, shown) = text(&included.stdout).split_once("\n\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\n"), "{head}");
    assert!(head.contains("content-type: application/json"), "{head}");
    assert_eq!(shown.as_bytes(), output.stdout);

    let object = world.json(&["request", "GET", &api]);
    assert_eq!(object["status"], 200);
    assert_eq!(object["headers"]["content-type"][0], "application/json");
    assert_eq!(object["body"].as_str().unwrap().as_bytes(), output.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_token_is_refreshed_and_the_body_sent_again() {
    let world = World::with(Emulator::plain().record_requests()).await;
    world.log_in(&["plain"]);
    let api = world.api();
    std::fs::write(world.path("body"), "from a file\n").unwrap();
    let file = format!("@{}", world.path("body").display());
    for (data, sent) in [
        ("a=1", "a=1"),
        (&*file, "from a file\n"),
        ("@-", "from stdin"),
    ] {
        world.emulator.expire_access_tokens();
        let arguments = ["request", "POST", &api, "-d", data, "-H", "X-Id: 7"];
        world.run_with(&arguments, b"from stdin");
        let requests = world.emulator.recorded_requests();
        let calls = requests
            .iter()
            .filter(|call| call.headers().contains_key("x-id"));
        let calls: Vec<_> = calls.rev().take(2).collect();
        for call in &calls {
            assert_eq!(text(call.body()), sent);
            let form = "application/x-www-form-urlencoded";
            assert_eq!(call.headers()["content-type"], form);
        }
        let tokens = calls.iter().map(|call| &call.headers()["authorization"]);
        let tokens: Vec<_> = tokens.collect();
        assert_ne!(tokens[0], tokens[1]);
    }
    assert_eq!(world.emulator.counters().refreshes(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_token_leaves_the_origins_of_its_provider() {
    let world = World::with(Emulator::plain().record_requests()).await;
    world.log_in(&["plain"]);
    let base = world.emulator.base().to_owned();
    let other = World::start().await;
    let seen = world.emulator.recorded_requests().len();
    for account in [&[][..], &["--account", "plain"]] {
        for url in [
            &*other.api(),
            "https://evil.example/?secret",
            "ftp://evil.example/",
        ] {
            let output = world.run(&[&["request", "GET", url], account].concat());
            let error = text(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{error}");
            assert!(error.contains(&base), "{error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }
    let with_user = world.api().replace("http://", "http://me:secret@");
    for (url, named) in [(&*with_user, "remove it"), ("nowhere", "no URL")] {
        let output = world.run(&["request", "GET", url]);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(
            error.contains(named) && !error.contains("secret"),
            "{error}"
        );
    }
    assert_eq!(other.emulator.counters().api_calls, 0);
    assert_eq!(world.emulator.recorded_requests().len(), seen);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_to_another_origin_is_the_response() {
    let world = World::connected().await;
    let other = World::start().await;
    let fault = Fault::Redirect(other.api());
    world.emulator.faults().once(Endpoint::Api, fault);
    let output = world.run(&["request", "GET", &world.api(), "-i"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stdout).starts_with("HTTP/1.1 302 Found\n"));
    assert_eq!(other.emulator.counters().api_calls, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_of_the_api_is_printed_and_exits_with_22() {
    let world = World::connected().await;
    world
        .emulator
        .faults()
        .once(Endpoint::Api, Fault::ServerError);
    let output = world.run(&["request", "GET", &world.api()]);
    assert_eq!(output.status.code(), Some(22));
    assert!(text(&output.stdout).contains("server_error"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_or_a_provider_that_fails_can_be_tried_later() {
    let world = World::connected().await;
    let faults = world.emulator.faults();
    let call = || {
        let output = world.run(&["request", "GET", &world.api()]);
        assert_eq!(output.status.code(), Some(4), "{}", text(&output.stderr));
        assert_eq!(text(&output.stdout), "");
    };
    faults.always(Endpoint::Api, Fault::CutBeforeBody);
    call();
    faults.clear(Endpoint::Api);
    let unavailable = Fault::Unavailable {
        retry_after: Some(600),
    };
    faults.always(Endpoint::Token, unavailable);
    world.emulator.expire_access_tokens();
    call();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_several_accounts_must_be_named() {
    let world = World::start().await;
    let api = world.api();
    let call = |account: &[&str]| world.run(&[&["request", "GET", &api], account].concat());
    let none = call(&[]);
    assert_eq!(none.status.code(), Some(2));
    let error = text(&none.stderr);
    assert!(error.contains("run `tokenkeeper login`"), "{error}");
    assert_eq!(call(&["--account", "plain"]).status.code(), Some(3));

    world.log_in(&["plain", "--account", "work"]);
    assert!(call(&[]).status.success());
    world.log_in(&["plain"]);
    let several = call(&[]);
    assert_eq!(several.status.code(), Some(2));
    let error = text(&several.stderr);
    assert!(
        error.contains("plain") && error.contains("plain/work"),
        "{error}"
    );
    assert!(call(&["--account", "plain/work"]).status.success());
    world.json(&["logout", "plain/work"]);
    assert!(call(&[]).status.success());
}
