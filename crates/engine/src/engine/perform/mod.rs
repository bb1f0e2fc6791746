//! The operations: calls to the store and to the provider.

mod endpoint;
mod retention;
mod store;

pub(crate) use self::{
    endpoint::{attach, revoke, send},
    store::{read, write},
};
