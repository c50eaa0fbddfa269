//! A call over gRPC: one message of raw bytes, under a content type of DTM's own codec, and a status that says it all.
//!
//! Written out by hand: five bytes go before a message (gRPC over HTTP/2, "Length-Prefixed-Message"), and the status stands in
//! the trailers, or in the headers where nothing follows them.

use bytes::{BufMut, Bytes, BytesMut};
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, TE};
use http::{Method, Request, Response, StatusCode, Version};
use http_body_util::{BodyExt, Full};
use hyper::body::Body;
use hyper_util::client::legacy::connect::{CaptureConnection, capture_connection};
use percent_encoding::percent_decode_str;
use transaction::{Call, Raw, Reply};

use super::super::request::{extra_headers, target};
use super::super::trouble::Trouble;
use super::verdict::BODY_BYTES;
use super::{Named, Pool, finished, refused};

const CODEC: HeaderValue = HeaderValue::from_static("application/grpc+dtm_raw");
const TRAILERS: HeaderValue = HeaderValue::from_static("trailers");
const TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");
const STATUS: &str = "grpc-status";
const MESSAGE: &str = "grpc-message";
/// The longest `grpc-timeout` value in milliseconds: eight digits.
const TIMEOUT_MAX_MS: u64 = 99_999_999;

/// The request of a call. The URL is `host:port/package.Service/Method`.
pub(super) fn request(call: &Call, raw: &Raw) -> Result<Request<Full<Bytes>>, Trouble> {
    let uri = target(&format!("http://{}", call.url))?;
    let mut request = Request::builder().method(Method::POST).version(Version::HTTP_2).uri(uri);
    if let Some(headers) = request.headers_mut() {
        *headers = extra_headers(call)?;
        // What begins so speaks of this very exchange: an encoding, a time-out.
        let of_grpc = |name: &&HeaderName| name.as_str().starts_with("grpc-");
        for name in headers.keys().filter(of_grpc).cloned().collect::<Vec<_>>() {
            headers.remove(name);
        }
        headers.insert(CONTENT_TYPE, CODEC);
        headers.insert(TE, TRAILERS);
        headers.insert(TIMEOUT, timeout(call.timeout_ms)?);
        let named = Named::of(call, raw).pairs();
        let names = ["dtm-gid", "dtm-trans_type", "dtm-branch_id", "dtm-op"];
        for (name, (_, value)) in names.into_iter().zip(named) {
            let value = HeaderValue::from_str(value)
                .map_err(|_| Trouble::Unsendable("its gid or branch does not fit a header"))?;
            headers.insert(HeaderName::from_static(name), value);
        }
        // Clients tell services here where the coordinator is; the coordinator itself says nothing.
        headers.insert(HeaderName::from_static("dtm-dtm"), HeaderValue::from_static(""));
    }
    let length =
        u32::try_from(raw.body.len()).map_err(|_| Trouble::Unsendable("its payload is too large"))?;
    let mut message = BytesMut::with_capacity(raw.body.len() + 5);
    message.put_u8(0);
    message.put_u32(length);
    message.extend_from_slice(&raw.body);
    finished(request.body(Full::new(message.freeze())))
}

fn timeout(ms: u64) -> Result<HeaderValue, Trouble> {
    HeaderValue::from_str(&format!("{}m", ms.clamp(1, TIMEOUT_MAX_MS)))
        .map_err(|_| Trouble::Unsendable("its time-out"))
}

/// Sends `request` and hears its answer.
pub(super) async fn exchange(
    pool: &Pool,
    mut request: Request<Full<Bytes>>,
    max: usize,
) -> Result<Reply, Trouble> {
    let line = Line(Some(capture_connection(&mut request)));
    let told = async { reply(pool.request(request).await?, max.max(BODY_BYTES)).await }.await;
    line.keep();
    told
}

/// The connection of a call that is under way. One that is given up (the time is over) takes no more calls: all calls to an
/// address share it, and if it has fallen silent they would all be lost on it. Those on it already go on.
struct Line(Option<CaptureConnection>);

impl Line {
    fn keep(mut self) {
        self.0 = None;
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if let Some(captured) = &self.0
            && let Some(connection) = captured.connection_metadata().as_ref()
        {
            connection.poison();
        }
    }
}

/// What `answer` says by its status; its message is not looked at.
pub(super) async fn reply<B>(answer: Response<B>, max: usize) -> Result<Reply, Trouble>
where
    B: Body<Data = Bytes> + Unpin,
{
    if answer.status() != StatusCode::OK {
        return Err(Trouble::Answered(answer.status().as_u16()));
    }
    let (head, mut body) = answer.into_parts();
    if let Some(reply) = told(&head.headers) {
        return reply;
    }
    let mut seen = 0_usize;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Trouble::BrokenOff)?;
        if let Some(trailers) = frame.trailers_ref() {
            return told(trailers).unwrap_or(Err(Trouble::NoGrpcStatus));
        }
        seen = seen.saturating_add(frame.data_ref().map_or(0, Bytes::len));
        if seen > max {
            return Err(Trouble::TooLarge(max));
        }
    }
    Err(Trouble::NoGrpcStatus)
}

/// What a status says; `None`: there is none here.
fn told(headers: &HeaderMap) -> Option<Result<Reply, Trouble>> {
    let status = headers.get(STATUS)?.to_str().ok()?.trim().parse::<u16>().ok()?;
    let words = || {
        let raw = headers.get(MESSAGE).and_then(|words| words.to_str().ok()).unwrap_or_default();
        percent_decode_str(raw).decode_utf8_lossy().into_owned()
    };
    Some(match status {
        0 => Ok(Reply::Done { result: None }),
        // How older services say that they are at it.
        10 if words() == "ONGOING" => Ok(Reply::InProgress),
        10 => Ok(refused(&words(), "gRPC status 10".to_owned())),
        9 => Ok(Reply::InProgress),
        other => Err(Trouble::GrpcStatus(other)),
    })
}
