//! The operations that the machine orders: calls to the store and to the provider.

mod endpoint;
mod request;
mod span;
mod store;

pub(crate) use self::{
    endpoint::{revoke, send},
    request::send_request,
    store::{read, write},
};
