//! The innermost services of a stack.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    hint::black_box,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};

use http::{Request, Response};
use tower::Service;

/// A service whose future makes an empty response at its first poll.
///
/// This is how a service behaves that waits before it answers.
#[derive(Clone, Copy, Debug)]
pub struct Bare;

impl<B> Service<Request<B>> for Bare {
    type Response = Response<()>;
    type Error = Infallible;
    type Future = Polled;

    #[inline(always)]
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    // Inlined wherever it is called, so that all layers over it are compared: the compiler would
    // not inline it into a layer that calls it at two places.
    #[inline(always)]
    fn call(&mut self, request: Request<B>) -> Self::Future {
        drop(black_box(request));
        Polled
    }
}

/// The future of [`Bare`].
#[derive(Clone, Copy, Debug)]
pub struct Polled;

impl Future for Polled {
    type Output = Result<Response<()>, Infallible>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(Ok(Response::new(())))
    }
}

/// A service whose future holds an empty response from the call on.
///
/// Each layer then moves the response, which is most of what the layer seems to cost.
#[derive(Clone, Copy, Debug)]
pub struct Held;

impl<B> Service<Request<B>> for Held {
    type Response = Response<()>;
    type Error = Infallible;
    type Future = Ready<Result<Response<()>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        drop(black_box(request));
        ready(Ok(Response::new(())))
    }
}

/// Calls a service that answers at once.
///
/// # Panics
/// If the service is not ready, waits or fails.
// Never inlined, so that every service is called in the same way: the compiler would inline the
// small ones alone.
#[inline(never)]
pub fn call<S, B>(service: &mut S, request: Request<B>) -> S::Response
where
    S: Service<Request<B>>,
{
    let mut context = Context::from_waker(Waker::noop());
    assert!(service.poll_ready(&mut context).is_ready());
    let future = pin!(service.call(request));
    let Poll::Ready(Ok(response)) = future.poll(&mut context) else {
        panic!("a valid token is attached without waiting");
    };
    response
}
