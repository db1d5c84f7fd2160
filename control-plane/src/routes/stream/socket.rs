//! The same frames over a WebSocket, one a message. What the client says is not read, its end excepted.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code};
use axum::response::Response;

use super::{Following, Said};

/// A client that has not taken a frame by then is dropped; it comes back, and gets the newest.
const SLOW: Duration = Duration::from_secs(10);
/// A client has nothing to say: pongs and its end.
const MAX_MESSAGE_BYTES: usize = 1_024;
const READ_BUFFER_BYTES: usize = 1_024;
/// The largest frame with room.
const MAX_WRITE_BYTES: usize = 256 * 1024;

pub(super) fn answer(upgrade: WebSocketUpgrade, following: Following) -> Response {
    upgrade
        .max_message_size(MAX_MESSAGE_BYTES)
        .max_frame_size(MAX_MESSAGE_BYTES)
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(0)
        .max_write_buffer_size(MAX_WRITE_BYTES)
        .on_upgrade(move |socket| follow(socket, following))
}

async fn follow(mut socket: WebSocket, mut following: Following) {
    loop {
        let said = tokio::select! {
            said = following.next() => said,
            heard = socket.recv() => match heard {
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => continue,
            },
        };
        let (frame, last) = match said {
            Some(Said::Frame(frame)) => (frame, false),
            Some(Said::Last(frame)) => (frame, true),
            None => return,
        };
        if !send(&mut socket, text(frame)).await {
            return;
        }
        if last {
            let close = CloseFrame { code: close_code::AWAY, reason: Utf8Bytes::default() };
            send(&mut socket, Message::Close(Some(close))).await;
            return;
        }
    }
}

/// Frames are text: `protocol/stream.rs` writes them.
fn text(frame: Bytes) -> Message {
    Utf8Bytes::try_from(frame).map_or_else(|_| Message::Text(Utf8Bytes::default()), Message::Text)
}

/// Whether the client took it.
async fn send(socket: &mut WebSocket, message: Message) -> bool {
    matches!(tokio::time::timeout(SLOW, socket.send(message)).await, Ok(Ok(())))
}
