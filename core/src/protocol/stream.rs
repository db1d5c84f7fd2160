//! The frames of a stream of heads (core/spec/protocol.md section 4): events as a server sends them, and over WebSocket the same texts, one a
//! message.

use alloc::format;
use alloc::string::String;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Something goes out at least this often, so that both sides notice a dead connection.
pub const PING_MS: u64 = 15_000;
/// Clients come back spread over at least this time,
const LEAST_WINDOW_MS: u64 = 5_000;
/// and at most this.
const LONGEST_WINDOW_MS: u64 = 600_000;

/// The head that is current from now on.
pub fn head(epoch: u32, version: u64, head: &[u8]) -> String {
    format!("event: head\nid: {epoch}.{version}\ndata: {}\n\n", STANDARD.encode(head))
}

/// Nothing new; should the stream break, come back after a random part of `retry_ms`.
pub fn ping(retry_ms: u64) -> String {
    format!(": ping\nretry: {retry_ms}\n\n")
}

/// The server ends the stream on purpose: come back after a random part of `reconnect_after_ms`.
pub fn goodbye(reconnect_after_ms: u64) -> String {
    format!("event: goodbye\ndata: {{\"reconnect_after_ms\":{reconnect_after_ms}}}\n\n")
}

/// Over how many milliseconds `open` clients spread that lose their streams at once, where `a_second` of them are admitted: twice what
/// that takes at least, so that chance leaves some room.
pub fn window_ms(open: usize, a_second: u32) -> u64 {
    let open = u64::try_from(open).unwrap_or(u64::MAX);
    let needed = open.saturating_mul(1_000) / u64::from(a_second.max(1));
    needed.saturating_mul(2).clamp(LEAST_WINDOW_MS, LONGEST_WINDOW_MS)
}

/// What one client is told of the window: a draw from its upper half. Clients that draw once more, from zero to what they are told, come evenly
/// enough; and those that take it as it is (`EventSource`) do not come all at once.
pub fn drawn(window_ms: u64, below: impl FnOnce(u64) -> u64) -> u64 {
    let half = window_ms / 2;
    half + below(half.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_events_of_their_own() {
        assert_eq!(head(1, 7, b"head"), "event: head\nid: 1.7\ndata: aGVhZA==\n\n");
        assert_eq!(ping(5_000), ": ping\nretry: 5000\n\n");
        assert_eq!(goodbye(900), "event: goodbye\ndata: {\"reconnect_after_ms\":900}\n\n");
    }

    #[test]
    fn the_window_has_room_for_all_who_come_back() {
        for (open, a_second, window) in [
            (0, 1_000, 5_000),
            (10, 1_000, 5_000),
            (10_000, 1_000, 20_000),
            (10_000, 100, 200_000),
            (1_000_000, 1, 600_000),
            (10, 0, 20_000),
        ] {
            assert_eq!(window_ms(open, a_second), window, "{open} at {a_second} a second");
        }
        assert_eq!([drawn(20_000, |_| 0), drawn(20_000, |half| half - 1)], [10_000, 19_999]);
    }
}
