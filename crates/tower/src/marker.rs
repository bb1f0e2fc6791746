/// Put into a request's extensions: the request passes untouched, without a token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Anonymous;

/// Put into a request's extensions: the request is not sent a second time, and its body is not recorded.
///
/// For a body that must not be held in memory, or a request whose server acts before it checks the token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NoReplay;
