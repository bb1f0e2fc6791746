//! Ports, browsers and redirect URIs that do not fit.

use std::{io, net::TcpListener, sync::mpsc, time::Duration};

use tokenkeeper_engine::{Advice, Error as EngineError, FlowError};
use tokenkeeper_login::{Error, Port};

use crate::world::World;

const CALLBACK: &str = "http://127.0.0.1/callback";

#[tokio::test]
async fn a_port_in_use_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let world = World::new(CALLBACK);
    let error = world
        .login()
        .port(Port::Number(port))
        .start()
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains(&format!("127.0.0.1:{port}")),
        "{error}"
    );
    assert_eq!(error.advice(), Advice::FixConfiguration);
}

#[tokio::test]
async fn a_redirect_uri_elsewhere_is_refused() {
    for uri in ["https://app.example/callback", "https://127.0.0.1/callback"] {
        let error = World::new(uri).login().start().await.unwrap_err();
        assert!(
            matches!(error, Error::NotLoopback { .. }),
            "{uri}: {error:?}"
        );
    }
}

#[tokio::test]
async fn the_browser_is_opened_with_the_url() {
    let world = World::new(CALLBACK);
    let (sender, opened) = mpsc::channel();
    let (shown_sender, shown) = mpsc::channel();
    let started = world
        .login()
        .show(move |url| shown_sender.send(url.clone()).unwrap())
        .open_with(move |url| sender.send(url.clone()).map_err(io::Error::other))
        .start()
        .await
        .unwrap();
    assert_eq!(opened.try_recv().unwrap(), *started.url());
    assert_eq!(shown.try_recv().unwrap(), *started.url());
}

#[tokio::test]
async fn a_missing_browser_is_an_error_unless_the_url_is_shown() {
    let world = World::new(CALLBACK);
    let missing = || {
        world
            .login()
            .open_with(|_| Err(io::ErrorKind::NotFound.into()))
    };
    let error = missing().start().await.unwrap_err();
    assert!(matches!(error, Error::Browser { .. }), "{error:?}");
    missing().show(|_| ()).start().await.unwrap();
}

#[tokio::test]
async fn a_login_that_takes_too_long_has_expired() {
    let world = World::new(CALLBACK);
    let (started, _browser, _location) = world.start().await;
    // The default of `Options::login_timeout`.
    world.clock.advance(Duration::from_secs(10 * 60));
    let error = started.finish().await.unwrap_err();
    let expired = matches!(&error, Error::Engine(EngineError::Flow(FlowError::Expired)));
    assert!(expired, "{error:?}");
    assert_eq!(error.advice(), Advice::StartAgain);
}
