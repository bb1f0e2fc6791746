//! What a request holds that waits for a token, in allocations.

use std::{
    future::Ready,
    task::{Context, Waker},
};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, Uri, header::ACCEPT};
use http_body_util::Empty;
use tokenkeeper_test_support::{BASE, World};
use tokenkeeper_tower::{BoxError, Replay, TokenLayer, TokenPolicy};
use tower::{Layer as _, Service, service_fn};

fn answer(_: Request<Replay<Empty<Bytes>>>) -> Ready<Result<Response<()>, BoxError>> {
    std::future::ready(Ok(Response::new(())))
}

#[tokio::test(start_paused = true)]
async fn a_waiting_request_is_in_its_future() {
    for replay in [false, true] {
        let (_world, account) = World::amiqus().expired().await;
        let policy = TokenPolicy::new(account).replay(replay);
        let mut service = TokenLayer::new(policy).layer(service_fn(answer));
        let mut wait = || {
            let mut request = Request::new(Empty::new());
            *request.uri_mut() = Uri::from_static(BASE);
            let accept = HeaderValue::from_static("text/plain");
            request.headers_mut().insert(ACCEPT, accept);
            let mut held = None;
            let allocated = allocation_counter::measure(|| {
                let mut future = Box::pin(service.call(request));
                let polled = future
                    .as_mut()
                    .poll(&mut Context::from_waker(Waker::noop()));
                assert!(polled.is_pending());
                held = Some(future);
            });
            (held, allocated.count_current)
        };
        // The first one starts the refresh, which does not run before the test yields.
        let (_first, _) = wait();
        let (second, allocations) = wait();
        assert_eq!(allocations, 1, "the test's own, with replay: {replay}");
        drop(second);
    }
}
