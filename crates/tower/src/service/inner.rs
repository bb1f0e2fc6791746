use http::{Request, Response};
use tower_service::Service;

use crate::Replay;

/// What a [`TokenService`](crate::TokenService) needs of the client below it: a `Clone` service
/// that takes the requests' bodies inside [`Replay`].
///
/// Every such service implements it. It is a trait so that the compiler can name the missing layer.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be placed below a `TokenLayer` for bodies of type `{B}`",
    label = "takes no `http::Request<Replay<{B}>>`, or is not `Clone`",
    note = "if the client takes its own body type alone, place tower-http's `MapRequestBodyLayer` \
            between the two; for tonic's, it is \
            `MapRequestBodyLayer::new(tonic::body::Body::new)`",
    note = "if the client is not `Clone`, place `ServiceBuilder::buffer` between the two"
)]
pub trait InnerService<B>:
    Service<Request<Replay<B>>, Response = Response<Self::ResponseBody>> + Clone
{
    /// The body of its responses.
    type ResponseBody;
}

// Where a bound of it is not met, the compiler shows the notes above in place of that bound.
#[diagnostic::do_not_recommend]
impl<S, B, ResBody> InnerService<B> for S
where
    S: Service<Request<Replay<B>>, Response = Response<ResBody>> + Clone,
{
    type ResponseBody = ResBody;
}
