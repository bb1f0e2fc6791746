//! One connection, shared by all calls and made anew when it is lost.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Pipeline, PushInfo, PushKind, RedisResult, Value};

use crate::connect::Connector;
use crate::fault::Fault;
use crate::script;

/// A connection to the master, whoever that is now.
///
/// A call never waits for a second connection: it fails, and the next one connects. Calls that wait for a connection share
/// one, and its failure.
pub(crate) struct Link {
    connector: Connector,
    connect_timeout: Duration,
    answer_timeout: Duration,
    state: Arc<Mutex<State>>,
    /// Held by the one that connects.
    connecting: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    current: Option<Connection>,
    /// How many connections have been tried: the number of the current one, and of the last failure.
    tried: u64,
    failure: Option<redis::RedisError>,
}

#[derive(Clone)]
struct Connection {
    number: u64,
    inner: MultiplexedConnection,
}

impl Link {
    pub(crate) fn new(
        connector: Connector,
        connect_timeout: Duration,
        answer_timeout: Duration,
    ) -> Self {
        Self {
            connector,
            connect_timeout,
            answer_timeout,
            state: Arc::default(),
            connecting: tokio::sync::Mutex::new(()),
        }
    }

    /// Sends the commands together and returns what was answered to each. A server's refusal of one is a value.
    pub(crate) async fn call(&self, commands: &Pipeline) -> Result<Vec<Value>, Fault> {
        let mut connection = self.connection().await.map_err(Fault::NotSent)?;
        let sent = connection
            .inner
            .send_packed_commands(commands, 0, commands.len());
        sent.await.map_err(|error| {
            // Also after a time-out: in the place of a server that hangs there may be another by now.
            forget(&self.state, connection.number);
            Fault::of_sent(error)
        })
    }

    /// Lets the next call connect anew.
    pub(crate) fn leave(&self) {
        lock(&self.state).current = None;
    }

    /// The connector, for connections of another kind.
    pub(crate) fn connector(&self) -> &Connector {
        &self.connector
    }

    async fn connection(&self) -> RedisResult<Connection> {
        let tried = {
            let state = lock(&self.state);
            if let Some(current) = &state.current {
                return Ok(current.clone());
            }
            state.tried
        };
        let _turn = self.connecting.lock().await;
        let number = {
            let state = lock(&self.state);
            if let Some(current) = &state.current {
                return Ok(current.clone());
            }
            // Somebody tried while we waited for the turn: what was said to them is said to all.
            if let (true, Some(failure)) = (state.tried != tried, &state.failure) {
                return Err(failure.clone());
            }
            state.tried + 1
        };
        let made = match tokio::time::timeout(self.connect_timeout, self.connect(number)).await {
            Ok(made) => made,
            Err(elapsed) => Err(std::io::Error::from(elapsed).into()),
        };
        let mut state = lock(&self.state);
        state.tried = number;
        match made {
            Ok(inner) => {
                let connection = Connection { number, inner };
                state.current = Some(connection.clone());
                state.failure = None;
                Ok(connection)
            }
            Err(error) => {
                state.failure = Some(error.clone());
                Err(error)
            }
        }
    }

    async fn connect(&self, number: u64) -> RedisResult<MultiplexedConnection> {
        let state = Arc::downgrade(&self.state);
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(None)
            .set_response_timeout(Some(self.answer_timeout))
            .set_pipeline_buffer_size(1024)
            // Told of the end of the connection, so that no call is sent into one that is known to have ended.
            .set_push_sender(move |push: PushInfo| {
                if push.kind == PushKind::Disconnection
                    && let Some(state) = state.upgrade()
                {
                    forget(&state, number);
                }
                Ok::<(), redis::aio::SendError>(())
            });
        let mut connection = self.connector.connect(&config).await?;
        let loading = script::load();
        for answer in connection
            .send_packed_commands(&loading, 0, loading.len())
            .await?
        {
            match answer.extract_error() {
                // Who may not load scripts may yet send them.
                Err(error) if error.code() != Some("NOPERM") => return Err(error),
                _ => {}
            }
        }
        Ok(connection)
    }
}

fn forget(state: &Mutex<State>, number: u64) {
    let mut state = lock(state);
    if state
        .current
        .as_ref()
        .is_some_and(|current| current.number == number)
    {
        state.current = None;
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    // Nothing panics under the lock.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
