//! Redirects without a state, at a provider that may return none.

use tokenkeeper_emulator::{DEFAULT_USER, Endpoint, Fault};
use tokenkeeper_engine::{
    Account, Accounts, Advice, Confirmation, Error, LoginRedirect, Status,
    protocol::{Provider, Redirect, RedirectError, SitePolicy, bytes::Bytes},
};
use tokenkeeper_provider_ioffice::IOffice;
use tokenkeeper_test_support::{BASE, World, assert_err, ioffice, visit};

/// Starts a login and approves it; returns it with the redirect's fragment, which has no state.
async fn approved(world: &World, account: &Account) -> (LoginRedirect, String) {
    let start = account.connect().unwrap();
    let location = visit(&world.emulator, &format!("{}&approve=1", start.url)).await;
    let (_, fragment) = location.split_once('#').unwrap();
    assert!(!fragment.contains("state"));
    (start, fragment.to_owned())
}

/// The redirect of a site that returns the state.
fn with_state(start: &LoginRedirect, fragment: &str) -> Redirect {
    Redirect::fragment(format!("{fragment}&state={}", start.state.expose()))
}

/// Logs in with a redirect that has its state.
async fn echo(world: &World, accounts: &Accounts) {
    let account = world.account_of(accounts);
    let (start, fragment) = approved(world, &account).await;
    let redirect = with_state(&start, &fragment);
    accounts.finish(start.flow, redirect).await.unwrap();
}

/// Finishes a login with a redirect that has no state.
async fn finish_without_state(world: &World, account: &Account) -> Result<(), Error> {
    let (start, fragment) = approved(world, account).await;
    let accounts = Accounts::from(account);
    let finished = accounts.finish(start.flow, Redirect::fragment(fragment));
    finished.await.map(drop)
}

#[tokio::test(start_paused = true)]
async fn a_redirect_without_state_waits_for_a_confirmation() {
    let world = World::ioffice();
    let (start, fragment) = approved(&world, &world.account()).await;
    let finish = || async {
        let redirect = Redirect::fragment(fragment.clone());
        world.accounts.finish(start.flow.clone(), redirect).await
    };
    for _ in 0..2 {
        let error = assert_err!(finish().await, Error::ConfirmationRequired { .. });
        let account = world.account().digest();
        assert_eq!(error.advice(), Advice::Confirm { account });
    }
    // Nothing was sent, and nothing written.
    assert_eq!(world.emulator.counters().token_requests, 0);
    assert!(world.store.entry(&world.account().key()).await.is_none());

    let by_person = Confirmation::ByPerson;
    let redirect = Redirect::fragment(fragment.clone());
    let login = world
        .accounts
        .finish_confirmed(start.flow.clone(), redirect, by_person);
    let account = login.await.unwrap().account;
    assert!(matches!(
        account.status().await.unwrap(),
        Status::Connected(_)
    ));
}

#[tokio::test(start_paused = true)]
async fn a_confirmation_takes_no_other_logins_state() {
    let world = World::ioffice();
    let (start, _) = approved(&world, &world.account()).await;
    let forged = Redirect::fragment("code=c&state=other");
    let confirmation = Confirmation::ByPerson;
    let finished = world
        .accounts
        .finish_confirmed(start.flow, forged, confirmation)
        .await;
    let error = assert_err!(finished, Error::Redirect(_));
    assert!(error.to_string().contains("no code for this flow"));
    assert_eq!(world.emulator.counters().token_requests, 0);
}

#[tokio::test(start_paused = true)]
async fn a_state_that_came_back_once_is_required() {
    let world = World::ioffice();
    let account = world.account();
    echo(&world, &world.accounts).await;
    let exchanges = world.emulator.counters().exchanges();
    let (start, fragment) = approved(&world, &account).await;
    let without = Redirect::fragment(fragment);
    for confirmation in [None, Some(Confirmation::ByPerson)] {
        let (flow, redirect) = (start.flow.clone(), without.clone());
        let finished = match confirmation {
            None => world.accounts.finish(flow, redirect).await,
            Some(by) => world.accounts.finish_confirmed(flow, redirect, by).await,
        };
        let missing = RedirectError::StateMissing;
        assert!(matches!(&finished, Err(Error::Redirect(error)) if **error == missing));
    }
    assert_eq!(world.emulator.counters().exchanges(), exchanges);

    // What one process has seen, another one asks for.
    let elsewhere = world.account_elsewhere();
    let asked = finish_without_state(&world, &elsewhere).await;
    assert_err!(asked, Error::ConfirmationRequired { .. });
}

#[tokio::test(start_paused = true)]
async fn each_site_returns_states_or_not() {
    let world = World::ioffice();
    let sites = SitePolicy::only([BASE, "https://other.example"]).unwrap();
    let registration = ioffice().client().registration().clone();
    let provider = IOffice::new(registration).unwrap();
    let accounts = world.builder_for(provider.sites(sites.allow_loopback()));
    let accounts = accounts.build().unwrap();
    echo(&world, &accounts).await;
    let at = |site| accounts.account_at("ioffice", site, "user-43").unwrap();
    let finish = async |site| {
        let start = at(site).connect().unwrap();
        accounts
            .finish(start.flow, Redirect::fragment("code=c"))
            .await
    };
    assert_err!(finish(BASE).await, Error::Redirect(_));
    let other = finish("https://other.example").await;
    assert_err!(other, Error::ConfirmationRequired { .. });
}

/// Only a code that the provider takes shows that the redirect was the provider's.
#[tokio::test(start_paused = true)]
async fn a_refused_code_says_nothing_about_states() {
    let world = World::ioffice();
    let account = world.account();
    let (start, fragment) = approved(&world, &account).await;
    let faults = world.emulator.faults();
    faults.once(Endpoint::Token, Fault::status(400));
    let refused = world
        .accounts
        .finish(start.flow.clone(), with_state(&start, &fragment));
    assert_err!(refused.await, Error::Exchange { .. });
    let asked = finish_without_state(&world, &account).await;
    assert_err!(asked, Error::ConfirmationRequired { .. });
}

#[tokio::test(start_paused = true)]
async fn a_code_of_an_own_request_is_no_redirect() {
    let world = World::ioffice();
    let account = world.account();
    let provider = ioffice().direct_code();
    let request = provider
        .direct_code_request(account.site(), DEFAULT_USER, "password")
        .unwrap()
        .map(Bytes::from);
    let response = world.emulator.call(request).await.unwrap();
    let code = provider
        .read_direct_code(&response, world.emulator.now())
        .unwrap();
    let start = account.connect().unwrap();
    let redirect = with_state(&start, &format!("code={}", code.expose()));
    let own = Confirmation::OwnRequest;
    let login = world.accounts.finish_confirmed(start.flow, redirect, own);
    login.await.unwrap();
    // No challenge was sent for this code.
    let requests = world.emulator.recorded_requests();
    let exchange = requests.last().unwrap();
    assert!(exchange.headers().contains_key("x-auth-code"));
    assert!(!exchange.headers().contains_key("x-code-verifier"));
    // The application added the state itself: the site may still return none.
    let asked = finish_without_state(&world, &account).await;
    assert_err!(asked, Error::ConfirmationRequired { .. });

    // Nor does a site that returns states refuse such a code.
    echo(&world, &world.accounts).await;
    let start = account.connect().unwrap();
    let redirect = Redirect::fragment("code=c");
    let finished = world
        .accounts
        .finish_confirmed(start.flow, redirect, own)
        .await;
    assert_err!(finished, Error::Exchange { .. });
}
