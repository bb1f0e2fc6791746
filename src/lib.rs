//! Keeps OAuth 2.0 tokens.
