//! The whole server with its sockets: it starts, serves, stops in order, and starts again with what it knew.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::Value;
use signaling::config::Settings;
use signaling::{Running, StartError, start};

/// Settings that take free ports and a folder of their own.
fn settings(dir: &Path) -> Settings {
    let mut settings = Settings::default();
    settings.http.listen.set_port(0);
    settings.media.port = 0;
    settings.data.dir = dir.join("data");
    settings.demo.enabled = true;
    settings
}

/// One request, one answer: head and body.
async fn ask(address: SocketAddr, request: &str) -> (String, String) {
    let request = request.replace('\n', "\r\n");
    let talk = move || {
        let mut stream = TcpStream::connect(address).unwrap();
        exchange(&mut stream, &request)
    };
    tokio::task::spawn_blocking(talk).await.unwrap()
}

fn exchange(stream: &mut (impl Read + Write), request: &str) -> (String, String) {
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    // A TLS stream may end without a farewell; what came is what counts.
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

async fn get(running: &Running, path: &str) -> (String, String) {
    ask(
        running.http_address,
        &format!("GET {path} HTTP/1.1\nhost: {}\nconnection: close\n\n", running.http_address),
    )
    .await
}

async fn post(running: &Running, path: &str, headers: &str, body: &str) -> (String, String) {
    let request = format!(
        "POST {path} HTTP/1.1\nhost: {}\nconnection: close\ncontent-type: application/json\ncontent-length: {}\n{headers}\n{body}",
        running.http_address,
        body.len()
    );
    ask(running.http_address, &request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_shop_opens_a_visit_and_staff_log_in() {
    let dir = tempfile::tempdir().unwrap();
    let running = start(settings(dir.path())).await.unwrap();
    assert_eq!(get(&running, "/readyz").await.1, r#"{"status":"ready","degraded":[]}"#);
    assert!(!running.media_addresses.is_empty() && running.media_addresses[0].port() != 0);

    let (head, list) = get(&running, "/demo/?lang=ar").await;
    assert!(head.contains("200 OK") && list.contains("dir=\"rtl\""), "{head}");
    for sku in ["LAMP-01", "LAMP-02", "LAMP-03"] {
        let (head, page) = get(&running, &format!("/demo/p/{sku}?lang=de")).await;
        assert!(head.contains("content-security-policy: default-src 'self'; script-src 'self';"), "{head}");
        assert!(page.contains("<video-help token-url=\"/demo/token?sku=") && page.contains(sku));
        assert!(get(&running, &format!("/demo/pictures/{sku}.svg")).await.0.contains("image/svg+xml"));
    }
    assert!(get(&running, "/demo/p/NOTHING").await.0.starts_with("HTTP/1.1 404"));

    let (head, token) = get(&running, "/demo/token?sku=LAMP-02&lang=fr").await;
    assert!(head.to_lowercase().contains("cache-control: no-store"), "{head}");
    let bearer = format!("authorization: Bearer {token}\n");
    let (head, body) = post(&running, "/api/v1/buyer-sessions", &bearer, r#"{"language":"fr"}"#).await;
    assert!(head.contains("201 Created"), "{head} {body}");
    let session: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(session["context"]["product"]["name"], "Suspension Fjord");
    assert_eq!(session["context"]["order"]["number"], "LC-10517");
    assert_eq!(session["consent"]["language"], "fr");
    let url = format!("http://{}/demo/p/LAMP-02?lang=fr", running.http_address);
    assert_eq!(session["context"]["product"]["url"], url);

    for (email, role) in running.demo.clone().unwrap().logins() {
        let login = format!(r#"{{"email":"{email}","password":"vitrine-demo"}}"#);
        let (head, body) = post(&running, "/api/v1/login", "", &login).await;
        assert!(head.contains("200 OK") && body.contains(role), "{email}: {head}");
    }
    let (_, metrics) = get(&running, "/metrics").await;
    for name in ["vitrine_http_requests_total", "vitrine_sfu_", "vitrine_buyers_waiting"] {
        assert!(metrics.contains(name), "{name} is not among the metrics");
    }
    assert!(running.shutdown().await, "stopping takes less than the patience of whoever stops it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_knows_accounts_keys_and_logins_of_before() {
    let dir = tempfile::tempdir().unwrap();
    let running = start(settings(dir.path())).await.unwrap();
    let login = r#"{"email":"agent@demo.example","password":"vitrine-demo"}"#;
    let (head, _) = post(&running, "/api/v1/login", "", login).await;
    let cookie = head.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let (_, token) = get(&running, "/demo/token?sku=LAMP-01").await;
    assert!(running.shutdown().await);

    let running = start(settings(dir.path())).await.unwrap();
    let me = format!(
        "GET /api/v1/me HTTP/1.1\nhost: {}\nconnection: close\ncookie: {cookie}\n\n",
        running.http_address
    );
    assert!(ask(running.http_address, &me).await.0.contains("200 OK"));
    let bearer = format!("authorization: Bearer {token}\n");
    let (head, body) = post(&running, "/api/v1/buyer-sessions", &bearer, r#"{"language":"en"}"#).await;
    assert!(head.contains("201 Created"), "{body}");
    assert!(running.shutdown().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_demo_there_is_no_shop_and_no_account() {
    let dir = tempfile::tempdir().unwrap();
    let mut settings = settings(dir.path());
    settings.demo.enabled = false;
    let running = start(settings).await.unwrap();
    assert!(get(&running, "/demo/").await.0.contains("404"));
    assert!(get(&running, "/").await.0.contains("location: /console/"));
    assert!(!running.store.has_users().await.unwrap());
    let login = r#"{"email":"agent@demo.example","password":"vitrine-demo"}"#;
    assert!(post(&running, "/api/v1/login", "", login).await.0.contains("401"));
    assert!(running.shutdown().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn over_tls_the_cookie_is_for_tls_only() {
    let dir = tempfile::tempdir().unwrap();
    let mut settings = settings(dir.path());
    settings.http.self_signed = true;
    let running = start(settings).await.unwrap();
    assert!(running.url.starts_with("https://127.0.0.1:"));
    let certificate = dir.path().join("data/self-signed.crt");
    let address = running.http_address;
    let (head, _) = tokio::task::spawn_blocking(move || {
        let mut trusted = rustls::RootCertStore::empty();
        trusted.add(CertificateDer::from_pem_file(certificate).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(trusted)
            .with_no_client_auth();
        let name = "127.0.0.1".try_into().unwrap();
        let client = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
        let mut stream = rustls::StreamOwned::new(client, TcpStream::connect(address).unwrap());
        let body = r#"{"email":"agent@demo.example","password":"vitrine-demo"}"#;
        let request = format!(
            "POST /api/v1/login HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        exchange(&mut stream, &request)
    })
    .await
    .unwrap();
    assert!(head.contains("set-cookie: __Host-vitrine=") && head.contains("; Secure"), "{head}");
    assert!(
        !head.contains("strict-transport-security"),
        "a certificate of our own may be thrown away: {head}"
    );
    assert!(running.shutdown().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_fails_names_the_setting() {
    let dir = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut port = settings(dir.path());
    port.http.listen = taken.local_addr().unwrap();
    let error = start(port).await.unwrap_err();
    assert!(
        matches!(error, StartError::Listen { .. }) && error.to_string().starts_with("http.listen"),
        "{error}"
    );

    std::fs::write(dir.path().join("data/master.key"), "spoilt").unwrap();
    let error = start(settings(dir.path())).await.unwrap_err().to_string();
    assert!(error.starts_with("data.dir") && error.contains("master.key"), "{error}");
}
