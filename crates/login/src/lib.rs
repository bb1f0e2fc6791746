#![doc = include_str!("../README.md")]

mod device;
mod error;
mod loopback;
#[cfg(feature = "qr")]
mod qr;

#[cfg(feature = "qr")]
pub use self::qr::qr_code;
pub use self::{
    device::DeviceLogin,
    error::Error,
    loopback::{LoopbackLogin, Port, StartedLogin},
};
