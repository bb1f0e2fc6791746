//! What a person sees of logins in a browser.
//!
//! `scripts/test --browser` installs Chromium and runs these tests.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod accessible;
mod again;
mod denied;
mod keyboard;
mod life;
mod login;
mod looks;
mod no_script;
mod pages;
mod question;
mod secret;
mod tabs;
