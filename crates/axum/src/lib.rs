#![doc = include_str!("../README.md")]

mod actor;
mod builtin;
mod callback;
mod callback_path;
mod confirm;
mod connect;
mod connected;
mod context;
mod cookies;
mod disconnect;
mod error;
mod failure;
mod fields;
mod form;
mod form_post;
mod local_path;
mod origin_check;
mod page;
mod person;
mod prefetch;
mod provider_info;
mod relay;
mod routes;

pub use connected::{ConnectRejection, ConnectedAccount, PathProvider, ProviderBrand};
pub use error::Error;
pub use failure::{FailurePage, NextStep, RetryForm};
pub use routes::Routes;
