//! What is sent.

use std::{fs, io::Read as _};

use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Uri,
    header::{AUTHORIZATION, CONTENT_TYPE},
};
use reqwest::{Response, Url};
use reqwest_middleware::ClientWithMiddleware;

use super::Arguments;
use crate::{BoxError, exit::misconfigured};

const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");

/// A request without its token.
pub(super) struct Call {
    method: Method,
    url: Url,
    /// The URL, in the form in which origins are compared.
    pub(super) uri: Uri,
    headers: HeaderMap,
    body: Option<Vec<u8>>,
}

impl Call {
    /// Reads the arguments, and the body from where they say. No error shows a value.
    pub(super) fn read(arguments: &Arguments) -> Result<Self, BoxError> {
        let method = arguments.method.parse();
        let method: Method = method.map_err(|_| misconfigured("this is no HTTP method"))?;
        let url: Url = arguments
            .url
            .parse()
            .map_err(|problem| misconfigured(format!("this is no URL: {problem}")))?;
        if !url.username().is_empty() || url.password().is_some() {
            let text = "the URL has a user name or a password: remove it, the account's token is \
                        sent";
            return Err(misconfigured(text).into());
        }
        let uri = url.as_str().parse();
        let uri = uri.map_err(|_| misconfigured("this is no URL with a host"))?;
        let mut headers = headers(&arguments.headers)?;
        let body = arguments.data.as_deref().map(body).transpose()?;
        if body.is_some() {
            headers.entry(CONTENT_TYPE).or_insert(FORM);
        }
        Ok(Self {
            method,
            url,
            uri,
            headers,
            body,
        })
    }

    pub(super) async fn send(&self, client: &ClientWithMiddleware) -> Result<Response, BoxError> {
        let mut request = client
            .request(self.method.clone(), self.url.clone())
            .headers(self.headers.clone());
        if let Some(body) = &self.body {
            request = request.body(body.clone());
        }
        Ok(request.send().await?)
    }
}

fn headers(given: &[String]) -> Result<HeaderMap, BoxError> {
    let mut headers = HeaderMap::new();
    for line in given {
        let pair = line.split_once(':').and_then(|(name, value)| {
            let name: HeaderName = name.trim().parse().ok()?;
            let value: HeaderValue = value.trim().parse().ok()?;
            Some((name, value))
        });
        let Some((name, value)) = pair else {
            return Err(misconfigured("a header is not `Name: value`").into());
        };
        if name == AUTHORIZATION {
            let text = "the token of the account goes into `Authorization`: leave it out";
            return Err(misconfigured(text).into());
        }
        headers.append(name, value);
    }
    Ok(headers)
}

/// Reads a body as curl's `--data-binary` does.
fn body(data: &str) -> Result<Vec<u8>, BoxError> {
    match data.strip_prefix('@') {
        None => Ok(data.as_bytes().to_vec()),
        Some("-") => {
            let mut bytes = Vec::new();
            std::io::stdin().lock().read_to_end(&mut bytes)?;
            Ok(bytes)
        }
        Some(file) => fs::read(file).map_err(|error| {
            misconfigured(format!("the body {file} cannot be read: {error}")).into()
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::headers;

    #[test]
    fn a_header_has_a_name_and_a_value() {
        let given = ["X-A: 1", "x-a:2", "x-empty:"].map(str::to_owned);
        let parsed = headers(&given).unwrap();
        let values: Vec<_> = parsed.get_all("x-a").iter().collect();
        assert_eq!(values, ["1", "2"]);
        assert_eq!(parsed["x-empty"], "");
        for text in [
            "secret",
            ": secret",
            "a b: secret",
            "x: a\nsecret",
            "authorization: secret",
        ] {
            let error = headers(&[text.to_owned()]).unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
