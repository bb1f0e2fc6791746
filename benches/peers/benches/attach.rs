//! A request with a valid token over a service that answers at once, next to other libraries.

use std::time::Duration;

use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};
use http::Request;
use http_body_util::Empty;
use tokenkeeper_benches::{Answer, Attach, Bare, Endpoint, Engine, Form, call, request, token};
use tokenkeeper_peers::{AsyncMutex, Aws, Azure, Google, StdMutex, azure_request, wait};
use tokio::runtime::Runtime;

fn attach(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("the system has room for a runtime");
    let _inside = runtime.enter();
    for headers in [0, 4, 12] {
        all(Attach::new(criterion, headers, Form::Plain), &runtime);
    }
    all(Attach::new(criterion, 4, Form::TwoThreads), &runtime);
}

fn all(mut attach: Attach<'_>, runtime: &Runtime) {
    attach.ours();

    let mutex = StdMutex::default();
    peer(&mut attach, "Mutex, format!", |request| {
        mutex.attach(request)
    });

    let mutex = AsyncMutex::new(endpoint(), Duration::from_secs(3600));
    peer(&mut attach, "tokio's Mutex, format!", |request| {
        wait(mutex.attach(request))
    });

    let google = runtime.block_on(async {
        let google = Google::new(endpoint()).await;
        assert!(google.attach(&mut Request::new(())).await);
        google
    });
    peer(&mut attach, "google-cloud-auth", |request| {
        wait(google.attach(request))
    });

    let aws = Aws::new(endpoint());
    assert!(runtime.block_on(aws.attach(&mut Request::new(()))));
    peer(&mut attach, "aws-smithy", |request| {
        wait(aws.attach(request))
    });

    let headers = attach.headers();
    let new = || azure_request(headers);
    let bare = Azure::bare();
    attach.function("azure_core, bare", new, |request| {
        assert!(wait(bare.run(request)));
    });
    let azure = Azure::new(endpoint());
    assert!(runtime.block_on(azure.run(new())));
    attach.function("azure_core", new, |request| {
        assert!(wait(azure.run(request)));
    });
}

/// Measures a function that attaches a token, followed by the service that answers at once.
fn peer(
    attach: &mut Attach<'_>,
    name: &str,
    mut add: impl FnMut(&mut Request<Empty<Bytes>>) -> bool + Clone + Send,
) {
    let (uri, headers) = (Engine::api(), attach.headers());
    let send = move |mut request| {
        assert!(add(&mut request));
        call(&mut Bare, request)
    };
    attach.function(name, || request(&uri, headers), send);
}

fn endpoint() -> Endpoint {
    Endpoint::new(Answer::Tokens, Duration::ZERO).token_length(token().len())
}

criterion_group!(benches, attach);
criterion_main!(benches);
