//! The bodies of a publication: compiled, looked at, and given back by the database before a head names them.

use std::sync::Arc;

use pennon_core::config::{Admission, Compilation};
use pennon_core::protocol::connection;
use pennon_core::snapshot::{Kind, Snapshot};
use sha2::{Digest, Sha256};

use super::memory::Current;
use super::publisher::PublishError;
use super::{guard, self_test};
use crate::app::App;
use crate::store::snapshots;

/// A compiled and tested body.
pub(super) struct Body {
    pub(super) sha256: [u8; 32],
    pub(super) snapshot: Snapshot,
}

/// Compiled and tested bodies, and what speaks against publishing them.
pub(super) struct Compiled {
    pub(super) bodies: Vec<Body>,
    pub(super) doubts: Vec<String>,
}

/// Compiles and tests every kind.
///
/// # Errors
/// Which kind is not fit to be published, and why.
pub(super) fn compile_all(
    compilation: &Compilation,
    admission: Admission<'_>,
    before: &[Arc<Current>],
) -> Result<Compiled, PublishError> {
    let contexts = self_test::contexts(compilation.attributes());
    let mut bodies = Vec::with_capacity(Kind::ALL.len());
    let mut doubts = Vec::new();
    for kind in Kind::ALL {
        let unsound =
            |why: String| PublishError::Unsound(format!("the {} snapshot: {why}", kind.as_str()));
        let bytes =
            compilation.body(kind, admission).map_err(|error| unsound(error.to_string()))?;
        let sha256 = Sha256::digest(&bytes).into();
        let snapshot =
            Snapshot::open(bytes, kind).map_err(|refusal| unsound(refusal.to_string()))?;
        // An edge's flags are a server's, chunk by chunk.
        if kind != Kind::Edge {
            self_test::check(&snapshot, &contexts).map_err(unsound)?;
            if let Some(before) = before.iter().find(|before| before.head.kind == kind) {
                // Nobody is known to nobody: what needs a targeting key fails there.
                let somebody = contexts.get(1..).unwrap_or_default();
                doubts.extend(guard::doubts(&before.snapshot, &snapshot, somebody));
            }
        }
        bodies.push(Body { sha256, snapshot });
    }
    Ok(Compiled { bodies, doubts })
}

/// No head may name a body that the database does not give back.
pub(super) async fn read_back(app: &App, compiled: &[Body]) -> Result<(), PublishError> {
    let mut tx = app.store.begin_read().await?;
    for body in compiled {
        let stored = snapshots::body(&mut tx, &body.sha256).await?;
        if stored.is_none_or(|bytes| <[u8; 32]>::from(Sha256::digest(&bytes)) != body.sha256) {
            let name = connection::hex(&body.sha256);
            return Err(PublishError::Unsound(format!(
                "the database gave body {name} back changed, or not at all"
            )));
        }
    }
    Ok(())
}
