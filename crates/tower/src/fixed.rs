use async_trait::async_trait;
use http::{HeaderMap, HeaderValue, StatusCode, Uri, header::AUTHORIZATION};
use tokenkeeper_engine::{
    Credential, Error, TokenPlacement, TokenSource, TokenVersion,
    protocol::{ApiOrigin, Attachment, Origin, Verdict},
};

/// A token source with one token that never changes.
#[derive(Debug)]
pub(crate) struct Fixed {
    credential: Credential,
    origins: Box<[Origin]>,
}

impl Fixed {
    pub(crate) fn new(token: &str, origins: impl IntoIterator<Item = Origin>) -> Self {
        assert!(
            !token.is_empty() && token.bytes().all(|b| b.is_ascii_graphic()),
            "a fixed token must be visible ASCII"
        );
        let mut value = HeaderValue::try_from(format!("Bearer {token}"))
            .expect("visible ASCII is a header value");
        value.set_sensitive(true);
        let name = AUTHORIZATION;
        Self {
            credential: Credential::new(Attachment::Header { name, value }, 0),
            origins: origins.into_iter().collect(),
        }
    }
}

#[async_trait]
impl TokenSource for Fixed {
    fn try_credential(&self, _: bool) -> Option<Credential> {
        Some(self.credential.clone())
    }

    async fn credential(&self, _: bool) -> Result<Credential, Error> {
        Ok(self.credential.clone())
    }

    async fn replacement(&self, _: TokenVersion) -> Result<Option<Credential>, Error> {
        Ok(None)
    }

    fn report_rejection(&self, _: TokenVersion) {}

    fn classify_response(&self, _: TokenVersion, _: StatusCode, _: &HeaderMap) -> Verdict {
        Verdict::Accepted
    }

    fn allows(&self, target: &Uri) -> bool {
        self.origins.iter().any(|origin| origin.matches(target))
    }

    fn origins(&self) -> Vec<ApiOrigin> {
        self.origins.iter().cloned().map(ApiOrigin::from).collect()
    }

    fn placement(&self) -> TokenPlacement {
        TokenPlacement::Authorization
    }
}
