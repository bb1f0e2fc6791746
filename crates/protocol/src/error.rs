//! What can be wrong before anything is sent.

/// A configuration or a value that cannot be used. Nothing was sent; every message says what to do.
///
/// No variant holds a secret, and none holds a response's body.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A dialect's text is not TOML or JSON, or holds an unknown key or a wrong value.
    #[error("the dialect's {format} text is wrong at line {line}, column {column}: {message}")]
    DialectText {
        /// "TOML" or "JSON".
        format: &'static str,
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
        /// What is wrong there.
        message: String,
        /// The parser's own error.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Two fields of a dialect contradict each other, or a value is out of its range.
    #[error("the dialect's field `{field}` {problem}")]
    Dialect {
        /// The field's path, as in `token.code`.
        field: &'static str,
        /// What is wrong with it, and what it has to be.
        problem: String,
    },
    /// A base, site or origin cannot be used.
    #[error("no usable origin: {problem}")]
    Origin {
        /// What is wrong, and what to write instead.
        problem: &'static str,
    },
    /// The client id is empty or holds a character that RFC 6749 appendix A.1 does not allow.
    #[error("the client id {problem}")]
    ClientId {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The provider authenticates clients by a secret, and the registration has none.
    #[error("`{brand}` requires a client secret: add it with `Registration::secret`")]
    SecretMissing {
        /// The provider.
        brand: String,
    },
    /// A redirect URI cannot be registered or used.
    #[error("the redirect URI {problem}")]
    RedirectUri {
        /// What is wrong, and what to write instead.
        problem: String,
    },
    /// The provider takes no scope, or the scope has a form that RFC 6749 §3.3 does not allow.
    #[error("the scope {problem}")]
    Scope {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// Each tenant of this provider has its own site, and none was named.
    #[error("`{brand}` has a site per tenant: name the site of the account")]
    SiteMissing {
        /// The provider.
        brand: String,
    },
    /// The provider has one fixed base, and another site was named.
    #[error("`{brand}` has the fixed base {base}: leave the site out, or override the base")]
    SiteUnexpected {
        /// The provider.
        brand: String,
        /// Its base.
        base: String,
    },
    /// Each tenant has its own site, and the application never said which sites it allows.
    #[error("`{brand}` has a site per tenant: say with `sites(SitePolicy)` which ones are allowed")]
    SitePolicyMissing {
        /// The provider.
        brand: String,
    },
    /// The application's [`SitePolicy`](crate::SitePolicy) does not allow this site.
    #[error("the site {site} is refused: {reason}")]
    SiteRefused {
        /// The normalised site.
        site: String,
        /// Which rule refused it.
        reason: &'static str,
    },
    /// A value that has to travel in a header would change on its way or break out of it.
    #[error("the {what} cannot be sent in a header: {problem}")]
    HeaderValue {
        /// What it is: "access token", "password", "redirect URI", …
        what: &'static str,
        /// Why not.
        problem: HeaderProblem,
    },
    /// The dialect says PKCE and no challenge was given, or the other way round.
    #[error("PKCE: {problem}")]
    Pkce {
        /// What does not fit.
        problem: &'static str,
    },
    /// An extra parameter has the name of one that the dialect itself sends.
    #[error("the extra parameter `{name}` is one that the dialect sends: leave it out")]
    ExtraParameter {
        /// Its name.
        name: String,
    },
    /// A way that is off unless it was switched on.
    #[error("{what} is off: {how}")]
    NotEnabled {
        /// What was asked for.
        what: &'static str,
        /// How it is switched on.
        how: &'static str,
    },
    /// More than one value is wrong.
    #[error("{}", list(.errors))]
    Several {
        /// What is wrong: two errors or more.
        errors: Vec<Error>,
    },
    /// The parts do not make a request that HTTP can carry.
    #[error("the parts do not make an HTTP request")]
    Http(#[from] http::Error),
}

impl Error {
    /// Returns `value` if it and all `checks` are good, otherwise every error.
    pub(crate) fn collect<T>(
        value: Result<T, Self>,
        checks: impl IntoIterator<Item = Result<(), Self>>,
    ) -> Result<T, Self> {
        let mut errors = Vec::new();
        for error in checks.into_iter().filter_map(Result::err) {
            match error {
                Self::Several { errors: nested } => errors.extend(nested),
                error => errors.push(error),
            }
        }
        match value {
            Ok(value) if errors.is_empty() => return Ok(value),
            Ok(_) => {}
            Err(error) => errors.push(error),
        }
        Err(match errors.len() {
            1 => errors.remove(0),
            _ => Self::Several { errors },
        })
    }
}

fn list(errors: &[Error]) -> String {
    let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
    texts.join("; ")
}

/// Why a value cannot travel in a header.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderProblem {
    /// There is nothing to send.
    #[error("it is empty")]
    Empty,
    /// CR, LF, NUL or another control character: it would end the header or be refused on the way.
    #[error("it holds a control character such as CR, LF or NUL")]
    Control,
    /// HTTP strips blanks at both ends of a header value, so that the server would see another value.
    #[error("it begins or ends with a blank, which HTTP strips")]
    Blank,
    /// HTTP gives bytes beyond ASCII no meaning in a header.
    #[error("it holds a character that is not ASCII")]
    NonAscii,
}
