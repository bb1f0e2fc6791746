//! Every error has advice on what to do.

use std::time::Duration;

use tokenkeeper_emulator::{Emulator, Endpoint, Fault as EndpointFault};
use tokenkeeper_engine::{
    Accounts, Advice, Cause, Error, Options,
    protocol::{Redirect, Registration},
};
use tokenkeeper_provider_amiqus::Amiqus;
use tokenkeeper_store_memory::MemoryStore;

use crate::harness::{
    BASE, HOUR, InProcessTransport, StoreFault, World, amiqus, approve, assert_err, in_process,
    login, new_clock, redirect_of, seconds, visit,
};

fn transport() -> InProcessTransport {
    InProcessTransport::new(in_process(Emulator::amiqus(), &new_clock()))
}

fn build_error(result: Result<Accounts, Error>) -> String {
    let error = assert_err!(result, Error::Build(_));
    assert_eq!(error.advice(), Advice::FixConfiguration);
    error.to_string()
}

#[tokio::test]
async fn an_invalid_configuration_names_what_is_missing() {
    let builder = || Accounts::builder(MemoryStore::new());
    let none = builder().provider(amiqus()).build();
    assert!(build_error(none).contains("transport"));
    let none = builder().transport(transport()).build();
    assert!(build_error(none).contains("provider"));
    let both = builder().transport(transport());
    let twice = both.provider(amiqus()).provider(amiqus()).build();
    assert!(build_error(twice).contains("amiqus"));
}

#[tokio::test]
async fn options_that_cannot_work_are_refused_by_name() {
    let (zero, second, max) = (Duration::ZERO, seconds(1), Duration::MAX);
    let new = Options::new;
    for (options, named) in [
        (new().exchange_timeout(zero), "`exchange_timeout`"),
        (new().lease(zero), "`lease`"),
        (new().store_retry_interval(zero), "`store_retry_interval`"),
        (new().poll_interval(zero), "`poll_interval`"),
        (new().poll_interval(HOUR), "`poll_interval`"),
        (new().refresh_fraction(0.9), "`refresh_fraction`"),
        (new().refresh_window(HOUR, second), "`refresh_window`"),
        (new().revalidate_interval(zero), "`revalidate_interval`"),
        (new().initial_backoff(max), "`initial_backoff`"),
        (
            new().initial_backoff(HOUR).max_backoff(second),
            "`initial_backoff`",
        ),
        (new().max_refusal_backoff(zero), "`max_refusal_backoff`"),
        (
            new().max_rejection_backoff(second),
            "`initial_rejection_backoff`",
        ),
        (new().login_timeout(max), "`login_timeout`"),
    ] {
        let built = Accounts::builder(MemoryStore::new())
            .transport(transport())
            .provider(amiqus())
            .options(options);
        let text = build_error(built.build());
        assert!(text.contains(named), "{text}");
    }
}

#[tokio::test]
async fn build_names_every_problem_at_once() {
    let options = Options::new().lease(Duration::ZERO).refresh_fraction(0.9);
    let text = build_error(
        Accounts::builder(MemoryStore::new())
            .options(options)
            .build(),
    );
    for named in ["`lease`", "`refresh_fraction`", "a provider", "a transport"] {
        assert!(text.contains(named), "{text}");
    }
}

#[test]
fn a_registration_that_cannot_work_is_refused() {
    let redirect = "https://app.example/cb";
    assert!(
        Amiqus::new(Registration::new("id", redirect)).is_err(),
        "no secret"
    );
    let built = |client_id: &str, redirect_uri: &str| {
        Amiqus::new(Registration::new(client_id, redirect_uri).secret("s"))
    };
    assert!(built("", redirect).is_err());
    for bad in [
        "https://app.example/cb#f",
        "https://u:p@app.example/cb",
        "http://app.example/cb",
        "/cb",
    ] {
        assert!(built("id", bad).is_err(), "{bad}");
    }
}

#[tokio::test(start_paused = true)]
async fn each_error_has_advice() {
    let world = World::amiqus();
    let account = world.account();
    let reauthorize = |cause| Advice::Reauthorize {
        account: account.digest(),
        cause,
    };
    let advice = account.token().await.unwrap_err().advice();
    assert_eq!(advice, reauthorize(None));
    let unknown = world.accounts.account("unknown", "u").unwrap_err();
    assert_eq!(unknown.advice(), Advice::FixConfiguration);
    let subject = world.accounts.account("amiqus", "").unwrap_err();
    assert_eq!(subject.advice(), Advice::GiveUp);

    let account = world.connect_account().await;
    let start = account.connect().unwrap();
    let forged = world
        .accounts
        .finish(start.flow, Redirect::query("code=c&state=x"))
        .await;
    assert_eq!(forged.unwrap_err().advice(), Advice::GiveUp);

    world.advance(HOUR).await;
    world.store.fail(usize::MAX, StoreFault::Refuse);
    let down = account.token().await.unwrap_err();
    assert!(matches!(down.advice(), Advice::Retry { .. }), "{down:?}");
    assert!(std::error::Error::source(&down).is_some());
    world.store.recover();
    world.advance(HOUR).await;

    let fault = EndpointFault::TooManyRequests { retry_after: 9 };
    world.emulator.faults().once(Endpoint::Token, fault);
    let later = account.token().await.unwrap_err();
    let Advice::Retry { after } = later.advice() else {
        panic!("{later:?}");
    };
    assert!(after >= seconds(8), "{after:?}");
    world.advance(seconds(10)).await;

    world
        .emulator
        .revoke_user(tokenkeeper_emulator::DEFAULT_USER);
    let Advice::Reauthorize {
        account: named,
        cause: Some(Cause::Refused(Some(code))),
    } = account.token().await.unwrap_err().advice()
    else {
        panic!("a refused refresh token needs a new login");
    };
    assert_eq!((named, &*code), (account.digest(), "invalid_grant"));
    login(&world.emulator, &account).await.unwrap();
    account.disconnect().await.unwrap();
    let advice = account.token().await.unwrap_err().advice();
    assert_eq!(advice, reauthorize(None));
}

#[tokio::test(start_paused = true)]
async fn a_failed_login_advises_to_start_again() {
    let world = World::amiqus();
    let account = world.connect_account().await;
    let finish = |flow, redirect| world.accounts.finish(flow, redirect);

    world
        .emulator
        .faults()
        .once(Endpoint::Token, EndpointFault::CutBeforeAnswer);
    let lost = login(&world.emulator, &account).await.unwrap_err();
    assert_eq!(lost.advice(), Advice::StartAgain, "{lost:?}");
    assert!(lost.to_string().contains(&account.digest().to_string()));

    let start = account.connect().unwrap();
    let denied = visit(&world.emulator, &format!("{}&deny=1", start.url)).await;
    let error = finish(start.flow.clone(), redirect_of(&denied)).await;
    assert_eq!(error.unwrap_err().advice(), Advice::StartAgain);
    let used = finish(start.flow, redirect_of(&denied)).await;
    assert_eq!(used.unwrap_err().advice(), Advice::StartAgain);

    let start = account.connect().unwrap();
    let redirect = approve(&world.emulator, start.url.as_str()).await;
    world.clock.advance(Duration::from_secs(10 * 60));
    let expired = finish(start.flow, redirect).await;
    assert_eq!(expired.unwrap_err().advice(), Advice::StartAgain);
}

#[tokio::test(start_paused = true)]
async fn a_login_with_a_wrong_secret_advises_a_fix() {
    let world = World::amiqus();
    let client = tokenkeeper_emulator::DEFAULT_CLIENT_ID;
    world.emulator.change_secret(client, "another");
    let error = login(&world.emulator, &world.account()).await.unwrap_err();
    assert_eq!(error.advice(), Advice::FixConfiguration, "{error:?}");
    assert_eq!(error.error_code().unwrap().as_str(), Some("invalid_client"));
}

/// A runtime given to the builder also serves callers on other executors.
#[test]
fn a_given_runtime_serves_callers_outside_it() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let accounts = Accounts::builder(MemoryStore::new())
        .provider(amiqus())
        .transport(transport_on(&runtime))
        .runtime(runtime.handle().clone())
        .build()
        .unwrap();
    let account = accounts.account_at("amiqus", BASE, "u").unwrap();
    assert_err!(
        futures_executor(account.token()),
        Error::NotConnected { .. }
    );
}

fn transport_on(runtime: &tokio::runtime::Runtime) -> InProcessTransport {
    let clock = runtime.block_on(async { new_clock() });
    InProcessTransport::new(in_process(Emulator::amiqus(), &clock))
}

/// A minimal executor.
fn futures_executor<F: Future>(future: F) -> F::Output {
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: std::sync::Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = std::sync::Arc::new(Unpark(std::thread::current())).into();
    let mut context = std::task::Context::from_waker(&waker);
    let mut future = std::pin::pin!(future);
    loop {
        if let std::task::Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        std::thread::park();
    }
}
