//! Moving accounts from one store to another: `tokenkeeper export` and `tokenkeeper import`.

pub(crate) mod export;
pub(crate) mod import;
mod line;
mod passphrase;
mod sealed;

use self::{line::Line, passphrase::Passphrase};
