//! A revoked key is refused, whatever befell the request that revoked it.

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use futures_util::FutureExt;
use pennon_control_plane::router::router;
use pennon_control_plane::store::change::{Author, Change, Changing};
use pennon_control_plane::store::sdk_keys;
use pennon_core::snapshot::Kind;
use tower::ServiceExt;

use crate::support::*;

on_both_databases!(
    the_publisher_learns_of_it,
    a_repeated_request_learns_of_it,
    a_caller_who_hangs_up_revokes_all_the_same,
);

/// The path of development's first client key in the admin API, and of what that key may read.
async fn client_key(server: &Server) -> (String, String, String) {
    let keys = format!("{DEVELOPMENT}/sdk-keys");
    let list = server.get(&keys).await.ok().json();
    let own = list["items"].as_array().unwrap().iter().find(|key| key["kind"] == "client").unwrap();
    let id = own["id"].as_str().unwrap().to_owned();
    let (environment, key) = (server.environment_id(0), server.key(0, Kind::Client));
    (format!("{keys}/{id}"), id, format!("/v1/head/{environment}/client?key={key}"))
}

/// The commit of a revocation, and nothing of what follows it in the handler.
async fn commit_alone(server: &Server, id: &str) {
    let mut changing =
        Changing::begin(&server.app.store, "default", &Author::program("a test"), NOW)
            .await
            .unwrap()
            .unwrap();
    let version = changing.version();
    sdk_keys::revoke(&mut changing.tx, id, NOW, version).await.unwrap();
    let environment = server.environment_id(0);
    let change = Change {
        action: "sdk-key.revoked",
        target: id,
        environment_id: Some(&environment),
        old: None,
        new: None,
    };
    changing.commit(change, std::slice::from_ref(&environment)).await.unwrap();
}

async fn the_publisher_learns_of_it(place: Place) {
    let server = start(&place).await;
    let (_, id, head) = client_key(&server).await;
    commit_alone(&server, &id).await;
    server.fetch(&head, None).await.ok();
    server.publish().await;
    assert_eq!(server.fetch(&head, None).await.problem(), (401, "key-unknown".to_owned()));
}

async fn a_repeated_request_learns_of_it(place: Place) {
    let server = start(&place).await;
    let (path, id, head) = client_key(&server).await;
    commit_alone(&server, &id).await;
    assert_eq!(server.delete(&path).await.status, 204);
    assert_eq!(server.fetch(&head, None).await.problem(), (401, "key-unknown".to_owned()));
}

async fn a_caller_who_hangs_up_revokes_all_the_same(place: Place) {
    let server = start(&place).await;
    let (path, _, head) = client_key(&server).await;
    let request = Request::delete(path).header("authorization", format!("Bearer {}", server.token));
    let answer = router(server.app.clone()).oneshot(request.body(Body::empty()).unwrap());
    // The request is begun and at once dropped, as when the connection goes away.
    assert!(answer.now_or_never().is_none());
    let refused = async {
        while server.fetch(&head, None).await.status != 401 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), refused).await.expect("the key to be refused");
}
