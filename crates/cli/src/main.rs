//! The command `tokenkeeper`.
fn main() {}
