//! What can be wrong with a set of routes.

/// Why [`Routes::router`](crate::Routes::router) makes no router. Each says what to change.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// RFC 9700 §4.4.2: a callback tells by its URI which provider it answers for.
    #[error(
        "`{first}` and `{second}` have the same redirect path `{path}`: register one of its own for each"
    )]
    SharedPath {
        /// The path.
        path: String,
        /// The brand that has it.
        first: String,
        /// The brand that wants it too.
        second: String,
    },
    /// A redirect URI has the path of a connect or disconnect route.
    #[error(
        "the redirect path `{path}` of `{brand}` is taken by a form's route: register another, or move the forms with `Routes::at`"
    )]
    TakenPath {
        /// The path.
        path: String,
        /// The provider's brand.
        brand: String,
    },
    /// A place to go to afterwards has to be on the same site, so that nobody is led elsewhere.
    #[error("`{given}` {problem}: write a path like `/settings`")]
    LocalPath {
        /// What was given.
        given: String,
        /// What is wrong with it.
        problem: &'static str,
    },
}
