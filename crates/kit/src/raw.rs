//! A caller that loses the reply: sends a whole request and is gone before the answer.
//!
//! Written by hand on a socket, since a client that is asked for an answer waits for one. Read next: `checks/lost.rs`.

use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::sleep;

use crate::wire::Post;

/// Sends all of `post`, and closes the connection after `wait` without reading.
pub(crate) async fn send_and_leave(post: &Post, wait: Duration) -> std::io::Result<()> {
    let uri = &post.uri;
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let mut text = format!("POST {path} HTTP/1.1\r\nhost: {authority}\r\n").into_bytes();
    for (name, value) in &post.headers {
        text.extend_from_slice(name.as_bytes());
        text.extend_from_slice(b": ");
        text.extend_from_slice(value.as_bytes());
        text.extend_from_slice(b"\r\n");
    }
    text.extend_from_slice(format!("content-length: {}\r\n\r\n", post.body.len()).as_bytes());
    text.extend_from_slice(&post.body);
    let mut stream = TcpStream::connect((host, uri.port_u16().unwrap_or(80))).await?;
    stream.set_nodelay(true)?;
    stream.write_all(&text).await?;
    sleep(wait).await;
    Ok(())
}
