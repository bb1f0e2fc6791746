//! What may differ from one Amiqus to another.

/// Which generation of league/oauth2-server answers; they differ in the token endpoint's errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Generation {
    /// A bad refresh token is 401 `invalid_request`, a bad code 400 `invalid_request`; each error has a `message` besides.
    Eight,
    /// Both are 400 `invalid_grant`.
    #[default]
    Nine,
}

/// What happens to `redirect_uri` at a refresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum RefreshRedirectUri {
    /// It must be there and registered, as the document's table says.
    #[default]
    Strict,
    /// It is ignored, as the framework does.
    Lenient,
}

/// Options of [`Emulator::amiqus`](crate::Emulator::amiqus).
///
/// ```
/// use tokenkeeper_emulator::{AmiqusOptions, Emulator, Generation};
///
/// let builder = Emulator::amiqus().options(AmiqusOptions::default().generation(Generation::Eight));
/// # drop(builder);
/// ```
#[derive(Debug, Clone)]
pub struct AmiqusOptions {
    pub(super) generation: Generation,
    pub(super) refresh_redirect_uri: RefreshRedirectUri,
    pub(super) empty_state: bool,
    pub(super) rate_limit: u32,
    pub(super) enforce_rate_limit: bool,
}

impl Default for AmiqusOptions {
    fn default() -> Self {
        Self {
            generation: Generation::default(),
            refresh_redirect_uri: RefreshRedirectUri::default(),
            empty_state: false,
            rate_limit: 200,
            enforce_rate_limit: false,
        }
    }
}

impl AmiqusOptions {
    /// The framework's generation; 9 without it.
    #[must_use]
    pub fn generation(mut self, generation: Generation) -> Self {
        self.generation = generation;
        self
    }

    /// What happens to `redirect_uri` at a refresh; strict without it.
    #[must_use]
    pub fn refresh_redirect_uri(mut self, mode: RefreshRedirectUri) -> Self {
        self.refresh_redirect_uri = mode;
        self
    }

    /// The redirect has an empty `state` when none was sent.
    #[must_use]
    pub fn empty_state(mut self) -> Self {
        self.empty_state = true;
        self
    }

    /// Calls per user and minute that `X-RateLimit-Limit` promises; 200 without it. The minute is the emulator's own choice: the document
    /// names no window.
    #[must_use]
    pub fn rate_limit(mut self, calls: u32) -> Self {
        self.rate_limit = calls;
        self
    }

    /// Calls over the limit are answered with 429; without this they are only counted.
    #[must_use]
    pub fn enforce_rate_limit(mut self) -> Self {
        self.enforce_rate_limit = true;
        self
    }
}
