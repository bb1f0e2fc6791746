/// A request extension that sends the request without a token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Anonymous;

/// A request extension that sends the request once, and does not record its body.
///
/// Use it for a body that must not be held in memory, or for a request that the server acts on
/// before it checks the token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NoReplay;
