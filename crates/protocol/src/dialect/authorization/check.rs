//! The check of the rules for the authorization request.

use url::Url;

use super::{AuthorizationRules, RedirectRule, ResponseMode, StateEcho, StatePlace};
use crate::{
    dialect::{
        check::{repeats, wrong},
        parameter::AuthorizationValue,
        response::is_scope_separator,
    },
    error::Error,
    origin::Origin,
};

impl AuthorizationRules {
    pub(in crate::dialect) fn check(&self) -> Result<(), Error> {
        self.check_parameters()?;
        self.check_scopes()?;
        self.check_names()?;
        if let Some(fragment) = &self.fragment
            && (fragment.is_empty()
                || fragment.contains(['?', '#'])
                || !fragment.bytes().all(|b| b.is_ascii_graphic()))
        {
            return wrong(
                "authorization.fragment",
                "must be visible ASCII without `?` and `#`",
            );
        }
        self.check_issuer()?;
        self.callback.check()?;
        let added = self.callback.all();
        // Any page can post such a form: only the state shows that it belongs to the login.
        let has_state = self.state == StatePlace::Parameter && self.state_echo == StateEcho::Always;
        if self.response_mode == ResponseMode::FormPost && !has_state {
            return wrong(
                "authorization.response_mode",
                "can be `form_post` only if the provider always returns the parameter `state`",
            );
        }
        match self.state.in_redirect_uri() {
            Some(name) if name.is_empty() || added.contains(&name) => wrong(
                "authorization.state",
                "must have another name in the redirect URI: the provider adds this one",
            ),
            Some(_) if self.redirect_rule != RedirectRule::ExtraQuery => wrong(
                "authorization.redirect_rule",
                "must be `extra_query` if the redirect URI carries the state",
            ),
            _ => Ok(()),
        }
    }

    /// Checks that the issuer is a URL as `iss` has it (RFC 9207 §2).
    fn check_issuer(&self) -> Result<(), Error> {
        let Some(issuer) = &self.issuer else {
            return Ok(());
        };
        let plain = !issuer.contains(['{', '}', '#', '\\', ' ']);
        let url = Url::parse(issuer).ok().filter(|_| plain);
        if url.is_none_or(|url| Origin::of_url(&url).is_none()) {
            return wrong(
                "authorization.issuer",
                "must be an https URL (http on loopback only) without placeholders, user info and \
                 fragment",
            );
        }
        Ok(())
    }

    fn check_parameters(&self) -> Result<(), Error> {
        use AuthorizationValue::{ClientId, RedirectUri, ResponseType, State};
        let field = "authorization.parameters";
        if self.parameters.is_empty() {
            return Ok(());
        }
        if ![ResponseType, ClientId, RedirectUri]
            .iter()
            .all(|needed| self.lists(*needed))
        {
            return wrong(field, "must list response_type, client_id and redirect_uri");
        }
        if self.state.is_parameter() != self.lists(State) {
            return wrong(
                field,
                "must list `state` if `authorization.state` is a parameter, and only then",
            );
        }
        let (names, values) = (
            self.parameters.iter().map(|p| &p.name),
            self.parameters.iter().map(|p| p.value),
        );
        if repeats(names) || repeats(values) {
            return wrong(field, "must not list a parameter twice");
        }
        Ok(())
    }

    fn check_scopes(&self) -> Result<(), Error> {
        if !is_scope_separator(&self.scope_separator) {
            return wrong(
                "authorization.scope_separator",
                "must be a space or one other character that is no letter or digit",
            );
        }
        if let Some(asked) = &self.scope
            && self.check_scope(asked).is_err()
        {
            return wrong(
                "authorization.scope",
                "must be listed in `parameters`, and be visible ASCII with single spaces",
            );
        }
        for (name, scope) in &self.further_scopes {
            if !scope.is_empty() && self.check_scope_form(scope).is_err() {
                return wrong(
                    format!("authorization.further_scopes.{name}"),
                    "must be visible ASCII with single spaces",
                );
            }
        }
        Ok(())
    }

    /// Checks that no two parameters have one name.
    fn check_names(&self) -> Result<(), Error> {
        let fixed = self.fixed.keys().map(|name| ("fixed", name));
        let scopes = self.further_scopes.keys();
        for (section, name) in fixed.chain(scopes.map(|name| ("further_scopes", name))) {
            let twice = section == "fixed" && self.further_scopes.contains_key(name);
            if name.is_empty() || twice || self.sends(name) {
                return wrong(
                    format!("authorization.{section}.{name}"),
                    "is the name of another parameter of the request",
                );
            }
        }
        Ok(())
    }

    /// Checks that the provider takes a scope, and its form.
    pub(crate) fn check_scope(&self, scope: &str) -> Result<(), Error> {
        if !self.parameters.is_empty() && !self.lists(AuthorizationValue::Scope) {
            return Err(Error::Scope {
                problem: "is not a parameter of this provider: remove it",
            });
        }
        self.check_scope_form(scope)
    }

    /// Checks that a scope has the form of RFC 6749 §3.3: tokens of visible ASCII without quotes
    /// and backslash, separated by single spaces.
    pub(crate) fn check_scope_form(&self, scope: &str) -> Result<(), Error> {
        let sane = |b: u8| b.is_ascii_graphic() && b != b'"' && b != b'\\';
        let words = scope
            .split(' ')
            .all(|word| !word.is_empty() && word.bytes().all(sane));
        if words {
            return Ok(());
        }
        Err(Error::Scope {
            problem: "must be visible ASCII without quotes and backslash, with single spaces",
        })
    }
}
