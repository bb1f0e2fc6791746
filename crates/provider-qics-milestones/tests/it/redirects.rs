use tokenkeeper_protocol::{AuthorizationResponse, RedirectError};

use super::*;

fn read(query: &str) -> Result<AuthorizationResponse, RedirectError> {
    Subject::new(qics()).read_redirect("F", query)
}

#[test]
fn q2_the_code_comes_with_the_flow_and_the_registered_query() {
    let callback = read("flow=F&lang=nl&code=X").unwrap();
    assert_eq!(callback.code.expose(), "X");
    assert_eq!(callback.extra, [("lang".to_owned(), "nl".to_owned())]);
}

#[test]
fn q3_a_missing_wrong_or_doubled_flow_is_a_mismatch() {
    for query in [
        "code=X",
        "flow=G&code=X",
        "flow=F&flow=F&code=X",
        "flow=&code=X",
        "state=F&code=X",
    ] {
        assert_eq!(read(query), Err(RedirectError::StateMismatch), "{query}");
    }
}

#[test]
fn q3b_an_error_without_flow_is_a_denial_that_ends_nothing() {
    let bound = read("flow=F&error=access_denied");
    let Err(RedirectError::Denied { error, .. }) = bound else {
        panic!("{bound:?}")
    };
    assert_eq!(error.as_str(), Some("access_denied"));
    let unbound = read("error=access_denied");
    assert_eq!(unbound, Err(RedirectError::DeniedWithoutState { error }));
    let foreign = read("flow=G&error=access_denied");
    assert_eq!(foreign, Err(RedirectError::StateMismatch));
}

#[test]
fn a_code_with_an_error_is_refused() {
    let read = read("flow=F&code=X&error=access_denied");
    assert_eq!(read, Err(RedirectError::CodeAndError));
}
