//! Dialects that are no adapter of their own.

use crate::{
    ClassName, ClientAuthentication, Dialect, Endpoint, Error, ErrorRule, IntrospectionRules,
    Origin, RevocationRules,
};

impl Dialect {
    /// RFC 6749 and its companions to the letter: `/authorize`, `/token`, `/revoke` (RFC 7009) and `/introspect` (RFC 7662) below
    /// `base`, HTTP Basic, PKCE, Bearer. Change the fields where a provider differs.
    ///
    /// # Errors
    /// [`Error::Origin`], [`Error::Dialect`].
    pub fn rfc6749(brand: &str, base: &str) -> Result<Self, Error> {
        let mut dialect = Self::new(brand, Some(Origin::parse(base)?), "/authorize", "/token")?;
        let below = |path: &str| Endpoint::Path(path.to_owned());
        dialect.revocation = Some(RevocationRules::new(below("/revoke")));
        dialect.introspection = Some(IntrospectionRules::new(below("/introspect")));
        Ok(dialect)
    }

    /// GitHub's OAuth apps: errors come inside a 200, the answer names no expiry, and JSON has to be asked for.
    ///
    /// Sources: GitHub's "Authorizing OAuth apps" and "Troubleshooting OAuth app access token request errors".
    #[must_use]
    pub fn github() -> Self {
        github().expect("the preset is valid, as its test shows")
    }
}

fn github() -> Result<Dialect, Error> {
    let base = Origin::parse("https://github.com")?;
    let (authorize, token) = ("/login/oauth/authorize", "/login/oauth/access_token");
    let mut dialect = Dialect::new("github", Some(base), authorize, token)?;
    dialect.api_origins = vec![Origin::parse("https://api.github.com")?];
    dialect.token.accept = Some("application/json".to_owned());
    dialect.token.client_authentication = ClientAuthentication::Parameters;
    dialect.errors.in_success = true;
    dialect.errors.map = vec![
        ErrorRule::new("bad_verification_code", ClassName::Terminal),
        ErrorRule::new("bad_refresh_token", ClassName::Terminal),
        ErrorRule::new("incorrect_client_credentials", ClassName::Configuration),
        ErrorRule::new("redirect_uri_mismatch", ClassName::Configuration),
    ];
    Ok(dialect)
}
