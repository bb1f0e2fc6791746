//! One connection, shared by all calls and replaced when it is lost.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Pipeline, PushInfo, PushKind, RedisResult, Value};

use crate::connect::Connector;
use crate::fault::Fault;
use crate::script;

/// A connection to the current master.
///
/// A call never waits for a second connection: it fails, and the next call connects. Calls that
/// wait for a connection share the attempt and its failure.
pub(crate) struct Link {
    connector: Connector,
    connect_timeout: Duration,
    answer_timeout: Duration,
    state: Arc<Mutex<State>>,
    /// Held by the call that connects.
    connecting: tokio::sync::Mutex<()>,
}

/// The current connection, and the last failure to connect.
#[derive(Default)]
struct State {
    current: Option<Connection>,
    /// How many attempts were made: the number of the current connection, and of the last failure.
    tried: u64,
    failure: Option<redis::RedisError>,
}

/// A connection and its number: a later one has a higher number.
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

    /// Sends the commands in one pipeline and returns their answers; a server's error is a value.
    pub(crate) async fn call(&self, commands: &Pipeline) -> Result<Vec<Value>, Fault> {
        let mut connection = self.connection().await.map_err(Fault::NotSent)?;
        let sent = connection
            .inner
            .send_packed_commands(commands, 0, commands.len());
        sent.await.map_err(|error| {
            // Also after a timeout: another server may have replaced one that hangs.
            forget(&self.state, connection.number);
            Fault::of_sent(error)
        })
    }

    /// Drops the connection, so that the next call connects again.
    pub(crate) fn reset(&self) {
        lock(&self.state).current = None;
    }

    /// Returns the connector, for connections of another kind.
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
            // Another call tried while this one waited: all waiters share its failure.
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
            // Reports the end of the connection, so that no call is sent into a closed one.
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
                // Without the permission to load scripts, calls send them whole.
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
