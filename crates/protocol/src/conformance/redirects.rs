//! Rules: redirects.

use super::{
    logins::{Login, login, pairs},
    subject::{CODE, Subject},
    violation::{Violation, ensure},
};
use crate::{
    dialect::AuthorizationValue,
    redirect::{AuthorizationResponse, RedirectError},
    secret::State,
};

/// The code of a redirect that belongs to the flow is taken unchanged.
pub fn a_code_comes_back_with_the_state(subject: &Subject) -> Result<(), Violation> {
    let login = login(subject)?;
    match read(subject, &login, &login.state, &[("code", CODE)]) {
        Ok(callback) => ensure!(callback.code.expose() == CODE, "the code is another one"),
        Err(error) => {
            return Err(Violation::new(format!(
                "a good redirect is refused: {error}"
            )));
        }
    }
    Ok(())
}

/// A code with another flow's state is not taken (RFC 6749 §10.12).
pub fn a_code_with_a_foreign_state_is_refused(subject: &Subject) -> Result<(), Violation> {
    let (one, other) = (login(subject)?, login(subject)?);
    if !echoes(subject, &one, &one.state) {
        // The provider returns no state: the application binds the redirect by other means.
        return Ok(());
    }
    let read = read(subject, &other, &one.state, &[("code", CODE)]);
    ensure!(
        read == Err(RedirectError::StateMismatch),
        "a redirect of another flow is not refused: {read:?}"
    );
    Ok(())
}

/// A redirect with both a code and an error is refused.
pub fn a_code_with_an_error_is_refused(subject: &Subject) -> Result<(), Violation> {
    let login = login(subject)?;
    let both = [("code", CODE), ("error", "access_denied")];
    let read = read(subject, &login, &login.state, &both);
    ensure!(read.is_err(), "a code next to an error is taken");
    Ok(())
}

/// A redirect that repeats a parameter (RFC 6749 §3.1) is refused: either code may be the forged
/// one.
pub fn a_repeated_code_is_refused(subject: &Subject) -> Result<(), Violation> {
    let login = login(subject)?;
    let read = read(
        subject,
        &login,
        &login.state,
        &[("code", CODE), ("code", "other")],
    );
    ensure!(read.is_err(), "one of two codes is taken");
    Ok(())
}

/// A denial is reported as a denial, and not as a missing code.
pub fn a_denial_is_reported(subject: &Subject) -> Result<(), Violation> {
    let login = login(subject)?;
    let read = read(subject, &login, &login.state, &[("error", "access_denied")]);
    ensure!(
        matches!(
            read,
            Err(RedirectError::Denied { .. } | RedirectError::DeniedWithoutState { .. })
        ),
        "a denial is {read:?}"
    );
    Ok(())
}

/// Returns whether the redirect shows which flow it belongs to.
fn echoes(subject: &Subject, login: &Login, state: &State) -> bool {
    login.redirect_uri.as_str().contains(state.expose()) || has_state(subject, login)
}

/// Returns whether the authorization request has the parameter with the state.
fn has_state(subject: &Subject, login: &Login) -> bool {
    let listed = &subject
        .provider()
        .client()
        .dialect()
        .authorization
        .parameters;
    let of_state = listed.iter().find(|p| p.value == AuthorizationValue::State);
    let name = of_state.map_or("state", |p| &p.name);
    pairs(&login.url).any(|(own, _)| own == name)
}

fn escape(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Reads the redirect of `login` with these parameters, in a flow whose state is `expected`.
fn read(
    subject: &Subject,
    login: &Login,
    expected: &State,
    parameters: &[(&str, &str)],
) -> Result<AuthorizationResponse, RedirectError> {
    // The query of the redirect URI, then what the provider adds. Only the issuer needs escapes,
    // which are the same in every response mode.
    let rules = &subject.provider().client().dialect().authorization;
    let named = |name| match name {
        "code" => &*rules.callback.code,
        "error" => &*rules.callback.error,
        other => other,
    };
    let uri = login.redirect_uri.as_str();
    let query = uri.split_once('?').map(|(_, query)| query.to_owned());
    let mut pairs: Vec<String> = query.into_iter().collect();
    pairs.extend(
        parameters
            .iter()
            .map(|(name, value)| format!("{}={value}", named(name))),
    );
    if has_state(subject, login) {
        let name = &rules.callback.state;
        pairs.push(format!("{name}={}", login.state.expose()));
    }
    let issuer = rules.issuer.iter();
    pairs.extend(issuer.map(|iss| format!("iss={}", escape(iss))));
    let text = pairs.join("&");
    subject.read_redirect(expected.expose(), &text)
}
