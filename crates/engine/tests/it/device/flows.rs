//! The sealed flow of a login by device code.

use tokenkeeper_engine::{DeviceFlow, Flow, FlowError, FlowKey, protocol::Redirect};

use super::*;

#[tokio::test(start_paused = true)]
async fn another_process_finishes_a_flow_that_was_printed() {
    let world = world();
    let device = start(&world).await;
    let printed = serde_json::to_string(&device.flow).unwrap();
    let later = world.another_process();
    pass(seconds(60)).await;
    approve(&world, &device);
    let before = elapsed(&world);
    let flow: DeviceFlow = serde_json::from_str(&printed).unwrap();
    let info = later.device_flow(&flow).unwrap();
    assert_eq!(info.account.key(), world.account().key());
    assert_eq!(info.expires_at, device.expires_at);
    let login = later.finish_device(flow).await.unwrap();
    assert_eq!(world.call_api(&login.account).await, 200);
    // The interval is long over, so the first poll is sent at once.
    assert_eq!(elapsed(&world), before);
}

#[tokio::test(start_paused = true)]
async fn a_flow_of_another_key_or_kind_is_refused() {
    let world = world();
    let device = start(&world).await;
    let redirect = world.account().connect().unwrap();
    let stranger = world
        .builder()
        .flow_key(FlowKey::new([8; 32]))
        .build()
        .unwrap();
    let mut forged = device.flow.as_str().to_owned();
    forged.replace_range(40..41, if &forged[40..41] == "A" { "B" } else { "A" });
    for (accounts, flow) in [
        (&stranger, device.flow.as_str().to_owned()),
        (&world.accounts, forged),
        (&world.accounts, redirect.flow.as_str().to_owned()),
        (&world.accounts, "x".to_owned()),
    ] {
        let flow = DeviceFlow::from(flow);
        let unread = accounts.device_flow(&flow);
        assert!(
            matches!(unread, Err(Error::Flow(FlowError::NotOurs))),
            "{unread:?}"
        );
        let refused = accounts.finish_device(flow).await;
        assert!(
            matches!(refused, Err(Error::Flow(FlowError::NotOurs))),
            "{refused:?}"
        );
    }
    let flow = Flow::from(device.flow.as_str().to_owned());
    let refused = world
        .accounts
        .finish(flow, Redirect::query("code=c&state=s"))
        .await;
    assert!(
        matches!(refused, Err(Error::Flow(FlowError::NotOurs))),
        "{refused:?}"
    );
    assert_eq!(world.emulator.counters().polls(), 0);
}

#[tokio::test(start_paused = true)]
async fn no_code_of_a_device_is_shown() {
    let world = world();
    let device = start(&world).await;
    let requests = world.emulator.recorded_requests();
    let finished = spawn_finish(&device);
    pass(INTERVAL * 2).await;
    finished.abort();
    let poll = world.emulator.recorded_requests().pop().unwrap();
    let body = String::from_utf8(poll.body().to_vec()).unwrap();
    let code = body
        .split('&')
        .find_map(|pair| pair.strip_prefix("device_code="));
    let shown = format!("{device:?} {:?} {:?}", device.flow, requests.len());
    assert!(!shown.contains(code.unwrap()), "{shown}");
    assert!(!shown.contains(&device.user_code), "{shown}");
    let stored = world.store.record(&device.account.key()).await.to_string();
    assert!(!stored.contains(code.unwrap()), "{stored}");
}

#[tokio::test(start_paused = true)]
async fn a_device_asks_for_the_scope_and_parameters_of_the_call() {
    use tokenkeeper_engine::ConnectOptions;
    let world = world();
    let options = ConnectOptions::new()
        .scope("read write")
        .parameter("audience", "a");
    let device = world.account().connect_device_with(&options).await.unwrap();
    let request = world.emulator.recorded_requests().pop().unwrap();
    assert_eq!(request.uri().path(), "/device_authorization");
    assert_eq!(request.body(), "scope=read+write&audience=a");
    approve(&world, &device);
    device.finish().await.unwrap();
    let taken = ConnectOptions::new().parameter("client_id", "x");
    let refused = world.account().connect_device_with(&taken).await;
    assert!(
        matches!(refused, Err(Error::DeviceAuthorization { .. })),
        "{refused:?}"
    );
}
