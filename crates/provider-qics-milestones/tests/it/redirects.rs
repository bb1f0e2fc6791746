use tokenkeeper_protocol::{Callback, ExpectedRedirect, Provider, Redirect, RedirectError, State};

use super::*;

fn read(query: &str) -> Result<Callback, RedirectError> {
    qics().read_redirect(
        &Redirect::query(query),
        &ExpectedRedirect {
            state: &State::new("F"),
        },
    )
}

#[test]
fn q2_the_code_comes_beside_the_flow_and_what_else_was_there() {
    let callback = read("flow=F&lang=nl&code=X").unwrap();
    assert_eq!(callback.code.expose(), "X");
    assert_eq!(callback.extra, [("lang".to_owned(), "nl".to_owned())]);
}

#[test]
fn q3_a_flow_that_is_missing_wrong_or_twice_is_a_state_mismatch() {
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
fn q3b_an_error_without_flow_is_a_denial() {
    for query in ["error=access_denied", "flow=F&error=access_denied"] {
        let denied = matches!(read(query), Err(RedirectError::Denied { error }) if error.as_str() == "access_denied");
        assert!(denied, "{query}");
    }
    assert_eq!(
        read("flow=G&error=access_denied"),
        Err(RedirectError::StateMismatch)
    );
}

#[test]
fn a_code_and_an_error_together_are_refused() {
    assert_eq!(
        read("flow=F&code=X&error=access_denied"),
        Err(RedirectError::CodeAndError)
    );
}
