//! The commands on one account, and its name.

pub(crate) mod forget;
pub(crate) mod logout;
mod name;
pub(crate) mod refresh;
pub(crate) mod status;

pub(crate) use self::name::AccountName;
