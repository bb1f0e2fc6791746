//! Secrets that a person types, or a program writes to stdin. None is an argument.

use std::io::{self, IsTerminal as _};

use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use zeroize::Zeroizing;

use crate::{
    BoxError,
    exit::{Exit, interrupted, misconfigured},
    signal, stdin,
};

/// The most bytes that are read from stdin: no secret is as long.
const MAX_INPUT: usize = 64 * 1024;

/// Asks on the terminal, which does not show the answer. `otherwise` says what to do without one.
///
/// After a signal, Ctrl-C among them, the terminal shows again what is typed.
pub(crate) async fn ask(prompt: &str, otherwise: &str) -> Result<Zeroizing<String>, BoxError> {
    let prompt = prompt.to_owned();
    let _terminal = Terminal::save();
    let answer = signal::interruptible(move || rpassword::prompt_password(prompt)).await?;
    answer
        .map(Zeroizing::new)
        .map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => interrupted(Exit::Interrupted),
            io::ErrorKind::UnexpectedEof => misconfigured("nothing was typed").into(),
            _ => misconfigured(format!(
                "there is no terminal to ask ({error}): {otherwise}"
            ))
            .into(),
        })
}

/// Reads the secret from stdin, without the end of its line. `option` is what asks for that.
pub(crate) async fn from_stdin(option: &str) -> Result<Zeroizing<String>, BoxError> {
    if io::stdin().is_terminal() {
        let text = format!("stdin is a terminal, which would show the secret: leave out {option}");
        return Err(misconfigured(text).into());
    }
    let explain = |problem| misconfigured(format!("the secret on stdin {problem}")).into();
    let text = stdin::read(MAX_INPUT, explain).await?;
    Ok(Zeroizing::new(without_line_end(&text).to_owned()))
}

/// Removes the end of the line, which `echo` and editors add.
pub(crate) fn without_line_end(text: &str) -> &str {
    text.trim_end_matches(['\r', '\n'])
}

/// Parses JSON with secrets. The problem names a field, or `otherwise` and the place: the parser's
/// own text quotes values.
pub(crate) fn parse_hidden<T: DeserializeOwned>(text: &str, otherwise: &str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|error| {
        let problem = error.to_string();
        let of_a_name = ["missing field", "unknown field", "duplicate field"];
        if of_a_name.iter().any(|start| problem.starts_with(start)) {
            return problem;
        }
        let (line, column) = (error.line(), error.column());
        format!("{otherwise} at line {line} column {column}")
    })
}

/// Deserializes a text that is wiped when it is dropped.
pub(crate) fn hidden<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Zeroizing<String>, D::Error> {
    String::deserialize(deserializer).map(Zeroizing::new)
}

/// The terminal as it was before a question. A signal ends the process while a thread still reads
/// the answer, and that thread would leave the terminal without echo.
#[cfg(unix)]
struct Terminal {
    file: std::fs::File,
    before: rustix::termios::Termios,
}

#[cfg(unix)]
impl Terminal {
    /// `None`: there is no terminal, or it is not known how it is.
    fn save() -> Option<Self> {
        let file = std::fs::File::open("/dev/tty").ok()?;
        let before = rustix::termios::tcgetattr(&file).ok()?;
        Some(Self { file, before })
    }
}

#[cfg(unix)]
impl Drop for Terminal {
    fn drop(&mut self) {
        use rustix::termios::{OptionalActions, tcsetattr};
        // A terminal that is gone needs no echo.
        let _ = tcsetattr(&self.file, OptionalActions::Now, &self.before);
    }
}

/// Elsewhere a console's mode ends with the process that reads it.
#[cfg(not(unix))]
struct Terminal;

#[cfg(not(unix))]
impl Terminal {
    fn save() -> Self {
        Self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Answer {
        #[serde(deserialize_with = "hidden")]
        code: Zeroizing<String>,
    }

    #[test]
    fn a_problem_names_a_field_or_a_place_and_no_value() {
        let parsed = |text: &str| parse_hidden::<Answer>(text, "wrong");
        assert_eq!(*parsed(r#"{"code":"secret"}"#).unwrap().code, "secret");
        for (text, named) in [
            ("{}", "missing field `code`"),
            (r#"{"kode":"secret"}"#, "unknown field `kode`"),
            (r#""secret""#, "wrong at line 1 column 8"),
            ("{\"code\":\n[\"secret\"]}", "wrong at line 2 column"),
            (r#"{"code":"secret"#, "wrong at line 1 column"),
        ] {
            let problem = parsed(text).unwrap_err();
            assert!(problem.starts_with(named), "{text}: {problem}");
            assert!(!problem.contains("secret"), "{problem}");
        }
    }
}
