//! The exact bytes of iOFFICE, and what its answers mean.
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

mod answers;
mod direct_code;
mod options;
mod requests;

use tokenkeeper_protocol::{
    Registration, SitePolicy, bytes::Bytes, conformance::Subject, http::Request,
};
use tokenkeeper_provider_ioffice::IOffice;

const CALLBACK: &str = "https://app.example/cb";

fn registration() -> Registration {
    Registration::new("my-client", CALLBACK)
        .unwrap()
        .secret("s3cr3t")
}

fn ioffice() -> IOffice {
    IOffice::new(registration())
        .unwrap()
        .sites(SitePolicy::only(["acme.example.com"]).unwrap())
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

fn at_acme(provider: IOffice) -> Subject {
    Subject::new(provider).at("acme.example.com")
}

/// A request as text: line, headers in order, blank line, body.
fn show(request: &Request<Bytes>) -> String {
    let mut text = format!("{} {}\n", request.method(), request.uri());
    for (name, value) in request.headers() {
        text.push_str(&format!("{name}: {}\n", value.to_str().unwrap()));
    }
    text + "\n" + std::str::from_utf8(request.body()).unwrap()
}
