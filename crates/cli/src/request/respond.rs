//! What is printed of a response.

use std::process::ExitCode;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, StatusCode};
use reqwest::Response;
use serde_json::{Map, Value, json};
use tokio::io::{self, AsyncWriteExt as _, Stdout};

use crate::{
    BoxError,
    exit::Exit,
    output::{self, OutputError},
};

/// Writes the body to stdout as it comes.
pub(super) async fn stream(mut response: Response, include: bool) -> Result<ExitCode, BoxError> {
    let status = response.status();
    let mut out = io::stdout();
    if include {
        write(&mut out, &head(&response)).await?;
    }
    while let Some(chunk) = response.chunk().await? {
        write(&mut out, &chunk).await?;
    }
    Ok(exit(status))
}

/// Writes at once: a reader of events does not wait for the next one. Ctrl-C ends even a write that
/// a slow reader holds up.
async fn write(out: &mut Stdout, bytes: &[u8]) -> Result<(), OutputError> {
    out.write_all(bytes).await?;
    Ok(out.flush().await?)
}

/// Prints the whole response as one object.
pub(super) async fn json(response: Response) -> Result<ExitCode, BoxError> {
    let status = response.status();
    let mut object = json!({
        "status": status.as_u16(),
        "headers": object(response.headers()),
    });
    let body = response.bytes().await?;
    match std::str::from_utf8(&body) {
        Ok(text) => object["body"] = text.into(),
        Err(_) => object["body_base64"] = STANDARD.encode(&body).into(),
    }
    output::json(&object)?;
    Ok(exit(status))
}

fn head(response: &Response) -> Vec<u8> {
    let mut head = format!("{:?} {}\n", response.version(), response.status()).into_bytes();
    for (name, value) in response.headers() {
        head.extend_from_slice(name.as_str().as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value.as_bytes());
        head.push(b'\n');
    }
    head.push(b'\n');
    head
}

/// Returns the headers, with a list of values for each name.
fn object(headers: &HeaderMap) -> Map<String, Value> {
    let mut object = Map::new();
    for name in headers.keys() {
        let values = headers.get_all(name).iter();
        let values: Vec<_> = values
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            .collect();
        object.insert(name.to_string(), values.into());
    }
    object
}

fn exit(status: StatusCode) -> ExitCode {
    if status.as_u16() >= 400 {
        Exit::HttpError.into()
    } else {
        ExitCode::SUCCESS
    }
}
