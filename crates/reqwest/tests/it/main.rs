//! The middleware and the transport over real HTTP, against the small API that the tower layer is tested with.

mod attach;
mod bodies;
mod errors;
mod per_request;
mod redirects;
mod rejected;
mod support;
mod transport;
