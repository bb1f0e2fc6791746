//! QicsMilestones and FortesMilestones: one engine, two names.

mod api;
mod authorize;
mod error;
mod options;
mod provider;
mod token;

pub use options::{ErrorFormat, MilestonesOptions, RedirectRule};

/// The doubled `oauth2` is the document's.
const AUTHORIZE: &str = "/api/oauth2/oauth2/auth";
const TOKEN: &str = "/api/oauth2/oauth2/token";
/// The emulator's own invention: the documents name no resource.
const PROJECTS: &str = "/api/projects";

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
