//! `Arc` and `Box` forward every method.

use std::sync::Arc;

use tokenkeeper_protocol::{Client, Provider, conformance::forwards_every_method};

#[test]
fn arc_and_box_forward_every_method() {
    forwards_every_method(|provider| Arc::new(provider)).unwrap();
    forwards_every_method(|provider| Arc::new(Box::new(provider))).unwrap();
    forwards_every_method(|provider| Arc::new(Box::new(provider) as Box<dyn Provider>)).unwrap();
}

/// Forwards only the method without a default.
#[derive(Debug)]
struct Forgetful(Arc<dyn Provider>);

impl Provider for Forgetful {
    fn client(&self) -> &Client {
        self.0.client()
    }
}

#[test]
fn a_wrapper_that_forwards_too_little_is_found() {
    let violation = forwards_every_method(|provider| Arc::new(Forgetful(provider))).unwrap_err();
    assert_eq!(violation.to_string(), "`brand` was not forwarded");
}
