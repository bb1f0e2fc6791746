#![doc = include_str!("../README.md")]

mod actor;
mod callback;
mod callback_path;
mod confirm;
mod connect;
mod context;
mod cookies;
mod disconnect;
mod error;
mod failure;
mod form;
mod form_post;
mod local_path;
mod origin_check;
mod page;
mod prefetch;
mod relay;
mod routes;

pub use error::Error;
pub use routes::Routes;
