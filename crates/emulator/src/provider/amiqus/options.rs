//! Options for what may differ between installations of Amiqus.

/// The generation of league/oauth2-server, on which the token endpoint's errors depend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Generation {
    /// A bad refresh token is 401 `invalid_request`, a bad code 400 `invalid_request`; each error
    /// also has a `message`.
    Eight,
    /// Both are 400 `invalid_grant`.
    #[default]
    Nine,
}

/// The check of `redirect_uri` at a refresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum RefreshRedirectUri {
    /// It must be present and registered, as the document's table says.
    #[default]
    Strict,
    /// It is ignored, as by the framework.
    Lenient,
}

/// Options of [`Emulator::amiqus`](crate::Emulator::amiqus).
///
/// ```
/// use tokenkeeper_emulator::{AmiqusOptions, Emulator, Generation};
///
/// let options = AmiqusOptions::default().generation(Generation::Eight);
/// let builder = Emulator::amiqus().options(options);
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
    /// Sets the framework's generation. Default: 9.
    #[must_use]
    pub fn generation(mut self, generation: Generation) -> Self {
        self.generation = generation;
        self
    }

    /// Sets the check of `redirect_uri` at a refresh. Default: strict.
    #[must_use]
    pub fn refresh_redirect_uri(mut self, mode: RefreshRedirectUri) -> Self {
        self.refresh_redirect_uri = mode;
        self
    }

    /// Adds an empty `state` to the redirect if none was sent.
    #[must_use]
    pub fn empty_state(mut self) -> Self {
        self.empty_state = true;
        self
    }

    /// Sets the calls per user and minute that `X-RateLimit-Limit` promises. Default: 200.
    ///
    /// The minute is the emulator's choice, because the document names no window.
    #[must_use]
    pub fn rate_limit(mut self, calls: u32) -> Self {
        self.rate_limit = calls;
        self
    }

    /// Answers calls over the limit with 429; by default they are only counted.
    #[must_use]
    pub fn enforce_rate_limit(mut self) -> Self {
        self.enforce_rate_limit = true;
        self
    }
}
