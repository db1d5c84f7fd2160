//! Two servers on one database.

use std::time::Duration;

use pennon_control_plane::publish::publisher;
use pennon_control_plane::publish::replicas::{self, Announcer};
use pennon_core::snapshot::Kind;
use serde_json::json;

use crate::support::*;

on_both_databases!(
    one_delivers_what_the_other_published,
    both_publishing_at_once_publish_once,
    redis_tells_the_other_replica_at_once,
);

async fn one_delivers_what_the_other_published(place: Place) {
    let (one, other) = (start(&place).await, start(&place).await);
    one.boolean_flag("a").await;
    one.turn("a", "on").await.ok();
    one.publish().await;
    assert_eq!(other.published_value("a").await, None);
    replicas::refresh(&other.app).await.unwrap();
    assert_eq!(other.published_value("a").await, Some(json!(true)));
    // A key made on one is known to the other after the same look.
    let key =
        one.post(&format!("{DEVELOPMENT}/sdk-keys"), json!({ "kind": "server" })).await.ok().json();
    replicas::refresh(&other.app).await.unwrap();
    let head = format!("/v1/head/{}/server", one.environment_id(0));
    other.fetch(&head, key["key"].as_str()).await.ok();
}

async fn both_publishing_at_once_publish_once(place: Place) {
    let (one, other) = (start(&place).await, start(&place).await);
    for round in 0..5 {
        one.boolean_flag(&format!("flag-{round}")).await;
        let id = one.environment_id(0);
        let (first, second) =
            tokio::join!(publisher::publish(&one.app, &id), publisher::publish(&other.app, &id));
        // On PostgreSQL one of them may find the other at it, and hears of what that one published.
        assert!(first.unwrap() | second.unwrap());
        for replica in [&one, &other] {
            replicas::refresh(&replica.app).await.unwrap();
        }
        let expected = 2 + round;
        assert_eq!(one.accepted(Kind::Server).await.head.version, expected);
        assert_eq!(other.accepted(Kind::Server).await.head.version, expected);
    }
    let list = one.get(&format!("{DEVELOPMENT}/snapshots")).await.ok().json();
    let mut versions: Vec<(String, u64)> = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            (entry["kind"].as_str().unwrap().to_owned(), entry["version"].as_u64().unwrap())
        })
        .collect();
    let all = versions.len();
    versions.sort_unstable();
    versions.dedup();
    assert_eq!((all, versions.len()), (18, 18), "six versions of three kinds, each once");
}

async fn redis_tells_the_other_replica_at_once(place: Place) {
    let Ok(url) = std::env::var("PENNON_TEST_REDIS") else {
        assert!(
            std::env::var_os("CI").is_none(),
            "PENNON_TEST_REDIS is not set: run `cargo xtask test`"
        );
        eprintln!(
            "NOT RUN with Redis: PENNON_TEST_REDIS is not set; `cargo xtask test` starts one"
        );
        return;
    };
    let client = redis::Client::open(url).unwrap();
    let channel = format!("pennon-test:{}", place.database);
    let (announcer, news) = Announcer::new("one");
    let one = start_with(&place, announcer, STREAMS).await;
    let other = start(&place).await;
    let announcing = tokio::spawn(replicas::announce_over_redis(
        one.app.clone(),
        client.clone(),
        channel.clone(),
        news,
    ));
    let listening =
        tokio::spawn(replicas::listen_to_redis(other.app.clone(), client.clone(), channel.clone()));
    // The subscription has to stand before the announcement; Redis says when it does.
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let subscribed = async {
        loop {
            let count: (String, i64) = redis::cmd("PUBSUB")
                .arg("NUMSUB")
                .arg(&channel)
                .query_async(&mut connection)
                .await
                .unwrap();
            if count.1 == 1 {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), subscribed).await.expect("a subscription");

    let place = (one.connection(0, Kind::Server).environment, Kind::Server);
    let mut arrived = other.app.published.follow(place).unwrap();
    arrived.mark_unchanged();
    let project = one.get("/admin/projects/default").await.ok().json();
    let mut watch = other.app.live.watch(project["id"].as_str().unwrap().to_owned());
    one.boolean_flag("a").await;
    // Who watches the project at the other replica is called before anything is published.
    let called = tokio::time::timeout(Duration::from_secs(10), watch.called());
    assert_eq!(called.await.expect("a call"), Some(()));
    one.publish().await;
    tokio::time::timeout(Duration::from_secs(10), arrived.changed())
        .await
        .expect("an announcement")
        .unwrap();
    assert_eq!(other.accepted(Kind::Server).await.head.version, 2);
    for server in [&one, &other] {
        server.app.stopping.send_replace(true);
    }
    announcing.await.unwrap();
    listening.await.unwrap();
}
