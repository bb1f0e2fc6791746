//! What the log says about keys that are not those of the store.

use tokenkeeper_engine::{
    Accounts, Options,
    store::{Encrypted, Keyring},
};
use tokenkeeper_test_support::{
    InProcessTransport, World, amiqus,
    log::{self, assert_one_line, take_lines},
    login, settle,
};

#[tokio::test(start_paused = true)]
async fn a_wrong_key_is_logged_when_the_engine_starts() {
    log::start();
    let world = World::without_notifications(Options::default());
    let process = |id: &str, key: u8| {
        let keyring = Keyring::new(id, [key; 32]).unwrap();
        Accounts::builder(Encrypted::new(world.store.clone(), keyring))
            .provider(amiqus())
            .transport(InProcessTransport::new(world.emulator.clone()))
            .clock(world.clock.clone())
            .build()
            .unwrap()
    };
    let account = world.account_of(&process("right", 1));
    login(&world.emulator, &account).await.unwrap();
    settle().await;
    take_lines();
    let wrong = process("wrong", 2);
    settle().await;
    let parts = [
        "the store needs attention",
        "right",
        "wrong",
        "add that key",
    ];
    assert_one_line("WARN", &parts);
    drop(wrong);
}
