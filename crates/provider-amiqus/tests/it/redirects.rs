use tokenkeeper_protocol::{AuthorizationResponse, RedirectError};

use super::*;

fn read(query: &str) -> Result<AuthorizationResponse, RedirectError> {
    Subject::new(amiqus()).read_redirect("st", query)
}

#[test]
fn a4_a_denial_needs_its_state_because_amiqus_returns_it() {
    let denied = read("error=access_denied&state=st");
    assert!(matches!(denied, Err(RedirectError::Denied { .. })));
    for query in ["error=access_denied&state=", "error=access_denied"] {
        assert_eq!(read(query), Err(RedirectError::StateMismatch), "{query}");
    }
}

#[test]
fn a5_a_code_with_an_error_is_refused() {
    let read = read("code=c&error=access_denied&state=st");
    assert_eq!(read, Err(RedirectError::CodeAndError));
}

#[test]
fn a_code_needs_its_state() {
    for query in [
        "code=c",
        "code=c&state=",
        "code=c&state=other",
        "code=c&state=st&state=st",
    ] {
        assert_eq!(read(query), Err(RedirectError::StateMismatch), "{query}");
    }
}
