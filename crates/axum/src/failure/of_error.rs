//! What a browser sees of an engine's error.

use tokenkeeper_engine::{
    Advice, Error, ExchangeError, FlowError, TransportError,
    protocol::{self, Class, RedirectError},
};

use super::Failure;

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        match error {
            Error::Flow(FlowError::Expired) => Self::EXPIRED,
            Error::Flow(FlowError::Used) => Self::USED,
            Error::Flow(_) => Self::NO_FLOW.ending(),
            Error::Redirect(error) => redirect(error),
            Error::ConfirmationRequired { .. } => Self::STATE,
            Error::Exchange { source, .. } if keeps_code(source) => Self::UNAVAILABLE,
            Error::Exchange { source, .. } if is_site_refused(source) => Self::SITE,
            Error::Exchange { .. } if error.advice() == Advice::FixConfiguration => {
                Self::MISCONFIGURED
            }
            Error::Exchange { .. } => Self::EXCHANGE,
            Error::Superseded { .. } => Self::SUPERSEDED,
            Error::UnknownProvider { .. } => Self::UNKNOWN_PROVIDER.ending(),
            Error::Protocol(error) => request(error),
            Error::ShutDown => Self::UNAVAILABLE,
            error => match error.advice() {
                Advice::Retry { after } => Self::UNAVAILABLE.retry_after(after),
                _ => Self::MISCONFIGURED,
            },
        }
    }
}

fn redirect(error: &RedirectError) -> Failure {
    match error {
        RedirectError::Denied { description, .. } => {
            let description = description.as_ref().map(|text| text.as_str().to_owned());
            Failure::DENIED.described(description).ending()
        }
        // Anyone may have sent any other redirect, so it must not end the login in progress.
        RedirectError::DeniedWithoutState { .. } => Failure::DENIED,
        RedirectError::StateMismatch | RedirectError::StateMissing => Failure::STATE,
        _ => Failure::NO_ANSWER,
    }
}

/// Returns whether the site has an address that it must not have.
fn is_site_refused(error: &ExchangeError) -> bool {
    let ExchangeError::Transport(error) = error else {
        return false;
    };
    matches!(**error, TransportError::AddressRefused(_))
}

/// Returns whether the code was not redeemed, so that the same redirect may still succeed.
fn keeps_code(error: &ExchangeError) -> bool {
    match error {
        ExchangeError::TooLate => true,
        ExchangeError::Transport(error) => matches!(**error, TransportError::NotSent(_)),
        ExchangeError::Refused(refusal) => {
            matches!(refusal.class, Class::Transient { .. }) && !refusal.may_have_redeemed()
        }
        _ => false,
    }
}

fn request(error: &protocol::Error) -> Failure {
    use protocol::Error as E;
    match error {
        E::SiteMissing { .. }
        | E::SiteUnexpected { .. }
        | E::SiteRefused { .. }
        | E::Origin { .. } => Failure::SITE,
        _ => Failure::MISCONFIGURED,
    }
}
