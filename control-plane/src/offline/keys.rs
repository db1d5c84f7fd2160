//! `pennon keys`: what needs no database.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::Args;
use pennon_core::protocol::connection;
use pennon_core::snapshot::sign::{SigningKey, root_fingerprint, sign_keyset};
use pennon_core::snapshot::{Keyset, OnlineKey};

use super::{Failed, compile, read, write};
use crate::ambient::Random;
use crate::private_file;

/// A draft to sign, and the root keys.
#[derive(Args, Clone, Debug)]
pub struct SignArgs {
    /// What `--draft` wrote.
    #[arg(value_name = "DRAFT")]
    pub draft: PathBuf,
    /// A root key; give it once for each that has to sign.
    #[arg(long, value_name = "FILE", required = true)]
    pub root_key_file: Vec<PathBuf>,
    /// Where the signed keyset goes, for `pennon keys install`.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// The fingerprint of a root key alone, as it stands in connection strings.
///
/// # Errors
/// When the file is not a root key.
pub fn fingerprint(root_key_file: &Path) -> Result<String, Failed> {
    Ok(fingerprint_of(&compile::seed(root_key_file)?))
}

fn fingerprint_of(root: &SigningKey) -> String {
    let roots = Keyset {
        number: 1,
        created: 0,
        threshold: 1,
        roots: vec![root.public_key()],
        keys: Vec::new(),
    };
    URL_SAFE_NO_PAD.encode(root_fingerprint(&roots))
}

/// Makes a root key in a new file, and answers what to print.
///
/// # Errors
/// When the file is there, or cannot be written.
pub fn init_root(file: &Path, random: &Random) -> Result<String, Failed> {
    let seed = random.bytes::<32>().map_err(|error| Failed(error.to_string()))?;
    let text = format!("{}\n", connection::hex(&seed));
    private_file::create(file, text.as_bytes()).map_err(|error| Failed::at(file, error))?;
    let root = SigningKey::from_seed(seed);
    Ok(format!(
        "{}: a new root key; keep it offline, and a copy of it elsewhere\npublic key:  {}\nfingerprint: {}\n",
        file.display(),
        connection::hex(&root.public_key()),
        fingerprint_of(&root)
    ))
}

/// Signs a draft with root keys; needs no database, so that it can be done where no network is.
///
/// # Errors
/// When one of the files is not what it should be, or a root key is not one of the draft's or of those before.
pub fn sign(args: &SignArgs) -> Result<String, Failed> {
    let keyset = Keyset::parse(&read(&args.draft)?)
        .map_err(|refusal| Failed::at(&args.draft, format!("it is no keyset: {refusal}")))?;
    write(&args.out, &signed(&keyset, &args.root_key_file)?)?;
    Ok(format!("{}{}: signed\n", shown(&keyset), args.out.display()))
}

/// The keyset's bytes with a signature by each of these root keys.
pub(super) fn signed(keyset: &Keyset, root_key_files: &[PathBuf]) -> Result<Vec<u8>, Failed> {
    let roots = root_key_files
        .iter()
        .map(|path| compile::seed(path))
        .collect::<Result<Vec<SigningKey>, Failed>>()?;
    let roots: Vec<&SigningKey> = roots.iter().collect();
    sign_keyset(keyset, &roots)
        .ok_or_else(|| Failed("the keyset would have more keys than it can count".to_owned()))
}

/// A keyset as people read it before they sign it: a line for it, then one for each root and each key.
pub(super) fn shown(keyset: &Keyset) -> String {
    let mut text = format!(
        "keyset {}, {} of its root keys sign the next one\n",
        keyset.number, keyset.threshold
    );
    for root in &keyset.roots {
        text.push_str(&format!("  root {}\n", connection::hex(root)));
    }
    for key in &keyset.keys {
        text.push_str(&format!("  key  {}\n", described(key)));
    }
    text
}

/// A key's id, and what it may sign.
pub(super) fn described(key: &OnlineKey) -> String {
    let kinds: Vec<&str> = key.kinds().map(|kind| kind.as_str()).collect();
    let environment = match key.environment {
        [0, ..] if key.environment == [0; 16] => "every environment".to_owned(),
        id => format!("environment {}", connection::hex(&id)),
    };
    format!("{}  {} of {environment}", connection::hex(&key.id()), kinds.join(", "))
}
