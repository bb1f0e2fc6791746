//! The exact bytes of iOFFICE, and what its responses mean.
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

mod answers;
mod direct_code;
mod options;
mod requests;

use tokenkeeper_protocol::{
    Error, Origin, Provider, Registration, SitePolicy,
    conformance::{Subject, request_text, transcript},
};
use tokenkeeper_provider_ioffice::IOffice;

const CALLBACK: &str = "https://app.example/cb";
const SITE: &str = "acme.example.com";

fn registration() -> Registration {
    let registration = Registration::new("my-client", CALLBACK);
    registration.secret("s3cr3t")
}

fn ioffice() -> IOffice {
    let sites = SitePolicy::only([SITE]).expect("a policy");
    IOffice::new(registration())
        .expect("a provider")
        .sites(sites)
}

fn site() -> Origin {
    ioffice().site(Some(SITE)).expect("an allowed site")
}

fn at_acme(provider: IOffice) -> Subject {
    Subject::new(provider).at(SITE)
}

mod conforms {
    tokenkeeper_protocol::conformance!(|| super::at_acme(super::ioffice()));
}

mod conforms_with_options {
    tokenkeeper_protocol::conformance!(|| {
        let provider = super::ioffice().query_attachment().unwrap();
        super::at_acme(provider.secret_header("x-client-secret").unwrap())
    });
}

#[test]
fn the_brand_is_part_of_the_keys() {
    assert_eq!(ioffice().brand(), "ioffice");
}
