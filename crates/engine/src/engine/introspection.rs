//! Questions to the provider about the current access token.

use std::sync::Arc;

use tokenkeeper_protocol::{AccessToken, Introspection, Provider};

use super::{core::Core, entry::AccountEntry, perform::send_request};
use crate::{
    error::{Error, IntrospectionError},
    transport::TransportError,
};

/// Asks the provider about a token, on the engine's runtime. Dropping the future stops the waiting,
/// not the request.
pub(crate) async fn introspect(
    core: &Arc<Core>,
    entry: &Arc<AccountEntry>,
    token: AccessToken,
) -> Result<Introspection, Error> {
    if core.is_closing() {
        return Err(Error::ShutDown);
    }
    let runtime = core.runtime.handle()?;
    let question = ask(core.clone(), entry.clone(), token);
    let answer = runtime.spawn(question).await;
    // A panic's message is not shown: it may hold what the transport was about to send.
    let answer = answer.unwrap_or_else(|_| {
        let error = TransportError::Unknown("the task of the request died".into());
        Err(IntrospectionError::Transport(Arc::new(error)))
    });
    answer.map_err(|source| Error::Introspection {
        account: entry.digest(),
        source,
    })
}

async fn ask(
    core: Arc<Core>,
    entry: Arc<AccountEntry>,
    token: AccessToken,
) -> Result<Introspection, IntrospectionError> {
    let (site, sent_at) = (&entry.site, core.time.wall_time());
    let request = site.provider.introspection_request(&site.site, &token);
    let request = request.map_err(|error| IntrospectionError::Request(Arc::new(error)))?;
    let request = request.ok_or(IntrospectionError::Unsupported)?;
    let response = send_request(&core, site, request).await;
    let response = response.map_err(|error| IntrospectionError::Transport(Arc::new(error)))?;
    let read = site
        .provider
        .read_introspection_response(&response, sent_at);
    read.map_err(IntrospectionError::Response)
}
