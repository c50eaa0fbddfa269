//! TLS: a participant that proves its name is called, any other is not.

use std::fs;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::crypto::ring;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::TlsAcceptor;

use super::targets::Scripted;
use super::*;

fn acceptor(own: &CertifiedKey<rcgen::KeyPair>) -> TlsAcceptor {
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(own.signing_key.serialize_der()));
    let builder = rustls::ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    TlsAcceptor::from(Arc::new(builder.with_single_cert(vec![own.cert.der().clone()], key).unwrap()))
}

#[tokio::test]
async fn only_a_participant_that_proves_its_name_is_called() {
    let own = generate_simple_self_signed(["stock.example".to_owned()]).unwrap();
    let stock = Participant::start_tls(acceptor(&own), answer(200, "7")).await;
    let folder = tempfile::tempdir().unwrap();
    let ca_file = folder.path().join("ca.pem");
    fs::write(&ca_file, own.cert.pem()).unwrap();
    let trusting =
        caller_with(Config { ca_file: Some(ca_file), ..to_loopback() }, Scripted::new(&[&["127.0.0.1"]]));
    let url = |host: &str| format!("https://{host}:{}/try", stock.address.port());

    assert_eq!(ask(&trusting, call(&url("stock.example"))).await, done("7"));
    let doubting = caller_with(to_loopback(), Scripted::new(&[&["127.0.0.1"]]));
    for (caller, host) in [(&trusting, "evil.example"), (&doubting, "stock.example")] {
        let reply = ask(caller, call(&url(host))).await;
        let Reply::Unknown { error } = reply else { panic!("{host}: {reply:?}") };
        assert!(error.starts_with("TLS: invalid peer certificate"), "{error}");
    }
    assert_eq!(stock.requests().len(), 1);
}

#[tokio::test]
async fn a_participant_that_does_not_speak_tls_is_unknown() {
    let plain = Participant::start(Act::Close).await;
    let url = format!("https://{}/try", plain.address);
    let reply = ask(&caller(), Call { timeout_ms: 500, ..call(&url) }).await;
    assert!(matches!(reply, Reply::Unknown { .. }), "{reply:?}");
    assert_eq!(plain.requests().len(), 0);
}
