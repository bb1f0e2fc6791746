//! Clients of the redis crate, and their connections.

use std::time::Duration;

use redis::aio::{MultiplexedConnection, PubSub};
use redis::io::tcp::{TcpSettings, socket2};
use redis::sentinel::{SentinelClient, SentinelClientBuilder, SentinelServerType};
use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _,
    ProtocolVersion, RedisConnectionInfo, RedisResult, TlsCertificates,
};
use rustls::crypto::CryptoProvider;
use tokio::sync::Mutex;

use crate::RedisError;
use crate::settings::Settings;
use crate::url::Target;

/// How long the peer may be silent before the system considers the connection broken.
const SILENCE: Duration = Duration::from_secs(15);

/// A client that connects to the current master.
pub(crate) enum Connector {
    Standalone(Box<Client>),
    /// Locked, since it keeps its connections to the sentinels.
    Sentinel(Box<Mutex<SentinelClient>>),
}

impl Connector {
    /// A client of one server, or of the sentinels of `master`.
    pub(crate) fn new(settings: &Settings, master: Option<&str>) -> Result<Self, RedisError> {
        check_crypto(&settings.target)?;
        let Some(master) = master else {
            let node = &settings.target.nodes[0];
            return Ok(Self::Standalone(Box::new(client(settings, node)?)));
        };
        Ok(Self::Sentinel(Box::new(Mutex::new(sentinel(
            settings, master,
        )?))))
    }

    /// A client of one node of a cluster.
    pub(crate) fn of_node(settings: &Settings, node: &(String, u16)) -> Result<Self, RedisError> {
        // Its address may be what another node says.
        settings.check_encryption(node, false)?;
        Ok(Self::Standalone(Box::new(client(settings, node)?)))
    }

    pub(crate) async fn connect(
        &self,
        config: &AsyncConnectionConfig,
    ) -> RedisResult<MultiplexedConnection> {
        match self {
            Self::Standalone(client) => {
                client
                    .get_multiplexed_async_connection_with_config(config)
                    .await
            }
            Self::Sentinel(client) => {
                let mut client = client.lock().await;
                client.get_async_connection_with_config(config).await
            }
        }
    }

    /// Opens a connection for subscriptions.
    pub(crate) async fn listen(&self) -> RedisResult<PubSub> {
        match self {
            Self::Standalone(client) => client.get_async_pubsub().await,
            Self::Sentinel(client) => {
                let client = client.lock().await.async_get_client().await?;
                client.get_async_pubsub().await
            }
        }
    }
}

/// Returns a client of one node, standalone or in a cluster.
pub(crate) fn client(settings: &Settings, node: &(String, u16)) -> Result<Client, RedisError> {
    let info = info(&settings.target, node);
    match &settings.certificates {
        Some(certificates) if settings.target.tls => {
            Client::build_with_tls(info, certificates.clone())
        }
        _ => Client::open(info),
    }
    .map_err(|error| unusable(settings, error))
}

fn sentinel(settings: &Settings, master: &str) -> Result<SentinelClient, RedisError> {
    let target = &settings.target;
    let sentinels = target.nodes.iter().map(|node| address(target, node));
    let build = || {
        let mut builder =
            SentinelClientBuilder::new(sentinels, master, SentinelServerType::Master)?
                .set_client_to_redis_db(target.database)
                .set_client_to_redis_protocol(ProtocolVersion::RESP3)
                .set_client_to_redis_tcp_settings(tcp_settings())
                .set_client_to_sentinel_tcp_settings(tcp_settings());
        if let Some(user) = &target.user {
            builder = builder.set_client_to_redis_username(user);
        }
        if let Some(password) = &target.password {
            builder = builder.set_client_to_redis_password(password);
        }
        if let Some((user, password)) = &settings.sentinel_login {
            if !user.is_empty() {
                builder = builder.set_client_to_sentinel_username(user);
            }
            builder = builder.set_client_to_sentinel_password(password);
        }
        if target.tls {
            builder = builder.set_client_to_redis_tls_mode(redis::TlsMode::Secure);
            if let Some(certificates) = &settings.certificates {
                builder = builder
                    .set_client_to_redis_certificates(certificates.clone())
                    .set_client_to_sentinel_certificates(certificates.clone());
            }
        }
        builder.build()
    };
    build().map_err(|error| unusable(settings, error))
}

/// Converts certificates to the client's type.
pub(crate) fn certificates(
    root: Option<Vec<u8>>,
    client: Option<(Vec<u8>, Vec<u8>)>,
) -> TlsCertificates {
    TlsCertificates {
        client_tls: client.map(|(client_cert, client_key)| redis::ClientTlsConfig {
            client_cert,
            client_key,
        }),
        root_cert: root,
    }
}

fn info(target: &Target, node: &(String, u16)) -> ConnectionInfo {
    // With RESP3 the client reports a closed connection, so that no write is sent into it.
    let mut login = RedisConnectionInfo::default()
        .set_db(target.database)
        .set_protocol(ProtocolVersion::RESP3)
        .set_skip_set_lib_name();
    if let Some(user) = &target.user {
        login = login.set_username(user);
    }
    if let Some(password) = &target.password {
        login = login.set_password(password);
    }
    address(target, node)
        .into_connection_info()
        .expect("an address converts to itself")
        .set_redis_settings(login)
        .set_tcp_settings(tcp_settings())
}

fn address(target: &Target, (host, port): &(String, u16)) -> ConnectionAddr {
    if target.tls {
        ConnectionAddr::TcpTls {
            host: host.clone(),
            port: *port,
            insecure: false,
            tls_params: None,
        }
    } else {
        ConnectionAddr::Tcp(host.clone(), *port)
    }
}

fn tcp_settings() -> TcpSettings {
    let keepalive = socket2::TcpKeepalive::new()
        .with_time(SILENCE)
        .with_interval(SILENCE / 3);
    let settings = TcpSettings::default()
        .set_nodelay(true)
        .set_keepalive(keepalive);
    #[cfg(target_os = "linux")]
    let settings = settings.set_user_timeout(SILENCE);
    settings
}

/// Checks for a crypto provider: without one, the client would panic.
pub(crate) fn check_crypto(target: &Target) -> Result<(), RedisError> {
    if target.tls && CryptoProvider::get_default().is_none() {
        return Err(RedisError::NoCryptoProvider);
    }
    Ok(())
}

/// The error of a client that cannot be made: only the certificates have not been checked before.
fn unusable(settings: &Settings, error: redis::RedisError) -> RedisError {
    let (server, source) = (settings.target.name(), error.into());
    if settings.certificates.is_some() {
        RedisError::BadCertificate { server, source }
    } else {
        RedisError::Unexpected { server, source }
    }
}
