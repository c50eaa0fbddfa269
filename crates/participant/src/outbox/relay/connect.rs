//! The connections that rows are sent over. Certificates are always verified.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::crypto::ring;
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier};

use super::SettingsFault;

/// A client that keeps connections open between its calls.
pub(super) type Connections = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// A client whose connections are made within that time.
pub(super) fn connections(within: Duration) -> Result<Connections, SettingsFault> {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    connector.enforce_http(false);
    connector.set_connect_timeout(Some(within));
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(tls()?)
        .https_or_http()
        .enable_http1()
        .wrap_connector(connector);
    Ok(Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(connector))
}

fn tls() -> Result<ClientConfig, SettingsFault> {
    Ok(match versions()?.with_native_roots() {
        Ok(settings) => settings.with_no_client_auth(),
        // No reason not to start: plain HTTP needs none, and every TLS call will say what is missing.
        Err(error) => {
            tracing::warn!(%error, "no certificate authority found: calls to https:// will fail");
            versions()?.with_root_certificates(RootCertStore::empty()).with_no_client_auth()
        }
    })
}

fn versions() -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, SettingsFault> {
    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| SettingsFault(format!("TLS: {error}")))
}
