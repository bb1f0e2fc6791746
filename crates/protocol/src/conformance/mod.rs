//! The rules that every [`Provider`](crate::Provider) must keep, each as a function and as a test.
//!
//! [`conformance!`](crate::conformance!) makes one test per rule, named as the rule. Its argument
//! makes a provider: the path of a function, or a closure. It returns a provider, or a [`Subject`]
//! that also names a tenant's site. Register the provider with a secret of some length: the suite
//! searches for its text.
//!
//! ```
//! # use tokenkeeper_protocol::{Client, Dialect, Registration};
//! # fn my_provider() -> Client { unimplemented!() }
//! // In tests/it/main.rs; [dev-dependencies] enables the feature `conformance`.
//! mod my_provider_conforms {
//!     tokenkeeper_protocol::conformance!(super::my_provider);
//! }
//! # fn main() {}
//! ```
//!
//! Each rule returns a [`Violation`] instead of panicking, so that a test can expect one. The
//! suite's responses have the form of RFC 6749 §5. A provider that wraps another one must pass the
//! suite and [`forwards_every_method`].

mod answers;
mod attachments;
mod forwarding;
mod logins;
mod redirects;
mod requests;
mod revocations;
mod secrets;
mod subject;
mod transcript;
mod violation;

pub use self::answers::{
    a_busy_endpoint_ends_no_account, a_refusal_shows_no_text_of_the_response,
    an_empty_or_null_refresh_token_is_none, an_unreadable_response_decides_nothing,
    tokens_are_read, tokens_with_an_error_status_are_refused,
};
pub use self::attachments::{
    a_rate_limit_is_never_a_rejection, a_server_error_rejects_no_token,
    a_token_is_attached_where_the_dialect_says, a_token_that_breaks_out_of_a_header_is_refused,
};
pub use self::forwarding::forwards_every_method;
pub use self::logins::{
    an_unregistered_redirect_uri_is_refused, the_authorization_url_has_client_id_and_redirect_uri,
    the_authorization_url_has_no_secret, the_authorization_url_has_the_state,
};
pub use self::redirects::{
    a_code_comes_back_with_the_state, a_code_with_a_foreign_state_is_refused,
    a_code_with_an_error_is_refused, a_denial_is_reported, a_repeated_code_is_refused,
};
pub use self::requests::{
    a_refresh_presents_the_refresh_token_and_no_code, a_revocation_carries_one_token,
    a_value_cannot_break_out_of_its_place, an_exchange_presents_the_code,
    every_request_is_absolute_and_safe,
};
pub use self::revocations::{
    a_busy_endpoint_revokes_nothing, a_refused_revocation_is_not_done,
    a_refused_revocation_shows_no_text_of_the_response, an_accepted_revocation_is_done,
};
pub use self::secrets::{
    an_error_shows_no_secret, debug_shows_no_secret, no_secret_is_in_a_url,
    secrets_in_headers_are_marked_sensitive,
};
pub use self::subject::{Subject, sent_at};
pub use self::transcript::{request_text, transcript};
pub use self::violation::Violation;

/// Makes one `#[test]` per rule of the [conformance suite](mod@crate::conformance).
///
/// `$provider` is called without arguments and returns anything that is
/// `Into<`[`Subject`](crate::conformance::Subject)`>`: a [`Provider`](crate::Provider), or a
/// subject. Invoke it in its own module, one per provider.
#[macro_export]
macro_rules! conformance {
    ($provider:expr $(,)?) => {
        $crate::conformance! {
            @rules $provider;
            the_authorization_url_has_client_id_and_redirect_uri
            the_authorization_url_has_no_secret
            the_authorization_url_has_the_state
            an_unregistered_redirect_uri_is_refused
            a_code_comes_back_with_the_state
            a_code_with_a_foreign_state_is_refused
            a_code_with_an_error_is_refused
            a_repeated_code_is_refused
            a_denial_is_reported
            every_request_is_absolute_and_safe
            an_exchange_presents_the_code
            a_refresh_presents_the_refresh_token_and_no_code
            a_revocation_carries_one_token
            a_value_cannot_break_out_of_its_place
            no_secret_is_in_a_url
            secrets_in_headers_are_marked_sensitive
            debug_shows_no_secret
            an_error_shows_no_secret
            tokens_are_read
            an_empty_or_null_refresh_token_is_none
            an_unreadable_response_decides_nothing
            tokens_with_an_error_status_are_refused
            a_busy_endpoint_ends_no_account
            a_refusal_shows_no_text_of_the_response
            an_accepted_revocation_is_done
            a_refused_revocation_is_not_done
            a_busy_endpoint_revokes_nothing
            a_refused_revocation_shows_no_text_of_the_response
            a_token_is_attached_where_the_dialect_says
            a_token_that_breaks_out_of_a_header_is_refused
            a_rate_limit_is_never_a_rejection
            a_server_error_rejects_no_token
        }
    };
    (@rules $provider:expr; $($rule:ident)*) => {
        $(
            #[test]
            fn $rule() {
                let subject = $crate::conformance::Subject::from(($provider)());
                if let Err(violation) = $crate::conformance::$rule(&subject) {
                    panic!("{violation}");
                }
            }
        )*
    };
}
