//! How connections are made.

use std::time::Duration;

use redis::aio::{MultiplexedConnection, PubSub};
use redis::cluster::{ClusterClient, ClusterClientBuilder};
use redis::io::tcp::{TcpSettings, socket2};
use redis::sentinel::{SentinelClient, SentinelClientBuilder, SentinelServerType};
use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _,
    ProtocolVersion, RedisConnectionInfo, RedisResult, TlsCertificates,
};
use rustls::crypto::CryptoProvider;
use tokio::sync::Mutex;

use crate::url::Target;
use crate::{RedisError, RedisOptions};

/// After how long without a sign of life a connection counts as broken.
const SILENCE: Duration = Duration::from_secs(15);

/// What makes connections to whoever is the master.
pub(crate) enum Connector {
    Standalone(Box<Client>),
    /// It remembers its connections to the sentinels, hence the lock.
    Sentinel(Box<Mutex<SentinelClient>>),
}

impl Connector {
    /// One for the server of `options`, or for its sentinels.
    pub(crate) fn new(options: &RedisOptions, master: Option<&str>) -> Result<Self, RedisError> {
        check_crypto(&options.target)?;
        let Some(master) = master else {
            let node = &options.target.nodes[0];
            return Ok(Self::Standalone(Box::new(client(options, node)?)));
        };
        Ok(Self::Sentinel(Box::new(Mutex::new(sentinel(
            options, master,
        )?))))
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

    /// A connection that listens to channels.
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

/// A client of one node, alone or of a cluster.
pub(crate) fn client(options: &RedisOptions, node: &(String, u16)) -> Result<Client, RedisError> {
    let info = info(&options.target, node);
    match &options.certificates {
        Some(certificates) if options.target.tls => {
            Client::build_with_tls(info, certificates.clone())
        }
        _ => Client::open(info),
    }
    .map_err(|error| unusable(options, error))
}

pub(crate) fn cluster(options: &RedisOptions) -> Result<ClusterClient, RedisError> {
    check_crypto(&options.target)?;
    let nodes = options.target.nodes.iter();
    let mut builder = ClusterClientBuilder::new(nodes.map(|node| info(&options.target, node)))
        // A write that was lost must not be made again behind our back: the answer to the second one would be taken for
        // that of the first. Redirections are followed by ourselves.
        .retries(0)
        .connection_timeout(options.connect_timeout)
        .response_timeout(options.answer_timeout())
        .overall_response_timeout(Some(options.answer_timeout()))
        .tcp_settings(tcp_settings());
    if let Some(certificates) = &options.certificates
        && options.target.tls
    {
        builder = builder.certs(certificates.clone());
    }
    builder.build().map_err(|error| unusable(options, error))
}

fn sentinel(options: &RedisOptions, master: &str) -> Result<SentinelClient, RedisError> {
    let target = &options.target;
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
        if let Some((user, password)) = &options.sentinel_login {
            if !user.is_empty() {
                builder = builder.set_client_to_sentinel_username(user);
            }
            builder = builder.set_client_to_sentinel_password(password);
        }
        if target.tls {
            builder = builder.set_client_to_redis_tls_mode(redis::TlsMode::Secure);
            if let Some(certificates) = &options.certificates {
                builder = builder
                    .set_client_to_redis_certificates(certificates.clone())
                    .set_client_to_sentinel_certificates(certificates.clone());
            }
        }
        builder.build()
    };
    build().map_err(|error| unusable(options, error))
}

/// The certificates of `options`, in the client's form.
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
    // A connection of RESP3 tells us when it is closed, so that no write is sent into one that is.
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
        .expect("an address is one already")
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

/// The client would panic without one.
fn check_crypto(target: &Target) -> Result<(), RedisError> {
    if target.tls && CryptoProvider::get_default().is_none() {
        return Err(RedisError::NoCryptoProvider);
    }
    Ok(())
}

/// Nothing is connected yet, so what is wrong is the certificates; all else has been checked.
fn unusable(options: &RedisOptions, error: redis::RedisError) -> RedisError {
    let (server, source) = (options.target.name(), error.into());
    if options.certificates.is_some() {
        RedisError::BadCertificate { server, source }
    } else {
        RedisError::Unexpected { server, source }
    }
}
