//! Client authentication.

use tokenkeeper_emulator::ClientAuthentication::{
    self, Any, Basic, BasicSecretOnly, BasicUnencoded, Body, None as Public,
};
use tokenkeeper_emulator::{Emulator, PlainOptions, RegisteredClient};

use super::basic;
use crate::plain::REQUESTS;
use crate::support::{CALLBACK, Pairs, Vendor, form_request, set};

/// A secret that its encoding changes, and that decoding would spoil.
const SECRET: &str = "s3+cret%2F";
const ENCODED: &str = "app:s3%2Bcret%252F";
const RAW: &str = "app:s3+cret%2F";
const SECRET_ONLY: &str = "s3+cret%2F:";

/// A way to send the client's id and secret: a pair for the header, and parameters.
struct Way {
    name: &'static str,
    pair: Option<&'static str>,
    parameters: &'static [(&'static str, &'static str)],
}

const WAYS: [Way; 6] = [
    Way {
        name: "encoded",
        pair: Some(ENCODED),
        parameters: &[],
    },
    Way {
        name: "raw",
        pair: Some(RAW),
        parameters: &[],
    },
    Way {
        name: "secret only",
        pair: Some(SECRET_ONLY),
        parameters: &[],
    },
    Way {
        name: "body",
        pair: None,
        parameters: &[("client_id", "app"), ("client_secret", SECRET)],
    },
    Way {
        name: "id only",
        pair: None,
        parameters: &[("client_id", "app")],
    },
    Way {
        name: "both",
        pair: Some(ENCODED),
        parameters: &[("client_secret", SECRET)],
    },
];

/// The statuses of [`WAYS`] with each method.
const STATUSES: [(ClientAuthentication, [u16; 6]); 6] = [
    (Any, [200, 401, 401, 200, 401, 400]),
    (Basic, [200, 401, 401, 401, 401, 400]),
    (BasicUnencoded, [401, 200, 401, 401, 401, 400]),
    (BasicSecretOnly, [401, 401, 200, 401, 401, 400]),
    (Body, [401, 401, 401, 200, 401, 400]),
    (Public, [400, 400, 400, 400, 200, 400]),
];

fn vendor(options: PlainOptions) -> Vendor {
    let app = RegisteredClient::new("app").secret(SECRET);
    let public = RegisteredClient::new("public").redirect_uri(CALLBACK);
    let builder = Emulator::plain().options(options);
    Vendor {
        emulator: builder
            .client(app.redirect_uri(CALLBACK))
            .client(public)
            .in_process(),
        requests: REQUESTS,
    }
}

async fn send(vendor: &Vendor, way: usize, grant: Pairs<'_>) -> u16 {
    let Way {
        pair, parameters, ..
    } = WAYS[way];
    let mut pairs = grant;
    pairs.extend_from_slice(parameters);
    let mut request = form_request(REQUESTS.token, &pairs);
    if let Some(pair) = pair {
        set(&mut request, "authorization", &basic(pair));
    }
    vendor.send(request).await.status().as_u16()
}

fn refresh(token: &str) -> Pairs<'_> {
    vec![("grant_type", "refresh_token"), ("refresh_token", token)]
}

fn exchange(code: &str) -> Pairs<'_> {
    vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", CALLBACK),
    ]
}

#[tokio::test]
async fn a_method_accepts_only_its_own_way() {
    for (method, statuses) in STATUSES {
        let vendor = vendor(PlainOptions::default().client_authentication(method));
        for (way, status) in statuses.into_iter().enumerate() {
            let token = vendor.issue().refresh_token;
            let sent = send(&vendor, way, refresh(&token)).await;
            assert_eq!(sent, status, "{method:?}, {}", WAYS[way].name);
        }
    }
}

#[tokio::test]
async fn a_client_id_must_be_that_of_the_header() {
    for (method, pair) in [
        (Basic, ENCODED),
        (BasicUnencoded, RAW),
        (BasicSecretOnly, SECRET_ONLY),
    ] {
        let vendor = vendor(PlainOptions::default().client_authentication(method));
        for (id, status) in [("public", 400), ("app", 200)] {
            let token = vendor.issue().refresh_token;
            let mut pairs = refresh(&token);
            pairs.push(("client_id", id));
            let mut request = form_request("/token", &pairs);
            set(&mut request, "authorization", &basic(pair));
            assert_eq!(vendor.send(request).await.status(), status, "{method:?}");
        }
    }
}

#[tokio::test]
async fn a_refresh_can_have_another_method() {
    let options = PlainOptions::default().client_authentication(Body);
    let vendor = vendor(options.refresh_client_authentication(Basic));
    let (body, encoded) = (3, 0);
    let (one, two) = (vendor.code().await, vendor.code().await);
    assert_eq!(send(&vendor, encoded, exchange(&one)).await, 401);
    assert_eq!(send(&vendor, body, exchange(&two)).await, 200);
    let token = vendor.issue().refresh_token;
    assert_eq!(send(&vendor, body, refresh(&token)).await, 401);
    assert_eq!(send(&vendor, encoded, refresh(&token)).await, 200);
}
