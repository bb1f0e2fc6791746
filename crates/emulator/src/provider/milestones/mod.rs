//! QicsMilestones and FortesMilestones: one product under two names.

mod api;
mod authorize;
mod error;
mod options;
mod provider;
mod token;

pub use options::{ErrorFormat, MilestonesOptions, RedirectRule};

/// The doubled `oauth2` is literally in the document.
const AUTHORIZE: &str = "/api/oauth2/oauth2/auth";
const TOKEN: &str = "/api/oauth2/oauth2/token";
/// A resource that the emulator adds, because the documents name none.
const PROJECTS: &str = "/api/projects";

/// The emulation of either.
#[derive(Debug)]
pub(crate) struct Milestones {
    brand: &'static str,
    options: MilestonesOptions,
}

impl Milestones {
    pub(crate) fn qics(options: MilestonesOptions) -> Self {
        Self {
            brand: "QicsMilestones",
            options,
        }
    }

    pub(crate) fn fortes(options: MilestonesOptions) -> Self {
        Self {
            brand: "FortesMilestones",
            options,
        }
    }
}
