//! The kinds of providers that the options of the plain provider make.

mod answers;
mod api;
mod clients;
mod errors;
mod redirects;
mod refreshes;
mod requests;
mod revocations;
mod scopes;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};

use crate::support::Vendor;

/// The files with the options of the plain provider.
const OPTIONS: [&str; 8] = [
    include_str!("../../../src/provider/plain/options/answers.rs"),
    include_str!("../../../src/provider/plain/options/api.rs"),
    include_str!("../../../src/provider/plain/options/client.rs"),
    include_str!("../../../src/provider/plain/options/errors.rs"),
    include_str!("../../../src/provider/plain/options/redirects.rs"),
    include_str!("../../../src/provider/plain/options/requests.rs"),
    include_str!("../../../src/provider/plain/options/revocation.rs"),
    include_str!("../../../src/provider/plain/options/rotation.rs"),
];

#[test]
fn the_readme_lists_every_option() {
    let readme = include_str!("../../../README.md");
    let setters: Vec<_> = OPTIONS
        .iter()
        .flat_map(|file| file.split("#[must_use]\n    pub fn ").skip(1))
        .filter_map(|text| text.split_once('(').map(|(name, _)| name))
        .collect();
    assert!(setters.len() > 40, "{setters:?}");
    for setter in setters {
        assert!(readme.contains(&format!("`{setter}`")), "{setter}");
    }
}

/// A token request with a JSON object.
fn json_request(path: &str, pairs: &[(&str, &str)]) -> Request<Bytes> {
    let members = pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), json!(value)));
    let object = Value::Object(members.collect());
    Request::post(path)
        .header("content-type", "application/json")
        .body(Bytes::from(object.to_string()))
        .unwrap()
}

/// The header `Authorization: Basic` of a pair that is already encoded.
fn basic(pair: &str) -> String {
    format!("Basic {}", STANDARD.encode(pair))
}

/// Logs in, and returns the tokens of the answer to the code.
async fn tokens(vendor: &Vendor) -> Value {
    let code = vendor.code().await;
    crate::support::json(&vendor.exchange(&code).await)
}
