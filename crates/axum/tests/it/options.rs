//! What forms and links may say, and what the application runs.

use std::sync::{Arc, Mutex};

use axum::{
    http::{Method, StatusCode, request::Parts},
    response::IntoResponse as _,
};
use tokenkeeper_axum::{Error, Routes};
use tokenkeeper_engine::{Accounts, protocol::Dialect};
use tokenkeeper_provider_amiqus::Amiqus;

use crate::{
    app::{self, App, OWN, SignedIn},
    login::callback,
};

fn offline(set: impl FnOnce(Routes) -> Routes) -> App {
    let provider = Amiqus::new(app::registration("/oauth/amiqus")).unwrap();
    App::with_routes(provider, set)
}

#[tokio::test]
async fn a_login_returns_to_a_path_of_this_site() {
    let (emulator, provider) = app::amiqus().await;
    let app = App::new(provider);
    let mut browser = app.browser();
    let path = callback(
        &mut browser,
        &emulator,
        "amiqus?next=/checks%3Fid%3D7",
        "approve=1",
    )
    .await;
    assert_eq!(browser.get(&path).await.location(), "/checks?id=7");
    // So does a reload, and a disconnect.
    assert_eq!(browser.get(&path).await.location(), "/checks?id=7");
    let gone = browser.post("/disconnect/amiqus?next=/bye").await;
    assert_eq!(gone.location(), "/bye");
}

#[tokio::test]
async fn a_return_path_of_another_host_is_refused() {
    let app = offline(|routes| routes);
    let mut browser = app.browser();
    let form = [
        ("origin", OWN),
        ("content-type", "application/x-www-form-urlencoded"),
    ];
    for next in [
        "https%3A%2F%2Fevil.test",
        "%2F%2Fevil.test",
        "%2F%5Cevil.test",
        "%5C%5Cevil.test",
        "%2F%252Fevil.test",
        "%2F%2509%2Fevil.test",
        "%2F%09%2Fevil.test",
        "%2F..%2F%2Fevil.test",
        "javascript%3Aalert(1)",
        "evil",
    ] {
        for route in ["connect", "disconnect"] {
            let path = format!("/{route}/amiqus?next={next}");
            let answer = browser.post(&path).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}");
            assert!(answer.set_cookies().is_empty() && !answer.body.contains("evil"));
            let (path, body) = (format!("/{route}/amiqus"), format!("next={next}"));
            let answer = browser.send(Method::POST, &path, &form, &body).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}");
        }
        let page = browser.get(&format!("/connect/amiqus?next={next}")).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{next}");
    }
}

#[tokio::test]
async fn only_allowed_scopes_and_parameters_are_asked_for() {
    let dialect = Dialect::rfc6749("acme", "https://id.example").unwrap();
    let provider = dialect.with(app::registration("/oauth/acme")).unwrap();
    let app = App::with_routes(provider, |routes| {
        routes
            .allow_scopes(["checks", "people"])
            .allow_parameters(["login_hint", "prompt"])
    });
    let mut browser = app.browser();
    let query = "scope=people+checks&login_hint=ann%40example.com&prompt=&audience=x";
    let answer = browser.post(&format!("/connect/acme?{query}")).await;
    let url = answer.location();
    assert!(
        url.contains("scope=people+checks") || url.contains("scope=people%20checks"),
        "{url}"
    );
    assert!(url.contains("&login_hint=ann%40example.com"), "{url}");
    assert!(
        !url.contains("prompt") && !url.contains("audience"),
        "{url}"
    );
    // The page's form has them too.
    let page = browser.get(&format!("/connect/acme?{query}")).await;
    let field = "<input type=\"hidden\" name=\"login_hint\" value=\"ann@example.com\">";
    assert!(page.body.contains(field), "{}", page.body);
    assert!(!page.body.contains("audience"));

    for scope in ["admin", "checks+admin", "checks++people", "checks%09people"] {
        let answer = browser.post(&format!("/connect/acme?scope={scope}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{scope}");
    }
    let none = offline(|routes| routes);
    let refused = none.browser().post("/connect/amiqus?scope=checks").await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_parameter_has_no_name_of_our_fields() {
    for name in ["site", "account", "next", "scope"] {
        let provider = Amiqus::new(app::registration("/cb")).unwrap();
        let accounts = app::accounts().provider(provider).build().unwrap();
        let routes = Routes::new(&accounts, |_| None).allow_parameters([name]);
        let error = routes.router::<()>().unwrap_err();
        assert_eq!(error, Error::ReservedParameter { name: name.into() });
    }
}

fn named(person: &str, name: &str) -> Option<String> {
    ["work", "home"]
        .contains(&name)
        .then(|| format!("{person}/{name}"))
}

#[tokio::test]
async fn a_person_may_have_several_accounts() {
    let (emulator, provider) = app::amiqus().await;
    let app = App::with_routes(provider, |routes| routes.account_names(named));
    let mut browser = app.browser();
    for name in ["work", "home"] {
        let path = format!("amiqus?account={name}");
        let path = callback(&mut browser, &emulator, &path, "approve=1").await;
        assert_eq!(browser.get(&path).await.location(), "/settings");
    }
    let account = |subject| app.accounts.account("amiqus", subject).unwrap();
    assert!(account("user-42/work").token().await.is_ok());
    assert!(account("user-42").token().await.is_err());
    browser.post("/disconnect/amiqus?account=work").await;
    assert!(account("user-42/work").token().await.is_err());
    assert!(account("user-42/home").token().await.is_ok());
}

#[tokio::test]
async fn a_named_account_is_finished_by_its_person() {
    let (emulator, provider) = app::amiqus().await;
    let app = App::with_routes(provider, |routes| routes.account_names(named));
    let mut browser = app.browser();
    let path = callback(&mut browser, &emulator, "amiqus?account=work", "approve=1").await;
    browser.person = Some("user-43");
    let answer = browser.get(&path).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(
        answer.body.contains("Someone else started"),
        "{}",
        answer.body
    );
    assert_eq!(emulator.counters().token_requests, 0);
}

#[tokio::test]
async fn an_account_of_no_allowed_name_is_refused() {
    let app = offline(|routes| routes.account_names(named));
    let none = offline(|routes| routes);
    let long = "a".repeat(200);
    for (app, name) in [(&app, "other"), (&app, &*long), (&none, "work")] {
        let answer = app
            .browser()
            .post(&format!("/connect/amiqus?account={name}"))
            .await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{name}");
        assert!(answer.body.contains("no account of this name"));
    }
}

fn async_subject(accounts: &Accounts) -> Routes {
    Routes::with_subject(accounts, |parts: Parts| async move {
        match parts.extensions.get::<SignedIn>() {
            Some(SignedIn(person)) if person == "broken" => {
                Err((StatusCode::IM_A_TEAPOT, "no session store").into_response())
            }
            person => Ok(person.map(|person| person.0.clone())),
        }
    })
}

#[tokio::test]
async fn a_subject_is_found_by_an_async_function() {
    let (emulator, provider) = app::amiqus().await;
    let accounts = app::accounts().provider(provider).build().unwrap();
    let app = App::with(accounts.clone(), |_| async_subject(&accounts));
    let mut browser = app.browser();
    let path = callback(&mut browser, &emulator, "amiqus", "approve=1").await;
    browser.person = Some("broken");
    for answer in [
        browser.get(&path).await,
        browser.post("/connect/amiqus").await,
    ] {
        assert_eq!(answer.status, StatusCode::IM_A_TEAPOT);
        assert_eq!(answer.body, "no session store");
    }
    browser.person = None;
    assert_eq!(browser.get(&path).await.status, StatusCode::FORBIDDEN);
    browser.person = Some("user-42");
    assert_eq!(browser.get(&path).await.location(), "/");
}

#[tokio::test]
async fn hooks_run_after_a_login_and_a_disconnect() {
    let ran: Arc<Mutex<Vec<String>>> = Arc::default();
    let (connected, disconnected) = (ran.clone(), ran.clone());
    let (emulator, provider) = app::amiqus().await;
    let app = App::with_routes(provider, |routes| {
        routes
            .after_connect(move |login| {
                let ran = connected.clone();
                async move {
                    assert!(login.account.token().await.is_ok());
                    let subject = login.account.subject().to_owned();
                    ran.lock().unwrap().push(format!("connected {subject}"));
                }
            })
            .after_disconnect(move |account| {
                let ran = disconnected.clone();
                async move {
                    assert!(account.token().await.is_err());
                    let subject = account.subject().to_owned();
                    ran.lock().unwrap().push(format!("disconnected {subject}"));
                }
            })
    });
    let mut browser = app.browser();
    let denied = callback(&mut browser, &emulator, "amiqus", "deny=1").await;
    browser.get(&denied).await;
    assert!(ran.lock().unwrap().is_empty());
    let path = callback(&mut browser, &emulator, "amiqus", "approve=1").await;
    browser.get(&path).await;
    // A reload finishes no login.
    browser.get(&path).await;
    browser.post("/disconnect/amiqus").await;
    let expected = ["connected user-42", "disconnected user-42"];
    assert_eq!(*ran.lock().unwrap(), expected);
}

#[tokio::test]
async fn headers_of_64_kib_are_no_login() {
    let (emulator, provider) = app::amiqus().await;
    let app = App::new(provider);
    let mut browser = app.browser();
    let path = callback(&mut browser, &emulator, "amiqus", "approve=1").await;
    let long = "x".repeat(64 * 1024);
    let headers = [
        ("accept-language", &*long),
        ("origin", &*long),
        ("referer", &*long),
    ];
    let refused = browser
        .send(Method::POST, "/connect/amiqus", &headers, "")
        .await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(!refused.body.contains("xxxx"));
    browser.raw_cookies = format!("__Host-tokenkeeper.amiqus.flow={long}; {long}").into_bytes();
    let unknown = browser.get("/oauth/amiqus?code=x&state=y").await;
    assert_eq!(unknown.status, StatusCode::BAD_REQUEST);
    assert!(!unknown.body.contains("xxxx"));
    // A new login makes room, and the one in progress is still finished.
    assert_eq!(browser.get(&path).await.location(), "/settings");
    let answer = browser.post("/connect/amiqus").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert!(
        answer
            .set_cookies()
            .iter()
            .all(|cookie| cookie.len() < 5000)
    );
}

#[tokio::test]
async fn a_callback_of_no_provider_is_not_found() {
    let app = offline(|routes| routes);
    let mut browser = app.browser();
    for path in [
        "/oauth/acme?code=x&state=y",
        "/oauth/amiqus/?code=x",
        "/oauth",
    ] {
        assert_eq!(
            browser.get(path).await.status,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
}
