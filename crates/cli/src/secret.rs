//! Secrets that a person types, or a program writes to stdin. None is an argument.

use std::io::{self, Read as _};

use zeroize::Zeroizing;

use crate::{BoxError, exit::misconfigured};

/// The most bytes that are read from stdin: no secret is as long.
const MAX_INPUT: u64 = 64 * 1024;

/// Asks on the terminal, which does not show the answer. `otherwise` says what to do without one.
pub(crate) fn ask(prompt: &str, otherwise: &str) -> Result<Zeroizing<String>, BoxError> {
    let answer = rpassword::prompt_password(prompt);
    answer
        .map(Zeroizing::new)
        .map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => misconfigured("nothing was typed").into(),
            _ => misconfigured(format!(
                "there is no terminal to ask ({error}): {otherwise}"
            ))
            .into(),
        })
}

/// Reads the secret from stdin, without the end of its line.
pub(crate) fn from_stdin() -> Result<Zeroizing<String>, BoxError> {
    // With room for all, so that growing leaves no copy behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_INPUT as usize + 1));
    let stdin = io::stdin().lock();
    stdin.take(MAX_INPUT + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_INPUT {
        return Err(misconfigured("the secret on stdin is longer than 64 KiB").into());
    }
    match std::str::from_utf8(&bytes) {
        Ok(text) => Ok(Zeroizing::new(without_line_end(text).to_owned())),
        Err(_) => Err(misconfigured("the secret on stdin is not UTF-8").into()),
    }
}

/// Removes the end of the line, which `echo` and editors add.
pub(crate) fn without_line_end(text: &str) -> &str {
    text.trim_end_matches(['\r', '\n'])
}
