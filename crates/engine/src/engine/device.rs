//! Logins by device code: the request for the codes, and the polls.

use std::{sync::Arc, time::Duration};

use tokenkeeper_protocol::{DeviceAuthorization, DeviceAuthorizationRequest, Provider};
use tokenkeeper_refresh::{ChangeId, Flow, Input, Polling};

use super::{auditing, change, core::Core, entry::AccountEntry, perform::send_request, pump};
use crate::{
    error::{DeviceAuthorizationError, Error},
    exchange::Exchange,
    flow::ConnectOptions,
    transport::TransportError,
};

/// Asks the provider for a device code and a user code, on the engine's runtime. Dropping the
/// future stops the waiting, not the request; the codes expire unused.
pub(crate) async fn authorize(
    core: &Arc<Core>,
    entry: &Arc<AccountEntry>,
    options: &ConnectOptions,
) -> Result<DeviceAuthorization, Error> {
    if core.is_closing() {
        return Err(Error::ShutDown);
    }
    auditing::admit(core).await?;
    let runtime = core.runtime.handle()?;
    let request = ask(core.clone(), entry.clone(), options.clone());
    let answer = runtime.spawn(request).await;
    // A panic's message is not shown: it may hold what the transport was about to send.
    let answer = answer.unwrap_or_else(|_| {
        let error = TransportError::Unknown("the task of the request died".into());
        Err(DeviceAuthorizationError::Transport(Arc::new(error)))
    });
    let answer = answer.map_err(|source| Error::DeviceAuthorization {
        account: entry.digest(),
        source,
    })?;
    auditing::record_start(core, entry);
    Ok(answer)
}

async fn ask(
    core: Arc<Core>,
    entry: Arc<AccountEntry>,
    options: ConnectOptions,
) -> Result<DeviceAuthorization, DeviceAuthorizationError> {
    let (site, sent_at) = (&entry.site, core.time.wall_time());
    let extra: Vec<_> = options.parameter_pairs().collect();
    let request = DeviceAuthorizationRequest {
        scope: options.scope.as_deref(),
        extra: &extra,
    };
    let request = site
        .provider
        .device_authorization_request(&site.site, &request);
    let request = request.map_err(|error| DeviceAuthorizationError::Request(Arc::new(error)))?;
    let request = request.ok_or(DeviceAuthorizationError::Unsupported)?;
    let response = send_request(&core, site, request).await;
    let response =
        response.map_err(|error| DeviceAuthorizationError::Transport(Arc::new(error)))?;
    let read = site
        .provider
        .read_device_authorization_response(&response, sent_at);
    read.map_err(DeviceAuthorizationError::Response)
}

/// Polls with a device code until the person has decided, and writes the tokens. Dropping the
/// future ends the polls: one in flight is awaited, and what it brings is written.
pub(crate) async fn login(
    core: &Arc<Core>,
    entry: &Arc<AccountEntry>,
    exchange: Exchange,
    flow: Flow,
    polling: Polling,
) -> Result<(), Error> {
    // The machine ends the login with its codes. After that, a last poll may be in flight.
    let left = flow.ends.saturating_sub(core.time.wall());
    let options = &core.options;
    let waited = Duration::from_millis(left)
        .saturating_add(options.exchange_timeout)
        .saturating_add(options.acquire_timeout);
    let exchange = Arc::new(exchange);
    let login = |id| {
        entry.lock().cold().exchanges.push((id, exchange));
        Input::DeviceLogin(id, flow, polling)
    };
    let (id, wait) = change::begin(core, entry, waited, login).await?;
    let mut caller = Caller {
        core,
        entry,
        id,
        waits: true,
    };
    let result = wait.await;
    caller.waits = result.is_none();
    result.unwrap_or_else(|| {
        Err(Error::Timeout {
            account: entry.digest(),
            waited,
        })
    })
}

/// The caller of a login: the polls end when it goes away.
struct Caller<'a> {
    core: &'a Arc<Core>,
    entry: &'a Arc<AccountEntry>,
    id: ChangeId,
    waits: bool,
}

impl Drop for Caller<'_> {
    fn drop(&mut self) {
        if self.waits {
            pump::step(self.core, self.entry, Input::Abandon(self.id));
        }
    }
}
