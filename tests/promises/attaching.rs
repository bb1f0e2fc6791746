//! Which requests carry a token, and where it goes: the same in both fronts.

use http::StatusCode;
use tokenkeeper::{
    Account, Error,
    store::ErrorChain,
    tower::{Anonymous, TokenPolicy},
};
use tokenkeeper_test_support::{
    api::Api,
    offline,
    scripted::{Place, Scripted},
};

use crate::client::{Front, get};

#[tokio::test]
async fn each_attachment_reaches_the_api() {
    for front in Front::ALL {
        for (place, uri) in [
            (Place::Authorization, "/me?q=1"),
            (Place::OwnHeader, "/me?q=1"),
            (Place::Query, "/me?q=1&access_token=secret-0"),
        ] {
            let api = Api::start().await;
            let client = front.scripted(Scripted::new(api.base(), place));
            let response = client.send(get(api.url("/me?q=1"))).await.unwrap();
            assert_eq!(response.status(), StatusCode::OK, "{front:?}");
            let seen = &api.seen()[0];
            assert_eq!(seen.token(), Some("secret-0"), "{front:?}");
            assert_eq!(seen.uri, uri, "{front:?}");
        }
    }
}

#[tokio::test]
async fn the_token_replaces_all_headers_of_its_name() {
    for front in Front::ALL {
        let api = Api::start().await;
        let client = front.scripted(Scripted::new(api.base(), Place::OwnHeader));
        let mut request = get(api.url("/me"));
        for value in ["theirs", "another"] {
            let headers = request.headers_mut();
            headers.append("x-access-token", value.parse().unwrap());
        }
        client.send(request).await.unwrap();
        let headers = &api.seen()[0].headers;
        let tokens: Vec<_> = headers.get_all("x-access-token").iter().collect();
        assert_eq!(tokens, ["secret-0"], "{front:?}");
    }
}

#[tokio::test]
async fn foreign_and_anonymous_requests_pass_untouched() {
    for front in Front::ALL {
        let (api, foreign) = (Api::start().await, Api::start().await);
        foreign.takes_from(1);
        let source = Scripted::new(api.base(), Place::Authorization);
        let client = front.scripted(source.clone());
        let response = client.send(get(foreign.url("/me"))).await.unwrap();
        assert_eq!(
            response.status(),
            StatusCode::UNAUTHORIZED,
            "a foreign 401 is no rejection"
        );
        let mut anonymous = get(api.url("/me"));
        anonymous.extensions_mut().insert(Anonymous);
        client.send(anonymous).await.unwrap();
        for seen in [&api.seen()[0], &foreign.seen()[0]] {
            assert_eq!(seen.token(), None, "{front:?}");
        }
        assert!(source.asked.lock().unwrap().is_empty());
        assert!(source.verdicts.lock().unwrap().is_empty());
    }
}

#[tokio::test]
async fn with_strict_origins_a_foreign_request_is_an_error() {
    for front in Front::ALL {
        let (api, foreign) = (Api::start().await, Api::start().await);
        let source = Scripted::new(api.base(), Place::Authorization);
        let client = front.client(TokenPolicy::from_source(source).strict_origins(true));
        client.send(get(foreign.url("/me"))).await.unwrap_err();
        assert!(foreign.seen().is_empty(), "{front:?}");
        client.send(get(api.url("/me"))).await.unwrap();
    }
}

#[tokio::test]
async fn an_account_that_is_not_connected_is_an_error() {
    for front in Front::ALL {
        let api = Api::start().await;
        let accounts = offline::accounts(&[api.base()]);
        let account = accounts.account("plain-0", "never-connected").unwrap();
        let error = front
            .client(account)
            .send(get(api.url("/me")))
            .await
            .unwrap_err();
        let found = Error::find(&*error);
        assert!(
            matches!(found, Some(Error::NotConnected { .. })),
            "{error:?}"
        );
        assert!(api.seen().is_empty(), "{front:?}");
    }
}

#[tokio::test]
async fn each_request_carries_its_accounts_token() {
    for front in Front::ALL {
        let api = Api::start().await;
        let accounts = offline::accounts(&[api.base()]);
        let alice = offline::connected(&accounts, "plain-0", "alice", "secret-1").await;
        let bob = offline::connected(&accounts, "plain-0", "bob", "secret-2").await;
        let client = front.client(&accounts);
        for account in [&alice, &bob, &alice] {
            let mut request = get(api.url("/me"));
            request.extensions_mut().insert(Account::clone(account));
            client.send(request).await.unwrap();
        }
        let seen = api.seen();
        let tokens: Vec<_> = seen.iter().map(|seen| seen.token().unwrap()).collect();
        assert_eq!(tokens, ["secret-1", "secret-2", "secret-1"]);
    }
}

#[tokio::test]
async fn without_an_account_only_anonymous_and_foreign_requests_pass() {
    for front in Front::ALL {
        let (api, foreign) = (Api::start().await, Api::start().await);
        let accounts = offline::accounts(&[api.base()]);
        let _alice = offline::connected(&accounts, "plain-0", "alice", "secret-1").await;
        let client = front.client(&accounts);
        client.send(get(api.url("/me"))).await.unwrap_err();
        assert!(api.seen().is_empty(), "{front:?}");
        let mut anonymous = get(api.url("/me"));
        anonymous.extensions_mut().insert(Anonymous);
        client.send(anonymous).await.unwrap();
        client.send(get(foreign.url("/me"))).await.unwrap();
        for seen in [&api.seen()[0], &foreign.seen()[0]] {
            assert_eq!(seen.token(), None, "{front:?}");
        }
    }
}

#[tokio::test]
async fn a_scope_names_the_account_of_the_requests_within() {
    for front in Front::ALL {
        let api = Api::start().await;
        let accounts = offline::accounts(&[api.base()]);
        let alice = offline::connected(&accounts, "plain-0", "alice", "secret-1").await;
        let bob = offline::connected(&accounts, "plain-0", "bob", "secret-2").await;
        let client = front.client(&accounts);
        // The typed call of another crate.
        let call = async || client.send(get(api.url("/me"))).await.unwrap();
        alice.scope(call()).await;
        let nested = async {
            bob.scope(call()).await;
            call().await;
        };
        alice.scope(nested).await;
        let mut own = get(api.url("/me"));
        own.extensions_mut().insert(bob.clone());
        alice.scope(client.send(own)).await.unwrap();

        let seen = api.seen();
        let tokens: Vec<_> = seen.iter().map(|seen| seen.token().unwrap()).collect();
        let (outer, inner, outer_again) = ("secret-1", "secret-2", "secret-1");
        assert_eq!(tokens, [outer, inner, outer_again, "secret-2"], "{front:?}");
    }
}

#[tokio::test]
async fn a_scope_gives_no_token_to_anonymous_and_foreign_requests() {
    for front in Front::ALL {
        let (api, foreign) = (Api::start().await, Api::start().await);
        let accounts = offline::accounts(&[api.base()]);
        let alice = offline::connected(&accounts, "plain-0", "alice", "secret-1").await;
        let client = front.client(&accounts);
        let mut anonymous = get(api.url("/me"));
        anonymous.extensions_mut().insert(Anonymous);
        alice.scope(client.send(anonymous)).await.unwrap();
        alice
            .scope(client.send(get(foreign.url("/me"))))
            .await
            .unwrap();
        for seen in [&api.seen()[0], &foreign.seen()[0]] {
            assert_eq!(seen.token(), None, "{front:?}");
        }
    }
}

#[tokio::test]
async fn a_client_of_one_account_looks_at_no_scope() {
    for front in Front::ALL {
        let api = Api::start().await;
        let accounts = offline::accounts(&[api.base()]);
        let alice = offline::connected(&accounts, "plain-0", "alice", "secret-1").await;
        let bob = offline::connected(&accounts, "plain-0", "bob", "secret-2").await;
        let client = front.client(alice);
        bob.scope(client.send(get(api.url("/me")))).await.unwrap();
        assert_eq!(api.seen()[0].token(), Some("secret-1"), "{front:?}");
    }
}

#[tokio::test]
async fn a_task_outside_the_scope_learns_both_remedies() {
    for front in Front::ALL {
        let api = Api::start().await;
        let accounts = offline::accounts(&[api.base()]);
        let alice = offline::connected(&accounts, "plain-0", "alice", "secret-1").await;
        let client = front.client(&accounts);
        let request = get(api.url("/me"));
        let spawned = async { tokio::spawn(async move { client.send(request).await }).await };
        let error = alice.scope(spawned).await.unwrap().unwrap_err();
        let text = ErrorChain::of(&*error).to_string();
        for remedy in [
            "insert an `Account` into its extensions",
            "`Account::scope`",
        ] {
            assert!(text.contains(remedy), "{text}");
        }
        assert!(api.seen().is_empty(), "{front:?}");
    }
}

#[tokio::test]
async fn an_account_of_one_provider_gives_nothing_to_another() {
    for front in Front::ALL {
        let (first, second) = (Api::start().await, Api::start().await);
        let accounts = offline::accounts(&[first.base(), second.base()]);
        let alice = offline::connected(&accounts, "plain-0", "alice", "secret-1").await;
        let mut request = get(second.url("/me"));
        request.extensions_mut().insert(alice);
        front.client(&accounts).send(request).await.unwrap();
        assert_eq!(second.seen()[0].token(), None, "{front:?}");
    }
}
