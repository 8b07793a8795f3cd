//! The clients over TLS: what they offer, whom they trust, and that statements go through it.

use std::error::Error;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output};
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

const PROGRAM: &str = env!("CARGO_BIN_EXE_articdbm-load");
const GREETING: &[u8] = b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I";
const ANSWER: &[u8] = b"D\0\0\0\x0b\0\x01\0\0\0\x010C\0\0\0\x0dSELECT 1\0Z\0\0\0\x05I";

type Fallible<T> = Result<T, Box<dyn Error>>;

/// Serves one client: agrees to TLS where there is a configuration for it, lets it in, and answers each query.
fn serve(listener: &TcpListener, config: Option<Arc<ServerConfig>>) -> Fallible<()> {
    let (mut socket, _) = listener.accept()?;
    let mut asked = [0; 8];
    socket.read_exact(&mut asked)?;
    assert_eq!(asked, [0, 0, 0, 8, 4, 210, 22, 47]);
    let Some(config) = config else { return Ok(socket.write_all(b"N")?) };
    socket.write_all(b"S")?;
    let mut line = StreamOwned::new(ServerConnection::new(config)?, socket);
    let startup = body(&mut line)?;
    assert!(startup.windows(4).any(|part| part == b"user"));
    line.write_all(GREETING)?;
    loop {
        let mut kind = [0];
        line.read_exact(&mut kind)?;
        body(&mut line)?;
        match kind[0] {
            b'Q' => line.write_all(ANSWER)?,
            _ => return Ok(()),
        }
    }
}

fn body(line: &mut StreamOwned<ServerConnection, TcpStream>) -> Fallible<Vec<u8>> {
    let mut length = [0; 4];
    line.read_exact(&mut length)?;
    let mut body = vec![0; (u32::from_be_bytes(length) as usize).saturating_sub(4)];
    line.read_exact(&mut body)?;
    Ok(body)
}

/// A server's configuration for 127.0.0.1, and its own certificate for who is to trust it.
fn identity() -> Fallible<(Arc<ServerConfig>, String)> {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()])?;
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der())?;
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)?;
    Ok((Arc::new(config), made.cert.pem()))
}

/// Runs one client against `serve`, told to trust `authority`.
fn run(config: Option<Arc<ServerConfig>>, authority: &str, name: &str) -> Fallible<Output> {
    let file = std::env::temp_dir().join(format!("articdbm-load-{}-{name}.pem", std::process::id()));
    std::fs::write(&file, authority)?;
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let port = listener.local_addr()?.port().to_string();
    std::thread::spawn(move || drop(serve(&listener, config)));
    let output = Command::new(PROGRAM)
        .args([
            "run",
            "--clients",
            "1",
            "--seconds",
            "0.2",
            "--warmup",
            "0",
            "--port",
            &port,
            "--patience",
            "10",
        ])
        .arg("--tls")
        .arg(&file)
        .output()?;
    std::fs::remove_file(&file)?;
    Ok(output)
}

#[test]
fn statements_go_through_what_was_agreed() -> Fallible<()> {
    let (config, authority) = identity()?;
    let output = run(Some(config), &authority, "agreed")?;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let said = String::from_utf8(output.stdout)?;
    assert!(said.contains(r#""tls":"TLSv1_3, X25519MLKEM768, TLS13_AES_128_GCM_SHA256""#), "{said}");
    assert!(!said.contains(r#""statements":0,"#), "{said}");
    Ok(())
}

#[test]
fn a_server_of_another_authority_is_refused() -> Fallible<()> {
    let (config, _) = identity()?;
    let (_, other) = identity()?;
    let output = run(Some(config), &other, "other")?;
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(String::from_utf8(output.stderr)?.contains("0 of 1 clients came in"));
    Ok(())
}

#[test]
fn a_server_without_tls_is_not_spoken_to_in_clear() -> Fallible<()> {
    let (_, authority) = identity()?;
    let output = run(None, &authority, "none")?;
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(String::from_utf8(output.stderr)?.contains("TLS: it is not offered"));
    Ok(())
}
