//! What a browser does with responses.

use std::sync::Once;

use reqwest::{Response, StatusCode, redirect::Policy};

pub struct Browser {
    client: reqwest::Client,
}

/// A loaded page.
pub struct Page {
    pub status: StatusCode,
    pub url: String,
    pub text: String,
    pub headers: reqwest::header::HeaderMap,
}

impl Browser {
    pub fn new() -> Self {
        static CRYPTO: Once = Once::new();
        CRYPTO.call_once(|| {
            let _ = rustls::crypto::ring::default_provider().install_default();
        });
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(Policy::limited(3))
            .build()
            .unwrap();
        Self { client }
    }

    pub async fn get(&self, url: &str) -> Page {
        Page::load(self.client.get(url).send().await.unwrap()).await
    }

    /// Sends a request as if another name led to the server.
    pub async fn get_as(&self, host: &str, url: &str) -> Page {
        let request = self.client.get(url).header("host", host);
        Page::load(request.send().await.unwrap()).await
    }

    pub async fn head(&self, url: &str) -> Page {
        Page::load(self.client.head(url).send().await.unwrap()).await
    }

    pub async fn post(&self, url: &str, form: &str) -> Page {
        let form = form.to_owned();
        let request = self.client.post(url).body(form);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        Page::load(request.send().await.unwrap()).await
    }

    pub async fn is_refused(&self, url: &str) -> bool {
        self.client
            .get(url)
            .send()
            .await
            .is_err_and(|error| error.is_connect())
    }
}

impl Page {
    async fn load(response: Response) -> Self {
        Self {
            status: response.status(),
            url: response.url().to_string(),
            headers: response.headers().clone(),
            text: response.text().await.unwrap(),
        }
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}
