//! What a refused request leaves unread does not cost its sender the connection, or the answer says that it does.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::server::{folder, start};

const NOBODY: &str = "POST /ofrep/v1/evaluate/flags HTTP/1.1\r\nhost: a\r\nauthorization: Bearer pns_nobody\r\ncontent-type: application/json\r\n";

/// One answer: its status, and whether it says that the connection closes.
async fn answer(connection: &mut TcpStream) -> (u16, bool) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(connection.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
    let length = head.split("content-length: ").nth(1).unwrap().split("\r\n").next().unwrap();
    connection.read_exact(&mut vec![0; length.parse().unwrap()]).await.unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head.contains("connection: close\r\n"))
}

fn in_parts(bytes: usize) -> Vec<u8> {
    format!("{bytes:x}\r\n{}\r\n0\r\n\r\n", "x".repeat(bytes)).into_bytes()
}

#[tokio::test]
async fn a_connection_outlives_a_body_that_nobody_read() {
    let folder = folder("unread");
    let pennon = start(&folder, &[]).await;
    let address = pennon.url.strip_prefix("http://").unwrap();
    let whole = |bytes: usize| vec![b'x'; bytes];
    // (what is sent, what stands in the head, the body, whether the connection closes)
    let cases = [
        ("nothing", "content-length: 0", whole(0), false),
        ("a short body", "content-length: 100", whole(100), false),
        ("a long one", "content-length: 300000", whole(300_000), false),
        ("a long one in parts", "transfer-encoding: chunked", in_parts(300_000), false),
        ("one that is too long to be read", "content-length: 9000000", whole(1_200_000), true),
        ("one that does not come", "content-length: 300000", whole(10), true),
        (
            "one that waits to be asked for",
            "content-length: 100\r\nexpect: 100-continue",
            whole(0),
            true,
        ),
    ];
    for (case, head, body, closes) in cases {
        let mut connection = TcpStream::connect(address).await.unwrap();
        connection.write_all(format!("{NOBODY}{head}\r\n\r\n").as_bytes()).await.unwrap();
        connection.write_all(&body).await.unwrap();
        assert_eq!(answer(&mut connection).await, (401, closes), "{case}");
        if !closes {
            connection
                .write_all(format!("{NOBODY}content-length: 0\r\n\r\n").as_bytes())
                .await
                .unwrap();
            assert_eq!(answer(&mut connection).await, (401, false), "{case}, and another request");
        }
    }
    drop(pennon);
    std::fs::remove_dir_all(folder).unwrap();
}
