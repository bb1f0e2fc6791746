#![doc = include_str!("../README.md")]

mod error;
mod loopback;
#[cfg(feature = "qr")]
mod qr;

#[cfg(feature = "qr")]
pub use self::qr::qr_code;
pub use self::{
    error::Error,
    loopback::{LoopbackLogin, Port, StartedLogin},
};
