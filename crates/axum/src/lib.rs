#![doc = include_str!("../README.md")]

mod callback;
mod completed;
mod connect;
mod context;
mod cookies;
mod disconnect;
mod error;
mod failure;
mod guard;
mod landing;
mod local_path;
mod page;
mod relay;
mod routes;
mod wanted;

pub use error::Error;
pub use routes::Routes;
