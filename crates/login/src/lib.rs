#![doc = include_str!("../README.md")]

mod error;
mod loopback;

pub use self::{
    error::Error,
    loopback::{LoopbackLogin, Port, StartedLogin},
};
