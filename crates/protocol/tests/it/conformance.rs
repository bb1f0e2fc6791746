//! The suite on providers that are only a dialect, in several forms.

use std::sync::Arc;

use tokenkeeper_protocol::{
    AttachmentMethod, Client, ClientAuthentication, Pkce, Provider, Registration, ResponseMode,
    RevocationRules, SitePolicy, StateEcho, conformance::Subject,
};

use crate::support::*;

mod rfc6749 {
    tokenkeeper_protocol::conformance!(super::client);
}

mod behind_arc_dyn {
    tokenkeeper_protocol::conformance!(super::behind_arc_dyn);
}

mod boxed {
    tokenkeeper_protocol::conformance!(|| Box::new(super::client()));
}

mod unusual_dialect {
    tokenkeeper_protocol::conformance!(super::unusual_dialect);
}

mod with_a_site_per_tenant {
    tokenkeeper_protocol::conformance!(super::with_a_site_per_tenant);
}

mod unusual_callback {
    tokenkeeper_protocol::conformance!(super::unusual_callback);
}

mod private_use_scheme {
    tokenkeeper_protocol::conformance!(super::private_use_scheme);
}

fn behind_arc_dyn() -> Arc<dyn Provider> {
    Arc::new(client())
}

fn unusual_dialect() -> Client {
    with(|dialect| {
        dialect.authorization.pkce = Pkce::S256;
        dialect.authorization.response_mode = ResponseMode::Fragment;
        dialect.authorization.state_echo = StateEcho::Unknown;
        dialect.token.client_authentication = ClientAuthentication::Parameters;
        let endpoint = "/revoke".to_owned().try_into().unwrap();
        dialect.revocation = Some(RevocationRules::new(endpoint));
        dialect.attach = AttachmentMethod::Query("access_token".to_owned());
    })
}

fn unusual_callback() -> Client {
    with(|dialect| {
        let rules = &mut dialect.authorization;
        rules.response_mode = ResponseMode::FormPost;
        rules.issuer = Some("https://login.example/?a=b&c".to_owned());
        rules.callback.code = "the_code".to_owned();
        rules.callback.state = "the_state".to_owned();
        rules.callback.error = "the_error".to_owned();
    })
}

fn private_use_scheme() -> Client {
    let registration = Registration::new("app", "com.example.app:/cb").secret("s3cr3t");
    dialect().with(registration).unwrap()
}

fn with_a_site_per_tenant() -> Subject {
    let client = with(|dialect| dialect.base = None);
    let policy = SitePolicy::only(["https://acme.example"]).unwrap();
    Subject::new(client.sites(policy)).at("acme.example")
}
