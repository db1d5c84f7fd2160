//! `pennon keys fingerprint`.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pennon_core::snapshot::Keyset;
use pennon_core::snapshot::sign::root_fingerprint;

use super::{Failed, compile};

/// The fingerprint of a root key alone, as it stands in connection strings.
///
/// # Errors
/// When the file is not a root key.
pub fn fingerprint(root_key_file: &Path) -> Result<String, Failed> {
    let root = compile::seed(root_key_file)?;
    let roots = Keyset {
        number: 1,
        created: 0,
        threshold: 1,
        roots: vec![root.public_key()],
        keys: Vec::new(),
    };
    Ok(URL_SAFE_NO_PAD.encode(root_fingerprint(&roots)))
}
