use async_trait::async_trait;
use http::{HeaderMap, HeaderValue, StatusCode, Uri, header::AUTHORIZATION, uri::Scheme};
use tokenkeeper_engine::{
    Credential, Error, TokenPlacement, TokenSource, TokenVersion,
    protocol::{Attachment, Origin, Verdict},
};

/// A token source with one token that never changes.
#[derive(Debug)]
pub(crate) struct Fixed {
    credential: Credential,
}

impl Fixed {
    pub(crate) fn new(token: &str) -> Self {
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
        // Any https host is allowed, so the common case needs no parsing.
        let https = target.scheme() == Some(&Scheme::HTTPS);
        let plain = target
            .authority()
            .is_some_and(|a| !a.as_str().contains('@'));
        https && plain || Origin::of(target).is_some()
    }

    fn placement(&self) -> TokenPlacement {
        TokenPlacement::Authorization
    }
}
