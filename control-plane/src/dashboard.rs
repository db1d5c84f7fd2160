//! The dashboard's files, as `cargo xtask build` has left them in `embedded/`: each as it is and, where that is smaller, compressed.

use std::borrow::Cow;
use std::collections::BTreeMap;

use axum::body::Bytes;
use rust_embed::RustEmbed;
use sha2::{Digest, Sha256};

/// The page that every address of the dashboard is shown by.
pub const PAGE: &str = "index.html";
/// Below it are files whose names change with their contents.
pub const IMMUTABLE: &str = "assets/";
/// Says what the folder is, and is no part of the dashboard.
const NOTE: &str = "README.md";

#[derive(RustEmbed)]
#[folder = "embedded/"]
struct Embedded;

/// A form in which a file can go over the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    Brotli,
    Gzip,
    Identity,
}

impl Coding {
    /// The smallest first.
    pub const ALL: [Self; 3] = [Self::Brotli, Self::Gzip, Self::Identity];

    /// As `Accept-Encoding` and `Content-Encoding` name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gzip",
            Self::Identity => "identity",
        }
    }

    /// What the name of a file in this form ends in.
    const fn ending(self) -> &'static str {
        match self {
            Self::Brotli => ".br",
            Self::Gzip => ".gz",
            Self::Identity => "",
        }
    }
}

/// One file in all its forms.
#[derive(Clone, Debug)]
pub struct File {
    /// As of [`Coding::ALL`]; the last is always there.
    forms: [Option<Bytes>; 3],
    /// A weak entity tag: the forms differ in bytes and mean the same.
    pub etag: String,
}

impl File {
    /// The file in the first of these forms that it has.
    pub fn form(&self, wanted: impl Fn(Coding) -> bool) -> Option<(Coding, &Bytes)> {
        let mut forms = Coding::ALL.into_iter().zip(&self.forms);
        forms.find_map(|(coding, bytes)| Some((coding, bytes.as_ref()?)).filter(|_| wanted(coding)))
    }
}

/// All files, by their paths without a slash in front.
#[derive(Clone, Debug)]
pub struct Dashboard(BTreeMap<String, File>);

impl Dashboard {
    /// What the program carries; empty when it was compiled without the dashboard.
    pub fn embedded() -> Self {
        let files = Embedded::iter().filter(|path| path != NOTE);
        Self::of(files.filter_map(|path| {
            let bytes = match Embedded::get(&path)?.data {
                Cow::Borrowed(bytes) => Bytes::from_static(bytes),
                Cow::Owned(bytes) => Bytes::from(bytes),
            };
            Some((path.into_owned(), bytes))
        }))
    }

    /// A dashboard of these files: `path.br` and `path.gz` are forms of `path`.
    pub fn of(files: impl IntoIterator<Item = (String, Bytes)>) -> Self {
        let all: BTreeMap<String, Bytes> = files.into_iter().collect();
        let compressed = |path: &str| {
            let [brotli, gzip, _] = Coding::ALL;
            let of = [brotli, gzip].map(|coding| path.strip_suffix(coding.ending()));
            of.into_iter().flatten().any(|of| all.contains_key(of))
        };
        let files = all.iter().filter(|(path, _)| !compressed(path)).map(|(path, bytes)| {
            let forms = Coding::ALL.map(|coding| all.get(&format!("{path}{}", coding.ending())));
            let hash = Sha256::digest(bytes);
            let hex: String = hash.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
            let file =
                File { forms: forms.map(|form| form.cloned()), etag: format!("W/\"{hex}\"") };
            (path.clone(), file)
        });
        Self(files.collect())
    }

    /// The file at a path.
    pub fn file(&self, path: &str) -> Option<&File> {
        self.0.get(path)
    }
}
