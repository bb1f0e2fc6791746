//! Every provider goes from the login through a refresh to the disconnect.

use http::StatusCode;
use tokenkeeper::{
    Account, Accounts, Error, MemoryStore, Status,
    protocol::Provider,
    providers::{Amiqus, FortesMilestones, IOffice, QicsMilestones},
};
use tokenkeeper_emulator::{Emulator, Endpoint};
use tokenkeeper_test_support::login;

use crate::{
    client::{Client, Front, get},
    setup::{registration, transport},
};

async fn call(client: &Client, emulator: &Emulator) -> StatusCode {
    let api = emulator.url(Endpoint::Api).unwrap();
    client.send(get(api)).await.unwrap().status()
}

fn account(provider: impl Provider) -> Account {
    let brand = provider.brand().to_owned();
    let accounts = Accounts::builder(MemoryStore::new())
        .provider(provider)
        .transport(transport());
    accounts
        .build()
        .unwrap()
        .account(&brand, "user-42")
        .unwrap()
}

async fn lives(emulator: &Emulator, account: &Account) {
    assert_eq!(account.status().await.unwrap(), Status::NotConnected);
    login(emulator, account).await.unwrap();
    for front in Front::ALL {
        let client = front.client(account.clone());
        assert_eq!(call(&client, emulator).await, StatusCode::OK);
        emulator.expire_access_tokens();
        assert_eq!(call(&client, emulator).await, StatusCode::OK, "{front:?}");
    }
    assert_eq!(emulator.counters().refreshes(), 2);
    account.disconnect().await.unwrap();
    let error = account.token().await.unwrap_err();
    assert!(matches!(error, Error::Disconnected { .. }), "{error:?}");
}

#[tokio::test]
async fn amiqus_lives() {
    let emulator = Emulator::amiqus().start().await.unwrap();
    let provider = Amiqus::new(registration()).unwrap();
    lives(&emulator, &account(provider.base(emulator.base()).unwrap())).await;
}

#[tokio::test]
async fn qics_milestones_lives() {
    let emulator = Emulator::qics().start().await.unwrap();
    let provider = QicsMilestones::new(registration()).unwrap();
    lives(&emulator, &account(provider.base(emulator.base()).unwrap())).await;
}

#[tokio::test]
async fn fortes_milestones_lives() {
    let emulator = Emulator::fortes().start().await.unwrap();
    let provider = FortesMilestones::new(registration()).unwrap();
    lives(&emulator, &account(provider.base(emulator.base()).unwrap())).await;
}

#[tokio::test]
async fn ioffice_lives() {
    let emulator = Emulator::ioffice().start().await.unwrap();
    let provider = IOffice::new(registration()).unwrap();
    lives(&emulator, &account(provider.base(emulator.base()).unwrap())).await;
}
