//! Errors of a configuration or a value, raised before anything is sent.

/// A configuration or a value that cannot be used. Nothing was sent; every text ends with a remedy.
///
/// No variant holds a secret or the body of a response.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A dialect's text is not TOML or JSON, has an unknown key or a wrong value.
    #[error("the dialect's {format} text is wrong at line {line}, column {column}: {message}")]
    DialectText {
        /// "TOML" or "JSON".
        format: &'static str,
        /// The line, counted from 1.
        line: usize,
        /// The column, counted from 1.
        column: usize,
        /// What is wrong there.
        message: String,
        /// The parser's error.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A field of a dialect contradicts another one, or its value is out of range.
    #[error("the dialect's field `{field}`{} {problem}", at_line(*line))]
    Dialect {
        /// The field's path, as in `token.code`.
        field: String,
        /// The line of the field in the TOML text, counted from 1, if there is a text.
        line: Option<usize>,
        /// What is wrong, and what the field must hold.
        problem: String,
    },
    /// A text with placeholders cannot be read.
    #[error("the template cannot be read: {problem}")]
    Template {
        /// What is wrong, and what the template must hold.
        problem: &'static str,
    },
    /// A base, site or origin cannot be used.
    #[error("the origin cannot be used: {problem}")]
    Origin {
        /// What is wrong, and the remedy.
        problem: &'static str,
    },
    /// The client id is empty, begins or ends with a space, or holds a character that RFC 6749
    /// appendix A.1 forbids.
    #[error("the client id {problem}")]
    ClientId {
        /// What is wrong, and the remedy.
        problem: &'static str,
    },
    /// The client's secret holds a character that no provider issues, or that its place cannot
    /// carry.
    #[error("the client secret {problem}")]
    ClientSecret {
        /// What is wrong, and the remedy.
        problem: &'static str,
    },
    /// The provider authenticates clients by a secret, and the registration has none.
    #[error("`{brand}` requires a client secret: add it with `Registration::secret`")]
    SecretMissing {
        /// The provider's brand.
        brand: String,
    },
    /// A redirect URI cannot be registered or sent.
    #[error("the redirect URI {problem}")]
    RedirectUri {
        /// What is wrong, and the remedy.
        problem: String,
    },
    /// The provider takes no scope, or the scope has a form that RFC 6749 §3.3 forbids.
    #[error("the scope {problem}")]
    Scope {
        /// What is wrong, and the remedy.
        problem: &'static str,
    },
    /// Each tenant of this provider has its own site, and none was named.
    #[error("`{brand}` has a site per tenant: name the account's site")]
    SiteMissing {
        /// The provider's brand.
        brand: String,
    },
    /// The provider has one fixed base, and another site was named.
    #[error("`{brand}` has the fixed base {base}: name no site, or override the base")]
    SiteUnexpected {
        /// The provider's brand.
        brand: String,
        /// The fixed base.
        base: String,
    },
    /// Each tenant has its own site, and the application has no policy for sites.
    #[error("`{brand}` has a site per tenant: set a `SitePolicy` that allows the sites")]
    SitePolicyMissing {
        /// The provider's brand.
        brand: String,
    },
    /// The application's [`SitePolicy`](crate::SitePolicy) does not allow this site.
    #[error("the site {site} is refused: {reason}")]
    SiteRefused {
        /// The site in its normal form.
        site: String,
        /// The rule that refused it, and the remedy.
        reason: &'static str,
    },
    /// The site has another form than this provider's sites.
    #[error("a site of `{brand}` has the form {form}: name the site, or its one value")]
    SiteForm {
        /// The provider's brand.
        brand: String,
        /// The dialect's template of the sites.
        form: String,
    },
    /// A value of the registration is not declared by the dialect, or has another form.
    #[error("the value `{name}` {problem}")]
    Value {
        /// The value's name.
        name: String,
        /// What is wrong, and the remedy.
        problem: &'static str,
    },
    /// A placeholder of the dialect stands for a value that nothing gives.
    #[error("`{brand}` requires the value `{name}`: add it with `Registration::value`")]
    ValueMissing {
        /// The provider's brand.
        brand: String,
        /// The value's name.
        name: String,
    },
    /// A value would change in a header or break out of it.
    #[error("the {what} cannot be sent in a header: {problem}")]
    HeaderValue {
        /// The kind of value: "access token", "password", "redirect URI", …
        what: &'static str,
        /// What is wrong with it.
        problem: HeaderProblem,
    },
    /// The token has a type that this client does not understand (RFC 6749 §7.1), so it must not be
    /// sent as a bearer token.
    #[error(
        "the token type is {token_type}, which is not known to be a bearer token: if it is one, \
         list it in the dialect's `response.token_types`"
    )]
    TokenType {
        /// The type in backquotes, or "an unlisted one" if it does not look like a type.
        token_type: String,
    },
    /// The dialect requires PKCE and the request has no challenge, or the reverse.
    #[error("PKCE: {problem}")]
    Pkce {
        /// What does not fit, and the remedy.
        problem: &'static str,
    },
    /// An extra parameter has the name of a parameter that the dialect sends.
    #[error("the extra parameter `{name}` is one that the dialect sends: remove it")]
    ExtraParameter {
        /// The parameter's name.
        name: String,
    },
    /// A feature that is off by default was used.
    #[error("{what} is not enabled: {how}")]
    NotEnabled {
        /// The feature.
        what: &'static str,
        /// How to switch it on.
        how: &'static str,
    },
    /// More than one value is wrong.
    #[error("{}", list(.errors))]
    Several {
        /// The errors: at least two.
        errors: Vec<Error>,
    },
    /// The parts do not form a request that HTTP can carry.
    #[error("the parts do not form an HTTP request: check the endpoint and the parameter names")]
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

fn at_line(line: Option<usize>) -> String {
    line.map_or_else(String::new, |line| format!(" (line {line})"))
}

fn list(errors: &[Error]) -> String {
    let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
    texts.join("; ")
}

/// The reason why a value cannot travel in a header.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderProblem {
    /// The value is empty.
    #[error("it is empty")]
    Empty,
    /// A control character such as CR, LF or NUL would end the header or be refused on the way.
    #[error("it holds a control character such as CR, LF or NUL")]
    Control,
    /// HTTP strips spaces at both ends of a header value: the server would see another value.
    #[error("it begins or ends with a space, which HTTP strips")]
    Blank,
    /// HTTP gives bytes beyond ASCII no meaning in a header.
    #[error("it holds a character that is not ASCII")]
    NonAscii,
}
