//! A key service that is a program, so that any key management service can be used from a shell.

use std::{ffi::OsString, process::Stdio};

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use tokenkeeper::store::{EncryptionKey, KeyService, KeyServiceError, WrappedKey};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    process::{Child, Command},
};
use zeroize::Zeroizing;

use crate::BoxError;

/// The status with which a program says that a data key can never be unwrapped.
const INVALID: i32 = 3;

/// A program that wraps data keys.
///
/// `PROGRAM wrap` reads a key in base64 from its standard input and prints the id of the wrapping
/// key and the wrapped key in base64, separated by a space. `PROGRAM unwrap ID` reads a wrapped key
/// and prints the key. Each ends with 0, with 3 if this wrapped key can never be unwrapped, or with
/// another status and a line on standard error.
#[derive(Debug)]
pub(crate) struct KeyProgram {
    program: OsString,
}

impl KeyProgram {
    pub(crate) fn new(program: impl Into<OsString>) -> Self {
        Self {
            program: program.into(),
        }
    }

    /// Runs the program, and returns what it prints.
    async fn ask(&self, arguments: &[&str], input: &[u8]) -> Result<Output, KeyServiceError> {
        let mut command = Command::new(&self.program);
        command.args(arguments).kill_on_drop(true);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let child = command.spawn().map_err(KeyServiceError::refused)?;
        let (output, error, status) = talk(child, input)
            .await
            .map_err(KeyServiceError::unavailable)?;
        match status {
            Some(0) => Ok(output),
            Some(INVALID) => Err(KeyServiceError::invalid(error)),
            _ => Err(KeyServiceError::unavailable(error)),
        }
    }
}

/// What a program prints, which may be a key.
type Output = Zeroizing<Vec<u8>>;

/// Writes `input`, and reads until the program ends.
async fn talk(
    mut child: Child,
    input: &[u8],
) -> Result<(Output, String, Option<i32>), std::io::Error> {
    // Both answers fit in here, so that no buffer grows and leaves a copy behind.
    let mut output = Zeroizing::new(Vec::with_capacity(MAX_OUTPUT));
    let mut error = Vec::new();
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let write = async {
        if let Some(mut stdin) = stdin {
            // A program may end without reading; its status tells why.
            let _ = stdin.write_all(input).await;
        }
    };
    let read = async {
        match stdout {
            Some(stdout) => {
                stdout
                    .take(MAX_OUTPUT as u64)
                    .read_to_end(&mut output)
                    .await
            }
            None => Ok(0),
        }
    };
    let explain = async {
        match stderr {
            Some(stderr) => stderr.take(MAX_OUTPUT as u64).read_to_end(&mut error).await,
            None => Ok(0),
        }
    };
    let ((), read, explained) = tokio::join!(write, read, explain);
    read?;
    explained?;
    let status = child.wait().await?;
    let error = String::from_utf8_lossy(&error).trim().to_owned();
    Ok((output, error, status.code()))
}

#[async_trait]
impl KeyService for KeyProgram {
    async fn wrap_key(&self, key: &EncryptionKey) -> Result<WrappedKey, KeyServiceError> {
        let input = Zeroizing::new(STANDARD.encode(key.expose()));
        let output = self.ask(&["wrap"], input.as_bytes()).await?;
        let words = str::from_utf8(&output).map_err(KeyServiceError::refused)?;
        let wrapped = words.trim().split_once(' ');
        let (id, wrapped) = wrapped
            .ok_or_else(|| KeyServiceError::refused("the program did not print `ID WRAPPED`"))?;
        let wrapped = STANDARD.decode(wrapped.trim());
        WrappedKey::new(id, wrapped.map_err(KeyServiceError::refused)?)
    }

    async fn unwrap_key(&self, wrapped: &WrappedKey) -> Result<EncryptionKey, KeyServiceError> {
        let input = STANDARD.encode(wrapped.bytes());
        let output = self
            .ask(&["unwrap", wrapped.key_id()], input.as_bytes())
            .await?;
        let text = str::from_utf8(&output).map_err(|_| not_a_key())?;
        EncryptionKey::from_base64(text).map_err(|_| not_a_key())
    }
}

fn not_a_key() -> KeyServiceError {
    let error: BoxError = "the program did not print a key in base64".into();
    KeyServiceError::refused(error)
}

/// The longest answer that is read, in bytes.
const MAX_OUTPUT: usize = 16 * 1024;
