//! The account of the requests that are sent within a future.

use futures_util::future::join;
use tokenkeeper_engine::{Account, Accounts};

use crate::harness::World;

fn account(accounts: &Accounts, subject: &str) -> Account {
    accounts.account("amiqus", subject).unwrap()
}

#[tokio::test]
async fn a_scope_holds_within_its_future_alone() {
    let alice = account(&World::amiqus().accounts, "alice");
    assert_eq!(Account::current(), None);
    let inside = async {
        tokio::task::yield_now().await;
        Account::current()
    };
    assert_eq!(alice.scope(inside).await, Some(alice));
    assert_eq!(Account::current(), None);
}

#[tokio::test]
async fn the_innermost_scope_decides_and_the_outer_returns() {
    let accounts = World::amiqus().accounts;
    let (alice, bob) = (account(&accounts, "alice"), account(&accounts, "bob"));
    let seen = alice.scope(async {
        let inner = bob.scope(async { Account::current() }).await;
        (inner, Account::current())
    });
    let seen = seen.await;
    assert_eq!(seen, (Some(bob), Some(alice)));
}

#[tokio::test]
async fn scopes_in_one_task_do_not_mix() {
    let accounts = World::amiqus().accounts;
    let (alice, bob) = (account(&accounts, "alice"), account(&accounts, "bob"));
    let watch = async |account: &Account| {
        for _ in 0..3 {
            assert_eq!(Account::current().as_ref(), Some(account));
            tokio::task::yield_now().await;
        }
    };
    join(alice.scope(watch(&alice)), bob.scope(watch(&bob))).await;
}

#[tokio::test]
async fn a_spawned_task_sees_only_its_own_scope() {
    let accounts = World::amiqus().accounts;
    let (alice, bob) = (account(&accounts, "alice"), account(&accounts, "bob"));
    let current = || async { Account::current() };
    let spawned = alice.scope(async {
        let bare = tokio::spawn(current()).await.unwrap();
        let scoped = tokio::spawn(bob.scope(current())).await.unwrap();
        (bare, scoped)
    });
    assert_eq!(spawned.await, (None, Some(bob)));
}

#[tokio::test]
async fn a_future_that_is_dropped_still_sees_its_scope() {
    let alice = account(&World::amiqus().accounts, "alice");
    let mut seen = None;
    {
        let on_drop = OnDrop(&mut seen);
        let future = alice.scope(async move {
            let _on_drop = on_drop;
            std::future::pending::<()>().await;
        });
        assert!(futures_util::poll!(Box::pin(future)).is_pending());
    }
    assert_eq!(seen, Some(alice));
}

struct OnDrop<'s>(&'s mut Option<Account>);

impl Drop for OnDrop<'_> {
    fn drop(&mut self) {
        *self.0 = Account::current();
    }
}
